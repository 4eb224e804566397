"""Globs over the names of sources: `*` stays inside a folder, `**` does not, and a folder's name stands for everything below it."""

import functools
import re


@functools.lru_cache(maxsize=1_024)
def compile_glob(pattern: str) -> re.Pattern[str]:
    """A glob as an expression for `fullmatch`. Any text is a safe glob: a bracket that is never closed stands for itself."""
    pattern = pattern.removeprefix("./")
    expression, at = "", 0
    while at < len(pattern):
        if pattern.startswith("**/", at):
            expression, at = f"{expression}(?:.*/)?", at + 3
        elif pattern.startswith("**", at):
            expression, at = f"{expression}.*", at + 2
        elif pattern[at] == "*":
            expression, at = f"{expression}[^/]*", at + 1
        elif pattern[at] == "?":
            expression, at = f"{expression}[^/]", at + 1
        elif pattern[at] == "[" and (end := pattern.find("]", at + 2)) > 0:
            inside = pattern[at + 1 : end]
            negated = "^" if inside[0] in "!^" else ""
            letters = _letters(inside[len(negated) :])
            expression, at = f"{expression}[{negated}{letters}]" if letters else f"{expression}{re.escape(pattern[at : end + 1])}", end + 1
        else:
            expression, at = f"{expression}{re.escape(pattern[at])}", at + 1
    below = "" if pattern.endswith("*") else "(?:/.*)?"
    try:
        return re.compile(f"{expression.removesuffix('/')}{below}", re.DOTALL)
    except re.error:  # a range that runs backwards, as in `[z-a]`
        return re.compile(re.escape(pattern))


def _letters(inside: str) -> str:
    """What stands between brackets, as an expression: a dash makes a range only between two other letters, and stands for itself elsewhere."""
    ranges = {place for place in range(1, len(inside) - 1) if inside[place] == "-" and "-" not in (inside[place - 1], inside[place + 1])}
    return "".join(one if place in ranges else re.escape(one) for place, one in enumerate(inside))


def matches(pattern: str, source: str) -> bool:
    """Whether a glob names a source."""
    return compile_glob(pattern).fullmatch(source) is not None
