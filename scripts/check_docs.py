"""Check the documents without running them: blocks, commands, links, anchors, and that docs/cli.md is what `--help` says.

    python -m scripts.check_docs

Every fenced block has a language that is checked or run (`scripts/run_docs.py`, `tests/test_docs.py`), TOML is right as groundwork.toml,
JSON parses, Python compiles, commands and their options exist, relative links and anchors lead somewhere.
"""

import itertools
import json
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
from markdown_it.token import Token

from groundwork.app.config import Config, check
from groundwork.app.config import Settings as AppSettings
from groundwork.cli.table import groundwork
from groundwork.core.config import decode, parse_toml
from groundwork.core.errors import GroundworkError
from groundwork.evaluate.suite import SuiteSection
from groundwork.tuning.recipe import Recipe
from scripts.docs_blocks import LANGUAGES, MARKERS, ROOT, Block, Fault, blocks, commands, documents, tokens
from scripts.make_cli_docs import TARGET, render

MINIMAL = {"app": '[app]\nname = "example"\n', "models": '[models.quick]\ntargets = ["embedded"]\n'}
SHELL = {"cd", "curl", "git", "mkdir", "export", "cp", "cat", "ls", "rm", "source", "apt-get", "python3", "docker", "dpkg"}
"""Commands of other people's that a document may show."""


def block_faults(block: Block) -> Iterator[Fault]:
    """What is wrong with a block, as far as one can see without running it."""
    if block.marker and block.marker not in MARKERS:
        yield block.fault(f"unknown marker {block.marker!r}: known are {', '.join(sorted(MARKERS))}")
    if block.marker == "norun" and len(block.detail) < 8:
        yield block.fault("`norun` needs its reason: <!-- norun: reason -->")
    if block.language not in LANGUAGES:
        yield block.fault(f"language {block.language!r} is not checked by anything: use one of {', '.join(sorted(LANGUAGES))}")
    try:
        match block.language:
            case "toml":
                check_toml(block.text)
            case "json":
                check_json(block.text)
            case "python":
                compile(block.text, f"{block.file}:{block.line}", "exec")
            case "sh" | "console":
                yield from (block.fault(what) for command in commands(block) for what in command_faults(command.text))
                if not commands(block):
                    yield block.fault("it holds no command; output alone is ```text")
            case _:
                pass
    except (GroundworkError, ValueError, SyntaxError) as error:
        yield block.fault(f"not valid {block.language}: {error}")


def check_toml(text: str) -> None:
    """Decode as a suite, as a recipe, or as groundwork.toml: whole, or sections beside the least that an application needs. Raises ConfigError."""
    written = parse_toml(text, "block")
    for key, kind in (("cases", SuiteSection), ("task", Recipe)):
        if key in written.table:
            decode(written, kind)
            return
    missing = [part for name, part in MINIMAL.items() if name not in written.table]
    written = parse_toml("\n".join([text, *missing]), "block")
    with tempfile.TemporaryDirectory() as folder:
        check(AppSettings(root=Path(folder), config=decode(written, Config), written=written))


def check_json(text: str) -> None:
    """One value, or one a line. Raises ValueError."""
    try:
        json.loads(text)
    except ValueError:
        for line in text.splitlines():
            json.loads(line)


# -- commands


def command_faults(line: str) -> Iterator[str]:
    """What is wrong with a command line as it is written: parts joined by `&&`, `;` or `|` are looked at one by one."""
    try:
        lexer = shlex.shlex(line, posix=True, punctuation_chars=";&|")
        lexer.whitespace_split = True
        words = list(lexer)
    except ValueError as error:
        yield f"`{line}`: {error}"
        return
    for joined, part in itertools.groupby(words, key=lambda word: bool(re.fullmatch(r"[;&|]+", word))):
        if not joined:
            yield from _part_faults(list(part))


def _part_faults(words: list[str]) -> Iterator[str]:
    while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
        words = words[1:]
    match words:
        case []:
            return
        case ["make", *targets]:
            known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
            yield from (f"the Makefile has no target {one!r}" for one in targets if "=" not in one and one not in known)
        case ["groundwork", *rest]:
            yield from groundwork_faults(rest)
        case ["python", "-m", module, *_]:
            path = ROOT / module.replace(".", "/")
            if module.split(".", 1)[0] in {"benchmarks", "scripts"} and not path.with_suffix(".py").is_file():
                yield f"there is no module {module}"
        case ["python", script, *_] if script.endswith(".py"):
            if not (ROOT / script).is_file():
                yield f"there is no file {script}"
        case ["pip", "install", *_]:
            return
        case [name, *_]:
            if name not in SHELL and not (ROOT / name).is_file():
                yield f"unknown command {name!r}"


def groundwork_faults(words: list[str]) -> Iterator[str]:
    """Whether a command of groundwork's exists, with the options given."""
    command: click.Command = groundwork
    shown = "groundwork"
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        name, *words = words
        shown = f"{shown} {name}"
        try:
            found = command.get_command(click.Context(command), name)
        except ImportError as error:
            found = None
            shown = f"{shown} ({error})"
        if found is None:
            yield f"there is no `{shown}`"
            return
        command = found
    known = {"--help", "-h"} | {name for one in command.params for name in (*one.opts, *one.secondary_opts)}
    for word in words:
        option = word.partition("=")[0]
        if re.fullmatch(r"--?[a-z][a-z-]*", option) and option not in known:
            yield f"`{shown}` has no option {option}"


# -- links and spans


def slug(title: str) -> str:
    """A heading's anchor, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def anchors(path: Path) -> set[str]:
    """Every anchor of a document; a title that comes again gets a number."""
    found: set[str] = set()
    parts = tokens(path.read_text(encoding="utf-8"))
    for opened, inline in itertools.pairwise(parts):
        if opened.type == "heading_open":
            title = "".join(child.content for child in inline.children or () if child.type in {"text", "code_inline"})
            name, number = slug(title), 0
            while name in found:
                number += 1
                name = f"{slug(title)}-{number}"
            found.add(name)
    return found


def _spans(path: Path) -> Iterator[tuple[int, Token]]:
    for token in tokens(path.read_text(encoding="utf-8")):
        for child in token.children or ():
            yield (token.map[0] + 1 if token.map else 0), child


def span_faults(path: Path, root: Path = ROOT) -> Iterator[Fault]:
    """Links that lead nowhere, and commands in running text that do not exist."""
    name = path.relative_to(root).as_posix()
    for line, span in _spans(path):
        target = str(span.attrGet("href") or span.attrGet("src") or "")
        if target and not re.match(r"[a-z]+:", target):
            yield from (Fault(name, line, what) for what in _link_faults(path, target))
        if span.type == "code_inline" and re.match(
            r"(groundwork|make|python -m benchmarks\.\w+) \S|python -m benchmarks\.[a-z]", span.content
        ):
            yield from (Fault(name, line, what) for what in command_faults(span.content))


def _link_faults(path: Path, target: str) -> Iterator[str]:
    file, _, anchor = target.partition("#")
    there = (path.parent / file).resolve() if file else path
    if not there.exists():
        yield f"the link {target} leads nowhere"
    elif anchor and there.suffix == ".md" and anchor not in anchors(there):
        yield f"{there.name} has no heading for #{anchor}"


def faults(root: Path = ROOT) -> list[Fault]:
    """Everything that is wrong with the documents below `root`."""
    found: list[Fault] = []
    for path in documents(root):
        found += span_faults(path, root)
        for block in blocks(path, root):
            found += block_faults(block)
    return found


def cli_faults() -> list[Fault]:
    """Whether docs/cli.md is what the commands say of themselves."""
    kept = TARGET.read_text(encoding="utf-8") if TARGET.exists() else ""
    return [] if kept == render() else [Fault("docs/cli.md", 1, "not what `--help` says: run `python -m scripts.make_cli_docs`")]


def main() -> int:
    """Say every fault; 1 where there is one."""
    found = [*faults(), *cli_faults()]
    for fault in found:
        print(fault, file=sys.stderr)
    count = sum(1 for path in documents() for _ in blocks(path))
    print(f"{len(documents())} documents, {count} blocks, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
