"""A suite: the cases an application is measured on, and how.

name = "helpdesk"
description = "156 questions about SQLite, 36 of them not answered by the pages"
cases = "helpdesk.jsonl"          # beside this file; or a dataset's id
metrics = ["answer.correct", "latency"]   # none named: all
concurrency = 4                   # or "auto"
repeats = 1

[target]                          # what is asked; without it, the application in the folder
url = "http://127.0.0.1:8000/v1"
model = "qwen3"
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from groundwork.core.config import Section, Written, decode, read_toml
from groundwork.core.errors import ConfigError, NotFound, StoreError
from groundwork.core.ids import kind_of
from groundwork.core.measure import Example
from groundwork.core.units import Duration
from groundwork.datasets.dataset import read_manifest
from groundwork.evaluate.cases import Cases, cases_of, read_cases
from groundwork.evaluate.endpoint import TargetSection
from groundwork.evaluate.registry import Metric, Scorer
from groundwork.evaluate.scorers import DEFAULT, find_scorers, metrics_of
from groundwork.evaluate.scorers.judged import with_judges
from groundwork.evaluate.thresholds import ActionSection, check_actions
from groundwork.gateway.config import ModelSection, ProviderSection

Concurrency = int | Literal["auto"]
MOST = 1_000
"""Cases that may be asked at once."""


class SuiteSection(Section, frozen=True, kw_only=True):
    """What stands in a suite's file."""

    name: str = ""
    description: str = ""
    cases: str
    metrics: tuple[str | dict[str, Any], ...] = ()
    concurrency: Concurrency = 4
    """How many cases are asked at once. `auto`: as many as the endpoint takes without slowing down or refusing."""
    timeout: Duration = Duration(60.0, "60s")
    """Of one answer, further attempts included; a later answer is an error, not a wrong answer."""
    repeats: int = 1
    """How often each case is asked: answers differ, and figures should know by how much."""
    attempts: int | None = None
    """How often a request that was refused for its rate, overload or network is sent. Unset: 4 for a URL or a model, 1 for all others."""
    target: TargetSection | None = None
    providers: dict[str, ProviderSection] = {}
    models: dict[str, ModelSection] = {}
    """For targets and judges, as in groundwork.toml; what stands here goes before what stands there."""
    actions: tuple[ActionSection, ...] = ()
    """What is done once a figure is good enough, from the lowest rung up."""
    judges: dict[str, dict[str, Any]] = {}
    """Judges of this suite: `[judges.strict]` with `rubric = "groundedness"` and settings is what `judge:strict` means."""

    def __post_init__(self) -> None:
        check_concurrency(self.concurrency)
        if not 1 <= self.repeats <= MOST:
            raise ValueError(f"`repeats` is {self.repeats}: choose 1 to {MOST}")
        if self.attempts is not None and not 1 <= self.attempts <= 20:
            raise ValueError(f"`attempts` is {self.attempts}: choose 1 to 20")


def check_concurrency(concurrency: Concurrency) -> None:
    """Raises ValueError for a number of requests that nobody can mean."""
    if concurrency != "auto" and not 1 <= concurrency <= MOST:
        raise ValueError(f'`concurrency` is {concurrency}: choose 1 to {MOST}, or "auto"')


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite as loaded. Its cases stay in their file."""

    name: str
    description: str
    path: Path
    examples: Cases
    scorers: tuple[Scorer, ...]
    concurrency: Concurrency = 4
    timeout: float = 60.0
    """Seconds."""
    repeats: int = 1
    attempts: int | None = None
    target: TargetSection | None = None
    providers: Mapping[str, ProviderSection] = {}
    models: Mapping[str, ModelSection] = {}
    actions: tuple[ActionSection, ...] = ()
    written: Written = Written(file="", table={}, lines={})
    """The file, for what has to be said of a line of it later."""
    dataset: str = ""
    """The id of the dataset that the cases come from, where they do."""

    @property
    def sha256(self) -> str:
        """Of what the cases say: two runs are only compared where it is the same."""
        return self.examples.sha256

    @property
    def metrics(self) -> dict[str, Metric]:
        """The figures it yields, by name."""
        return metrics_of(self.scorers)

    def split(self, name: str) -> Cases:
        """The cases of a split; all of them for an empty name. Raises ConfigError for a split that no case is in."""
        return self.examples.split(name, str(self.path))


def make_suite(
    examples: Iterable[Example],
    *,
    name: str = "suite",
    metrics: Iterable[str | Mapping[str, Any]] = DEFAULT,
    root: Path | None = None,
    **settings: Any,
) -> Suite:
    """A suite from Python: examples, metrics, and `concurrency`, `timeout` (seconds), `repeats`, `attempts` as in a file. Raises ConfigError."""
    scorers = find_scorers(metrics, root=root or Path.cwd())
    return Suite(name=name, description="", path=Path(name), examples=cases_of(examples), scorers=scorers, **settings)


def load_suite(path: Path, *, root: Path, datasets: Path | None = None) -> Suite:
    """Read a suite and its cases.

    `root` is the application's folder, where scorers named `module:function` are looked for; `datasets` the folder of datasets (by default
    `root/.groundwork/datasets`). Raises ConfigError with file and line.
    """
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    written = read_toml(path, name=shown)
    section = decode(written, SuiteSection)
    scorers = find_scorers(with_judges(section.metrics, section.judges) or DEFAULT, root=root, where=written.where(("metrics",)))
    check_actions(section.actions, metrics_of(scorers), written.where(("actions",)))
    where = written.where(("cases",))
    dataset = section.cases if kind_of(section.cases) == "dataset" else ""
    examples = (
        _from_dataset(dataset, datasets or root / ".groundwork" / "datasets", where)
        if dataset
        else _from_file(path.parent / section.cases, root, where)
    )
    return Suite(
        name=section.name or path.stem,
        description=section.description,
        path=path,
        examples=examples,
        scorers=scorers,
        concurrency=section.concurrency,
        timeout=section.timeout.seconds,
        repeats=section.repeats,
        attempts=section.attempts,
        target=section.target,
        providers=section.providers,
        models=section.models,
        actions=section.actions,
        written=written,
        dataset=dataset,
    )


def _from_dataset(identifier: str, folder: Path, where: str) -> Cases:
    try:
        manifest = read_manifest(folder, identifier)
    except NotFound as error:
        raise ConfigError(error.what, where=where, fix=error.fix) from None
    path = folder / identifier / "examples.jsonl"
    cases = _from_file(path, folder, where)
    if cases.sha256 != manifest.sha256:
        raise StoreError(
            f"{path} was changed after it was written", fix="restore it from a backup, or write the new rows as another dataset"
        )
    return cases


def _from_file(path: Path, root: Path, where: str) -> Cases:
    if path.is_dir():  # a dataset by its folder
        return _from_dataset(path.name, path.parent, where)
    try:
        return read_cases(path, str(path.relative_to(root)) if path.is_relative_to(root) else str(path))
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", where=where, fix="name the file with the cases, relative to the suite"
        ) from None
