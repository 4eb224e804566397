"""What a probe of an evaluation found, and what is left of it once all probes are counted."""

from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from groundwork.core import statistics
from groundwork.core.measure import Estimate

Severity = Literal["ok", "look", "alarm"]
"""Nothing found; worth a look by a person; figures of this suite should not be believed before it is put right."""

LEVEL = 0.99
"""Of the intervals by which a probe decides without a test: many probes look at once, so that 95 % would ring too often."""
CHANCE = 0.05
"""How often an audit of a sound suite may ring by chance, over all its tests together."""


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing that a probe says, in a sentence with its numbers."""

    probe: str
    severity: Severity
    sentence: str
    fix: str = ""
    metric: str = ""
    """Which metric it is about; empty for the suite as a whole."""
    estimate: Estimate | None = None
    p: float | None = None
    """How often as much would be seen by chance. After `settle`: with all tests of the audit counted."""
    cases: tuple[str, ...] = ()


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """A probe that could not be made, and what it lacks."""

    probe: str
    why: str


def settle(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """All findings, gravest first, those that rest on a test only where Holm's adjustment leaves them standing."""
    kept = list(findings)
    tested = [place for place, one in enumerate(kept) if one.p is not None]
    for place, p in zip(tested, statistics.holm([kept[place].p or 0.0 for place in tested]), strict=True):
        kept[place] = _adjusted(kept[place], p, len(tested))
    order: Sequence[Severity] = ("alarm", "look", "ok")
    return tuple(sorted(kept, key=lambda one: order.index(one.severity)))


def _adjusted(finding: Finding, p: float, tests: int) -> Finding:
    if p <= CHANCE or finding.severity == "ok":
        return msgspec.structs.replace(finding, p=p)
    sentence = f"{finding.sentence}; no more than chance, with {tests} tests counted (p = {p:.2f})"
    return msgspec.structs.replace(finding, severity="ok", fix="", sentence=sentence, p=p)


def tail(successes: int, n: int, share: float) -> float:
    """How often at least so many of n would be seen, were the true share at most this one (exact binomial)."""
    return 1.0 - statistics.binomial_cdf(successes - 1, n, share) if successes else 1.0


def some(names: Sequence[str], most: int = 5) -> str:
    """The first names of a list, and how many more there are."""
    rest = len(names) - most
    return ", ".join(names[:most]) + (f" and {rest} more" if rest > 0 else "")


def shown(figure: Estimate) -> str:
    """A figure with its interval."""
    return f"{figure.value:.2f} [{figure.low:.2f}, {figure.high:.2f}]"
