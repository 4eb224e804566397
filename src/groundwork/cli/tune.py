"""`groundwork tune`: from rows to a small model of one's own. A lazy table like the top one: torch is imported by `fit` alone."""

import click

from groundwork.cli.lazy import LazyGroup

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


@click.command(cls=LazyGroup, table=COMMANDS, epilog=EPILOG)
def command() -> None:
    """Fine-tune small models: data, recipe, fit, record, card.

    Training needs torch: pip install torch==2.13.0, then pip install 'groundwork-ai[tune]'. All else runs without it.
    """
