"""The section `[gate]`: what a change must hold to be released.

[gate]
suite   = "suites/helpdesk.toml"
margin  = 0.05
require = ["answer.correct not_inferior", "abstention.right >= 0.8", "latency.p95 <= 800ms", "cost <= 1.1 * current"]
"""

import re
from collections.abc import Mapping
from typing import Literal, NamedTuple

from groundwork.core.config import Section, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.units import Duration, Money
from groundwork.evaluate.registry import Metric

MOST_LOOKS = 20
_NUMBER = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[A-Za-z%]*)(?P<current>\s*\*\s*current)?$")
_FORMS = "`METRIC not_inferior`, `METRIC <= NUMBER`, `METRIC >= NUMBER` or `METRIC <= NUMBER * current`"


class GateSection(Section, frozen=True, kw_only=True):
    """What the gate asks of a change, on which suite."""

    suite: str
    margin: float = 0.05
    """How much worse still counts as not worse, as a share: at 80 items 0.05 can be told from 0.10, and 0.01 cannot."""
    require: tuple[str, ...] = ("answer.correct not_inferior",)
    split: str = "report"
    """The cases that decide; settings are chosen on others. Empty: all cases."""
    looks: int = 0
    """How often the gate may be asked about one change while items are added: the 5 % are then spent over all looks. 0: once."""

    def __post_init__(self) -> None:
        if not 0 <= self.looks <= MOST_LOOKS:
            raise ValueError(f"`looks` is {self.looks}: choose 2 to {MOST_LOOKS}, or leave it out for a single look")
        if not 0 < self.margin < 1:
            raise ValueError(f"a margin of {self.margin:g} cannot be tested: choose one between 0 and 1, such as 0.05")
        if not self.require:
            raise ValueError('a gate that requires nothing is none: write require = ["answer.correct not_inferior"]')


class Requirement(NamedTuple):
    """One line of `require`. `number` is a share, seconds or dollars; where `relative`, a factor of what the current run has."""

    text: str
    metric: Metric
    kind: Literal["not_inferior", "at_most", "at_least"]
    number: float = 0.0
    relative: bool = False


def parse_requirement(text: str, metrics: Mapping[str, Metric], where: str = "") -> Requirement:
    """Read one requirement. `metrics` are those that the suite measures. Raises ConfigError with a did-you-mean."""
    name, _, rest = text.strip().partition(" ")
    rest = rest.strip()
    metric = metrics.get(name)
    if metric is None:
        raise unknown("metric", name, metrics, where)
    if rest == "not_inferior":
        if metric.scorer.unit != "share":
            fix = f'ask for a limit: "{name} <= 1.1 * current"'
            raise ConfigError(f"the margin is a share, and `{name}` is measured in {metric.scorer.unit}", where=where, fix=fix)
        return Requirement(text, metric, "not_inferior")
    sign, found = rest[:2], _NUMBER.match(rest[2:].strip())
    if sign not in {"<=", ">="} or found is None:
        close = unknown("condition", rest, ("not_inferior",), where).fix if rest.startswith("not") else ""
        raise ConfigError(f"cannot read the requirement {text!r}", where=where, fix=close if "did you mean" in close else f"write {_FORMS}")
    relative = found["current"] is not None
    number = _number(found["number"], found["unit"], metric, where, relative=relative)
    return Requirement(text, metric, "at_most" if sign == "<=" else "at_least", number, relative)


def parse_requirements(section: GateSection, metrics: Mapping[str, Metric], where: str = "") -> tuple[Requirement, ...]:
    """All requirements of a gate, in order."""
    return tuple(parse_requirement(text, metrics, where) for text in section.require)


def _number(number: str, unit: str, metric: Metric, where: str, *, relative: bool) -> float:
    if relative:
        if unit:
            raise ConfigError(f"a factor has no unit, and this one has `{unit}`", where=where, fix=f"write {number} * current")
        return float(number)
    wanted = metric.scorer.unit
    if wanted == "share":
        if unit or float(number) > 1:
            raise ConfigError(
                f"`{metric.name}` is a share, not {number}{unit}", where=where, fix="write it as a number from 0 to 1, such as 0.9"
            )
        return float(number)
    if wanted not in ("s", "USD"):  # points, tokens, bits: a plain number, with or without their name
        if unit not in ("", wanted):
            raise ConfigError(
                f"`{metric.name}` is measured in {wanted}, not {unit}", where=where, fix=f"write {number} or {number} {wanted}"
            )
        return float(number)
    kind, example = (Duration, "800ms") if wanted == "s" else (Money, "0.01 USD")
    try:
        return kind.parse(f"{number} {unit}").number
    except ValueError:
        raise ConfigError(
            f"`{metric.name}` needs a unit, and {number}{unit} has none that fits", where=where, fix=f"write it like {example!r}"
        ) from None
