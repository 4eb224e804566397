"""How answers are scored: small functions, registered loudly by name.

A scorer takes an `Answered` and gives a number, or `Unscored` with the reason: a metric that does not apply is not a wrong answer. A suite
names the scorers of this file, or one of yours as `module:function`, decorated with `@scorer`.
Not covered: answers that are right in other words than the accepted ones. That needs a judge.
"""

import inspect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError
from groundwork.core.functions import load
from groundwork.core.measure import Example, Fact, Score
from groundwork.core.reply import Reply
from groundwork.core.text import fold
from groundwork.datasets.examples import UNLABELLED

Better = Literal["higher", "lower"]
Unit = Literal["share", "s", "USD"]

LONGEST_REFERENCE = 12
"""Words up to which a reference counts as a fact that the answer must state; a longer one is right in too many other words."""


class Answered(NamedTuple):
    """One example with its answer. `seconds` is wall time, which other requests running beside it lengthen."""

    example: Example
    reply: Reply
    seconds: float


class Unscored(NamedTuple):
    """Why a metric says nothing about an answer."""

    reason: str


Function = Callable[[Answered], float | Unscored]


@dataclass(frozen=True, slots=True)
class Scorer:
    """A registered scorer. A `share` lies in [0, 1]; seconds and dollars have no bound. `quantiles` are reported instead of the mean."""

    name: str
    better: Better
    unit: Unit
    quantiles: tuple[int, ...]
    function: Function
    origin: str
    summary: str

    def __call__(self, answered: Answered) -> Score:
        value = self.function(answered)
        if isinstance(value, Unscored):
            return Score(metric=self.name, value=None, status="unscored", detail=value.reason)
        return Score(metric=self.name, value=float(value))

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the figures it yields: `latency.p50` and `latency.p95`, or its own name."""
        return tuple(f"{self.name}.p{percent}" for percent in self.quantiles) or (self.name,)


class Metric(NamedTuple):
    """A figure that a run reports: a scorer's mean, or one of its quantiles in percent."""

    name: str
    scorer: Scorer
    percent: int | None = None


_registry: dict[str, Scorer] = {}


def scorer(name: str, *, better: Better, unit: Unit = "share", quantiles: tuple[int, ...] = ()) -> Callable[[Function], Scorer]:
    """Register a scorer. Raises ConfigError where the name is taken, naming both places."""

    def register(function: Function) -> Scorer:
        code = inspect.unwrap(function).__code__
        origin = f"{function.__module__}:{function.__qualname__} ({Path(code.co_filename).name}:{code.co_firstlineno})"
        known = _registry.get(name)
        if known is not None and known.origin != origin:  # the same place again is a module that was reloaded
            raise ConfigError(f"the scorer `{name}` is defined twice: {known.origin} and {origin}", fix="rename one of them")
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        made = Scorer(name=name, better=better, unit=unit, quantiles=quantiles, function=function, origin=origin, summary=summary)
        _registry[name] = made
        return made

    return register


def all_scorers() -> tuple[Scorer, ...]:
    """Everything registered, by name: for `groundwork list scorers`."""
    return tuple(_registry[name] for name in sorted(_registry))


def find_scorers(names: Iterable[str], *, root: Path, where: str = "") -> tuple[Scorer, ...]:
    """The scorers that a suite names: by scorer, by metric, or as `module:function`; none named means all of groundwork's own.

    Raises ConfigError with a did-you-mean.
    """
    chosen: dict[str, Scorer] = {}
    for name in names:
        found = _load(name, root, where) if ":" in name else _by_name(name, where)
        chosen[found.name] = found
    return tuple(chosen.values()) or OWN


def metrics_of(scorers: Iterable[Scorer]) -> dict[str, Metric]:
    """Every figure that these scorers yield, by name."""
    return {metric.name: metric for one in scorers for metric in _metrics(one)}


def _metrics(one: Scorer) -> Iterator[Metric]:
    if not one.quantiles:
        yield Metric(one.name, one)
    for percent in one.quantiles:
        yield Metric(f"{one.name}.p{percent}", one, percent)


def _by_name(name: str, where: str) -> Scorer:
    for one in _registry.values():
        if name == one.name or name in one.metrics:
            return one
    raise unknown("metric", name, _registry, where)


def _load(path: str, root: Path, where: str) -> Scorer:
    found = load(path, root, where)
    if not isinstance(found, Scorer):
        raise ConfigError(f"{path} is no scorer", where=where, fix='decorate it: @scorer("name", better="higher")')
    return found


# -- what stands in an answer


def holds(folded: str, accepted: str) -> bool:
    """Whether folded text states `accepted`: as whole words, and a number not as a piece of a longer one (100 is not in 1000 or 100.5)."""
    wanted = fold(accepted)
    at = folded.find(wanted)
    while at >= 0:
        if not _runs_on(folded, at - 1, -1, wanted[0]) and not _runs_on(folded, at + len(wanted), 1, wanted[-1]):
            return True
        at = folded.find(wanted, at + 1)
    return False


def _runs_on(text: str, at: int, step: int, edge: str) -> bool:
    """Whether the word or number that ends at `edge` goes on at `at`, in the direction of `step`."""
    if not 0 <= at < len(text):
        return False
    if text[at].isalnum() or text[at] == "_":
        return edge.isalnum() or edge == "_"
    beyond = at + step
    return edge.isdigit() and text[at] in ".," and 0 <= beyond < len(text) and text[beyond].isdigit()


def facts_of(example: Example) -> tuple[Fact, ...]:
    """What a right answer states; a short reference counts as a fact. Empty where nothing can be looked for."""
    if example.facts or not example.reference or len(example.reference.split()) > LONGEST_REFERENCE:
        return example.facts
    return (Fact(accepted=(example.reference,)),)


def declined(reply: Reply) -> bool:
    """Whether there is no answer on purpose: the model abstained or refused, or a rail blocked it."""
    return reply.abstained or reply.finish == "blocked" or bool(reply.refusal and not reply.text)


def _states(folded: str, fact: Fact) -> bool:
    return any(holds(folded, accepted) for accepted in fact.accepted)


def _share_found(answered: Answered, facts: tuple[Fact, ...]) -> float:
    folded = fold(answered.reply.text)
    return sum(_states(folded, fact) for fact in facts) / len(facts)


_NOT_ANSWERABLE = Unscored("not answerable")
_ANSWERABLE = Unscored("answerable")
_NO_FACTS = Unscored("no facts to look for: a long reference needs a judge")
_WAITS = Unscored("not labelled yet")


# -- groundwork's own scorers


@scorer("answer.correct", better="higher")
def answer_correct(answered: Answered) -> float | Unscored:
    """1 where an answerable question got all its facts, or an unanswerable one was declined; else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return float(declined(answered.reply))
    facts = facts_of(example)
    if not facts:
        return _NO_FACTS
    return float(not declined(answered.reply) and _share_found(answered, facts) == 1.0)


@scorer("facts.found", better="higher")
def facts_found(answered: Answered) -> float | Unscored:
    """Share of an answerable question's facts that the answer states."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return _NOT_ANSWERABLE
    facts = facts_of(example)
    return _share_found(answered, facts) if facts else _NO_FACTS


@scorer("abstention.right", better="higher")
def abstention_right(answered: Answered) -> float | Unscored:
    """1 where an unanswerable question was declined, else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    return _ANSWERABLE if example.expects_answer else float(declined(answered.reply))


@scorer("abstention.wrong", better="lower")
def abstention_wrong(answered: Answered) -> float | Unscored:
    """1 where an answerable question was declined, else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    return float(declined(answered.reply)) if example.expects_answer else _NOT_ANSWERABLE


@scorer("citation.correct", better="higher")
def citation_correct(answered: Answered) -> float | Unscored:
    """1 where, for each fact of an answered question, a citation's verbatim quote states it and comes from the source the fact names."""
    example, reply = answered.example, answered.reply
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return _NOT_ANSWERABLE
    if declined(reply):
        return Unscored("declined")
    facts = facts_of(example)
    if not facts:
        return _NO_FACTS
    quotes = [(fold(citation.quote), citation.source) for citation in reply.citations]
    return float(all(any(_states(quote, fact) and _is_source(source, fact.source) for quote, source in quotes) for fact in facts))


@scorer("latency", better="lower", unit="s", quantiles=(50, 95))
def latency(answered: Answered) -> float | Unscored:
    """Seconds from question to whole answer, as median and 95th percentile."""
    return answered.seconds


@scorer("cost", better="lower", unit="USD")
def cost(answered: Answered) -> float | Unscored:
    """US dollars of an answer, on average; unscored where the model has no known price."""
    return Unscored("no price is known") if answered.reply.cost is None else answered.reply.cost


OWN = (answer_correct, facts_found, abstention_right, abstention_wrong, citation_correct, latency, cost)


def _is_source(source: str, named: str | None) -> bool:
    """A fact names its source by its path, or by the end of it: `wal.html` for `docs/wal.html`."""
    return named is None or source == named or source.endswith(f"/{named}")
