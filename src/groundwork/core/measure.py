"""What is measured: examples, datasets, scores, runs, and the changes and releases that rest on them."""

from typing import Any, Literal

import msgspec

from groundwork.core.message import Message

Split = str


class Fact(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fact that a right answer states: at least one of the accepted strings (case and spacing folded) stands in it."""

    accepted: tuple[str, ...]
    source: str | None = None
    """The document that holds it."""


class Lineage(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Where an example comes from: the trace and feedback it was harvested from, and who generated its reference."""

    trace: str | None = None
    feedback: tuple[str, ...] = ()
    generator: str | None = None
    licence: str | None = None


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A structured input and what is known about its right answer. No facts and no reference: it must be declined."""

    id: str
    question: str
    history: tuple[Message, ...] = ()
    variables: dict[str, Any] = {}
    facts: tuple[Fact, ...] = ()
    reference: str | None = None
    answerable: bool | None = None
    """Whether the documents hold the answer; None: they do where there are facts or a reference."""
    tags: tuple[str, ...] = ()
    split: Split = ""
    lineage: Lineage = Lineage()

    @property
    def expects_answer(self) -> bool:
        return bool(self.facts or self.reference) if self.answerable is None else self.answerable


class Dataset(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The manifest of a dataset: what it holds, its content hash and everything it was made from. It never changes in place."""

    id: str
    name: str
    made: float
    n: int
    sha256: str
    parents: tuple[str, ...] = ()
    """Ids of traces, feedback and datasets it was made from."""
    how: str = ""
    """The command that made it."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A number as it may be reported: never without its interval and its n."""

    value: float
    low: float
    high: float
    n: int
    method: str
    level: float = 0.95


Outcome = Literal["ok", "error", "refused", "unscored"]


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric of one answer. `value` is None unless the status is `ok`: an error is not a wrong answer."""

    metric: str
    value: float | None
    status: Outcome = "ok"
    detail: str = ""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One example, answered and scored: a line of a run's file."""

    example: str
    status: Outcome
    answer: str = ""
    trace: str = ""
    seconds: float = 0.0
    cost: float | None = None
    abstained: bool = False
    scores: tuple[Score, ...] = ()
    error: str = ""


class Run(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One evaluation: what was evaluated, on what, and what came out."""

    id: str
    suite: str
    suite_sha256: str
    split: str
    target: str
    started: float
    config: str = ""
    release: str = ""
    change: str = ""
    finished: float | None = None
    n: int = 0
    errors: int = 0
    metrics: dict[str, Estimate] = {}


ChangeKind = Literal["setting", "prompt"]


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A proposed difference from the current configuration: a setting by its dotted path, or a prompt by its text."""

    id: str
    kind: ChangeKind
    path: str
    """`context.retrieve.keep`, or `prompts.NAME`."""
    before: Any
    after: Any
    why: str
    made: float
    parents: tuple[str, ...] = ()
    """Ids of datasets, runs, traces it was proposed from."""
    base: str = ""
    """The configuration hash it was proposed against."""


Decision = Literal["pass", "fail", "undecided"]


class Ruling(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The gate's decision on one requirement."""

    requirement: str
    decision: Decision
    sentence: str
    estimate: Estimate | None = None
    more_items: int | None = None
    """How many more items would give an equal change an 80 % chance to pass; None where more items cannot help or none are needed."""


class GateResult(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Pass only if every requirement passes; fail if any fails."""

    decision: Decision
    run: str
    current: str
    margin: float
    rulings: tuple[Ruling, ...]
    at: float
    change: str = ""


class Release(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A point in the history of what serves. `changes` are all changes in force, in order; a rollback is a release too."""

    id: str
    at: float
    changes: tuple[str, ...]
    parent: str = ""
    config: str = ""
    evidence: GateResult | None = None
    note: str = ""
    rollback_to: str = ""
