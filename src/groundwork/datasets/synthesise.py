"""Questions made from passages by rules, so that a reader can learn from documents that nobody has asked anything about. English.

A sentence that states a fact becomes a question about one part of it (a cloze turned round): a name at its head, a year or a place at its end, a
number before a noun, what a thing is. Each row keeps its source as its group and goes by the source's licence; a question is kept only where a
reader finds its answer back in the passage (the round trip of Alberti et al., 2019). Not covered: why and how, questions over several
sentences, and questions in other words than the passage's.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import NamedTuple

import msgspec

from groundwork.core.ids import content_id
from groundwork.core.text import STOPWORDS, sentences, words
from groundwork.datasets.rows import Span, SpanRow
from groundwork.datasets.training import Origin
from groundwork.datasets.verbs import BE, DETERMINERS, MODALS, PREPOSITIONS, Verbs, learn_verbs, past, third
from groundwork.engine.quoting import Passage, Quoter
from groundwork.engine.reading import SpanReader

_SHORTEST, _LONGEST = 6, 32
"""Words of a sentence that is asked about."""
_MOST_SUBJECT = 8
_NAME = r"[A-Z][\w'’-]*(?: (?:of|de|the|von|van) (?=[A-Z])[A-Z][\w'’-]*| [A-Z][\w'’-]*)*"
_HEAD = re.compile(rf"(?P<the>[Tt]he )?(?P<name>{_NAME}) ")
_YEAR = re.compile(r" in (?P<year>1\d{3}|20\d{2})(?=[ .,])")
_OPENING_YEAR = re.compile(r"In (?P<year>1\d{3}|20\d{2}), ")
_MONTH = re.compile(r"January|February|March|April|May|June|July|August|September|October|November|December")
_HAVING = {"has": "does", "had": "did", "have": "do"}
_RELATIVE = frozenset(("that", "which", "who", "whose", "where", "when", "while"))
_PLACE = re.compile(rf" (?:in|at|near) (?P<place>{_NAME})(?=\.$|,| (?:in|by|with|from|and) )")
_COUNT = re.compile(
    r"(?<![\w.,$£€])(?P<count>(?:about |over |nearly |more than |around )?(?:\d[\d,.]*\d|\d|two|three|four|five|six|seven|eight|nine|ten|twelve)"
    r"(?: (?:million|billion|thousand|hundred))?) (?P<noun>(?:[a-z]+ )?[a-z]{3,}s)\b"
)
_DEFINED = re.compile(
    r"(?P<what>(?:The |An? )?[\w'’-]+(?: [\w'’-]+){0,4}) (?P<be>is|are|was|were) (?P<definition>(?:an?|the) [^,;.()]{12,90}?)(?=[,;.]| that | which | who )"
)
_NO_SUBJECT = re.compile(
    r"(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|However|But|And|Also|Another|Other|There|Here|We|I|You|In|On|At|By|For|As|If"
    r"|When|While|After|Before|During|Since|Although|Though|Because|From|To|With|Under|Most|Many|Some|All|Both|One|Each|Of|Thus|Then|What|Not)\b"
)
_NO_NAMES = frozenset(("The", "A", "An", "It", "I"))
_COMPANY = re.compile(
    r"\b(?:Company|Corporation|Inc|University|College|School|Church|Court|Act|War|Treaty|Union|Empire|Party|Council|Museum|River|Bowl)\b"
)


class Source(NamedTuple):
    """A passage, the document or article that it belongs to, and the licence that goes on with whatever is made of it."""

    text: str
    group: str
    licence: str


class Asked(NamedTuple):
    """A question, its answer's place in the passage, and the rule that made it."""

    question: str
    start: int
    end: int
    rule: str


class Synthetic(msgspec.Struct, frozen=True, kw_only=True):
    """What was made: the rows that passed, where they come from, and how many did not."""

    rows: tuple[SpanRow, ...]
    origins: tuple[Origin, ...]
    """One for each licence, with the number of rows."""
    made: int
    """Questions before anything was left out."""
    doubled: int
    """Left out because the same was asked of the same passage, or of two passages with different answers."""
    not_found: int
    """Left out because the reader did not find the answer back."""
    rules: dict[str, int]
    """Rows that passed, by rule."""


Find = Callable[[str, str], Awaitable[Sequence[tuple[int, int]]]]
"""Question and passage to the places where a reader sees the answer, best first."""


async def synthesise(sources: Iterable[Source], *, find: Find | None = None, verbs: Verbs | None = None) -> Synthetic:
    """Questions about every passage, deduplicated, each with its answer found back by `find` (None: without a round trip).

    `verbs` None: they are learned from the passages, which takes some thousand words. The same sources give the same rows.
    """
    passages = list(dict.fromkeys(sources))
    known = learn_verbs(source.text for source in passages) if verbs is None else verbs
    asked = [(source, one) for source in passages for one in questions_of(source.text, known)]
    answers: dict[tuple[str, ...], set[str]] = {}
    for source, one in asked:
        answers.setdefault((source.group, *words(one.question)), set()).add(source.text[one.start : one.end].casefold())
    rows: list[SpanRow] = []
    rules: Counter[str] = Counter()
    licences: Counter[str] = Counter()
    doubled = not_found = 0
    seen: set[tuple[str, ...]] = set()
    for source, one in asked:
        key = (source.group, *words(one.question))
        if key in seen or len(answers[key]) > 1:
            doubled += 1
            continue
        seen.add(key)
        if find is not None and not _overlaps(one, await find(one.question, source.text)):
            not_found += 1
            continue
        rows.append(_row(source, one))
        rules[one.rule] += 1
        licences[source.licence] += 1
    origins = tuple(
        Origin(name="questions made by rules", licence=licence, rows=count, note="the licence is that of the passages")
        for licence, count in sorted(licences.items())
    )
    return Synthetic(
        rows=tuple(rows), origins=origins, made=len(asked), doubled=doubled, not_found=not_found, rules=dict(sorted(rules.items()))
    )


def quote_finder(quoter: Quoter, *, sentences_wide: int = 1) -> Find:
    """The round trip by the quoting engine: the answer must stand in one of the best sentences."""

    async def find(question: str, passage: str) -> Sequence[tuple[int, int]]:
        ranked = await quoter.rank(question, [Passage(passage, "", None)])
        return [(quote.start, quote.end) for quote in ranked[:sentences_wide]]

    return find


def reader_finder(reader: SpanReader, *, least: float = 0.5) -> Find:
    """The round trip by a trained reader: its surest span, where it is surer than `least`."""

    async def find(question: str, passage: str) -> Sequence[tuple[int, int]]:
        return [(span.start, span.end) for span in reader.read(question, [passage], most=1) if span.confidence >= least]

    return find


def _overlaps(one: Asked, places: Sequence[tuple[int, int]]) -> bool:
    """Whether the best place holds half of the answer."""
    if not places:
        return False
    start, end = places[0]
    return 2 * (min(end, one.end) - max(start, one.start)) >= one.end - one.start


def _row(source: Source, one: Asked) -> SpanRow:
    text = source.text[one.start : one.end]
    identifier = content_id("ex", source.group, source.text, one.question)
    return SpanRow(
        id=identifier,
        question=one.question,
        passage=source.text,
        answers=(Span(text, one.start),),
        group=source.group,
        kind=f"synthetic.{one.rule}",
    )


def questions_of(passage: str, verbs: Verbs) -> list[Asked]:
    """All questions that the rules find in a passage, in the order of its sentences."""
    found: list[Asked] = []
    for start, end in sentences(passage):
        sentence = passage[start:end]
        if not _SHORTEST <= len(words(sentence)) <= _LONGEST or not sentence.endswith(".") or '"' in sentence or "\n" in sentence:
            continue
        for rule in (_of_subject, _of_year, _of_place, _of_count, _of_definition):
            one = rule(sentence, passage, verbs)
            if one is not None and len(words(one.question)) >= 4:
                found.append(one._replace(start=one.start + start, end=one.end + start))
    return found


def _of_subject(sentence: str, passage: str, verbs: Verbs) -> Asked | None:
    """Ada wrote the first program: who wrote the first program?"""
    match = _HEAD.match(sentence)
    if match is None or _NO_SUBJECT.match(sentence):
        return None
    rest = _until_comma(sentence[match.end() :])
    verb, *follows = rest.split() or [""]
    if match["name"] in _NO_NAMES or verb not in verbs.pasts | verbs.thirds | BE or len(follows) < 3:
        return None
    if verb not in BE and follows[0] in BE | MODALS | verbs.pasts:  # "changes are": the verb is a noun here
        return None
    return Asked(f"{'Who' if _is_person(match, passage) else 'What'} {rest}?", match.start("name"), match.end("name"), "subject")


def _is_person(match: re.Match[str], passage: str) -> bool:
    """Whether a name may be somebody's: at most three words, no article, no word of an institution, and nothing is in it or at it."""
    name: str = match["name"]
    if match["the"] or _COMPANY.search(name) or len(name.split()) > 3 or " of " in name:
        return False
    if " " not in name and not re.search(r"\b(?:he|his|she|her)\b", passage):
        return False
    return not re.search(rf"\b(?:in|at|from|near|across) {re.escape(name)}\b", passage)


def _of_year(sentence: str, _passage: str, verbs: Verbs) -> Asked | None:
    """It was founded in 1890: when was it founded? In 1890, it was founded: the same."""
    if len(re.findall(r"\b(?:1\d{3}|20\d{2})\b", sentence)) != 1:
        return None
    if opening := _OPENING_YEAR.match(sentence):
        turned = _turned(_until_comma(sentence[opening.end() :]), verbs)
        return None if turned is None else Asked(f"When {turned}?", opening.start("year"), opening.end("year"), "year")
    match = _YEAR.search(sentence)
    return None if match is None else _without(sentence, match, "year", "When", verbs)


def _of_place(sentence: str, _passage: str, verbs: Verbs) -> Asked | None:
    """He was born in Caen: where was he born?"""
    found = list(_PLACE.finditer(sentence))
    if len(found) != 1 or _MONTH.match(found[0]["place"]):
        return None
    return _without(sentence, found[0], "place", "Where", verbs)


def _without(sentence: str, match: re.Match[str], rule: str, asking: str, verbs: Verbs) -> Asked | None:
    """The question about a part at the end of the main clause; one in a later clause is said of something else."""
    if "," in sentence[: match.start()] or ";" in sentence[: match.start()]:
        return None
    turned = _turned(_until_comma(f"{sentence[: match.start()]}{sentence[match.end() :]}"), verbs)
    return None if turned is None else Asked(f"{asking} {turned}?", match.start(rule), match.end(rule), rule)


def _until_comma(text: str) -> str:
    """The main clause: without brackets, and without what follows a comma."""
    return re.split(r"[,;:—–]", re.sub(r"\s*\([^()]*\)", "", text), maxsplit=1)[0].rstrip(". ").strip()


def _turned(clause: str, verbs: Verbs) -> str | None:
    """A statement as what follows a question word: "was it founded", "did she write it", "does the state have"."""
    tokens = clause.split()
    if len(tokens) < 2 or _NO_SUBJECT.match(clause):
        return None
    for place, word in enumerate(tokens[1 : _MOST_SUBJECT + 1], start=1):
        follows = tokens[place + 1 :]
        subject = " ".join([_plain(tokens[0]), *tokens[1:place]])
        if word in _HAVING and (not follows or follows[0] not in verbs.participles | {"been", "not", "also", "never"}):
            return " ".join([_HAVING[word], subject, "have", *follows])
        if word in BE | MODALS:
            return " ".join([word, subject, *follows]) if follows else None
        if word in PREPOSITIONS | DETERMINERS | _RELATIVE and word != "of":
            return None
        for form, auxiliary in ((past, "did"), (third, "does")):
            base = next((one for one in sorted(verbs.bases) if form(one) == word), None)
            if base is not None and not (follows and follows[0] in BE | MODALS | verbs.pasts):
                return " ".join([auxiliary, subject, base, *follows])
    return None


def _of_count(sentence: str, _passage: str, verbs: Verbs) -> Asked | None:
    """The state has 53 counties: how many counties does the state have?"""
    found = list(_COUNT.finditer(sentence))
    if len(found) != 1:
        return None
    match = found[0]
    before, after = sentence[: match.start()].strip(), _until_comma(sentence[match.end() :])
    if not before:
        fits = after and after.split()[0] in BE | verbs.pasts
        return Asked(f"How many {match['noun']} {after}?", match.start("count"), match.end("count"), "count") if fits else None
    verb = before.rsplit(" ", 1)[-1]
    if "," in before or verb not in verbs.pasts | verbs.thirds | _HAVING.keys() or (after and after.split()[0] not in PREPOSITIONS):
        return None
    turned = _turned(before, verbs)
    asked = f"How many {match['noun']} {turned} {after}".strip()
    return None if turned is None else Asked(f"{asked}?", match.start("count"), match.end("count"), "count")


def _of_definition(sentence: str, _passage: str, verbs: Verbs) -> Asked | None:
    """A monad is a simple substance: what is a monad?"""
    match = _DEFINED.match(sentence)
    if match is None or _NO_SUBJECT.match(sentence):
        return None
    first, *others = match["what"].split()
    if (
        (first in {"The", "A", "An"} and not others)
        or first.casefold() in PREPOSITIONS
        or set(others) & (verbs.pasts | PREPOSITIONS - {"of"})
    ):
        return None
    asked = f"What {match['be']} {' '.join([_plain(first), *others])}?"
    return Asked(asked, match.start("definition"), match.end("definition"), "definition")


def _plain(word: str) -> str:
    """A sentence's first word as it is written inside one."""
    return word[0].lower() + word[1:] if word.casefold() in STOPWORDS | DETERMINERS else word
