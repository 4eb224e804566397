"""Filters over the fields of documents, as people write them:

    product = "db" and year >= 2024
    tags in ["legal", "tax"] and not source ~ "drafts/**"
    (published >= 2024-01-31 or reviewed = true) and title != "Index"

`=` and `!=` take any value; `<`, `<=`, `>`, `>=` numbers and dates; `~` a glob; `in` a list. A list of texts has a value where one of its
members has it. A document without the field never fulfils a comparison, and so always its `not` and its `!=`.

What this does not cover: arithmetic, comparing two fields, functions. The text is parsed, never run.
"""

import datetime as dt
import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, NoReturn

import msgspec

from groundwork.core.config import unknown
from groundwork.core.errors import InputError

Kind = Literal["text", "number", "bool", "date"]
Value = str | int | float | bool
Values = Value | list[str]
"""What a field may hold. A date is a text like `2024-01-31`."""

_LONGEST = 2_000
_MOST = 100
_DEEPEST = 20
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_TOKEN = re.compile(
    r"""\s*(?:(?P<date>\d{4}-\d{2}-\d{2}(?![\w.]))|(?P<number>[+-]?(?:\d+(?:\.\d+)?|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))|(?P<text>"[^"]*"|'[^']*')"""
    r"""|(?P<word>[A-Za-z_][\w-]*)|(?P<sign><=|>=|!=|==|[=<>~()\[\],]))"""
)
_SIGNS = {"=", "==", "!=", "<", "<=", ">", ">=", "~"}
_ORDER = {"<", "<=", ">", ">="}
_WORDS = {"and", "or", "not", "in", "true", "false"}
_SAID: dict[Kind, str] = {"text": "text", "number": "a number", "bool": "true or false", "date": "a date"}
_FIX = 'write it like `product = "db" and year >= 2024`'


class Compare(msgspec.Struct, frozen=True, kw_only=True):
    """A field held against one value. `kind` is that of the value."""

    field: str
    sign: Literal["=", "<", "<=", ">", ">=", "~"]
    kind: Kind
    value: Value


class Every(msgspec.Struct, frozen=True, kw_only=True):
    """All parts hold."""

    parts: tuple["Where", ...]


class Some(msgspec.Struct, frozen=True, kw_only=True):
    """One part holds at least."""

    parts: tuple["Where", ...]


class Not(msgspec.Struct, frozen=True, kw_only=True):
    """The part does not hold."""

    part: "Where"


Where = Compare | Every | Some | Not


def kind_of(value: Value) -> Kind:
    """The kind of a field's value. A text that is written like a date is one."""
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int | float):
        return "number"
    return "date" if is_date(value) else "text"


def is_date(text: str) -> bool:
    """Whether a text is a day of the calendar, written `2024-01-31`."""
    if _DATE.fullmatch(text) is None:
        return False
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def parse_where(text: str) -> Where | None:
    """A filter as a tree; None for a blank one. Raises InputError naming the place where it cannot be read."""
    if not text.strip():
        return None
    if len(text) > _LONGEST:
        raise InputError(f"the filter has {len(text):,} characters, and {_LONGEST:,} are read", fix="say it shorter", param="where")
    return _Parser(text).whole()


def comparisons(where: Where) -> Iterator[Compare]:
    """Every comparison of a filter."""
    match where:
        case Compare():
            yield where
        case Not():
            yield from comparisons(where.part)
        case Every() | Some():
            for part in where.parts:
                yield from comparisons(part)


def fitted(where: Where, fields: Mapping[str, AbstractSet[Kind]]) -> Where:
    """The filter as it fits these fields and their kinds. Raises InputError for an unknown field, and for a value of a kind it never has."""
    match where:
        case Compare():
            return _fitted(where, fields)
        case Not():
            return Not(part=fitted(where.part, fields))
        case Every():
            return Every(parts=tuple(fitted(part, fields) for part in where.parts))
        case Some():
            return Some(parts=tuple(fitted(part, fields) for part in where.parts))


def _fitted(one: Compare, fields: Mapping[str, AbstractSet[Kind]]) -> Compare:
    kinds = fields.get(one.field)
    if kinds is None:
        error = unknown("field", one.field, fields)
        raise InputError(error.what, fix=error.fix, param="where", code="unknown_field")
    if one.sign == "~" or one.kind in kinds:
        return one
    if one.kind == "date" and "text" in kinds and one.sign == "=":
        return msgspec.structs.replace(one, kind="text")
    held = " or ".join(_SAID[kind] for kind in sorted(kinds))
    hint = ", like 2024-01-31" if kinds == {"date"} else ""
    raise InputError(
        f"`{one.field}` is {held}, and `{one.value}` is {_SAID[one.kind]}", fix=f"compare `{one.field}` with {held}{hint}", param="where"
    )


class _Parser:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._depth = 0
        self._count = 0
        self._kind, self._token = "", ""
        self._start = 0
        self._next()

    def whole(self) -> Where:
        found = self._or()
        if self._kind:
            self._fail(f"`{self._token}` is one too many" if self._kind != "word" else f"`and` or `or` is missing before `{self._token}`")
        return found

    def _next(self) -> None:
        rest = self._text[self._at :]
        if not rest.strip():
            self._kind, self._token, self._start = "", "", len(self._text)
            return
        match = _TOKEN.match(self._text, self._at)
        self._start = self._at + len(rest) - len(rest.lstrip())
        if match is None or match.lastgroup is None:
            self._fail(
                "there is a quote that never ends" if self._text[self._start] in "\"'" else f"`{self._text[self._start]}` is not known"
            )
        self._kind, self._token, self._at = match.lastgroup, match[match.lastgroup], match.end()

    def _fail(self, what: str) -> NoReturn:
        raise InputError(f"the filter cannot be read at character {self._start + 1}: {what}", fix=_FIX, param="where")

    def _is(self, token: str) -> bool:
        return self._kind in {"word", "sign"} and self._token.lower() == token

    def _take(self, token: str) -> bool:
        found = self._is(token)
        if found:
            self._next()
        return found

    def _or(self) -> Where:
        parts = [self._and()]
        while self._take("or"):
            parts.append(self._and())
        return parts[0] if len(parts) == 1 else Some(parts=tuple(parts))

    def _and(self) -> Where:
        parts = [self._not()]
        while self._take("and"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else Every(parts=tuple(parts))

    def _not(self) -> Where:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._fail(f"it is nested more than {_DEEPEST} deep")
        if self._take("not"):
            found: Where = Not(part=self._not())
        elif self._take("("):
            found = self._or()
            if not self._take(")"):
                self._fail("`)` is missing")
        else:
            found = self._comparison()
        self._depth -= 1
        return found

    def _comparison(self) -> Where:
        self._count += 1
        if self._count > _MOST:
            self._fail(f"it has more than {_MOST} comparisons")
        if self._kind != "word" or self._token.lower() in _WORDS:
            self._fail(
                "the name of a field is missing" if not self._kind else f"`{self._token}` stands where the name of a field should be"
            )
        field = self._token
        self._next()
        negated = self._take("not")
        if self._take("in"):
            found = Some(parts=tuple(self._list(field)))
            return Not(part=found) if negated else found
        sign = self._token
        if negated or sign not in _SIGNS:
            self._fail(f"one of {', '.join(sorted(_SIGNS - {'=='}))} or `in` is missing after `{field}`")
        self._next()
        return self._compare(field, sign)

    def _list(self, field: str) -> Iterator[Where]:
        if not self._take("["):
            self._fail("`in` takes a list in [brackets]")
        while True:
            self._count += 1
            if self._count > _MOST:
                self._fail(f"it has more than {_MOST} comparisons")
            yield self._compare(field, "=")
            if self._take("]"):
                return
            if not self._take(","):
                self._fail("`,` or `]` is missing")

    def _compare(self, field: str, sign: str) -> Where:
        kind, value = self._value()
        if sign in _ORDER and kind not in {"number", "date"}:
            self._fail(f"`{sign}` takes a number or a date")
        if sign == "~" and kind != "text":
            self._fail("`~` takes a glob in quotes")
        self._next()
        if sign == "!=":
            return Not(part=Compare(field=field, sign="=", kind=kind, value=value))
        plain: Literal["=", "<", "<=", ">", ">=", "~"] = "=" if sign == "==" else sign  # pyright: ignore[reportAssignmentType]
        return Compare(field=field, sign=plain, kind=kind, value=value)

    def _value(self) -> tuple[Kind, Value]:
        token = self._token
        if self._kind == "text":
            inside = token[1:-1]
            return ("date" if is_date(inside) else "text"), inside
        if self._kind == "number":
            return "number", float(token)
        if self._kind == "date" and is_date(token):
            return "date", token
        if self._kind == "word" and token.lower() in {"true", "false"}:
            return "bool", token.lower() == "true"
        if self._kind == "date":
            return self._fail(f"{token} is no day of the calendar")
        return self._fail(f"`{token}` is no value: texts stand in quotes" if self._kind == "word" else "a value is missing")
