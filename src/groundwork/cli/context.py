"""`groundwork context`: what an application may know. A lazy table like the top one."""

from importlib import import_module

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "tune": ("context_tune", "Choose chunking and retrieval by questions on your own documents."),
}

EPILOG = """\b
Example:
  groundwork context tune"""


class _Table(click.Group):
    """Imports a command's module when it runs."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = COMMANDS.get(cmd_name)
        return None if entry is None else import_module(f"groundwork.cli.{entry[0]}").command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.command(cls=_Table, epilog=EPILOG)
def command() -> None:
    """Choose how documents are split and searched. Indexing and searching: `groundwork index`, `groundwork find`."""
