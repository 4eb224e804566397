"""The `[context]` section of groundwork.toml: what is indexed, how it is split, how it is searched."""

import re
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal

from groundwork.context.chunking import By
from groundwork.core.config import Section
from groundwork.core.errors import InputError
from groundwork.core.units import Duration, Size
from groundwork.secure.addresses import parse_network
from groundwork.secure.fetch import Limits, check_url

WINDOW = 254
"""Word pieces of prefix and text that the embedded encoder reads at most: its 256 less the two special ones."""


COUNTED = {"words": 5, "sentences": 1, "characters": 50}
"""What `size` counts, and how small it may be."""

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def kind_of(pattern: str) -> Literal["files", "page", "function"]:
    """What an entry of `sources` names. A drive of Windows (`C:docs`) is a glob, and refused as one."""
    if _URL.match(pattern):
        return "page"
    return "function" if _FUNCTION.fullmatch(pattern) and pattern.index(":") > 1 else "files"


class ChunkSection(Section, frozen=True, kw_only=True):
    """How documents are split. `tokens` counts the encoder's own word pieces, prefix and special pieces included; `overlap` counts pieces too."""

    tokens: int = 200
    overlap: int = 24
    by: By = "heading"
    size: int = 0
    """Words, sentences or characters (whichever `by` counts) that a chunk has at most, within `tokens`; 0: as many as fit."""

    def __post_init__(self) -> None:
        if not 32 <= self.tokens <= WINDOW:
            raise ValueError(f"tokens = {self.tokens} is not between 32 and {WINDOW} (the encoder's window)")
        if not 0 <= self.overlap <= self.tokens // 2:
            raise ValueError(f"overlap = {self.overlap} is not between 0 and half of tokens = {self.tokens}")
        if self.size and self.by not in COUNTED:
            raise ValueError(f"size = {self.size} means nothing where by = {self.by!r}: it counts {', '.join(COUNTED)}")
        if self.size and self.size < COUNTED[self.by]:
            raise ValueError(f"size = {self.size} is less than the {COUNTED[self.by]} {self.by} that a chunk has at least")

    @property
    def made_with(self) -> dict[str, Any]:
        """What names a chunking in the index. A key that is as it was before it existed is left out: older indices stay valid."""
        return {"tokens": self.tokens, "overlap": self.overlap, "by": self.by} | ({"size": self.size} if self.size else {})


class RetrieveSection(Section, frozen=True, kw_only=True):
    """How chunks are found: the length of each list before fusion, the fusion, and how many hits are kept."""

    terms: int = 50
    dense: int = 50
    fuse: Literal["rrf", "terms", "dense"] = "rrf"
    keep: int = 6

    def __post_init__(self) -> None:
        for name, value in (("terms", self.terms), ("dense", self.dense)):
            if not 1 <= value <= 1_000:
                raise ValueError(f"{name} = {value} is not between 1 and 1000")
        if not 1 <= self.keep <= 100:
            raise ValueError(f"keep = {self.keep} is not between 1 and 100")


class FetchSection(Section, frozen=True, kw_only=True):
    """How pages are fetched from the web: how large one may be, how long it may take, and which networks that are not public are allowed."""

    largest: Size = Size(20_000_000, "20MB")
    timeout: Duration = Duration(20.0, "20s")
    allow: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.largest.bytes or not self.timeout.seconds:
            raise ValueError("largest and timeout must be more than nothing")
        self.limits()

    def limits(self) -> Limits:
        """The same for who fetches. Raises ValueError for a network that is none."""
        return Limits(self.largest.bytes, self.timeout.seconds, tuple(map(parse_network, self.allow)))


class ContextSection(Section, frozen=True, kw_only=True):
    """What an application may know. `sources` are globs relative to its folder (a folder's name stands for all documents below it), URLs of
    pages, and functions that give documents (`module:function`).
    """

    sources: tuple[str, ...]
    fetch: FetchSection = FetchSection()
    chunk: ChunkSection = ChunkSection()
    retrieve: RetrieveSection = RetrieveSection()

    def __post_init__(self) -> None:
        for pattern in self.sources:
            kind = kind_of(pattern)
            if kind == "page":
                _check_page(pattern)
            if kind != "files":
                continue
            if not pattern.strip():
                raise ValueError("an empty source: name files by a glob like 'docs/**/*.md'")
            if "\0" in pattern or any("**" in part and part != "**" for part in PurePosixPath(pattern).parts):
                raise ValueError(f"source {pattern!r} is no glob: `**` stands alone between slashes, as in 'docs/**/*.md'")
            if PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
                raise ValueError(f"source {pattern!r} leads out of the application's folder: name files inside it")


def _check_page(url: str) -> None:
    try:
        check_url(url)
    except InputError as error:
        raise ValueError(f"source: {error.what}; {error.fix}") from None
