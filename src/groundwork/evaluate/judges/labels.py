"""What people said of answers, what a judge said of the same ones, and how far people agree among themselves.

Labels are JSON Lines, one item a line. A single answer, or a pair; one label, or one for each annotator:

    {"id": "7", "question": "…", "answer": "…", "context": "…", "label": 4, "metadata": {"topic": "wal"}}
    {"id": "8", "question": "…", "answer_a": "…", "answer_b": "…", "labels": {"ann": "A", "bob": "tie"}, "candidates": ["llama-7b", "opt-7b"]}

`candidates` names who wrote the answers. Without a label an item is judged only: it counts in the corrected prevalence. `lengths` (characters)
stands in for texts that are not at hand. Recorded verdicts are lines by the same ids, those of a pair in both orders where there are two, each
naming the answer and not the place where it stood; null is a reply that could not be read:

    {"id": "7", "verdict": 4, "cost": 0.0012}
    {"id": "8", "verdicts": ["A", null]}
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from statistics import median_low
from typing import Any, NamedTuple, TypeVar, cast

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import ConfigError
from groundwork.core.measure import Estimate, Tag
from groundwork.evaluate.judges.ask import agreed
from groundwork.evaluate.judges.judge import INPUTS, PAIR, Judge
from groundwork.evaluate.judges.verdict import check, choices

Label = int | str
R = TypeVar("R", bound="Labelled | Recorded")


class Labelled(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One item as people labelled it: a line of a labels file."""

    id: str
    question: str = ""
    answer: str | None = None
    answer_a: str | None = None
    answer_b: str | None = None
    context: str = ""
    reference: str = ""
    label: Any = None
    labels: dict[str, Any] = {}
    candidate: str = ""
    candidates: tuple[str, ...] = ()
    lengths: tuple[int, ...] = ()
    metadata: dict[str, Tag] = {}

    @property
    def inputs(self) -> dict[str, str]:
        """What a judge is given."""
        return {name: text for name in INPUTS if (text := getattr(self, name)) is not None}


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a judge said of one item: a line of a verdicts file."""

    id: str
    verdict: Any = None
    verdicts: tuple[Any, ...] = ()
    cost: float | None = None
    reason: str = ""
    """The judge's; for a verdict that could not be read, why."""
    judge: str = ""
    """Id of the judge, where it is known: only then a calibration stands for that judge before a gate."""
    texts: str = ""
    """Hash of the texts that were judged, where groundwork asked: other texts under the same id are asked again."""


class Rated(NamedTuple):
    """One item with what people said and what the judge said. Labels and verdicts of a pair are `A`, `B` or `tie`."""

    id: str
    human: Label | None
    """The label most people gave (of points, the middle one); None without a label or a majority."""
    humans: dict[str, Label] = {}
    verdicts: tuple[Label | None, ...] = ()
    """One for each order in which the item was judged; None where it could not be read."""
    lengths: tuple[int, ...] = ()
    candidates: tuple[str, ...] = ()
    metadata: dict[str, Tag] = {}
    cost: float | None = None

    @property
    def final(self) -> Label | None:
        """What the judge comes to: orders that differ are a tie. None where one could not be read."""
        if len(self.verdicts) != 2:
            return self.verdicts[0] if self.verdicts else None
        outcome = agreed(*self.verdicts)
        return "tie" if outcome == "inconsistent" else outcome


class People(msgspec.Struct, frozen=True, kw_only=True):
    """How far annotators agree: the ceiling for any judge that is held against them."""

    annotators: tuple[str, ...]
    alpha: Estimate
    """Krippendorff's, over all of them."""
    kappas: dict[str, Estimate]
    """Cohen's, for each two of them who labelled items in common: `ann~bob`."""


def read_labels(path: Path, judge: Judge) -> list[Labelled]:
    """Read a labels file. Raises ConfigError with file:line for a broken line, a double id, a missing text or a label outside the judge's."""
    rows = _lines(path, Labelled)
    for number, row in rows:
        where = f"{path.name}:{number}"
        for label in [*row.labels.values(), *([] if row.label is None else [row.label])]:
            if check(judge, label) is None:
                allowed = ", ".join(str(one) for one in choices(judge)) or f"yes or no for {', '.join(judge.criteria)}"
                raise ConfigError(f"{label!r} is no verdict of the judge `{judge.name}`", where=where, fix=f"use {allowed}")
        if row.labels and row.label is not None:
            raise ConfigError("an item has `label` or `labels`, not both", where=where, fix="keep one of them")
        wanted = 2 if judge.is_pairwise else 1
        if row.lengths and len(row.lengths) != wanted:
            raise ConfigError(f"{len(row.lengths)} lengths", where=where, fix="give one for each answer")
        if row.candidates and len(row.candidates) != 2:
            raise ConfigError(f"{len(row.candidates)} candidates", where=where, fix="name two for a pair, or one as `candidate`")
    return [row for _, row in rows]


def read_verdicts(path: Path, judge: Judge) -> dict[str, Recorded]:
    """Read recorded verdicts, by id. Raises ConfigError with file:line for a broken line, a double id or a verdict that is none."""
    rows = _lines(path, Recorded)
    for number, row in rows:
        for verdict in row.verdicts or (row.verdict,):
            if verdict is not None and check(judge, verdict) is None:
                allowed = ", ".join(str(one) for one in choices(judge)) or "yes or no for each criterion"
                fix = f"use {allowed}, or null for what could not be read"
                raise ConfigError(f"{verdict!r} is no verdict of the judge `{judge.name}`", where=f"{path.name}:{number}", fix=fix)
        if len(row.verdicts) > 2:
            raise ConfigError(f"{len(row.verdicts)} verdicts", where=f"{path.name}:{number}", fix="a pair has two orders")
    return {row.id: row for _, row in rows}


def rated(judge: Judge, labels: Iterable[Labelled], verdicts: Mapping[str, Recorded]) -> list[Rated]:
    """Labels and verdicts brought together; items without a verdict are left out. Each criterion becomes an item of its own."""
    found: list[Rated] = []
    for row in labels:
        said = verdicts.get(row.id)
        if said is None:
            continue
        humans = {name: check(judge, label) for name, label in row.labels.items()} or {"": check(judge, row.label)}
        orders = tuple(check(judge, verdict) for verdict in said.verdicts or (said.verdict,))
        lengths = row.lengths or _lengths(row)
        candidates = row.candidates or ((row.candidate,) if row.candidate else ())
        for name in judge.criteria or [""]:
            mine = {who: label for who, one in humans.items() if (label := _part(one, name)) is not None}
            found.append(
                Rated(
                    id=f"{row.id}/{name}" if name else row.id,
                    human=majority(list(mine.values())),
                    humans=mine,
                    verdicts=tuple(_part(one, name) for one in orders),
                    lengths=lengths,
                    candidates=candidates,
                    metadata=row.metadata | ({"criterion": name} if name else {}),
                    cost=said.cost,
                )
            )
    return found


def majority(labels: Sequence[Label]) -> Label | None:
    """What most said; of points on a scale the middle one (the lower of two). None where no label, or no single one, has the most votes."""
    if labels and all(isinstance(label, int) for label in labels):
        return median_low([int(label) for label in labels])
    counts = sorted(((labels.count(label), label) for label in set(labels)), key=lambda one: (-one[0], str(one[1])))
    if not counts or (len(counts) > 1 and counts[0][0] == counts[1][0]):
        return None
    return counts[0][1]


def people(items: Sequence[Rated], *, ordered: bool = False, level: float = 0.95) -> People | None:
    """How far the annotators agree; None where no item has labels of two."""
    names = sorted({name for item in items for name in item.humans})
    shared = [item for item in items if len(item.humans) > 1]
    if not shared:
        return None
    kappas: dict[str, Estimate] = {}
    for one, other in combinations(names, 2):
        both = [item.humans for item in shared if one in item.humans and other in item.humans]
        if both:
            weights = "quadratic" if ordered else "none"
            first, second = [labels[one] for labels in both], [labels[other] for labels in both]
            kappas[f"{one}~{other}"] = statistics.cohen_kappa(first, second, weights=weights, level=level)
    rows = [[item.humans.get(name) for name in names] for item in shared]
    scale = "ordinal" if ordered else "nominal"
    return People(annotators=tuple(names), alpha=statistics.krippendorff_alpha(rows, scale=scale, level=level), kappas=kappas)


def _part(verdict: object, criterion: str) -> Label | None:
    """One criterion's yes or no; the verdict itself where there are no criteria."""
    if isinstance(verdict, dict):
        return cast(dict[str, str], verdict)[criterion]
    return verdict if isinstance(verdict, int | str) else None


def _lengths(row: Labelled) -> tuple[int, ...]:
    texts = [getattr(row, name) for name in PAIR] if row.answer is None else [row.answer]
    return tuple(len(text) for text in texts) if all(isinstance(text, str) for text in texts) else ()


def _lines(path: Path, kind: type[R]) -> list[tuple[int, R]]:
    """Every line of a file with its number."""
    try:
        text = path.read_bytes().decode()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}", fix="name an existing file of JSON Lines in UTF-8") from None
    rows: list[tuple[int, R]] = []
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        if not line.strip():
            continue
        where = f"{path.name}:{number}"
        try:
            row = msgspec.json.decode(line, type=kind)
        except msgspec.DecodeError as error:
            raise ConfigError(f"not a line of such a file: {error}", where=where, fix="correct the line: one JSON object") from None
        if row.id in seen:
            raise ConfigError(
                f"the id {row.id!r} stands in line {seen[row.id]} already", where=where, fix="give each item an id of its own"
            )
        seen[row.id] = number
        rows.append((number, row))
    if not rows:
        raise ConfigError(f"{path} holds no lines", fix="write one JSON object a line")
    return rows
