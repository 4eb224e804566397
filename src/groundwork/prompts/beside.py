"""The files that a prompt's front matter names, read from beside it: few-shot examples (JSON lines) and the schema of the answer (JSON).

They are part of the prompt: its id covers them, and the store keeps them with its text.
"""

from collections.abc import Callable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from groundwork.core.config import Written, decode, unknown
from groundwork.core.errors import ConfigError
from groundwork.prompts.front_matter import ExampleSection, FrontMatter, OutputSection
from groundwork.prompts.structured import check_schema

Beside = Callable[[str, str], str]
"""From a file's name, and where that name was written, to its text. Raises ConfigError."""


def nothing_beside(name: str, where: str) -> str:
    """For a prompt that stands nowhere: it can name no file."""
    raise ConfigError(f"{name!r} cannot be read: this prompt stands in no folder", where=where, fix="write it into the prompt itself")


def in_folder(folder: Path) -> Beside:
    """Files of a folder, by their path below it."""

    def read(name: str, where: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise ConfigError(f"{name!r} leads out of {folder.name}/", where=where, fix=f"put the file into {folder.name}/")
        try:
            return (folder / path).read_bytes().decode().removeprefix("\ufeff")
        except (FileNotFoundError, IsADirectoryError):
            known = [file.relative_to(folder).as_posix() for file in folder.rglob("*.json*")]
            raise unknown(f"file in {folder.name}/:", name, known, where) from None
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError(f"{name!r} cannot be read: {error}", where=where, fix="name a readable UTF-8 file") from None

    return read


def as_kept(files: Mapping[str, str]) -> Beside:
    """Files as a version of the prompt had them."""

    def read(name: str, where: str) -> str:
        if name not in files:
            raise unknown("file of this version:", name, files, where)
        return files[name]

    return read


def read_examples(matter: FrontMatter, written: Written, beside: Beside, files: dict[str, str]) -> tuple[ExampleSection, ...]:
    """The examples as written, or from the file named; its text is noted in `files`. Raises ConfigError with file:line."""
    if not isinstance(matter.examples, str):
        return matter.examples
    name = matter.examples
    files[name] = beside(name, written.where(("examples",)))
    examples: list[ExampleSection] = []
    for number, line in enumerate(files[name].splitlines(), start=1):
        if line.strip():
            table = _object(line, f"{name}:{number}")
            examples.append(decode(Written(file=f"{name}:{number}", table=table, lines={}), ExampleSection))
    if not examples:
        raise ConfigError("there is no example in it", where=name, fix='write one JSON object a line: {"question": …, "answer": …}')
    return tuple(examples)


def read_output(matter: FrontMatter, written: Written, beside: Beside, files: dict[str, str]) -> OutputSection | None:
    """The form of the answer with its schema in place, checked to be one. Raises ConfigError with file:line."""
    if matter.output is None:
        return None
    schema, where = matter.output.schema, written.where(("output", "schema"))
    if isinstance(schema, str):
        name = schema
        files[name] = beside(name, where)
        schema, where = _object(files[name], name), name
    check_schema(schema, where)
    return msgspec.structs.replace(matter.output, schema=schema)


def _object(text: str, where: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise ConfigError(f"not a JSON object: {error}", where=where, fix="write one complete JSON object") from None
