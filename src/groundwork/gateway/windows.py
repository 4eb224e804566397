"""How much a model reads at once: a shipped list with its date and source, overridden by `[models.NAME] window`. An unknown window is None."""

from functools import cache
from importlib import resources

import msgspec

from groundwork.gateway.config import ModelSection


class WindowList(msgspec.Struct, frozen=True):
    """The shipped list."""

    as_of: str
    source: str
    models: dict[str, int]
    """Tokens of question and answer together."""


@cache
def shipped() -> WindowList:
    return msgspec.json.decode(resources.files("groundwork.gateway").joinpath("windows.json").read_bytes(), type=WindowList)


def window_of(section: ModelSection) -> int | None:
    """The smallest window of an alias's targets, None where that of one of them is not known."""
    if section.window is not None:
        return section.window.count
    known = [shipped().models.get(target.partition("/")[2]) for target in section.targets]
    return None if None in known else min((one for one in known if one is not None), default=None)
