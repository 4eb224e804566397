"""`groundwork tune`: from rows to a small model of one's own. A lazy table like the top one: torch is imported by `fit` alone."""

from importlib import import_module

import click

COMMANDS: dict[str, tuple[str, str]] = {
    "base": ("tune_base", "Fetch the weights that every fit starts from."),
    "data": ("tune_data", "Make a training set, from raw files or from a harvested dataset."),
    "inspect": ("tune_inspect", "Look at a training set before training on it."),
    "memory": ("tune_memory", "Predict the memory that serving or training a model takes."),
    "fit": ("tune_fit", "Train, measure, export, and write record and card."),
    "router": ("tune_router", "Train a router on a few examples of your own intents."),
    "advise": ("tune_advise", "Say whether prompt, retrieval or fine-tuning fits the failures seen."),
    "list": ("tune_list", "List the models that were trained, with their figures."),
    "card": ("tune_card", "Print a trained model's card."),
}

EPILOG = """\b
Examples:
  groundwork tune data reader --from data --out training/reader
  groundwork tune fit recipes/reader.toml --smoke"""


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
    """Fine-tune small models: data, recipe, fit, record, card.

    Training needs torch: pip install torch==2.13.0, then pip install 'groundwork-ai[tune]'. All else runs without it.
    """
