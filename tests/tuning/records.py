"""A record of a fit, as tests need one."""

from groundwork.core.measure import Estimate
from groundwork.core.statistics import proportion
from groundwork.datasets.training import Origin, TrainingSet
from groundwork.tuning.recipe import DataSection, Recipe, TrainSection
from groundwork.tuning.record import FitRecord, KeptFile, Machine, Measurement, MemoryUse

TEXT = 'name = "reader"\ntask = "span"\n\n[data]\nfolder = "training/reader"\n\n[train]\nlearning_rate = 5e-5\n'


def a_record(**changes: object) -> FitRecord:
    """Everything that a finished fit fills in."""
    values: dict[str, object] = {
        "name": "reader",
        "recipe": Recipe(name="reader", task="span", data=DataSection(folder="training/reader"), train=TrainSection(learning_rate=5e-5)),
        "recipe_text": TEXT,
        "training": TrainingSet(
            name="reader",
            task="span",
            counts={"train": 9000, "dev": 800, "held": 1200},
            sha256={"train": "a" * 64, "dev": "b" * 64, "held": "c" * 64},
            groups={"train": 31, "dev": 3, "held": 7},
            labels={part: {"answerable": 5, "unanswerable": 4} for part in ("train", "dev", "held")},
            origins=(
                Origin(name="SQuAD 2.0 dev", licence="CC BY-SA 4.0", rows=9000, note="its dev articles | were trained on"),
                Origin(name="PolicyQA dev", licence="MIT", rows=2000),
            ),
            how="groundwork tune data reader",
        ),
        "code": "groundwork 0.1.0, commit 0123456789abcdef",
        "versions": {"python": "3.11.9", "torch": "2.13.0"},
        "machine": Machine(processor="A processor", cores=2),
        "seed": 0,
        "started": 1_700_000_000.0,
        "seconds": 2000.0,
        "cpu_seconds": 1890.0,
        "steps": 200,
        "epochs": 3.0,
        "losses": tuple(2.0 * 0.97**step + 0.5 for step in range(200)),
        "measurements": (Measurement(step=100, loss=0.9, figures={"f1": 0.6}), Measurement(step=200, loss=0.7, figures={"f1": 0.7})),
        "best_step": 200,
        "memory": MemoryUse(before=350_000_000, peak=950_000_000, predicted=560_000_000),
        "figures": {
            "f1": Estimate(value=0.71, low=0.68, high=0.74, n=1200, method="t, augmented"),
            "accuracy_unanswerable": proportion(300, 500),
        },
        "baselines": {"quoting": {"f1": proportion(500, 1200)}},
        "calibration": {"temperature": 1.3, "thresholds": {"answerable": 0.42}},
        "parity": {"largest": 0.03, "equal": 0.998},
        "parameters": 22_713_987,
        "trained_parameters": 10_800_000,
        "files": {"layers.onnx": KeptFile(bytes=11_600_000, sha256="d" * 64), "manifest.json": KeptFile(bytes=1_200, sha256="e" * 64)},
    }
    return FitRecord(**(values | changes))  # type: ignore[arg-type]
