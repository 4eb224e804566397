"""Write docs/cli.md from the commands' own help.

python -m scripts.make_cli_docs
"""

from collections.abc import Iterator
from pathlib import Path

import click

from groundwork.cli.table import groundwork

TARGET = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
WIDTH = 100
HEAD = """\
# Command line

What each command says with `--help`; made by `python -m scripts.make_cli_docs`, compared by a test. Data goes to stdout and talk to stderr;
whatever prints data takes `--json`.
"""


def pages(command: click.Command, name: str, parent: click.Context | None = None) -> Iterator[tuple[str, str]]:
    """The help of a command and of all below it."""
    context = click.Context(
        command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH, help_option_names=["-h", "--help"]
    )
    yield context.command_path, command.get_help(context)
    if isinstance(command, click.Group):
        for child in command.list_commands(context):
            found = command.get_command(context, child)
            if found is not None:
                yield from pages(found, child, context)


def render() -> str:
    """The whole document."""
    parts = [f"## {path}\n\n```text\n{text.strip()}\n```\n" for path, text in pages(groundwork, "groundwork")]
    return "\n".join([HEAD, *parts])


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(TARGET)
