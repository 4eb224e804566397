"""`groundwork prompts perturb`: does the application answer alike when a question is written a little differently?"""

from pathlib import Path

import click
import msgspec

from groundwork.app.live import open_live
from groundwork.app.robustness import Effect, robustness
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, progress, run, talk
from groundwork.core.errors import InputError
from groundwork.evaluate.compare import in_words
from groundwork.evaluate.runner import Progress
from groundwork.evaluate.suite import Suite
from groundwork.loop.measure import suite_of
from groundwork.prompts.perturb import KINDS, ORDER

EPILOG = """\b
Examples:
  groundwork prompts perturb --suite suites/helpdesk.toml
  groundwork prompts perturb --kind typo --kind numerals --seed 7"""


@click.command(epilog=EPILOG)
@click.option("--suite", default=None, help="The suite to measure on; the gate's where none is named.")
@click.option("--split", default="", help="Only the cases of this split.")
@click.option("--kind", "kinds", multiple=True, type=click.Choice([*KINDS, ORDER]), help="A kind of perturbation; all unless named.")
@click.option("--seed", default=0, show_default=True, help="The same seed perturbs the same way.")
@app_option
@json_option
def command(suite: str | None, split: str, kinds: tuple[str, ...], seed: int, root: Path, as_json: bool) -> None:
    """Ask a suite as it is and under small changes that leave the meaning, and compare case by case, with intervals.

    Kinds: typo, numerals (5 or five), case, whitespace, punctuation, order (of fixed few-shot examples).
    """
    effects = run(_measure(root.resolve(), suite, split, kinds or (*KINDS, ORDER), seed))
    if as_json:
        out_json([effect._asdict() for effect in effects])
        return
    for effect in effects:
        _say(effect)


async def _measure(root: Path, suite: str | None, split: str, kinds: tuple[str, ...], seed: int) -> list[Effect]:
    async with open_live(root) as live:
        chosen = suite_of(root, live.folder, suite, live.app.settings.config.gate)
        narrowed = _narrowed(chosen, split)
        with progress("asking", "cases") as update:

            def show(state: Progress) -> None:
                update(state.done, state.total, "")

            return [effect async for effect in robustness(live, narrowed, kinds, seed=seed, progress=show)]


def _narrowed(suite: Suite, split: str) -> Suite:
    if not len(suite.examples):
        raise InputError(f"the suite {suite.name} has no case", fix="add cases to it")
    return msgspec.structs.replace(suite, examples=suite.split(split)) if split else suite


def _say(effect: Effect) -> None:
    out(f"{bold(effect.kind)}: {effect.changed} of {effect.changed + effect.unchanged} questions changed")
    if effect.comparison is None:
        talk(dim(f"  not measured: {effect.reason}"))
        return
    for one in effect.comparison.differences:
        low, value, high = (in_words(bound, one.unit) for bound in (one.difference.low, one.difference.value, one.difference.high))
        out(f"  {one.metric}: {value} ({low} to {high}, n = {one.difference.n}): {one.sentence}")
