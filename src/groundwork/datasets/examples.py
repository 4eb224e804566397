"""Examples as JSON lines: what people write in a suite's cases and what groundwork writes in a dataset.

    {"id": "page-size", "question": "What is the default page size?", "facts": [{"accepted": ["4096 bytes"], "source": "pragma.html"}]}

Strict on the way in: an unknown key, a doubled id or an empty question would otherwise become a wrong figure.
"""

import hashlib
import re
from collections.abc import Iterable

import msgspec

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.ids import canonical
from groundwork.core.measure import Asker, Example, Fact, Lineage, Turn
from groundwork.core.where import parse_where

UNLABELLED = "unlabelled"
"""Tag of an example whose right answer nobody has said yet: it waits for a person and is never scored."""

_UNKNOWN = re.compile(r"unknown field `(?P<name>[^`]*)`(?: - at `(?P<path>[^`]*)`)?")


def parse_examples(data: bytes, shown: str) -> tuple[Example, ...]:
    """Read JSON lines; blank lines are skipped. Raises ConfigError with `shown:line` for what is no sound example, or where there is none."""
    examples: list[Example] = []
    lines: dict[str, int] = {}
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if not line.strip():
            continue
        where = f"{shown}:{number}"
        example = parse_example(line, where)
        if example.id in lines:
            raise ConfigError(
                f"the id `{example.id}` stands in line {lines[example.id]} already", where=where, fix="give each case an id of its own"
            )
        lines[example.id] = number
        examples.append(example)
    if not examples:
        raise ConfigError("there is no case in it", where=shown, fix='write one JSON object a line: {"id": …, "question": …, "facts": […]}')
    return tuple(examples)


def parse_example(line: bytes, where: str) -> Example:
    """One line as an example. Raises ConfigError with a did-you-mean for unknown keys."""
    try:
        example = msgspec.json.decode(line, type=Example)
    except msgspec.ValidationError as error:
        raise _explain(str(error), where) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"not a JSON object: {error}", where=where, fix="write one complete JSON object on each line") from None
    _check(example, where)
    return example


def format_examples(examples: Iterable[Example]) -> bytes:
    """Examples as JSON lines, always the same bytes for the same examples."""
    return b"".join(canonical(example) + b"\n" for example in examples)


def examples_sha256(examples: Iterable[Example]) -> str:
    """The hash of what the examples say, whatever the order of keys or the spacing of the file they came from."""
    return hashlib.sha256(format_examples(examples)).hexdigest()


def _check(example: Example, where: str) -> None:
    if not example.id.strip():
        raise ConfigError("the id is empty", where=where, fix="give the case a short name")
    if not example.question.strip():
        raise ConfigError(f"the question of `{example.id}` is empty", where=where, fix="write the question, or remove the line")
    for fact in example.facts:
        if not fact.accepted or any(not accepted.strip() for accepted in fact.accepted):
            raise ConfigError(
                f"a fact of `{example.id}` accepts an empty text", where=where, fix="name at least one text that states the fact"
            )
    if any(not turn.question.strip() for turn in example.turns):
        raise ConfigError(f"a turn of `{example.id}` has an empty question", where=where, fix="write the question, or remove the turn")
    if example.asker is not None and not all(_is_name(name) for name in (example.asker.user, *example.asker.groups)):
        raise ConfigError(
            f"the asker of `{example.id}` is not named by plain words",
            where=where,
            fix='{"user": "anna", "groups": ["legal"]}, without commas',
        )
    try:
        parse_where(example.where)
    except InputError as error:
        raise ConfigError(f"the filter of `{example.id}`: {error.what}", where=where, fix=error.fix) from None
    if example.answerable is False and (example.facts or example.reference):
        raise ConfigError(f"`{example.id}` is not answerable, yet has facts or a reference", where=where, fix="remove one or the other")


def _is_name(name: str) -> bool:
    """Whether it can travel in a header, and in a list of them."""
    return bool(name.strip()) and name.isascii() and name.isprintable() and "," not in name


def _explain(text: str, where: str) -> ConfigError:
    found = _UNKNOWN.search(text)
    if found is None:
        return ConfigError(text, where=where, fix="correct the line; a case needs `id` and `question`, texts in quotes")
    path = found["path"] or ""
    kind = (
        Asker
        if ".asker" in path
        else Fact
        if ".facts" in path
        else Lineage
        if ".lineage" in path
        else Turn
        if ".turns" in path
        else Example
    )
    return unknown("key", found["name"], [field.encode_name for field in msgspec.structs.fields(kind)], where)
