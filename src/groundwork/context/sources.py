"""Which documents there are: what the `sources` of `[context]` name.

A glob names files inside the application's folder, and never outside it; a URL names a page; `module:function` a function that gives
documents. Hidden files and folders (`.git`, `.groundwork`) are left out unless a glob names them. Folders behind links are not walked by `**`,
so a loop of links ends; a linked file is taken where its target lies inside the folder.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from groundwork.context.config import kind_of
from groundwork.context.given import FunctionFailed, given_by
from groundwork.context.origins import FileOrigin, Origin, PageOrigin
from groundwork.context.reading import DOCUMENTS
from groundwork.core.errors import InputError
from groundwork.secure.fetch import Fetcher, Limits, check_url


class Sources(NamedTuple):
    """What there is by its source name, in order, and what was left out with its reason."""

    origins: dict[str, Origin]
    skipped: list[tuple[str, str]]
    unknown: tuple[str, ...] = ()
    """Beginnings of source names of which nobody can say now whether they are still there: what the index holds of them stays."""

    def is_gone(self, source: str) -> bool:
        """Whether a source that the index holds is no longer one."""
        return source not in self.origins and not source.startswith(self.unknown)


def find_sources(root: Path, patterns: Sequence[str], limits: Limits | None = None) -> Sources:
    """Everything the patterns name. A pattern that is a folder's name stands for all documents below it (not for JSON and source code).

    Pages are not fetched yet. Functions are called; one that fails is skipped with its reason. Raises ConfigError where there is none.
    """
    found: dict[str, Origin] = {}
    skipped: list[tuple[str, str]] = []
    unknown: list[str] = []
    fetcher = Fetcher(limits or Limits())
    for pattern in patterns:
        kind = kind_of(pattern)
        if kind == "page":
            _add_page(pattern, fetcher, found, skipped)
        elif kind == "function":
            try:
                found.update(given_by(pattern, root, skipped))
            except FunctionFailed as error:
                skipped.append((pattern, str(error)))
                unknown.append(f"{pattern}/")
        else:
            _add_files(root, pattern, found, skipped)
    return Sources(dict(sorted(found.items())), sorted(set(skipped)), tuple(unknown))


def find_files(root: Path, patterns: Sequence[str]) -> dict[str, Path]:
    """The files alone, by source name: no page is asked for, no function called."""
    found: dict[str, Origin] = {}
    for pattern in patterns:
        if kind_of(pattern) == "files":
            _add_files(root, pattern, found, [])
    return {source: origin.path for source, origin in sorted(found.items()) if isinstance(origin, FileOrigin)}


def _add_page(url: str, fetcher: Fetcher, found: dict[str, Origin], skipped: list[tuple[str, str]]) -> None:
    try:
        checked = check_url(url)
    except InputError as error:
        skipped.append((url, error.what))
        return
    found[checked] = PageOrigin(checked, fetcher)


def _add_files(root: Path, pattern: str, found: dict[str, Origin], skipped: list[tuple[str, str]]) -> None:
    inside = Path(os.path.realpath(root))
    matched = False
    for path in _matches(root, pattern):
        source = path.relative_to(root).as_posix()
        matched = True
        reason = _refusal(path, inside)
        if reason:
            skipped.append((source, reason))
        else:
            found[source] = FileOrigin(source, path)
    if not matched:
        skipped.append((pattern, "matches no file"))


def _matches(root: Path, pattern: str) -> Iterator[Path]:
    names_hidden = any(part.startswith(".") and part != "." for part in PurePosixPath(pattern).parts)
    only_supported = False
    if (root / pattern).is_dir():
        pattern, only_supported = f"{pattern}/**/*", True
    elif PurePosixPath(pattern).name == "**":
        pattern = f"{pattern}/*"
    for path in root.glob(pattern):
        hidden = any(part.startswith(".") for part in path.relative_to(root).parts)
        if (hidden and not names_hidden) or (only_supported and path.suffix.lower() not in DOCUMENTS):
            continue
        if path.is_symlink() or not path.is_dir():
            yield path


def _refusal(path: Path, inside: Path) -> str:
    """Why a path is no source, or nothing."""
    target = Path(os.path.realpath(path))  # not Path.resolve: that raises for a loop of links
    if not target.is_relative_to(inside):
        return "its link leads out of the application's folder"
    if target.is_dir():
        return "it is a link to a folder: name the folder itself"
    if not target.exists():
        return "its link leads nowhere"
    if not target.is_file():
        return "it is not a regular file"
    return ""
