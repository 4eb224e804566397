"""What is measured: examples, datasets, scores, runs, and the changes and releases that rest on them."""

from typing import Any, Literal

import msgspec

from groundwork.core.message import Message

Split = str
Tag = str | int | float | bool
"""A value of metadata: what slices are cut by."""


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


class Turn(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What the user says next in a conversation, once the answer before has come, and what is known about the right answer to it."""

    question: str
    facts: tuple[Fact, ...] = ()
    reference: str | None = None
    answerable: bool | None = None
    expected: dict[str, Any] = {}


class Asker(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """For whom a case is asked, where documents have permissions."""

    user: str
    groups: tuple[str, ...] = ()
    tenant: str = "local"


class Example(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A structured input and what is known about its right answer. No facts, no reference and nothing expected: it must be declined."""

    id: str
    question: str
    history: tuple[Message, ...] = ()
    variables: dict[str, Any] = {}
    asker: Asker | None = None
    """None: nobody in particular, who sees what everybody may see."""
    where: str = ""
    """A filter over the fields of the documents that are searched."""
    facts: tuple[Fact, ...] = ()
    reference: str | None = None
    answerable: bool | None = None
    """Whether the documents hold the answer; None: they do where there are facts, a reference or anything expected."""
    expected: dict[str, Any] = {}
    """What single scorers hold the answer against, each under the key that it names: `{"number": 42}`, `{"choice": "B"}`."""
    turns: tuple[Turn, ...] = ()
    """The rest of a conversation that `question` opens. Empty: a single question."""
    metadata: dict[str, Tag] = {}
    """What it can be sliced by: `{"topic": "wal", "length": 3}`."""
    cluster: str = ""
    """Items of one cluster stand and fall together (one document, one author); intervals count clusters then. Empty: independent."""
    tags: tuple[str, ...] = ()
    split: Split = ""
    lineage: Lineage = Lineage()

    @property
    def expects_answer(self) -> bool:
        return bool(self.facts or self.reference or self.expected) if self.answerable is None else self.answerable


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
"""Of an answer: it came, something broke, it was declined on purpose, or it waits for a person."""
Scored = Literal["ok", "unscored", "unparseable", "error"]
"""Of a score: there is one, the metric does not apply, the answer has not the form to be read, or the scorer broke."""


class Score(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One metric of one answer. `value` is None unless the status is `ok`: what was not measured is neither wrong nor NaN."""

    metric: str
    value: float | None
    status: Scored = "ok"
    detail: str = ""
    """Why, in a few words: a judge's reason, or what kept it from being scored."""
    probability: float = 1.0
    """With which this answer was chosen to be scored; below 1 in spot checks, whose estimates weigh by it."""
    cost: float | None = None
    """US dollars that scoring took; None where no price is known or nothing was asked."""
    evidence: dict[str, Any] = {}
    """What the scorer wants kept for who looks later: extracted values, single criteria, both orders of a judge."""


class Result(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One example, answered and scored: a line of a run's file."""

    example: str
    status: Outcome
    place: int = 0
    """Of the example in the suite's cases, from 0."""
    repeat: int = 0
    """Which of the run's repeats, from 0."""
    turn: int = 0
    """Which turn of a conversation, from 0. Scores of the whole conversation stand at its last turn."""
    answer: str = ""
    trace: str = ""
    seconds: float = 0.0
    first_token: float | None = None
    """Seconds until the first content came; None where the target does not stream."""
    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None
    abstained: bool = False
    kept: bool = False
    """It was not asked again: the same request to the same endpoint had been answered in an earlier run."""
    scores: tuple[Score, ...] = ()
    error: str = ""
    detail: str = ""
    """What to know of an answer beside its status: that it was cut off at its length limit, say."""
    reply: dict[str, Any] = {}
    """What else of the reply scorers may look at (citations, calls, a refusal), so that it can be scored again without being asked again."""
    cluster: str = ""
    """The example's: kept here, so that runs can be compared and cut where their cases are no longer at hand. So are the next three."""
    metadata: dict[str, Tag] = {}
    tags: tuple[str, ...] = ()
    split: Split = ""


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
    repeats: int = 1
    questions_sha256: str = ""
    """Of what the cases ask, without what is expected: where it is the same, answers may be scored again."""
    scored_from: str = ""
    """The run whose answers these are, where nothing was asked again."""
    endpoint: dict[str, Any] = {}
    """What exactly was asked, so that it can be asked again: address, model, revision, parameters."""
    scorers: dict[str, dict[str, Any]] = {}
    """Every scorer by the name of its figure, with the registered name it uses, its version and its settings."""
    n: int = 0
    errors: int = 0
    statuses: dict[str, int] = {}
    """How many answers had each status."""
    unread: dict[str, dict[str, int]] = {}
    """For each metric, how many answers were `unparseable` or ended in an `error` of the scorer: they are in no figure."""
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
    suite: str = ""
    split: Split = ""
    look: int = 1
    """How often the gate has been asked about this change on this suite and split, this time included."""
    looks: int = 0
    """How many looks were planned; 0: one, and the level holds for that one."""
    level: float = 0.95
    """Of each one-sided bound at this look."""
    note: str = ""
    """What the decision does not say by itself: that the error rate is no longer kept, that something else changed too."""


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
