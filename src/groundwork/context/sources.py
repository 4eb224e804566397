"""Which files are documents: the globs of `[context] sources`, resolved inside the application's folder and never outside it.

Hidden files and folders (`.git`, `.groundwork`) are left out unless a glob names them. Folders behind links are not walked by `**`, so a
loop of links ends; a linked file is taken where its target lies inside the folder.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from groundwork.context.reading import DOCUMENTS


class Sources(NamedTuple):
    """Files by their source name, in order, and what was left out with its reason."""

    files: dict[str, Path]
    skipped: list[tuple[str, str]]


def find_sources(root: Path, patterns: Sequence[str]) -> Sources:
    """Every file that a pattern matches. A pattern that is a folder's name stands for all documents below it (not for JSON and source code)."""
    inside = Path(os.path.realpath(root))
    files: dict[str, Path] = {}
    skipped: list[tuple[str, str]] = []
    for pattern in patterns:
        matched = False
        for path in _matches(root, pattern):
            source = path.relative_to(root).as_posix()
            matched = True
            reason = _refusal(path, inside)
            if reason:
                skipped.append((source, reason))
            else:
                files[source] = path
        if not matched:
            skipped.append((pattern, "matches no file"))
    return Sources(dict(sorted(files.items())), sorted(set(skipped)))


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
