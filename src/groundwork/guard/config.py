"""The section `[guard]`: rails by name, each with what it does when it fires.

[guard]
input   = ["size:block", "secrets:redact", "pii:redact", "injection:block", "helpdesk.rails:no_competitors:block"]
reading = ["embedded_instructions:redact"]
output  = ["empty:block", "uncited:flag"]
"""

from collections.abc import Mapping
from typing import NamedTuple

from groundwork.core.config import Section, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.units import Duration, Size

INPUT_RAILS: Mapping[str, tuple[str, ...]] = {
    "size": ("block",),
    "secrets": ("redact", "block"),
    "pii": ("redact", "block", "flag"),
    "injection": ("block", "flag"),
}
READING_RAILS: Mapping[str, tuple[str, ...]] = {
    "embedded_instructions": ("redact", "block", "flag"),
}
OUTPUT_RAILS: Mapping[str, tuple[str, ...]] = {
    "empty": ("block",),
    "uncited": ("flag", "block"),
    "grounded": ("flag", "block"),
    "secrets": ("redact", "block"),
    "pii": ("redact", "block", "flag"),
}
_TRAINED = frozenset({"injection", "grounded"})
_FUNCTION_ACTIONS = ("block", "flag")


class GuardSection(Section, frozen=True, kw_only=True):
    """Rails on the way in and out. Secrets are masked before any write whatever stands here."""

    input: tuple[str, ...] = ("size:block", "secrets:redact")
    reading: tuple[str, ...] = ()
    """On what the model reads: passages that were found, and results of tools."""
    output: tuple[str, ...] = ("empty:block", "uncited:flag")
    max_input: Size = Size(64_000, "64kB")
    """Bytes of UTF-8 that all messages and variables of a request may have together."""
    timeout: Duration = Duration(2.0, "2s")
    """Of a rail that is a function of yours or a trained model; one that has not answered by then fails closed, except where it only flags."""


class RailName(NamedTuple):
    """`name:action`; `name` holds a colon itself where it is a function."""

    name: str
    action: str

    @property
    def is_function(self) -> bool:
        return ":" in self.name

    @property
    def is_beside(self) -> bool:
        """Whether it runs beside the answer: a function or a trained model, as against what is cheap and runs before."""
        return self.is_function or self.name in _TRAINED


def parse_rail(text: str, known: Mapping[str, tuple[str, ...]], where: str) -> RailName:
    """Read `name:action` or `module:function:action`. Raises ConfigError with a did-you-mean."""
    name, _, action = text.rpartition(":")
    if not name:
        raise ConfigError(f"rail {text!r} does not say what to do", where=where, fix=f'write "{text}:block", or another action')
    actions = _FUNCTION_ACTIONS if ":" in name else known.get(name)
    if actions is None:
        raise unknown("rail", name, known, where)
    if action not in actions:
        raise unknown(f"action of the rail `{name}`:", action, actions, where)
    return RailName(name, action)
