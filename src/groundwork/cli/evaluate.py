"""`groundwork eval`: an application, or any URL, model or function, over a suite; every figure with its interval and its n."""

from pathlib import Path
from typing import Any, NamedTuple

import click

from groundwork.cli.measured import colour, measure_change, say_run, say_wrong, showing, write_page
from groundwork.cli.terminal import NOT_PASSED, app_option, json_option, out, out_json, run, talk
from groundwork.core.config import read_toml
from groundwork.core.errors import ConfigError
from groundwork.core.measure import Ruling
from groundwork.core.units import Secret
from groundwork.evaluate.endpoint import TargetSection
from groundwork.evaluate.journal import read_run
from groundwork.evaluate.measured import Asked, Measured, measure_again, measure_target
from groundwork.evaluate.require import hold, parse_required
from groundwork.evaluate.suite import check_concurrency, load_suite
from groundwork.evaluate.targets import named_target
from groundwork.evaluate.thresholds import climb
from groundwork.store.folder import Folder

EPILOG = """\b
Examples:
  groundwork eval suites/helpdesk.toml
  groundwork eval --change chg_…             # the application as it would be with a change
  groundwork eval --resume                   # complete the run that was broken off
  groundwork eval suites/quiz.toml --target http://127.0.0.1:8000/v1 --model qwen3
  groundwork eval suites/quiz.toml --target mybot:answer --require "answer.correct >= 0.8"
  groundwork eval suites/quiz.toml --rescore run_…    # other metrics, the same answers"""

_FILE = "groundwork.toml"


class Wanted(NamedTuple):
    """What the command line asks for."""

    suite: str | None
    split: str | None
    change: str
    target: str
    model: str
    key: str
    keep: bool | None
    rescore: str
    required: tuple[str, ...]
    how: Asked


class Concurrency(click.ParamType[int | str]):
    """A number, or `auto`."""

    name = "N|auto"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        try:
            number = value if value == "auto" else int(value)
            check_concurrency(number)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        return number


@click.command(epilog=EPILOG)
@click.argument("suite", required=False)
@click.option(
    "--target",
    default="",
    metavar="WHAT",
    help="What is asked: a URL, `module:function`, or a model. Default: the suite's [target], else the application.",
)
@click.option("--model", default="", help="Which model of the URL.")
@click.option("--key", default="", metavar="env:NAME", help="The environment variable with the URL's key.")
@click.option(
    "--split",
    default=None,
    help="The cases of one split. Default: the gate's split for the gate's suite ('' for all cases), all of any other.",
)
@click.option("--change", default="", help="Evaluate with this change laid over the configuration.")
@click.option("--repeats", type=click.IntRange(1, 1_000), default=None, help="Ask each case so often. Default: the suite's.")
@click.option("--concurrency", type=Concurrency(), default=None, help="Ask so many cases at once; `auto` finds out. Default: the suite's.")
@click.option("--resume", is_flag=False, flag_value="", default=None, metavar="[RUN]", help="Complete a run that was broken off.")
@click.option("--retry-errors", is_flag=True, help="Ask again the cases that ended in an error.")
@click.option(
    "--keep-answers/--no-keep-answers",
    "keep",
    default=None,
    help="Take answers to the same requests from earlier runs. Default: where a URL or model is sampled at temperature 0 or with a seed.",
)
@click.option("--rescore", default="", metavar="RUN", help="Ask nothing: score the answers of RUN with the suite as it is now.")
@click.option(
    "--require", "required", multiple=True, metavar="TEXT", help='Exit with 3 unless the interval says so: "answer.correct >= 0.8".'
)
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write JUnit XML for a build server.")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), default=None, help="Write the run as one HTML file.")
@click.option("--wrong", default=5, show_default=True, help="How many wrong answers to show.")
@app_option
@json_option
def command(root: Path, as_json: bool, wrong: int, junit: Path | None, html: Path | None, **given: Any) -> None:
    """Run a target over SUITE (the gate's, if none is named) and report each metric with its interval.

    The target is the application in the folder (its answers never come from its cache), or what --target or the suite's [target] names: then no
    application is needed. A run that was killed is completed with --resume: nothing is asked twice. Exits with 3 where answers or scores
    ended in errors, and where a requirement is not shown to hold.
    """
    asked = {name: given.pop(name) for name in ("resume", "retry_errors", "repeats", "concurrency")}
    wanted = Wanted(**given, how=Asked(**asked))
    folder = Folder(root.resolve())
    try:
        measured = run(_measure(folder, wanted))
    finally:
        folder.close()
    rulings = hold(measured.run, parse_required(wanted.required, measured.suite))
    if junit is not None:
        _write_junit(junit, measured)
    if html is not None:
        _write_html(html, measured)
    if as_json:
        out_json(measured.run)
    else:
        say_run(measured)
        say_wrong(measured, wrong)
    _say_rulings(rulings, as_json=as_json)
    if (
        measured.run.errors
        or any("error" in counts for counts in measured.run.unread.values())
        or any(one.decision != "pass" for one in rulings)
    ):
        raise SystemExit(NOT_PASSED)


async def _measure(folder: Folder, wanted: Wanted) -> Measured:
    """Find out what is to be asked, and ask it; an application is only opened where it is the target."""
    path = _suite_path(folder.root, wanted.suite)
    named = bool(wanted.target or wanted.model or wanted.rescore)
    suite = None if path is None else load_suite(path, root=folder.root, datasets=folder.dataset_files)
    section = named_target(wanted.target, wanted.model, suite.target if suite else None)
    if suite is None or (section is None and not wanted.rescore):
        if named:
            raise ConfigError("no suite is named", fix="name one: `groundwork eval suites/NAME.toml --target …`")
        return await _measure_application(folder, wanted)
    parse_required(wanted.required, suite)
    with showing(suite, wanted.how) as how:
        if wanted.rescore:
            return await measure_again(read_run(folder.run_files, wanted.rescore), suite, folder.root, folder, how=how)
        if section is None or wanted.change:
            raise ConfigError("a change is one of the application's, and the target is another", fix="leave out --change or the target")
        return await measure_target(
            _keyed(section, wanted.key), suite, folder.root, folder, split=wanted.split or "", how=how, keep=wanted.keep
        )


async def _measure_application(folder: Folder, wanted: Wanted) -> Measured:
    from groundwork.app.config import check_folder

    check_folder(folder.root)
    return await measure_change(folder.root, folder, wanted.suite, split=wanted.split, change=wanted.change, how=wanted.how)


def _keyed(section: TargetSection, key: str) -> TargetSection:
    import msgspec

    try:
        return msgspec.structs.replace(section, key=Secret.parse(key)) if key else section
    except ValueError as error:
        raise ConfigError(f"--key: {error}", fix="write --key env:NAME") from None


def _suite_path(root: Path, named: str | None) -> Path | None:
    """The suite that is named, from here or from the application's folder; else that of its gate."""
    if named is None:
        gate = read_toml(root / _FILE, name=_FILE).table.get("gate", {}) if (root / _FILE).is_file() else {}
        return root / gate["suite"] if isinstance(gate, dict) and isinstance(gate.get("suite"), str) else None
    path = Path(named)
    return path if path.is_absolute() or path.exists() else root / path


def _write_junit(path: Path, measured: Measured) -> None:
    from groundwork.evaluate.junit import junit
    from groundwork.store.files import guarding

    with guarding(path), path.open("w", encoding="utf-8") as file:
        file.writelines(junit(measured.run, measured.suite, measured.results()))
    talk(f"wrote {path}")


def _write_html(path: Path, measured: Measured) -> None:
    from groundwork.evaluate.page import run_page

    suite = measured.suite
    rungs = climb(suite.actions, measured.run.metrics, suite.metrics)
    write_page(path, run_page(measured.evaluated, suite.metrics, cases=suite.examples, rungs=rungs))


def _say_rulings(rulings: tuple[Ruling, ...], *, as_json: bool) -> None:
    say = talk if as_json else out
    for one in rulings:
        say(f"  {colour(one.decision)}  {one.requirement}: {one.sentence}")
