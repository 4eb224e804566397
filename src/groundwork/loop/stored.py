"""A stored run with everything that belongs to it: its suite, its cases by id, its traces."""

from pathlib import Path
from typing import NamedTuple

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import Example
from groundwork.core.record import Trace
from groundwork.evaluate.config import GateSection
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.suite import Suite, load_suite
from groundwork.loop.measure import suite_of
from groundwork.store.folder import Folder

SUITES = "suites"


class Stored(NamedTuple):
    """A run, its suite as it is now, its cases by id, and the traces that are still kept, by their ids."""

    evaluated: Evaluated
    suite: Suite
    examples: dict[str, Example]
    traces: dict[str, Trace]


async def read_stored(root: Path, folder: Folder, run: str, *, suite: str | None = None, gate: GateSection | None = None) -> Stored:
    """A run with its suite (named, the gate's, or one of suites/ that holds its cases) and traces. Raises InputError where none does."""
    evaluated = load_evaluated(folder.run_files, run)
    found = suite_of_run(root, folder, evaluated, suite, gate)
    traces = [await folder.trace_store.get(result.trace) for result in evaluated.results if result.trace]
    return Stored(
        evaluated,
        found,
        {one.id: one for one in found.split(evaluated.run.split)},
        {trace.id: trace for trace in traces if trace is not None},
    )


def suite_of_run(root: Path, folder: Folder, evaluated: Evaluated, named: str | None = None, gate: GateSection | None = None) -> Suite:
    """The suite whose cases a run was over. Raises InputError where it is not there any more."""
    run = evaluated.run
    if named is not None:
        chosen = suite_of(root, folder, named, gate)
        if chosen.sha256 != run.suite_sha256:
            raise InputError(f"{run.id} was run over other cases than {named} holds", fix="name the suite that it was run over")
        return chosen
    for path in sorted((root / SUITES).glob("*.toml")):
        try:
            suite = load_suite(path, root=root, datasets=folder.dataset_files)
        except ConfigError:
            continue  # another suite that does not load is no reason to hide this one
        if suite.sha256 == run.suite_sha256:
            return suite
    raise InputError(f"no suite in {SUITES}/ holds the cases of {run.id}", fix="name it with --suite, or evaluate again")
