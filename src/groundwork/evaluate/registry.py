"""Scorers by name: how they are registered, given their settings, and asked.

A scorer is a function, sync or async, that takes an `Answered` and gives a number, a `Graded` (a number with its evidence), or says why there
is none: `Unscored` (the metric does not apply) or `Unparseable` (the answer has not the form to be read). Neither is a wrong answer. Its
keyword-only arguments are its settings; a run records them, so that it can be scored again.

    @scorer("numeric", better="higher", needs="number")
    def numeric(answered: Answered, *, tolerance: float = 0.0) -> float | Unparseable: ...

A suite names it, with settings or without: `metrics = ["numeric", { use = "numeric", tolerance = 0.5, name = "about" }]`. What is costly may
be a spot check: `{ use = "numeric", sample = 0.1 }` scores one case in ten, drawn by chance, and keeps the probability.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar, get_type_hints

import msgspec

from groundwork.core import functions
from groundwork.core.config import Written, decode, unknown
from groundwork.core.errors import ConfigError, GroundworkError
from groundwork.core.measure import Example, Score
from groundwork.core.reply import Reply
from groundwork.core.text import shorten
from groundwork.evaluate.instruments import Instruments

Better = Literal["higher", "lower"]
Unit = Literal["share", "points", "s", "USD", "tokens", "bits"]
Bounds = tuple[float, float]

SECONDS = 60.0
"""How long a scorer of the user's own may take for one answer."""
_SHOWN = 300
"""Characters of an error that are kept."""


class Answered(NamedTuple):
    """One example with its answer. `seconds` is wall time, which other requests running beside it lengthen."""

    example: Example
    reply: Reply
    seconds: float
    first_token: float | None = None
    """Seconds until the first content came; None where the target does not stream."""
    instruments: Instruments = Instruments()
    """What a scorer may measure with: models, the encoder, the sandbox, stored traces."""
    conversation: tuple[Reply, ...] = ()
    """Every reply of a conversation so far, of which `reply` is the last; empty for a single question."""
    whole: Example | None = None
    """The whole conversation as its case has it; `example` is its present turn. None for a single question."""
    draw: float = 0.0
    """In [0, 1), the same for all answers to a case: a spot check scores those below its share."""

    @property
    def is_last_turn(self) -> bool:
        """Whether a conversation has come to its end: where it is scored as a whole."""
        return self.whole is None or len(self.conversation) > len(self.whole.turns)


class Unscored(NamedTuple):
    """Why a metric says nothing about an answer."""

    reason: str


class Unparseable(NamedTuple):
    """What form a metric looked for in an answer and did not find."""

    reason: str
    cost: float | None = None
    """US dollars that were spent all the same."""
    evidence: dict[str, Any] = {}


class Graded(NamedTuple):
    """A number with what led to it. `probability` is below 1 where the answer was drawn for a spot check."""

    value: float
    detail: str = ""
    evidence: dict[str, Any] = {}
    cost: float | None = None
    probability: float = 1.0


Value = float | Graded | Unscored | Unparseable
Function = Callable[..., Value | Awaitable[Value]]
F = TypeVar("F", bound=Function)


@dataclass(frozen=True, slots=True)
class Scorer:
    """A registered scorer with its settings. `name` is that of its figure, `use` the registered one. `quantiles` are reported instead of the mean."""

    name: str
    use: str
    better: Better
    unit: Unit
    bounds: Bounds | None
    """Between which its values lie; None: anywhere."""
    quantiles: tuple[int, ...]
    needs: str
    """The key of `Example.expected` that it holds an answer against; where a case has none, it is not asked."""
    version: str
    """Changes where the same answer would get another score."""
    function: Function
    origin: str
    summary: str
    settings: dict[str, Any] = field(default_factory=dict[str, Any])
    share: float = 1.0
    """Of the cases that are scored; below 1 in a spot check, which is drawn by chance and keeps the probability."""

    async def score(self, answered: Answered) -> Score:
        """Score one answer. Whatever the function raises, and what takes too long, is a score with the status `error`."""
        if self.needs and self.needs not in answered.example.expected:
            return Score(metric=self.name, value=None, status="unscored", detail=f"the case has no `expected.{self.needs}`")
        if answered.draw >= self.share:
            return Score(metric=self.name, value=None, status="unscored", detail="not drawn")
        try:
            value = await self._ask(answered)
        except Exception as error:  # noqa: BLE001  a user function, and what it was given: the answer stands, and the other scores with it
            return Score(metric=self.name, value=None, status="error", detail=say(error))
        return self._score(value)

    async def _ask(self, answered: Answered) -> Value:
        if self.is_own:
            value = self.function(answered, **self.settings)
            return await value if inspect.isawaitable(value) else value
        return await functions.call(self.function, answered, seconds=SECONDS, **self.settings)

    def _score(self, value: Value) -> Score:
        if isinstance(value, Unscored):
            return Score(metric=self.name, value=None, status="unscored", detail=value.reason)
        if isinstance(value, Unparseable):
            return Score(
                metric=self.name,
                value=None,
                status="unparseable",
                detail=value.reason,
                probability=self.share,
                cost=value.cost,
                evidence=value.evidence,
            )
        graded = value if isinstance(value, Graded) else Graded(value)
        problem = self._problem(graded.value)
        if problem:
            return Score(metric=self.name, value=None, status="error", detail=problem)
        score = Score(metric=self.name, value=float(graded.value), detail=graded.detail, cost=graded.cost, evidence=graded.evidence)
        probability = graded.probability * self.share
        return score if probability == 1.0 else msgspec.structs.replace(score, probability=probability)

    def _problem(self, value: Any) -> str:
        if not isinstance(value, int | float) or value != value:  # noqa: PLR0124  only NaN differs from itself
            return f"`{self.use}` gave {value!r}, which is no number"
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            return f"`{self.use}` gave {value!r}, outside {self.bounds[0]:g} to {self.bounds[1]:g}"
        return ""

    @property
    def is_own(self) -> bool:
        """Whether it is part of groundwork; a user's own runs in the pool of users' functions, with a deadline."""
        return self.function.__module__.partition(".")[0] == "groundwork"

    @property
    def metrics(self) -> tuple[str, ...]:
        """The names of the figures it yields: `latency.p50` and `latency.p95`, or its own name."""
        return tuple(f"{self.name}.p{percent}" for percent in self.quantiles) or (self.name,)

    @property
    def record(self) -> dict[str, Any]:
        """What a run keeps of it: enough to read the run's scores where the scorer itself is no longer at hand (`recalled`)."""
        known = {
            "bounds": list(self.bounds or ()),
            "quantiles": list(self.quantiles),
            "settings": self.settings,
            "sample": self.share if self.share < 1 else None,
        }
        always: dict[str, Any] = {"use": self.use, "version": self.version, "better": self.better, "unit": self.unit}
        return always | {name: value for name, value in known.items() if value}


class Metric(NamedTuple):
    """A figure that a run reports: a scorer's mean, or one of its quantiles in percent."""

    name: str
    scorer: Scorer
    percent: int | None = None


Family = Callable[[str, Path, str], Scorer]
"""Makes a scorer from what follows the family's name: `groundedness` of `judge:groundedness`. It also gets the folder and the place."""

_registry: dict[str, Scorer] = {}
_families: dict[str, Family] = {}


def scorer(
    name: str,
    *,
    better: Better,
    unit: Unit = "share",
    bounds: Bounds | None = None,
    quantiles: tuple[int, ...] = (),
    needs: str = "",
    version: str = "1",
) -> Callable[[F], F]:
    """Register a function as a scorer. A share lies in [0, 1] unless `bounds` say otherwise; other units have the bounds named, or none.

    Raises ConfigError where the name is taken, naming both places.
    """

    def register(function: F) -> F:
        code = inspect.unwrap(function).__code__
        origin = f"{function.__module__}:{function.__qualname__} ({Path(code.co_filename).name}:{code.co_firstlineno})"
        known = _registry.get(name)
        if known is not None and known.origin != origin:  # the same place again is a module that was reloaded
            raise ConfigError(f"the scorer `{name}` is defined twice: {known.origin} and {origin}", fix="rename one of them")
        _registry[name] = Scorer(
            name=name,
            use=name,
            better=better,
            unit=unit,
            bounds=bounds or ((0.0, 1.0) if unit == "share" else None),
            quantiles=quantiles,
            needs=needs,
            version=version,
            function=function,
            origin=origin,
            summary=(inspect.getdoc(function) or "").partition("\n")[0],
        )
        return function

    return register


def family(name: str, make: Family) -> None:
    """Let names that begin with `NAME:` be made by a function: for scorers that stand in files, such as judges."""
    _families[name] = make


def all_scorers() -> tuple[Scorer, ...]:
    """Everything registered, by name: for `groundwork list scorers`."""
    return tuple(_registry[name] for name in sorted(_registry))


def scorer_of(function: Function) -> Scorer | None:
    """The scorer that a function was registered as."""
    return next((one for one in _registry.values() if one.function is function), None)


def find_scorers(names: Iterable[str | Mapping[str, Any]], *, root: Path, where: str = "") -> tuple[Scorer, ...]:
    """The scorers that a suite names: by scorer, by metric, as `module:function`, or as a table `{ use = …, name = …, settings }`.

    Raises ConfigError with a did-you-mean, for settings that a scorer does not take, and for two figures of one name.
    """
    chosen: dict[str, Scorer] = {}
    for entry in names:
        found = _named(entry, root, where) if isinstance(entry, str) else _with_settings(entry, root, where)
        if found.name in chosen and chosen[found.name] != found:
            raise ConfigError(
                f"two metrics are named `{found.name}`", where=where, fix='give one of them a name: { use = "…", name = "another", … }'
            )
        chosen[found.name] = found
    return tuple(chosen.values())


def metrics_of(scorers: Iterable[Scorer]) -> dict[str, Metric]:
    """Every figure that these scorers yield, by name."""
    return {metric.name: metric for one in scorers for metric in _metrics(one)}


def recalled(name: str, record: Mapping[str, Any]) -> Scorer:
    """A scorer as a run recorded it. It reads the run's scores and cannot be asked for new ones."""
    bounds = record.get("bounds")
    return Scorer(
        name=name,
        use=str(record.get("use", name)),
        better=record.get("better", "higher"),
        unit=record.get("unit", "share"),
        bounds=(float(bounds[0]), float(bounds[1])) if bounds else None,
        quantiles=tuple(record.get("quantiles", ())),
        needs="",
        version=str(record.get("version", "")),
        function=_recalled,
        origin="recorded",
        summary="",
        settings=dict(record.get("settings", {})),
    )


def _recalled(_answered: Answered) -> Unscored:
    return Unscored("this scorer was only recorded")


def say(error: BaseException) -> str:
    """An error in one line, with what to do where it is one of ours."""
    if isinstance(error, GroundworkError):
        return shorten(f"{error} ({error.fix})", _SHOWN)
    return shorten(f"{type(error).__name__}: {error}", _SHOWN)


def _metrics(one: Scorer) -> Iterator[Metric]:
    if not one.quantiles:
        yield Metric(one.name, one)
    for percent in one.quantiles:
        yield Metric(f"{one.name}.p{percent}", one, percent)


def _named(name: str, root: Path, where: str) -> Scorer:
    before, _, rest = name.partition(":")
    if before in _families:
        return _families[before](rest, root, where)
    if ":" in name:
        return _load(name, root, where)
    for one in _registry.values():
        if name == one.name or name in one.metrics:
            return one
    raise unknown("metric", name, _registry, where)


def _with_settings(entry: Mapping[str, Any], root: Path, where: str) -> Scorer:
    settings = dict(entry)
    use = settings.pop("use", None)
    if not isinstance(use, str):
        raise ConfigError("a metric's table does not say which scorer it uses", where=where, fix='write { use = "numeric", … }')
    one = _named(use, root, where)
    name = settings.pop("name", one.name)
    if not isinstance(name, str) or not name:
        raise ConfigError(f"the name of a metric is text, not {name!r}", where=where, fix='write { use = "numeric", name = "about" }')
    share = settings.pop("sample", 1.0)
    if not isinstance(share, int | float) or not 0 < share <= 1:
        raise ConfigError(f"the sample of `{name}` is {share!r}", where=where, fix="write the share of the cases to score, such as 0.1")
    return replace(one, name=name, share=float(share), settings=_check_settings(one, settings, where))


def _check_settings(one: Scorer, settings: dict[str, Any], where: str) -> dict[str, Any]:
    """Settings as the function takes them: its keyword-only arguments, by their types."""
    hints = get_type_hints(one.function)
    taken = [argument for argument in inspect.signature(one.function).parameters.values() if argument.kind is argument.KEYWORD_ONLY]
    fields = [
        (argument.name, hints.get(argument.name, Any))
        if argument.default is argument.empty
        else (argument.name, hints.get(argument.name, Any), argument.default)
        for argument in taken
    ]
    kind = msgspec.defstruct(f"settings of {one.use}", fields, frozen=True, kw_only=True)
    decoded = decode(Written(file=where, table=settings, lines={}), kind)
    return {name: getattr(decoded, name) for name in settings}


def _load(path: str, root: Path, where: str) -> Scorer:
    found = functions.load(path, root, where)
    one = scorer_of(found)
    if one is None:
        raise ConfigError(f"{path} is no scorer", where=where, fix='decorate it: @scorer("name", better="higher")')
    return one
