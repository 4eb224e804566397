"""The numbers of numbered paragraphs in DOCX: a file holds the rules, and whoever shows it counts."""

import re
from typing import TYPE_CHECKING, NamedTuple

from groundwork.context.readers.ooxml import attribute, child, children

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_DEEPEST = 9
_PLACE = re.compile(r"%([1-9])")
_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"))
_ROMAN_ONES = ((5, "v"), (4, "iv"), (1, "i"))


class Level(NamedTuple):
    """How one level of a list is numbered: the first number, the form (`decimal`, `bullet`), and the text around it (`%1.%2)`)."""

    start: int = 1
    form: str = "decimal"
    text: str = "%1."


class Numbering:
    """Counts through a document, paragraph by paragraph."""

    def __init__(self, part: "Element | None") -> None:
        abstract = {attribute(one, "abstractNumId"): _levels(one) for one in children(part, "abstractNum")}
        self._lists: dict[str, dict[int, Level]] = {}
        for number in children(part, "num"):
            levels = dict(abstract.get(attribute(child(number, "abstractNumId"), "val"), {}))
            for override in children(number, "lvlOverride"):
                depth = whole_number(attribute(override, "ilvl"))
                inner = child(override, "lvl")
                level = _level(inner) if inner is not None else levels.get(depth, Level())
                start = attribute(child(override, "startOverride"), "val")
                levels[depth] = level._replace(start=whole_number(start)) if start else level
            self._lists[attribute(number, "numId")] = levels
        self._counts: dict[str, list[int | None]] = {}

    def marker(self, number: str, depth: int) -> str:
        """What stands before the next paragraph of a list at a depth: `- `, `3. `, `2.1) `. Nothing for a list that is none."""
        levels = self._lists.get(number)
        if levels is None or not 0 <= depth < _DEEPEST:
            return ""
        level = levels.get(depth, Level())
        if level.form == "none":
            return ""
        if level.form == "bullet":
            return "- "
        counts = self._counts.setdefault(number, [None] * _DEEPEST)
        last = counts[depth]
        counts[depth] = level.start if last is None else last + 1
        counts[depth + 1 :] = [None] * (_DEEPEST - depth - 1)

        def shown(match: re.Match[str]) -> str:
            place = int(match[1]) - 1
            above = levels.get(place, Level())
            value = counts[place]
            return _formatted(above.start if value is None else value, above.form)

        return f"{_PLACE.sub(shown, level.text).strip()} " if level.text.strip() else ""


def _levels(abstract: "Element") -> dict[int, Level]:
    return {whole_number(attribute(level, "ilvl")): _level(level) for level in children(abstract, "lvl")}


def _level(element: "Element") -> Level:
    return Level(
        whole_number(attribute(child(element, "start"), "val"), 1),
        attribute(child(element, "numFmt"), "val", "decimal"),
        attribute(child(element, "lvlText"), "val", ""),
    )


def whole_number(text: str, otherwise: int = 0) -> int:
    """An attribute's number; `otherwise` where it is none, or beyond reason."""
    return int(text) if re.fullmatch(r"-?\d{1,9}", text) else otherwise


def _formatted(value: int, form: str) -> str:
    if form in {"lowerRoman", "upperRoman"} and 0 < value < 4_000:
        roman = ""
        for worth, letters in (*_ROMAN, *_ROMAN_ONES):
            roman += letters * (value // worth)
            value %= worth
        return roman.upper() if form == "upperRoman" else roman
    if form in {"lowerLetter", "upperLetter"} and 0 < value < 1_000:
        letters = chr(ord("a") + (value - 1) % 26) * ((value - 1) // 26 + 1)
        return letters.upper() if form == "upperLetter" else letters
    if form == "decimalZero":
        return f"{value:02}"
    return str(value)
