"""Questions with what a search for them must hand over: from a suite's cases, from answers that people approved, or made by rules.

What cannot be looked for in the documents is left out and counted: a question that nothing answers tells no two searches apart.
"""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from groundwork.context.chunking import sections
from groundwork.core.document import Chunk, Document
from groundwork.core.measure import Example
from groundwork.core.record import Feedback, Thumb, Trace
from groundwork.core.request import Request
from groundwork.core.text import fold
from groundwork.datasets.examples import UNLABELLED
from groundwork.datasets.synthesise import Find, Source, synthesise
from groundwork.datasets.verbs import learn_verbs
from groundwork.evaluate.scorers.facts import facts_of, holds

WAITS = "nobody has said yet what the right answer is"
DECLINED = "the documents are not expected to answer it"
NO_FACTS = "no facts to look for: a long reference needs a judge"
NOT_THERE = "the documents do not state what it expects"
FOLLOWS = "it follows an earlier message, and is searched for in other words"
NO_CITATION = "the approved answer cites nothing that still stands in the documents"
NOT_APPROVED = "no thumb up"
UNREADABLE = "its stored request cannot be read"


class Need(NamedTuple):
    """Something that must be handed over: a text that states any of `accepted` (folded), of a source where one is named; or where `span` is given,
    that stretch of the source's canonical text.
    """

    accepted: tuple[str, ...] = ()
    source: str | None = None
    span: tuple[int, int] | None = None

    def is_in(self, chunk: Chunk) -> bool:
        """Whether a chunk holds it whole."""
        if not is_source(chunk.source, self.source):
            return False
        if self.span is not None:
            return chunk.start <= self.span[0] and self.span[1] <= chunk.end
        folded = fold(chunk.text)
        return any(holds(folded, accepted) for accepted in self.accepted)


class Sought(NamedTuple):
    """A question and what it needs. Questions of one cluster stand and fall together."""

    id: str
    question: str
    needs: tuple[Need, ...]
    cluster: str


class Gathered(NamedTuple):
    """The questions, and how many others were left out for which reason."""

    cases: tuple[Sought, ...]
    left_out: Mapping[str, int]


def is_source(source: str, named: str | None) -> bool:
    """Whether a source is the one named, by its whole name or its last parts."""
    return named is None or source == named or source.endswith(f"/{named}")


def of_examples(examples: Iterable[Example], documents: Sequence[Document]) -> Gathered:
    """Cases whose facts (or short references) some document states."""
    folded = [(document.source, fold(document.text)) for document in documents]
    cases: list[Sought] = []
    left_out: Counter[str] = Counter()
    for example in examples:
        facts = facts_of(example)
        if UNLABELLED in example.tags:
            left_out[WAITS] += 1
        elif not example.expects_answer:
            left_out[DECLINED] += 1
        elif not facts:
            left_out[NO_FACTS] += 1
        elif example.history:
            left_out[FOLLOWS] += 1
        elif not all(_is_stated(accepted=fact.accepted, source=fact.source, folded=folded) for fact in facts):
            left_out[NOT_THERE] += 1
        else:
            needs = tuple(Need(fact.accepted, fact.source) for fact in facts)
            cases.append(Sought(example.id, example.question, needs, example.cluster or example.id))
    return Gathered(tuple(cases), dict(left_out))


def of_approved(traces: Iterable[Trace], feedback: Iterable[Feedback], documents: Sequence[Document]) -> Gathered:
    """Questions whose answer somebody of the same tenant liked, last of all: what it cites is what must be handed over.

    These citations were found by the search in use, so it does well on them: another one has to be better in spite of that.
    """
    texts = {document.source: document.text for document in documents}
    latest: dict[tuple[str, str], Feedback] = {}
    for one in sorted((one for one in feedback if isinstance(one.opinion, Thumb)), key=lambda one: one.at):
        latest[one.trace, one.tenant] = one
    cases: dict[str, Sought] = {}
    left_out: Counter[str] = Counter()
    for trace in traces:
        opinion = latest.get((trace.id, trace.tenant))
        if opinion is None or opinion.opinion != Thumb(value=True):
            left_out[NOT_APPROVED] += 1
            continue
        request = _request_of(trace)
        needs = tuple(_cited(trace, texts))
        if request is None or not request.question.strip() or request.history:
            left_out[FOLLOWS if request else UNREADABLE] += 1
        elif needs:
            cases[fold(request.question)] = Sought(trace.id, request.question, needs, trace.id)
        else:
            left_out[NO_CITATION] += 1
    return Gathered(tuple(cases.values()), dict(left_out))


async def of_documents(documents: Sequence[Document], find: Find, *, most: int, seed: int) -> Gathered:
    """Questions made by rules from sections drawn by chance, each with its answer found back by `find`: the sentence's place is what is needed.

    They share their words with the passage, which flatters search by terms: they compare chunkings, not retrievers. Questions of one document
    are a cluster. About `most` of them.
    """
    places: dict[tuple[str, str], int] = {}
    passages: list[Source] = []
    for document in documents:
        for section in sections(document):
            text = document.text[section.start : section.end]
            places.setdefault((document.source, text), section.start)
            passages.append(Source(text, document.source, "own"))
    verbs = learn_verbs(passage.text for passage in passages)
    random.Random(seed).shuffle(passages)  # noqa: S311  an order to repeat, no secret
    cases: list[Sought] = []
    left_out: Counter[str] = Counter()
    for start in range(0, len(passages), most):
        made = await synthesise(passages[start : start + most], find=find, verbs=verbs)
        left_out["the answer was not found back in its passage"] += made.not_found
        left_out["asked twice, or with two answers"] += made.doubled
        for row in made.rows:
            begin = places[row.group, row.passage] + row.answers[0].start
            need = Need((), row.group, (begin, begin + len(row.answers[0].text)))
            cases.append(Sought(row.id, row.question, (need,), row.group))
        if len(cases) >= most:
            break
    return Gathered(tuple(cases[:most]), {reason: count for reason, count in left_out.items() if count})


def _is_stated(*, accepted: tuple[str, ...], source: str | None, folded: Sequence[tuple[str, str]]) -> bool:
    return any(is_source(name, source) and any(holds(text, one) for one in accepted) for name, text in folded)


def _request_of(trace: Trace) -> Request | None:
    try:
        return msgspec.convert(trace.request, Request)
    except msgspec.ValidationError:
        return None


def _cited(trace: Trace, texts: Mapping[str, str]) -> Iterable[Need]:
    """What the trace's reply cites, where the source of that name still says it."""
    reply: Any = trace.reply
    for citation in reply.get("citations", ()) if isinstance(reply, dict) else ():
        source, quote = citation.get("source", ""), citation.get("quote", "")
        if quote and quote in texts.get(source, ""):
            start = texts[source].index(quote)
            yield Need((), source, (start, start + len(quote)))
