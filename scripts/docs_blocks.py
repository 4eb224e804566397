"""The fenced code blocks of the documents, each with the marker in the comment before it.

A marker is an HTML comment on the line before a block:

    <!-- run: app=sample -->    run it in a copy of the sample application
    <!-- run: app=NAME -->      run it in a copy of examples/NAME
    <!-- server -->             run it beside a running server of the sample application (or of `app=NAME`)
    <!-- wheel -->              run it with the wheel that this checkout builds
    <!-- torch: app=sample -->  the same, where torch and the base's weights are
    <!-- norun: reason -->      do not run it, for this reason
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
MARKERS = {"run", "server", "wheel", "torch", "norun"}
LANGUAGES = {"console", "sh", "python", "toml", "json", "text"}
_COMMENT = re.compile(r"^<!--\s*([a-z]+)(?::\s*(.*?))?\s*-->$")
_ELLIPSIS = "…"


class Fault(NamedTuple):
    """What is wrong, and where."""

    file: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.what}"


class Block(NamedTuple):
    """A fenced block. `marker` is empty where there is none; `line` is that of its fence, from 1."""

    file: str
    line: int
    language: str
    text: str
    marker: str = ""
    detail: str = ""

    def fault(self, what: str) -> Fault:
        return Fault(self.file, self.line, what)


class Command(NamedTuple):
    """A command of a block, with the output that the document shows for it (None: it shows none)."""

    text: str
    expected: list[str] | None = None


def documents(root: Path = ROOT) -> list[Path]:
    """The Markdown files that a reader comes by."""
    found = [*root.glob("*.md"), *root.glob("docs/**/*.md"), *root.glob("examples/*/README.md")]
    return sorted(path for path in found if not any(part.startswith(".") for part in path.relative_to(root).parts))


def tokens(text: str) -> list[Token]:
    """The document's blocks and spans."""
    return MarkdownIt("commonmark").enable("table").parse(text)


def blocks(path: Path, root: Path = ROOT) -> Iterator[Block]:
    """Every fenced block of a document."""
    name = path.relative_to(root).as_posix()
    marker, detail = "", ""
    for token in tokens(path.read_text(encoding="utf-8")):
        if token.type == "fence":
            line = token.map[0] + 1 if token.map else 0
            yield Block(name, line, token.info.strip(), token.content, marker, detail)
        found = _COMMENT.match(token.content.strip()) if token.type == "html_block" else None
        marker, detail = (found[1], found[2] or "") if found else ("", "")


def commands(block: Block) -> list[Command]:
    """The commands of a `console` block (after `$ `, with their output) or of a `sh` block (one a line, without comments)."""
    if block.language == "sh":
        joined = block.text.replace("\\\n", " ")
        return [Command(line) for raw in joined.splitlines() if (line := _without_comment(raw))]
    found: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(Command(_without_comment(line[2:]), []))
        elif found and found[-1].expected is not None:
            found[-1].expected.append(line)
    return found


def _without_comment(line: str) -> str:
    """A command without what follows a `#` outside quotes."""
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character == "#" and (not place or line[place - 1].isspace()):
            return line[:place].strip()
    return line.strip()


# -- comparing what a document shows with what a command says

_WILD = (
    (re.compile(r"\b(tr|doc|ch|run|chg|rel|ds|pr|cfg|fb|ix|key|gate|gen)_[0-9a-z_]+"), "ID"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(:\d\d)?"), "TIME"),
    (re.compile(r"\b\d+(\.\d+)? ?(ms|s)\b"), "TIME"),
    (re.compile(r"\s+"), " "),
)


def plain(line: str) -> str:
    """A line without what differs from run to run: ids, moments, durations, and the width of columns."""
    for pattern, word in _WILD:
        line = pattern.sub(word, line)
    return line.strip()


def mismatch(expected: list[str], output: str) -> str:
    """The first line shown that does not come, in order; empty where all come. `…` stands for anything, also within a line."""
    lines = [plain(line) for line in output.splitlines()]
    place = 0
    for shown in expected:
        wanted = plain(shown)
        if not wanted or wanted == _ELLIPSIS:
            continue
        pattern = re.compile(".*".join(re.escape(part) for part in wanted.split(_ELLIPSIS)))
        while place < len(lines) and not pattern.fullmatch(lines[place]):
            place += 1
        if place == len(lines):
            return shown
        place += 1
    return ""
