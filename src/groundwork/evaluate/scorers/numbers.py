"""Numeric answers: the number that an answer gives, as people and models write numbers, held against the one expected.

Not covered: numbers in words (twelve), conversion between units (5 km is not 5000 m), intervals.
"""

import functools
import re
import unicodedata
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from groundwork.core.errors import InputError
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer

Take = Literal["answer", "marked", "last", "only"]
"""Which number of an answer counts: the marked one, else the last; the marked one alone; the last; the only one there is."""

_LATEX = (
    (re.compile(r"\\[dt]?frac\s*\{([^{}]*)\}\s*\{([^{}]*)\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf)\s*\{([^{}]*)\}"), r"\1"),
    (re.compile(r"\{,\}"), ","),
    (re.compile(r"\\[!,;: ]"), ""),
    (re.compile(r"\\([$%])"), r"\1"),
    (re.compile(r"\\times"), "×"),
)
_VULGAR = re.compile("[¼-¾⅐-⅞]")
_GROUPED = {".": (r"[,\u00a0\u2009\u202f']", r"\."), ",": (r"[.\u00a0\u2009\u202f']", ",")}
_SCALES = {"thousand": 3, "million": 6, "billion": 9, "trillion": 12}
_CURRENCIES = {"$": "usd", "dollar": "usd", "€": "eur", "euro": "eur", "£": "gbp", "pound": "gbp", "¥": "jpy", "yen": "jpy"}
_BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
_MARKS = (
    re.compile(r"####[ \t]*([^\n]+)"),
    _BOXED,
    re.compile(r"\bfinal answer\b\W*(?:is\b|=)?\W{0,3}([^\n]*)", re.IGNORECASE),
    re.compile(r"(?:\banswer\b(?:\s+is\b|\W*[:=])|^[ \t*]*A[ \t]*:)([^\n]*)", re.IGNORECASE | re.MULTILINE),
)
"""What people and benchmarks put before the number that counts, the most explicit first."""


class Number(NamedTuple):
    """A number as written: its value (a percent sign left aside), whether it is in percent, and the unit or currency beside it, folded."""

    value: Decimal
    percent: bool
    unit: str
    text: str


@scorer("numeric", better="higher", needs="number")
def numeric(
    answered: Answered,
    *,
    tolerance: float = 0.0,
    relative: float = 0.0,
    take: Take = "answer",
    percent: Literal["sign", "share"] = "sign",
    decimal: Literal[".", ","] = ".",
) -> Graded | Unparseable:
    """1 where the number that the answer gives is within `tolerance`, or within the share `relative`, of `expected.number`; else 0.

    Reads thousands separators, fractions, powers of ten, million and the like, currencies, LaTeX. A percent sign is passed over ("sign"), or
    divides by 100 ("share"). With `expected.unit`, only numbers in that unit count. An answer without a number is unparseable.
    """
    wanted = _expected(answered.example.expected["number"], decimal)
    unit = answered.example.expected.get("unit")
    if unit is not None and not isinstance(unit, str):
        raise InputError(f"`expected.unit` is {unit!r}, which is no text", fix='write {"number": 5, "unit": "km"}')
    found = given(answered.reply.text, take, decimal=decimal, unit=_unit(unit or ""))
    if isinstance(found, Unparseable):
        return found
    said, right = _as_read(found, percent), _as_read(wanted, percent)
    allowed = max(Decimal(repr(tolerance)), Decimal(repr(relative)) * abs(right))
    return Graded(float(said == right or abs(said - right) <= allowed), evidence={"read": found.text, "number": str(said)})


def given(text: str, take: Take = "answer", *, decimal: Literal[".", ","] = ".", unit: str = "") -> Number | Unparseable:
    """The number that an answer gives, or why none can be told."""
    marked = None if take in {"last", "only"} else _marked(text)
    if marked is not None:
        found = list(numbers(_after_equals(marked), decimal, unit))
        return found[0] if found else Unparseable(f"no number in what is marked as the answer: {marked.strip()[:60]!r}")
    if take == "marked":
        return Unparseable("no number is marked as the answer")
    found = list(numbers(text, decimal, unit))
    if not found:
        return Unparseable(f"no number in {unit}" if unit else "no number")
    if take == "only" and len({one.value for one in found}) > 1:
        return Unparseable(f"{len(found)} numbers where one was to be given")
    return found[-1]


def numbers(text: str, decimal: Literal[".", ","] = ".", unit: str = "") -> Iterator[Number]:
    """Every number of a text, in order; with `unit`, those that stand in it."""
    for match in _pattern(decimal).finditer(_plain(text)):
        number = _read(match, decimal)
        if number is not None and (not unit or unit in {number.unit, "%" if number.percent else number.unit}):
            yield number


@functools.cache
def _pattern(decimal: str) -> re.Pattern[str]:
    """A number with its surroundings."""
    separator, point = _GROUPED[decimal]
    plain = rf"(?:\d{{1,3}}(?:{separator}\d{{3}})+(?!\d)|\d+)(?:{point}\d+)?|{point}\d+"
    return re.compile(
        rf"""(?<!\w)(?<!\d[.,/])(?P<sign>[-−–+]?)(?P<before>[$€£¥]?)[ ]?(?P<inner>[-−]?)
        (?: (?P<mixed>\d{{1,3}})[ ](?=\d+/\d) )? (?P<number>{plain})
        (?: [ ]?/[ ]?(?P<below>\d+)(?![\d/]) )?
        (?: [eE](?P<exponent>[-+]?\d{{1,4}})\b | [ ]?[×x*·][ ]?10[ ]?(?:\^|\*\*)[ ]?\{{?(?P<power>[-−]?\d{{1,4}})\}}? )?
        (?: [ ]?(?P<percent>%|percent\b|per[ ]cent\b) )?
        (?: [ ](?P<scale>thousand|million|billion|trillion)\b )?
        (?: [ ]?(?P<unit>[^\W\d_]+(?:/[^\W\d_]+)?[²³]?|[°$€£¥][CF]?) )?""",
        re.VERBOSE | re.IGNORECASE,
    )


def _read(match: re.Match[str], decimal: str) -> Number | None:
    """The number of a match; None for a fraction over zero."""
    value = Decimal(re.sub(_GROUPED[decimal][0], "", match["number"]).replace(decimal, "."))
    if match["below"]:
        below = Decimal(match["below"])
        if not below:
            return None
        value = Decimal(match["mixed"] or 0) + value / below
    exponent = int((match["exponent"] or match["power"] or "0").replace("−", "-")) + _SCALES.get((match["scale"] or "").lower(), 0)
    if exponent:  # arithmetic rounds to 28 digits: a plain number stays as long as it was written
        value = value.scaleb(exponent)
    if "-" in (match["sign"] + match["inner"]).replace("−", "-").replace("–", "-"):
        value = value.copy_negate()
    return Number(value, match["percent"] is not None, _unit(match["before"] or match["unit"] or ""), match.group().strip())


def _unit(text: str) -> str:
    """A unit's name, folded: without case and plural, currencies by their code."""
    folded = text.strip().casefold()
    folded = folded[:-1] if len(folded) > 3 and folded.endswith("s") else folded
    return _CURRENCIES.get(folded, folded)


def _marked(text: str) -> str | None:
    """What stands after the last of the most explicit marks; None where nothing is marked."""
    for mark in _MARKS:
        found = [match[1] for match in mark.finditer(text)]
        if found:
            return found[-1]
    return None


def _after_equals(text: str) -> str:
    """`3 + 4 = 7` gives 7."""
    return text.rpartition("=")[2] if re.search(r"=\D{0,3}\d", text) else text


def _plain(text: str) -> str:
    """A text without LaTeX's commands, and with ½ as 1/2."""
    for pattern, plain in _LATEX if "\\" in text or "{,}" in text else ():
        text = pattern.sub(plain, text)
    return _VULGAR.sub(lambda match: " " + unicodedata.normalize("NFKC", match[0]).replace("⁄", "/"), text)


def _expected(value: Any, decimal: Literal[".", ","]) -> Number:
    """The number of a case: a JSON number, or text such as "3/4" or "25 %"."""
    found = list(numbers(value, decimal)) if isinstance(value, str) else []
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) != float("inf") and value == value:  # noqa: PLR0124  NaN differs from itself
        return Number(Decimal(repr(value)), percent=False, unit="", text=repr(value))
    if len(found) != 1:
        raise InputError(f"`expected.number` is {value!r}, which is not one number", fix='write it as 42, or as text such as "3/4"')
    return found[0]


def _as_read(number: Number, percent: str) -> Decimal:
    return number.value / 100 if number.percent and percent == "share" else number.value
