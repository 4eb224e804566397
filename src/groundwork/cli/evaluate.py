"""`groundwork eval`: the application over a suite; every figure with its interval and its n."""

from pathlib import Path

import click

from groundwork.cli.measured import measure_change, say_run, say_wrong
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import NOT_PASSED, app_option, json_option, out_json, run

EPILOG = """\b
Examples:
  groundwork eval suites/helpdesk.toml
  groundwork eval --change chg_…             # the application as it would be with a change
  groundwork eval --resume                   # complete the run that was broken off"""


@click.command(epilog=EPILOG)
@click.argument("suite", required=False)
@click.option(
    "--split",
    default=None,
    help="The cases of one split. Default: the gate's split for the gate's suite ('' for all cases), all of any other.",
)
@click.option("--change", default="", help="Evaluate with this change laid over the configuration.")
@click.option("--resume", is_flag=False, flag_value="", default=None, metavar="[RUN]", help="Complete a run that was broken off.")
@click.option("--retry-errors", is_flag=True, help="Ask again the cases that ended in an error.")
@click.option("--wrong", default=5, show_default=True, help="How many wrong answers to show.")
@app_option
@json_option
def command(
    suite: str | None, split: str | None, change: str, resume: str | None, retry_errors: bool, wrong: int, root: Path, as_json: bool
) -> None:
    """Run the application over SUITE (the gate's, if none is named) and report each metric with its interval.

    Answers come from the application itself, never from its cache. A run that was killed is completed with --resume: nothing is asked twice.
    Exits with 3 where cases ended in errors.
    """
    folder = open_folder(root)
    try:
        measured = run(measure_change(root.resolve(), folder, suite, split=split, change=change, resume=resume, retry_errors=retry_errors))
    finally:
        folder.close()
    if as_json:
        out_json(measured.run)
    else:
        say_run(measured)
        say_wrong(measured, wrong)
    if measured.run.errors:
        raise SystemExit(NOT_PASSED)
