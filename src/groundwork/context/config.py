"""The `[context]` section of groundwork.toml: what is indexed, how it is split, how it is searched."""

from pathlib import PurePosixPath, PureWindowsPath
from typing import Literal

from groundwork.core.config import Section

WINDOW = 254
"""Word pieces of prefix and text that the embedded encoder reads at most: its 256 less the two special ones."""


class ChunkSection(Section, frozen=True, kw_only=True):
    """How documents are split. `tokens` counts the encoder's own word pieces, prefix and special pieces included."""

    tokens: int = 200
    overlap: int = 24
    by: Literal["heading"] = "heading"

    def __post_init__(self) -> None:
        if not 32 <= self.tokens <= WINDOW:
            raise ValueError(f"tokens = {self.tokens} is not between 32 and {WINDOW} (the encoder's window)")
        if not 0 <= self.overlap <= self.tokens // 2:
            raise ValueError(f"overlap = {self.overlap} is not between 0 and half of tokens = {self.tokens}")


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


class ContextSection(Section, frozen=True, kw_only=True):
    """What an application may know. `sources` are globs relative to its folder; a folder's name stands for all files below it."""

    sources: tuple[str, ...]
    chunk: ChunkSection = ChunkSection()
    retrieve: RetrieveSection = RetrieveSection()

    def __post_init__(self) -> None:
        for pattern in self.sources:
            if not pattern.strip():
                raise ValueError("an empty source: name files by a glob like 'docs/**/*.md'")
            if "\0" in pattern or any("**" in part and part != "**" for part in PurePosixPath(pattern).parts):
                raise ValueError(f"source {pattern!r} is no glob: `**` stands alone between slashes, as in 'docs/**/*.md'")
            if PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
                raise ValueError(f"source {pattern!r} leads out of the application's folder: name files inside it")
