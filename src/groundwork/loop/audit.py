"""What an audit of a suite needs, gathered from the application's folder: runs, whole answers, what people said, prompts and datasets."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from groundwork.app.config import Settings
from groundwork.core.measure import Example, Result
from groundwork.core.record import Feedback, Thumb
from groundwork.datasets.dataset import list_datasets, read_dataset
from groundwork.evaluate.audit import Material
from groundwork.evaluate.cases import cases_of
from groundwork.evaluate.journal import list_runs, read_results, read_run
from groundwork.evaluate.passages import read_passages
from groundwork.evaluate.registry import metrics_of
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.runner import evaluate, new_run
from groundwork.evaluate.suite import Suite
from groundwork.loop.measure import _target, open_candidate
from groundwork.store.folder import Folder

PROMPTS = "prompts"
MOST_RUNS = 20


async def gather(
    folder: Folder,
    suite: Suite,
    *,
    settings: Settings | None = None,
    run: str = "",
    labels: Mapping[str, bool] | None = None,
    against: Mapping[str, Iterable[str]] | None = None,
    sample: int = 60,
) -> Material:
    """Everything at hand for an audit. `run` names the run to look into (default: the newest over these cases); `labels` are people's
    verdicts by case, beside the thumbs on its traces; `against` further texts that cases had better not stand in.
    """
    section = settings.config.gate if settings else None
    is_gates = section is not None and settings is not None and suite.path.resolve() == (settings.root / section.suite).resolve()
    runs = _runs(folder, suite, run)
    prompts = _prompts(folder.root)
    datasets, chosen = await _datasets(folder, suite)
    return Material(
        suite=suite,
        primary=_required(suite, section.require) if section and is_gates else (),
        margin=section.margin if section and is_gates else 0.05,
        split=section.split if section and is_gates else "",
        runs=runs,
        texts={**prompts, **datasets, **(against or {})},
        forbidden=frozenset([*prompts, *chosen]),
        people=(await _thumbs(folder, runs[0]) if runs else {}) | dict(labels or {}),
        sample=sample,
    )


def _runs(folder: Folder, suite: Suite, named: str) -> tuple[Evaluated, ...]:
    """Finished runs over the suite's cases and one split, newest first; a run named comes first and decides the split."""
    known = [run for run in list_runs(folder.run_files) if run.finished is not None and run.suite_sha256 == suite.sha256]
    if named:
        first = read_run(folder.run_files, named)
        known = [first, *(run for run in known if run.id != named)]
    known = [run for run in known if run.split == known[0].split][:MOST_RUNS]
    return tuple(load_evaluated(folder.run_files, run.id) for run in known)


def _required(suite: Suite, lines: Sequence[str]) -> tuple[str, ...]:
    """The suite's metrics that a gate asks for."""
    known = metrics_of(suite.scorers)
    names = (line.split(" ", 1)[0] for line in lines)
    return tuple(dict.fromkeys(known[name].scorer.name for name in names if name in known and known[name].percent is None))


async def _thumbs(folder: Folder, evaluated: Evaluated) -> dict[str, bool]:
    """Thumbs on the run's answers, the latest of each."""
    cases = {result.trace: result.example for result in evaluated.results if result.trace}
    found: dict[str, bool] = {}
    opinions: list[Feedback] = [one for one in await folder.feedback.since(0.0) if one.trace in cases]
    for one in opinions:
        if isinstance(one.opinion, Thumb):
            found[cases[one.trace]] = one.opinion.value
    return found


def _prompts(root: Path) -> dict[str, list[str]]:
    """The texts of all prompt files, with the examples beside them: no case may stand in what a prompt shows."""
    folder = root / PROMPTS
    files = sorted(path for path in folder.rglob("*") if path.suffix in {".md", ".json", ".jsonl"}) if folder.is_dir() else []
    return {str(path.relative_to(root)): [passage.text for passage in read_passages(path)] for path in files}


async def _datasets(folder: Folder, suite: Suite) -> tuple[dict[str, list[str]], list[str]]:
    """The questions of every other dataset, and which of the datasets a change was proposed from."""
    changes = await folder.changes.list()
    parents = {parent for change in changes for parent in change.parents}
    texts: dict[str, list[str]] = {}
    for dataset in list_datasets(folder.dataset_files):
        if dataset.id != suite.dataset:
            texts[dataset.id] = [_asked(example) for example in read_dataset(folder.dataset_files, dataset.id)[1]]
    return texts, [name for name in texts if name in parents]


def _asked(example: Example) -> str:
    return "\n".join([example.question, *(turn.question for turn in example.turns)])


async def ask_again(root: Path, folder: Folder, material: Material, cases: int, place: Path) -> tuple[Result, ...]:
    """Ask the application some of the cases twice: what changes then changes by itself. `place` takes the files, which nobody keeps."""
    known = material.suite.split(material.split)
    step = max(1, len(known) // cases)
    drawn = cases_of([known[number] for number in range(0, len(known), step)][:cases])
    suite = msgspec.structs.replace(material.suite, examples=drawn, repeats=1)
    results: list[Result] = []
    async with open_candidate(root, folder) as live:
        for _ in range(2):
            run = new_run(suite, target=live.app.name, config=live.app.config)
            await evaluate(_target(live, run.id), suite, run, folder=place)
            results += read_results(place, run.id)
    return tuple(results)
