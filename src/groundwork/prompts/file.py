"""A prompt file: TOML front matter between `+++` lines, then sections `# system` and `# user` as Jinja templates.

    +++
    description = "Answers from the documents, with citations."
    inputs = ["question", "sources"]
    +++
    # system
    Answer only from the sources.

    # user
    {% for source in sources %}[{{ source.number }}] {{ source }}
    {% endfor %}{{ question }}

What else the front matter may say (examples, the form of the answer, hints, steps) stands in `front_matter.py`.
A prompt's id is the hash of its text and of the files it names: another comma is another version.
"""

import re
from pathlib import Path

import jinja2
import jinja2.meta
from jinja2 import nodes
from jinja2.sandbox import ImmutableSandboxedEnvironment

from groundwork.core.config import decode, parse_toml, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.ids import content_id
from groundwork.prompts.beside import Beside, in_folder, nothing_beside, read_examples, read_output
from groundwork.prompts.front_matter import FrontMatter, Prompt

SUFFIX = ".prompt.md"
_FENCE = re.compile(r"^\+\+\+[ \t]*$", re.MULTILINE)
_SECTION = re.compile(r"^# (system|user)[ \t]*$", re.MULTILINE)


def parse_prompt(text: str, name: str, where: str, beside: Beside = nothing_beside) -> Prompt:
    """Read a prompt from its text; `beside` gives the files that its front matter names.

    Raises ConfigError with file:line for anything that would fail when a request comes.
    """
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    if "\0" in text:
        raise ConfigError("a prompt holds no NUL characters", where=where, fix="save the file as plain text")
    front, body, first_line = _split(text, where)
    written = parse_toml(front, where)
    matter = decode(written, FrontMatter)
    sections = _sections(body, first_line, where)
    for section, (template, line) in sections.items():
        _check(template, matter.inputs, f"{where}:{line}", section)
    files: dict[str, str] = {}
    examples, output = read_examples(matter, written, beside, files), read_output(matter, written, beside, files)
    return Prompt(
        id=content_id("pr", text, *(piece for item in sorted(files.items()) for piece in item)),
        name=name,
        text=text,
        description=matter.description,
        inputs=matter.inputs,
        system=sections.get("system", ("", 0))[0],
        user=sections["user"][0],
        examples=examples,
        select=matter.select,
        output=output,
        model=matter.model,
        steps=matter.steps,
        files=files,
    )


def read_prompt(folder: Path, name: str, *, named_at: str = "") -> Prompt:
    """Read `folder/NAME.prompt.md`. Raises ConfigError, with the nearest existing name where the file is missing."""
    path = folder / f"{name}{SUFFIX}"
    if not path.is_file():
        known = [file.name.removesuffix(SUFFIX) for file in folder.glob(f"*{SUFFIX}")]
        error = unknown("prompt", name, known, named_at)
        raise ConfigError(f"{error.what.split(': ', 1)[-1]}: {path.name} is not in {folder.name}/", where=named_at, fix=error.fix)
    try:
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"not UTF-8 (byte {error.start})", where=path.name, fix="save it as UTF-8") from None
    return parse_prompt(text, name, f"{folder.name}/{path.name}", in_folder(folder))


def environment() -> ImmutableSandboxedEnvironment:
    """Jinja with no access to Python's internals, and an error for every undefined name."""
    return ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined, keep_trailing_newline=False, trim_blocks=False, autoescape=False)


def _split(text: str, where: str) -> tuple[str, str, int]:
    """Front matter, body, and the body's first line in the file."""
    fences = list(_FENCE.finditer(text))
    if not text.startswith("+++"):
        return "", text, 1
    if not fences or fences[0].start():
        raise ConfigError("the front matter opens with more than `+++`", where=f"{where}:1", fix="give `+++` a line of its own")
    if len(fences) < 2:
        raise ConfigError("the front matter is not closed", where=f"{where}:1", fix="end it with a line of `+++`")
    front = "\n" + text[fences[0].end() + 1 : fences[1].start()]  # the fence's own line, so that positions hold
    return front, text[fences[1].end() :], text.count("\n", 0, fences[1].end()) + 1


def _sections(body: str, first_line: int, where: str) -> dict[str, tuple[str, int]]:
    heads = list(_SECTION.finditer(body))
    if not heads:
        return {"user": _trimmed(body, first_line)}
    before, line = _trimmed(body[: heads[0].start()], first_line)
    if before.strip():
        raise ConfigError(
            f"text before `{heads[0].group().strip()}` belongs to no section",
            where=f"{where}:{line}",
            fix="move it below `# system` or `# user`",
        )
    sections: dict[str, tuple[str, int]] = {}
    for place, head in enumerate(heads):
        end = heads[place + 1].start() if place + 1 < len(heads) else len(body)
        line = first_line + body.count("\n", 0, head.end())
        if head.group(1) in sections:
            raise ConfigError(f"a second `# {head.group(1)}` section", where=f"{where}:{line}", fix="keep one of each")
        sections[head.group(1)] = _trimmed(body[head.end() : end], line)
    if "user" not in sections:
        raise ConfigError("there is no `# user` section", where=f"{where}:{first_line}", fix="add `# user` with `{{ question }}` below it")
    return sections


def _trimmed(text: str, line: int) -> tuple[str, int]:
    """A section without blank lines around it, and the line it then begins on; `text` begins on `line`."""
    return text.strip("\n"), line + len(text) - len(text.lstrip("\n"))


def _check(template: str, inputs: tuple[str, ...], where: str, section: str) -> None:
    """Refuse what could only fail at request time: broken syntax and names that are no inputs."""
    file, _, first = where.rpartition(":")
    jinja = environment()

    def at(line: int) -> str:
        return f"{file}:{int(first) + line - 1}"

    try:
        tree = jinja.parse(template)
        names = jinja2.meta.find_undeclared_variables(tree)
    except jinja2.TemplateSyntaxError as error:
        raise ConfigError(f"in `# {section}`: {error.message}", where=at(error.lineno), fix="correct the template; it is Jinja2") from None
    for kind, known in ((nodes.Filter, jinja.filters), (nodes.Test, jinja.tests)):  # Jinja leaves those behind an `if` to the request
        for node in tree.find_all(kind):
            if node.name not in known:
                raise unknown(f"{kind.__name__.lower()} in `# {section}`:", node.name, known, at(node.lineno))
    for node in tree.find_all((nodes.Include, nodes.Import, nodes.FromImport, nodes.Extends)):
        raise ConfigError(f"in `# {section}`: a prompt stands alone", where=at(node.lineno), fix="write out what it would include")
    for node in tree.find_all(nodes.FilterBlock):
        what = f"in `# {section}`: a filter around a block does not reach what is printed in it"
        raise ConfigError(what, where=at(node.lineno), fix="filter each value: `{{ question | upper }}`")
    for node in tree.find_all(nodes.Name):
        if node.name in names and node.name not in inputs:
            raise unknown(f"input in `# {section}`:", node.name, inputs, at(node.lineno))
