"""A suite: the cases an application is measured on, and how.

name = "helpdesk"
description = "156 questions about SQLite, 36 of them not answered by the pages"
cases = "helpdesk.jsonl"          # beside this file; or a dataset's id
metrics = ["answer.correct", "latency"]   # none named: all
concurrency = 4
"""

from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.config import Section, decode, read_toml, unknown
from groundwork.core.errors import ConfigError, NotFound
from groundwork.core.ids import kind_of
from groundwork.core.measure import Example
from groundwork.core.units import Duration
from groundwork.datasets.dataset import read_dataset
from groundwork.datasets.examples import examples_sha256, parse_examples
from groundwork.evaluate.registry import Metric, Scorer
from groundwork.evaluate.scorers import DEFAULT, find_scorers, metrics_of


class SuiteSection(Section, frozen=True, kw_only=True):
    """What stands in a suite's file."""

    name: str = ""
    description: str = ""
    cases: str
    metrics: tuple[str | dict[str, Any], ...] = ()
    concurrency: int = 4
    timeout: Duration = Duration(60.0, "60s")
    """Of one case; a later answer is an error, not a wrong answer."""

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= 1_000:
            raise ValueError(f"`concurrency` is {self.concurrency}: choose 1 to 1000")


class Suite(msgspec.Struct, frozen=True, kw_only=True):
    """A suite as loaded. `sha256` is over its decoded cases: two runs are only compared where it is the same."""

    name: str
    description: str
    path: Path
    examples: tuple[Example, ...]
    sha256: str
    scorers: tuple[Scorer, ...]
    concurrency: int
    timeout: float
    dataset: str = ""
    """The id of the dataset that the cases come from, where they do."""

    @property
    def metrics(self) -> dict[str, Metric]:
        """The figures it yields, by name."""
        return metrics_of(self.scorers)

    def split(self, name: str) -> tuple[Example, ...]:
        """The cases of a split; all of them for an empty name. Raises ConfigError for a split that no case is in."""
        if not name:
            return self.examples
        chosen = tuple(example for example in self.examples if example.split == name)
        if not chosen:
            raise unknown("split", name, {example.split for example in self.examples if example.split}, str(self.path))
        return chosen


def load_suite(path: Path, *, root: Path, datasets: Path | None = None) -> Suite:
    """Read a suite and its cases.

    `root` is the application's folder, where scorers named `module:function` are looked for; `datasets` the folder of datasets (by default
    `root/.groundwork/datasets`). Raises ConfigError with file and line.
    """
    shown = str(path.relative_to(root)) if path.is_relative_to(root) else str(path)
    written = read_toml(path, name=shown)
    section = decode(written, SuiteSection)
    scorers = find_scorers(section.metrics or DEFAULT, root=root, where=written.where(("metrics",)))
    dataset = section.cases if kind_of(section.cases) == "dataset" else ""
    where = written.where(("cases",))
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
        sha256=examples_sha256(examples),
        scorers=scorers,
        concurrency=section.concurrency,
        timeout=section.timeout.seconds,
        dataset=dataset,
    )


def _from_dataset(identifier: str, folder: Path, where: str) -> tuple[Example, ...]:
    try:
        return read_dataset(folder, identifier)[1]
    except NotFound as error:
        raise ConfigError(error.what, where=where, fix=error.fix) from None


def _from_file(path: Path, root: Path, where: str) -> tuple[Example, ...]:
    if path.is_dir():  # a dataset by its folder
        return _from_dataset(path.name, path.parent, where)
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{path} cannot be read: {error.strerror}", where=where, fix="name the file with the cases, relative to the suite"
        ) from None
    return parse_examples(data, str(path.relative_to(root)) if path.is_relative_to(root) else str(path))
