"""A dataset harvested from traces as a training set: spans where an accepted text stands in a passage that was found, texts with a label.

Every example carries who wrote its right answer. What a model wrote is taken only where its licence lets outputs be trained on; everything that
is left out is counted with its reason. Examples of the split `report` go to the held part only, so that what a gate reports on is never learned.

Not covered: making up questions (see `datasets.synthesise`), and pairs for rerankers.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from groundwork.core.measure import Dataset, Example, Fact
from groundwork.core.record import Trace
from groundwork.datasets.examples import UNLABELLED
from groundwork.datasets.rows import Row, Span, SpanRow, TextRow
from groundwork.datasets.training import Origin, Part
from groundwork.evaluate.scorers.facts import facts_of

OPEN_LICENCES = ("Apache-2.0", "MIT", "BSD", "CC0", "CC BY", "public domain", "own")
"""Licences of a generating model, by how they begin, that do not bind what is done with its outputs."""
OWN_MODELS = ("embedded",)
"""Models that quote: what they said stands in the documents."""
REPORT = "report"
NEGATIVES = 2
"""Passages without the answer that are kept for each question."""
_DEV, _HELD = 0.15, 0.15


class Harvested(NamedTuple):
    """Rows by part, where they come from, and how many examples were left out for which reason."""

    parts: Mapping[Part, Sequence[Row]]
    origins: tuple[Origin, ...]
    left_out: dict[str, int]


class _Passage(NamedTuple):
    text: str
    source: str


def span_rows(
    dataset: Dataset, examples: Iterable[Example], traces: Mapping[str, Trace], *, licence: str, accepted: Sequence[str] = ()
) -> Harvested:
    """Span rows: each question with the found passages that hold an accepted text, and with up to two that do not.

    A question that the documents do not answer is paired with what search found for it. `traces` are by id; `licence` is that of the
    documents; `accepted` names licences of generators that the user has read and takes to allow training.
    """

    def rows_of(example: Example) -> list[Row] | str:
        trace = traces.get(example.lineage.trace or "")
        if trace is None:
            return "its trace is not kept any more"
        passages = _passages(trace)
        if not passages:
            return "nothing was retrieved for it"
        if not example.expects_answer:
            return [_row(example, place, passage, ()) for place, passage in enumerate(passages[: NEGATIVES + 1])]
        facts = facts_of(example)
        if len(facts) != 1:
            return "it asks for several facts" if facts else "no short text is accepted as its answer"
        found = [(place, passage, _spans(passage.text, facts[0])) for place, passage in enumerate(passages)]
        holding = [_row(example, place, passage, spans) for place, passage, spans in found if spans]
        if not holding:
            return "no passage that was found holds the answer"
        lacking = [_row(example, place, passage, ()) for place, passage, spans in found if not spans]
        return [*holding, *lacking[:NEGATIVES]]

    return _harvested(dataset, examples, rows_of, licence, accepted)


def text_rows(dataset: Dataset, examples: Iterable[Example], key: str, *, licence: str, accepted: Sequence[str] = ()) -> Harvested:
    """Rows for a classifier of questions: the label is what stands under `key` in `expected` or in `metadata`."""

    def rows_of(example: Example) -> list[Row] | str:
        label = example.expected.get(key, example.metadata.get(key))
        if label is None or not str(label).strip():
            return f"nothing stands under `{key}`"
        return [TextRow(id=example.id, text=example.question, label=str(label), group=example.cluster or example.id, kind="harvested")]

    return _harvested(dataset, examples, rows_of, licence, accepted)


def may_be_learned(example: Example, accepted: Sequence[str] = ()) -> str:
    """Why an example may not be trained on; empty where it may. A person's answer may; a model's where its licence is known to allow it."""
    generator, licence = example.lineage.generator, example.lineage.licence
    if generator is None or generator.split("/", 1)[0].split(":", 1)[0] in OWN_MODELS:
        return ""
    if licence is None:
        return f"{generator} wrote its answer, and no licence is named that allows training on outputs"
    is_open = licence.casefold().startswith(tuple(name.casefold() for name in OPEN_LICENCES)) and not _is_bound(licence)
    if licence in accepted or is_open:
        return ""
    return f"{generator} wrote its answer under {licence}, which is not known to allow training on outputs"


def _is_bound(licence: str) -> bool:
    return bool({"NC", "ND"} & set(licence.replace("-", " ").split()))


def _harvested(
    dataset: Dataset, examples: Iterable[Example], rows_of: Callable[[Example], list[Row] | str], licence: str, accepted: Sequence[str]
) -> Harvested:
    parts: dict[Part, list[Row]] = {"train": [], "dev": [], "held": []}
    left_out: dict[str, int] = {}
    writers: dict[tuple[str, str], int] = {}
    kept = tuple(examples)
    held = {example.cluster or example.id for example in kept if example.split == REPORT}
    for example in kept:
        said = "nobody has said what the right answer is" if UNLABELLED in example.tags else may_be_learned(example, accepted)
        rows = said or rows_of(example)
        if isinstance(rows, str):
            left_out[rows] = left_out.get(rows, 0) + 1
            continue
        parts[_part(example, held)] += rows
        writer = (example.lineage.generator or "people", example.lineage.licence or licence)
        writers[writer] = writers.get(writer, 0) + len(rows)
    origins = tuple(
        Origin(name=f"{dataset.name} ({dataset.id})", licence=said, rows=count, sha256=dataset.sha256, note=f"right answers by {who}")
        for (who, said), count in sorted(writers.items())
    )
    return Harvested(parts, origins, dict(sorted(left_out.items(), key=lambda one: -one[1])))


def _part(example: Example, held: set[str]) -> Part:
    """By the hash of the question's cluster, so that it stays where it is when the dataset grows; `report` is held."""
    group = example.cluster or example.id
    if group in held:
        return "held"
    place = int.from_bytes(sha256(group.encode()).digest()[:4]) / 2**32
    if held:  # the dataset has its own held part
        return "dev" if place < _DEV else "train"
    return "dev" if place < _DEV else "held" if place < _DEV + _HELD else "train"


def _row(example: Example, place: int, passage: _Passage, spans: tuple[Span, ...]) -> SpanRow:
    return SpanRow(
        id=f"{example.id}/{place}",
        question=example.question,
        passage=passage.text,
        answers=spans,
        group=example.cluster or example.id,
        kind="retrieved",
    )


def _passages(trace: Trace) -> list[_Passage]:
    """The passages that were found, best first, each text once."""
    hits = (trace.found or {}).get("hits", [])
    found = [_Passage(str(hit["chunk"]["text"]), str(hit["chunk"].get("source", ""))) for hit in hits]
    return list({passage.text: passage for passage in reversed(found) if passage.text.strip()}.values())[::-1]


def _spans(text: str, fact: Fact) -> tuple[Span, ...]:
    """Where a passage states a fact: its accepted texts as whole words, whatever their case and spacing."""
    spans: dict[tuple[int, int], Span] = {}
    for wanted in fact.accepted:
        words = r"\s+".join(re.escape(word) for word in wanted.split())
        if not words:
            continue
        for match in re.finditer(rf"(?<!\w)(?<!\d[.,]){words}(?!\w)(?![.,]\d)", text, re.IGNORECASE):
            spans.setdefault(match.span(), Span(match.group(), match.start()))
    return tuple(spans[place] for place in sorted(spans))
