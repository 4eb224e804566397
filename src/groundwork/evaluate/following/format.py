"""The form of an answer: lists, highlights, sections, JSON, a title, one of a few sentences."""

import json
import re
from typing import Annotated, NoReturn

import msgspec

from groundwork.evaluate.following.relation import Relation, fits
from groundwork.evaluate.following.table import Arguments, Count, Mode, instruction

_CODE = re.compile(r"^[ \t]*```.*?(?:^[ \t]*```|\Z)", re.DOTALL | re.MULTILINE)
_BULLET = re.compile(r"^[ \t]*[-*+•][ \t]+(?![-*_ \t]+$)\S", re.MULTILINE)
_HIGHLIGHT = re.compile(r"(?<![*\w])(\*{1,3})(?=[^\s*])[^*\n]*(?<=[^\s*])\1(?![*\w])")
_FENCED = re.compile(r"```[\w-]*[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)


class Bullets(Arguments, frozen=True, kw_only=True):
    num_bullets: Count


class Highlights(Arguments, frozen=True, kw_only=True):
    num_highlights: Count


class Sections(Arguments, frozen=True, kw_only=True):
    section_spliter: Annotated[str, msgspec.Meta(min_length=1)]
    num_sections: Count
    relation: Relation = "exactly"
    """Of the fixed mode; the official one asks for at least so many."""


class Options(Arguments, frozen=True, kw_only=True):
    options: tuple[str, ...] = ("My answer is yes.", "My answer is no.", "My answer is maybe.")


@instruction("detectable_format:number_bullet_lists", Bullets)
def number_bullet_lists(answer: str, wanted: Bullets, mode: Mode) -> bool:
    """Exactly so many bullet points. Official: lines that begin with `*` or `-`, rules such as `---` and "-5" too. Fixed: also `+` and `•`; a space follows; code aside."""
    if mode == "official":
        stars = re.findall(r"^\s*\*[^\*].*$", answer, re.MULTILINE)
        dashes = re.findall(r"^\s*-.*$", answer, re.MULTILINE)
        return len(stars) + len(dashes) == wanted.num_bullets
    return len(_BULLET.findall(_CODE.sub("", answer))) == wanted.num_bullets


@instruction("detectable_format:number_highlighted_sections", Highlights)
def number_highlighted_sections(answer: str, wanted: Highlights, mode: Mode) -> bool:
    """At least so many passages between asterisks. Official: `**this**` can count twice, and two bullets `*` can make a passage. Fixed: each once, no bullets."""
    if mode == "fixed":
        return len(_HIGHLIGHT.findall(_CODE.sub("", answer))) >= wanted.num_highlights
    single = re.findall(r"\*[^\n\*]*\*", answer)
    double = re.findall(r"\*\*[^\n\*]*\*\*", answer)
    return sum(bool(passage.strip("*").strip()) for passage in [*single, *double]) >= wanted.num_highlights


@instruction("detectable_format:multiple_sections", Sections)
def multiple_sections(answer: str, wanted: Sections, mode: Mode) -> bool:
    """So many sections, marked as `Section 1`. Official: at least so many, the word as a regular expression, anywhere. Fixed: exactly so many (or as `relation` says), each at the start of a line."""
    marker = wanted.section_spliter.strip()
    if mode == "official":
        return len(re.split(rf"\s?{marker}\s?\d+\s?", answer)) - 1 >= wanted.num_sections
    found = re.findall(rf"^[ \t#*_>]*{re.escape(marker)}\s?(\d+)\b", answer, re.MULTILINE)
    return fits(len(set(found)), wanted.relation, wanted.num_sections, mode)


@instruction("detectable_format:json_format")
def json_format(answer: str, _wanted: Arguments, mode: Mode) -> bool:
    """The whole answer is JSON, in a fence or not. Official: any value, NaN too. Fixed: an object or a list, by RFC 8259."""
    text = answer.strip()
    if mode == "official":
        for opening in ("```json", "```Json", "```JSON", "```"):
            text = text.removeprefix(opening)
        return _is_json(text.removesuffix("```").strip())
    fenced = _FENCED.fullmatch(text)
    text = (fenced[1] if fenced else text).strip()
    return text[:1] in {"{", "["} and _is_json(text, nan=False)


@instruction("detectable_format:title")
def title(answer: str, _wanted: Arguments, mode: Mode) -> bool:
    """There is a title in double angle brackets, `<<like this>>`. Official: from the line's first `<<` to its last `>>`. Fixed: one pair, with a letter or digit in it."""
    if mode == "official":
        return any(found.lstrip("<").rstrip(">").strip() for found in re.findall(r"<<[^\n]+>>", answer))
    return re.search(r"<<[^<>\n]*\w[^<>\n]*>>", answer) is not None


@instruction("detectable_format:constrained_response", Options)
def constrained_response(answer: str, wanted: Options, mode: Mode) -> bool:
    """The answer is one of a few sentences (`options`; "My answer is yes." and so on). Official: it contains one. Fixed: it is one, and nothing else."""
    if mode == "official":
        return any(option in answer.strip() for option in wanted.options)
    return answer.strip().strip("*_\"'“”").strip() in {option.strip() for option in wanted.options}


def _is_json(text: str, *, nan: bool = True) -> bool:
    try:
        json.loads(text, parse_constant=_pass if nan else _refuse)
    except (ValueError, RecursionError):
        return False
    return True


def _pass(constant: str) -> str:
    return constant


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")
