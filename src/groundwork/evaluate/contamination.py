"""Contamination: which cases of a test stand, word for word, in texts that a model may have been trained, prompted or tuned with.

Verbatim overlap by n-grams (core/ngrams.py). Not covered: paraphrase and translation, and texts that nobody can read any more; for those
see the likelihood a model gives to the cases, where the model tells it.
"""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate, Example
from groundwork.core.ngrams import Seen, Unit, Watch
from groundwork.core.text import shorten
from groundwork.evaluate.figures import Item, figure_of, items_of
from groundwork.evaluate.passages import Passage
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated

_SHOWN = 160


class Overlap(msgspec.Struct, frozen=True, kw_only=True):
    """A case of which some part was seen elsewhere: `share` of its tokens stand in n-grams of `source`, first at `place` (line or offset)."""

    case: str
    part: str
    share: float
    source: str
    place: int
    excerpt: str


class Contamination(msgspec.Struct, frozen=True, kw_only=True):
    """What was found of a set of cases in other texts."""

    n: int
    unit: Unit
    least: float
    cases: int
    overlaps: tuple[Overlap, ...]
    """Of all contaminated cases, most covered first."""
    too_short: tuple[str, ...]
    """Cases of too few tokens to be looked for: they count neither way."""
    read: dict[str, int]
    """Tokens read of each source."""
    share: Estimate | None
    """The share of contaminated cases among those looked for; None where none was."""

    @property
    def contaminated(self) -> frozenset[str]:
        return frozenset(one.case for one in self.overlaps)


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """A figure over all cases, over the clean ones and over the contaminated ones, and how much better the latter came out."""

    metric: str
    whole: Estimate
    clean: Estimate | None
    contaminated: Estimate | None
    difference: Estimate | None
    """Contaminated less clean: two groups of different cases, so that it is no proof of memory by itself."""


def find_contamination(
    cases: Mapping[str, Mapping[str, str]],
    passages: Iterable[Passage],
    *,
    n: int | None = None,
    unit: Unit = "words",
    least: float = 0.0,
) -> Contamination:
    """Look for the cases in passages, which are read once and never held.

    `cases` maps each id to its parts (`question`, `reference`), each looked for by itself. A case is contaminated where more than `least` of
    the tokens of any part stand in a shared n-gram. Raises InputError for no cases, or where nothing was read.
    """
    rows = [(case, part, text) for case, parts in cases.items() for part, text in parts.items() if text.strip()]
    if not rows:
        raise InputError("there is no case to look for", fix="name a dataset or suite with questions")
    if not 0 <= least < 1:
        raise InputError(f"a share of {least:g} cannot be exceeded", fix="choose one from 0 to below 1")
    watch = Watch([text for _, _, text in rows], n=n, unit=unit)
    read: dict[str, int] = {}
    for passage in passages:
        count = watch.read(passage.text, passage.source, passage.line, offset=passage.offset)
        read[passage.source] = read.get(passage.source, 0) + count
    if not any(read.values()):
        raise InputError("there was nothing to read in the texts to look through", fix="name files or folders that hold text")
    short = {rows[place][:2] for place in watch.too_short}
    looked = dict.fromkeys(case for case, part, _ in rows if (case, part) not in short)
    found = [_overlap(row, seen) for row, seen in zip(rows, watch.seen(), strict=True) if seen.share > least]
    hit = {one.case for one in found}
    return Contamination(
        n=watch.n,
        unit=unit,
        least=least,
        cases=len(cases),
        overlaps=tuple(sorted(found, key=lambda one: (-one.share, one.case))),
        too_short=tuple(case for case in cases if case not in looked),
        read=read,
        share=statistics.proportion(len(hit), len(looked)) if looked else None,
    )


def parts_of(example: Example) -> dict[str, str]:
    """What of an example can be looked for: every question of the conversation, and the reference."""
    parts = {"question": example.question, "reference": example.reference or ""}
    for number, turn in enumerate(example.turns, start=2):
        parts |= {f"question {number}": turn.question, f"reference {number}": turn.reference or ""}
    return {part: text for part, text in parts.items() if text}


def effects(contaminated: frozenset[str], evaluated: Evaluated, metrics: Mapping[str, Metric]) -> tuple[Effect, ...]:
    """A run's figures with and without the contaminated cases. Quantiles have no difference."""
    found: list[Effect] = []
    for metric in metrics.values():
        items = items_of(evaluated.results, metric)
        if not items:
            continue
        clean, dirty = _figure(items, metric, lambda case: case not in contaminated), _figure(items, metric, contaminated.__contains__)
        difference = statistics.contrast(dirty, clean) if clean and dirty and metric.percent is None else None
        whole = figure_of(items, metric)
        found.append(Effect(metric=metric.name, whole=whole, clean=clean, contaminated=dirty, difference=difference))
    return tuple(found)


def _figure(items: Mapping[str, Item], metric: Metric, is_meant: Callable[[str], bool]) -> Estimate | None:
    chosen = {case: item for case, item in items.items() if is_meant(case)}
    return figure_of(chosen, metric) if chosen else None


def _overlap(row: tuple[str, str, str], seen: Seen) -> Overlap:
    case, part, text = row
    return Overlap(
        case=case,
        part=part,
        share=seen.share,
        source=seen.source,
        place=seen.place,
        excerpt=shorten(text[seen.start : seen.end], _SHOWN),
    )
