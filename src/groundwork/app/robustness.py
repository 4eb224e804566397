"""Robustness: the application over a suite as it is written, and again under each kind of perturbation, compared case by case.

Only cases that a kind really changes are compared under it: the others could only hide its effect. Runs stand in a folder of their own
(`.groundwork/perturbed/`), so that no gate takes one for a measurement of what serves.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from groundwork.app.application import App, withhold
from groundwork.app.cache import NoCache
from groundwork.app.catalog import with_prompt
from groundwork.app.live import Live
from groundwork.core.measure import Example
from groundwork.core.message import Message, say
from groundwork.core.reply import Reply
from groundwork.core.request import Principal, Request
from groundwork.evaluate.cases import cases_of
from groundwork.evaluate.compare import Comparison, compare
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.runner import Progress, evaluate, new_run
from groundwork.evaluate.suite import Suite
from groundwork.prompts.perturb import ORDER, perturb, reordered
from groundwork.store.folder import Folder

FOLDER = "perturbed"


class Effect(NamedTuple):
    """What one kind of perturbation did: how many cases it changed, and the paired comparison over those (None where there is none)."""

    kind: str
    changed: int
    unchanged: int
    comparison: Comparison | None
    reason: str = ""


async def robustness(
    live: Live, suite: Suite, kinds: Sequence[str], *, seed: int, progress: Callable[[Progress], None] | None = None
) -> AsyncGenerator[Effect, None]:
    """Measure the suite as it is, then under each kind; yields each kind's effect as it is known. A is as written, B is perturbed."""
    examples = list(suite.examples)
    live.app = replace(withhold(live.app, examples), cache=NoCache())
    as_written = await _run(live, live.app, suite, examples, "", seed, progress)
    for kind in kinds:
        app = reordered_app(live.app, seed) if kind == ORDER else live.app
        changed = examples if kind == ORDER else [one for one in examples if perturb(one.question, kind, seed) != one.question]
        if app is None:
            yield Effect(kind, 0, len(examples), None, "no prompt shows two or more fixed examples")
        elif not changed:
            yield Effect(kind, 0, len(examples), None, "no question holds anything of the kind")
        else:
            perturbed = await _run(live, app, suite, changed, kind, seed, progress)
            comparison = compare(_only(as_written, changed, perturbed), perturbed, suite.metrics)
            yield Effect(kind, len(changed), len(examples) - len(changed), comparison)


def reordered_app(app: App, seed: int) -> App | None:
    """The application with the fixed few-shot examples of its prompts in another order; None where there is nothing to reorder."""
    made = app
    routes = (app.router.default, *app.router.named.values())
    for prompt in {route.prompt.name: route.prompt for route in routes if route.prompt}.values():
        if prompt.select.by == "fixed" and len(prompt.examples) > 1:
            made = with_prompt(made, msgspec.structs.replace(prompt, examples=reordered(prompt.examples, seed)))
    return None if made is app else made


async def _run(
    live: Live, app: App, suite: Suite, examples: Sequence[Example], kind: str, seed: int, progress: Callable[[Progress], None] | None
) -> Evaluated:
    """One run over these cases; the questions are perturbed on their way to the application, so that the cases stay the same."""
    folder: Folder = live.folder
    place = folder.path / FOLDER
    chosen = msgspec.structs.replace(suite, examples=cases_of(examples))
    run = new_run(chosen, target=f"{app.name} under {kind}" if kind else app.name, config=app.config, release=app.settings.release)

    async def target(request: Request, /) -> Reply:
        asked = request if kind in {"", ORDER} else perturbed_request(request, kind, seed)
        named = msgspec.structs.replace(asked, model=app.name, episode=run.id, principal=Principal(internal=True))
        return await live.reply(named)

    before, live.app = live.app, app
    try:
        done = await evaluate(target, chosen, run, folder=place, progress=progress)
    finally:
        live.app = before
    return load_evaluated(place, done.id)


def perturbed_request(request: Request, kind: str, seed: int) -> Request:
    """The request with its question perturbed; what was said before stays."""
    messages: list[Message] = list(request.messages)
    place = len(request.history)
    messages[place] = say("user", perturb(request.question, kind, seed))
    return msgspec.structs.replace(request, messages=tuple(messages))


def _only(evaluated: Evaluated, examples: Sequence[Example], beside: Evaluated) -> Evaluated:
    """The results of these cases alone, as a run over the cases of another run."""
    names = {one.id for one in examples}
    run = msgspec.structs.replace(evaluated.run, suite_sha256=beside.run.suite_sha256)
    return Evaluated(run, tuple(result for result in evaluated.results if result.example in names))
