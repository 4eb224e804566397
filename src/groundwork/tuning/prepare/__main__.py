"""`python -m groundwork.tuning.prepare reader --from FOLDER --out FOLDER`: make a training set from raw files."""

import argparse
import importlib
import os
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from groundwork.core.errors import GroundworkError
from groundwork.datasets.rows import Row, Task
from groundwork.datasets.training import Origin, Part, write_training

Prepare = Callable[[Path, int], tuple[Mapping[Part, list[Row]], tuple[Origin, ...]]]
SETS: Mapping[str, tuple[Task, str]] = {
    "reader": ("span", "groundwork.tuning.prepare.reader:prepare_reader"),
    "reader-synthetic": ("span", "groundwork.tuning.prepare.synthetic:prepare_synthetic"),
    "intents": ("classify", "groundwork.tuning.prepare.intents:prepare_intents"),
    "reranker": ("pair", "groundwork.tuning.prepare.pairs:prepare_reranker"),
    "grounding": ("pair", "groundwork.tuning.prepare.pairs:prepare_grounding"),
    "attacks": ("classify", "groundwork.tuning.prepare.attacks:prepare_attacks"),
    "embedded-instructions": ("span", "groundwork.tuning.prepare.embedded_instructions:prepare_embedded"),
}
"""Each training set: its task and the function that makes it. The function's module says in HOW how it is done."""


def main(arguments: list[str] | None = None) -> int:
    """Make one training set and say what it holds."""
    parser = argparse.ArgumentParser(prog="groundwork.tuning.prepare", description=__doc__)
    parser.add_argument("name", choices=SETS, help="which training set")
    parser.add_argument("--from", dest="source", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="raw files; $GROUNDWORK_DATA")
    parser.add_argument("--out", type=Path, required=True, help="where to write it; must not exist")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args(arguments)
    if chosen.source is None:
        parser.error("name the folder of raw files: --from FOLDER")
    task, function = SETS[chosen.name]
    module, _, name = function.partition(":")
    loaded = importlib.import_module(module)
    prepare: Prepare = getattr(loaded, name)
    try:
        parts, origins = prepare(chosen.source, chosen.seed)
        made = write_training(parts, folder=chosen.out, name=chosen.name, task=task, origins=origins, how=loaded.HOW, seed=chosen.seed)
    except GroundworkError as error:
        print(f"{error.what}\nfix: {error.fix}", file=sys.stderr)
        return 1
    for part, count in made.counts.items():
        labels = ", ".join(f"{label} {number}" for label, number in made.labels[part].items())
        kinds = ", ".join(f"{kind} {number}" for kind, number in sorted(Counter(row.kind for row in parts[part]).items()))
        print(f"{part:6s} {count:6d} rows, {made.groups[part]:3d} groups; {labels}; {kinds}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
