"""The table of commands: name, module, and the line that `--help` shows. A module is imported when its command runs."""

import sys
from typing import Any

import click

from groundwork.cli.lazy import LazyGroup
from groundwork.core.errors import GroundworkError

COMMANDS: dict[str, tuple[str, str]] = {
    "new": ("new", "Make an application from a folder of documents."),
    "check": ("check", "Check the configuration and show every value in force."),
    "index": ("index", "Read, split and embed the documents; only what changed."),
    "up": ("up", "Serve the application: API and page."),
    "ask": ("ask", "Ask one question from the terminal."),
    "find": ("find", "Search the documents and show why each hit is there."),
    "context": ("context", "Choose chunking and retrieval by evaluation."),
    "model": ("model", "Show or change the model that answers."),
    "prompts": ("prompts", "List, render, compare and try prompts."),
    "keys": ("keys", "Make, list and revoke API keys."),
    "traces": ("traces", "List the latest requests."),
    "show": ("show", "Show anything that has an id, and walk its lineage."),
    "replay": ("replay", "Answer stored requests again and compare."),
    "review": ("review", "Read answers, name what goes wrong, count it, and measure it."),
    "harvest": ("harvest", "Make a dataset from traces and feedback."),
    "eval": ("evaluate", "Evaluate an application, URL, model or function."),
    "compare": ("compare", "Compare two runs case by case, or rate several."),
    "slices": ("slices", "Find where a run is bad, or where one beats another."),
    "rate": ("rate", "Rate systems from pairwise verdicts or runs."),
    "audit": ("audit", "Probe a suite: would it notice a bad answer?"),
    "contamination": ("contamination", "Look for a suite's cases in texts that a model may have seen."),
    "components": ("components", "Show what each step of a run took, and which one lost the wrong answers."),
    "judge": ("judge", "List, show, try and calibrate judges."),
    "tune": ("tune", "Fine-tune small models: data, recipe, fit, card."),
    "propose": ("propose", "Propose a change of a setting or a prompt."),
    "gate": ("gate", "Decide whether a change may ship: pass, fail or undecided."),
    "release": ("release", "Put a change into force."),
    "rollback": ("rollback", "Go back to an earlier release."),
    "list": ("listing", "List what is registered or stored."),
    "eject": ("eject", "Copy a part of groundwork into the project, to change it there."),
    "tour": ("tour", "Walk one lap of the loop, in two minutes."),
    "demo": ("demo", "Show the sample application at work."),
}

EPILOG = """\b
Examples:
  groundwork new app --docs ./docs && cd app && groundwork up
  groundwork ask "When is WAL mode not available?"

Exit codes: 0 done, 1 fault, 2 usage or configuration, 3 gate or evaluation failed."""


@click.command(
    cls=LazyGroup, table=COMMANDS, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="groundwork-ai", prog_name="groundwork")
def groundwork() -> None:
    """Applications on foundation models, from the first answer to a gated release.

    An application is a folder with a groundwork.toml, prompt files and plain Python functions.
    """


def main(arguments: list[str] | None = None) -> Any:
    """The entry point `groundwork`. Errors of ours become a sentence and a fix on stderr, and an exit code; all others are defects and keep their traceback."""
    try:
        return groundwork.main(args=arguments, prog_name="groundwork", standalone_mode=True)
    except GroundworkError as error:
        from groundwork.cli.terminal import say_error

        sys.exit(say_error(error))
