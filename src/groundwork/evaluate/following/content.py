"""Things that an answer must contain: placeholders, a postscript."""

import re
from typing import Annotated

import msgspec

from groundwork.core.errors import InputError
from groundwork.evaluate.following.table import Arguments, Count, Mode, instruction

_PLACEHOLDER = re.compile(r"(?<!\])\[(?!\s*[xX]?\s*\])(?!\d+(?:\s*[,;]\s*\d+)*\])[^\[\]\n]+\](?![(\[:])")
_OFFICIAL_POSTSCRIPT = {"P.P.S": r"\s*p\.\s?p\.\s?s.*$", "P.S.": r"\s*p\.\s?s\..*$"}


class Placeholders(Arguments, frozen=True, kw_only=True):
    num_placeholders: Count


class Postscript(Arguments, frozen=True, kw_only=True):
    postscript_marker: Annotated[str, msgspec.Meta(min_length=1)]


@instruction("detectable_content:number_placeholders", Placeholders)
def number_placeholders(answer: str, wanted: Placeholders, mode: Mode) -> bool:
    """At least so many placeholders in square brackets, such as [address]. Official: anything in brackets. Fixed: no links, check boxes or numbers of citations."""
    pattern = re.compile(r"\[.*?\]") if mode == "official" else _PLACEHOLDER
    return len(pattern.findall(answer)) >= wanted.num_placeholders


@instruction("detectable_content:postscript", Postscript)
def postscript(answer: str, wanted: Postscript, mode: Mode) -> bool:
    """There is a postscript after the marker, case aside. Official: the marker stands anywhere. Fixed: it opens a line, with text after it, and another text comes before."""
    marker = wanted.postscript_marker.strip()
    if mode == "official":
        pattern = _OFFICIAL_POSTSCRIPT.get(marker, rf"\s*{marker.lower()}.*$")
        try:
            return re.search(pattern, answer.lower(), re.MULTILINE) is not None
        except re.error as error:
            raise InputError(f"the marker {marker!r} is no regular expression: {error}", fix='score in the mode "fixed"') from None
    spaced = r"\s?".join(re.escape(part) for part in re.findall(r"[^.\s]+\.?|\.", marker))
    found = list(re.finditer(rf"^[ \t*_#>]*{spaced}(?!\w)", answer, re.MULTILINE | re.IGNORECASE))
    return bool(found and answer[: found[-1].start()].strip() and re.search(r"\w", answer[found[-1].end() :]))
