"""Fit a detector by its recipe: `python -m groundwork.tuning.detector recipes/injection.toml --out FOLDER`. Minutes on a CPU, without torch.

    name = "injection"
    task = "injection"                    # or "embedded-instructions"
    [data]
    folder = "$GROUNDWORK_TRAINING/attacks"

The threshold and the calibration come from fits that left the source out; then everything of train and dev is fitted once, and the held part is
only reported. The same recipe and data give the same bytes.
"""

import argparse
import os
import sys
from pathlib import Path
from typing import Literal, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt

from groundwork.core.config import Section, decode, read_toml
from groundwork.core.errors import GroundworkError, InputError
from groundwork.core.statistics import auc, proportion
from groundwork.datasets.rows import SpanRow, TextRow
from groundwork.datasets.training import Part, TrainingSet, read_part, read_training
from groundwork.engine.detector import EMBEDDED, INJECTION, PARTS_SHARE, SURROUNDINGS, THRESHOLD
from groundwork.engine.encoder import Encoder
from groundwork.engine.heads import HeadManifest, Reads, head_files
from groundwork.engine.lexical import Runs
from groundwork.store.files import guarding, write_whole
from groundwork.tuning.across import left_out, left_out_documents, platt, threshold
from groundwork.tuning.blocks import Strength
from groundwork.tuning.corpus import Documents, Setting, Texts
from groundwork.tuning.prepare.attacks import OURS

Floats = npt.NDArray[np.float64]
LABEL = "attack"


class DetectorData(Section, frozen=True, kw_only=True):
    """What is learned from."""

    folder: str
    """A training set, relative to the recipe; `$NAME` stands for a variable of the environment."""


class DetectorFit(Section, frozen=True, kw_only=True):
    """How it is learned."""

    embedding_l2: float = 4e-4
    runs_l2: float = 4e-5
    own: float = 0.5
    """How much texts of our own writing weigh in each class."""
    worst: float = 0.6
    """How much the worst part of a text counts beside the whole."""
    alarms: float = 0.01
    """Harmless texts of unseen sources that may be flagged: what the threshold is chosen for."""
    folds: int = 3


class DetectorRuns(Section, frozen=True, kw_only=True):
    """Which runs of words and letters are counted."""

    bits: int = 15
    words: tuple[int, ...] = (1, 2)
    letters: tuple[int, ...] = (4,)


class DetectorRecipe(Section, frozen=True, kw_only=True):
    """All that a detector depends on, beside the versions of data and code."""

    name: str
    task: Literal["injection", "embedded-instructions"]
    data: DetectorData
    fit: DetectorFit = DetectorFit()
    runs: DetectorRuns = DetectorRuns()

    @property
    def setting(self) -> Setting:
        runs = Runs(self.runs.bits, self.runs.words, self.runs.letters)
        return Setting(runs, Strength(self.fit.embedding_l2, self.fit.runs_l2), self.fit.own, self.fit.worst)


class Report(NamedTuple):
    """What the held part says: sources that neither fit nor threshold saw."""

    auc: float
    recall: float
    alarms: float
    n: int


def read_detector_recipe(path: Path) -> DetectorRecipe:
    """Read a detector's recipe. Raises ConfigError, with file and line."""
    return decode(read_toml(path), DetectorRecipe)


def texts_of(rows: list[TextRow], encoder: Encoder) -> Texts:
    """Rows of the training set `attacks`."""
    return Texts(
        [row.text for row in rows],
        [row.label == LABEL for row in rows],
        [row.group for row in rows],
        [row.group.startswith(OURS) for row in rows],
        encoder,
    )


def documents_of(rows: list[SpanRow], encoder: Encoder) -> Documents:
    """Rows of the training set `embedded-instructions`: the answer's span is the order."""
    spans = [(row.answers[0].start, row.answers[0].start + len(row.answers[0].text)) if row.answers else None for row in rows]
    return Documents([row.passage for row in rows], spans, [row.group for row in rows], [row.kind for row in rows], encoder)


def fit_detector(recipe: DetectorRecipe, training: Path, out: Path) -> Report:
    """Fit, choose the threshold, write the head into `out`, and report the held part.

    Raises InputError where the training set is of another task, StoreError where files cannot be read or written.
    """
    made = read_training(training)
    wanted = "classify" if recipe.task == INJECTION else "span"
    if made.task != wanted:
        raise InputError(f"{training} is a training set for {made.task}, and {recipe.task} learns from {wanted}", fix="name another one")
    encoder = Encoder()
    seen, held = _corpus(training, ("train", "dev"), encoder), _corpus(training, ("held",), encoder)
    setting, fit = recipe.setting, recipe.fit
    if isinstance(seen, Texts):
        across = left_out(seen, setting, fit.folds)
        groups, counted = seen.groups, ~seen.own
    else:
        across = left_out_documents(seen, setting, fit.folds)
        groups = [kind if attack else family for kind, attack, family in zip(seen.kinds, seen.attacks, seen.families, strict=True)]
        counted = seen.attacks | (np.array(seen.kinds) == "clean")
    harmless = counted & ~seen.attacks
    limit = threshold(across[harmless], [group for group, here in zip(groups, harmless, strict=True) if here], fit.alarms)
    odds = platt(across[counted], seen.attacks[counted], [group for group, here in zip(groups, counted, strict=True) if here])
    halves = seen.fit(np.arange(len(seen)), setting)
    extra = SURROUNDINGS if recipe.task == EMBEDDED else 0
    manifest = HeadManifest(
        name=recipe.name,
        task=recipe.task,
        fingerprint="",
        base=encoder.fingerprint,
        labels=(LABEL,),
        reads=Reads(
            dimensions=encoder.dimensions + extra, share=1.0, bits=setting.runs.bits, words=setting.runs.words, letters=setting.runs.letters
        ),
        calibration={"temperature": 1 / odds.slope, PARTS_SHARE: fit.worst},
        thresholds={THRESHOLD: limit + odds.offset / odds.slope},
        files={},
        licence=_licence(made),
        made_by="groundwork.tuning.detector",
    )
    weight = np.concatenate([halves.embedding, halves.runs])[None, :]
    bias = np.array([halves.bias + odds.offset / odds.slope])  # 0 is where an attack is as likely as not
    with guarding(out):
        out.mkdir(parents=True, exist_ok=True)
        for name, data in head_files(manifest, weight, bias).items():
            write_whole(out / name, data)
    return report(held, held.scores(halves, setting), limit)


def report(corpus: Texts | Documents, scores: Floats, limit: float) -> Report:
    """AUC, and the shares of attacks and of harmless texts above the threshold."""
    truth = corpus.attacks
    return Report(
        auc(scores.tolist(), truth.tolist()).value,
        proportion(float((scores[truth] > limit).sum()), int(truth.sum())).value,
        proportion(float((scores[~truth] > limit).sum()), int((~truth).sum())).value,
        len(truth),
    )


def _corpus(folder: Path, parts: tuple[Part, ...], encoder: Encoder) -> Texts | Documents:
    rows = [row for part in parts for row in read_part(folder, part)]
    texts = [row for row in rows if isinstance(row, TextRow)]
    return texts_of(texts, encoder) if texts else documents_of([row for row in rows if isinstance(row, SpanRow)], encoder)


def _licence(made: TrainingSet) -> str:
    return f"weights Apache-2.0 (base); trained on data under {', '.join(sorted({origin.licence for origin in made.origins}))}"


def main(arguments: list[str] | None = None) -> int:
    """Fit one detector and say what the held part says of it."""
    parser = argparse.ArgumentParser(prog="groundwork.tuning.detector", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--out", type=Path, required=True, help="the head's folder")
    parser.add_argument("--data", type=Path, help="another training set than the recipe's")
    chosen = parser.parse_args(arguments)
    try:
        recipe = read_detector_recipe(chosen.recipe)
        folder = chosen.data or (chosen.recipe.parent / os.path.expandvars(recipe.data.folder)).resolve()
        found = fit_detector(recipe, folder, chosen.out)
    except GroundworkError as error:
        print(f"{error.what}\nfix: {error.fix}", file=sys.stderr)
        return 1
    print(f"held, {found.n} texts: AUC {found.auc:.3f}, attacks flagged {found.recall:.3f}, harmless texts flagged {found.alarms:.3f}")
    print(msgspec.json.encode(found._asdict()).decode())
    return 0


if __name__ == "__main__":
    sys.exit(main())
