"""Fits of a tiny network: they learn, repeat by seed, go on after a kill exactly where they were, and refuse what cannot be meant."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import GroundworkError, InputError, StoreError
from groundwork.datasets.rows import PairRow, Row, Span, SpanRow, TextRow
from groundwork.datasets.training import Origin, write_training
from groundwork.tuning.recipe import DataSection, LoraSection, Recipe, TrainSection

torch = pytest.importorskip("torch", reason="needs torch: run `make test-all`")
pytest.importorskip("transformers", reason="needs transformers: run `make test-all`")

from safetensors.torch import save_file  # noqa: E402

from groundwork.tuning.fit import TRAINED, Job, fit, subset  # noqa: E402
from groundwork.tuning.network import arrays  # noqa: E402
from groundwork.tuning.record import read_record  # noqa: E402
from tests.tuning.small_base import make_base  # noqa: E402

pytestmark = pytest.mark.torch
COLOURS = ("red", "green", "blue", "white", "black", "yellow", "brown", "grey")
ORIGIN = Origin(name="written for this test", licence="Apache-2.0", rows=1)


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_base(tmp_path_factory.mktemp("base") / "tiny")


def texts(part: str, n: int) -> list[Row]:
    words = {"sea": "a ship sails over the waves", "land": "a cart rolls along the road"}
    return [
        TextRow(id=f"{part}{place}{label}", text=f"{COLOURS[place % 8]} {text} {part} {place}", label=label, group=f"{part}{place}")
        for place in range(n)
        for label, text in words.items()
    ]


def spans(part: str, n: int) -> list[Row]:
    rows: list[Row] = []
    for place in range(n):
        colour, passage = COLOURS[place % 8], f"In the {part} house {place} the door is {COLOURS[place % 8]} and old."
        answers = (Span(colour, passage.index(colour)),)
        rows.append(
            SpanRow(id=f"{part}{place}", question="Which colour is the door?", passage=passage, answers=answers, group=f"{part}{place}")
        )
        rows.append(
            SpanRow(id=f"{part}{place}n", question="Who paid for it?", passage=passage + " It stands.", answers=(), group=f"{part}{place}")
        )
    return rows


def pairs(part: str, n: int) -> list[Row]:
    return [
        PairRow(
            id=f"{part}{place}{right}",
            a=f"{part} the door {place} is red",
            b=f"a {'red' if right else 'tall'} door {part} {place}",
            label=right,
            group=f"{part}{place}",
        )
        for place in range(n)
        for right in (0, 1)
    ]


def job(tmp_path: Path, base: Path, task: str = "classify", *, out: str = "out", n: int = 16, **train: object) -> Job:
    make = {"classify": texts, "span": spans, "pair": pairs}[task]
    data = tmp_path / f"data-{task}"
    if not data.exists():
        parts = {"train": make("train", n), "dev": make("dev", 4), "held": make("held", 4)}
        write_training(parts, folder=data, name=task, task=task, origins=[ORIGIN], how="a test")  # type: ignore[arg-type]
    settings = {"learning_rate": 3e-3, "batch": 8, "epochs": 3.0, "checkpoint_every": 2} | train
    section = DataSection(folder=str(data), window=48, stride=12)
    recipe = Recipe(name=task, task=task, data=section, train=TrainSection(**settings), lora=LoraSection(rank=4, alpha=8))  # type: ignore[arg-type]
    return Job(recipe=recipe, text="# a test", base=base, out=tmp_path / out, data=data)


@pytest.mark.parametrize("method", ["full", "lora", "head"])
def test_a_classifier_learns_and_its_record_says_how(tmp_path: Path, base: Path, method: str) -> None:
    record, run = fit(job(tmp_path, base, method=method, epochs=6.0, learning_rate=1e-2))
    assert record.losses[-1] < record.losses[0]
    if method != "head":  # a head on random vectors may not tell the two apart
        assert record.figures["accuracy"].value == 1
    assert record.parameters > record.trained_parameters > 0
    assert read_record(tmp_path / "out") == record
    assert not (tmp_path / "out" / "checkpoint.pt").exists()
    words = run.network.bert.embeddings.word_embeddings.weight
    assert not words.requires_grad


@pytest.mark.parametrize("task", ["span", "pair"])
def test_the_other_tasks_learn_too(tmp_path: Path, base: Path, task: str) -> None:
    record, _ = fit(job(tmp_path, base, task, epochs=12.0, learning_rate=1e-2))
    assert record.losses[-1] < record.losses[0]
    assert set(record.figures) >= ({"f1_answerable", "exact_answerable", "answerability_auc"} if task == "span" else {"auc"})


def test_the_same_seed_gives_the_same_weights_and_another_does_not(tmp_path: Path, base: Path) -> None:
    first, second = job(tmp_path, base, out="one"), job(tmp_path, base, out="two")
    fit(first), fit(second)
    assert (first.out / TRAINED).read_bytes() == (second.out / TRAINED).read_bytes()
    other = job(tmp_path, base, out="three")
    other.recipe = Recipe(
        name="classify", task="classify", seed=1, data=other.recipe.data, train=other.recipe.train, lora=other.recipe.lora
    )
    fit(other)
    assert (other.out / TRAINED).read_bytes() != (first.out / TRAINED).read_bytes()


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_fit_begins_with_the_weights_of_an_earlier_one(tmp_path: Path, base: Path, method: str) -> None:
    first = job(tmp_path, base, out="first", epochs=12.0, learning_rate=1e-2)
    fit(first)
    second = job(tmp_path, base, out="second", method=method, steps=1, learning_rate=1e-9)
    second.start = first.out
    record, run = fit(second)
    _, plain = fit(job(tmp_path, base, out="plain", method=method, steps=1, learning_rate=1e-9))
    assert record.losses[0] < plain.progress.losses[0] / 2
    assert run.label != plain.label


def test_from_another_task_a_fit_takes_the_layers_and_begins_its_own_head(tmp_path: Path, base: Path) -> None:
    first = job(tmp_path, base, out="first", epochs=12.0, learning_rate=1e-2)
    _, earlier = fit(first)
    spans = job(tmp_path, base, "span", out="spans", steps=1, learning_rate=1e-9)
    spans.start = first.out
    _, later = fit(spans)
    learned, taken = arrays(earlier.network), arrays(later.network)
    layers = [name for name in learned if name.startswith("encoder.")]
    assert layers
    assert all(np.allclose(learned[name], taken[name], atol=1e-6) for name in layers)
    assert "label.weight" in learned
    assert "label.weight" not in taken


def test_what_cannot_be_begun_with_is_refused(tmp_path: Path, base: Path) -> None:
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    save_file({"encoder.layer.0.output.dense.weight": torch.zeros(2, 2)}, str(foreign / TRAINED))
    spans = job(tmp_path, base, "span", out="third")
    for start, error, what in ((foreign, InputError, "not of this base"), (tmp_path / "nowhere", StoreError, "cannot be read")):
        spans.start = start
        with pytest.raises(error, match=what):
            fit(spans)


KILLED = """
import os, signal, sys
from pathlib import Path
from groundwork.tuning.fit import fit
from tests.tuning.test_fit import job
def stop(progress, steps, rate):
    if progress.step == 7:
        os.kill(os.getpid(), signal.SIGKILL)
one = job(Path(sys.argv[1]), Path(sys.argv[2]), out="killed")
one.told = stop
fit(one)
"""


def test_a_fit_that_was_killed_ends_with_the_weights_it_would_have_had(tmp_path: Path, base: Path) -> None:
    whole = job(tmp_path, base, out="whole")
    fit(whole)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(["src", "."])}
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path), str(base)], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    again = job(tmp_path, base, out="killed")
    with pytest.raises(StoreError) as refused:
        fit(again)
    assert "--resume" in refused.value.fix
    record, run = fit(again, resume=True)
    assert record.resumed == 1
    assert len(run.progress.losses) == record.steps
    assert (again.out / TRAINED).read_bytes() == (whole.out / TRAINED).read_bytes()


def test_a_damaged_checkpoint_and_one_of_another_recipe_are_refused(tmp_path: Path, base: Path) -> None:
    one = job(tmp_path, base, steps=5)
    one.told = lambda progress, steps, rate: (_ for _ in ()).throw(KeyboardInterrupt) if progress.step == 4 else None
    with pytest.raises(KeyboardInterrupt):
        fit(one)
    path = one.out / "checkpoint.pt"
    assert path.exists()
    with pytest.raises(StoreError, match="another recipe"):
        fit(job(tmp_path, base, steps=6), resume=True)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(StoreError, match="damaged"):
        fit(job(tmp_path, base, steps=5), resume=True)


def test_a_checkpoint_that_does_not_fit_on_the_disk_says_so(tmp_path: Path, base: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("there is no /dev/full here: it stands for a full disk on Linux")
    one = job(tmp_path, base)
    one.out.mkdir()
    (one.out / f"checkpoint.pt.{os.getpid()}.part").symlink_to(full)
    with pytest.raises(GroundworkError, match=r"checkpoint|space"):
        fit(one)


def test_bad_data_is_refused(tmp_path: Path, base: Path) -> None:
    one = job(tmp_path, base)
    one.data = tmp_path / "single"
    rows = {part: [row for row in texts(part, 3) if isinstance(row, TextRow) and row.label == "sea"] for part in ("train", "dev", "held")}
    write_training(rows, folder=one.data, name="x", task="classify", origins=[ORIGIN], how="a test")  # type: ignore[arg-type]
    with pytest.raises(InputError, match="one class"):
        fit(one)
    wrong = job(tmp_path, base, "span", out="wrong")
    wrong.data = tmp_path / "data-classify"
    with pytest.raises(InputError, match="task"):
        fit(wrong)
    missing = job(tmp_path, tmp_path / "nowhere", out="missing")
    with pytest.raises(GroundworkError, match=r"is missing"):
        fit(missing)


def test_long_texts_are_read_in_windows_and_long_questions_refused(tmp_path: Path, base: Path) -> None:
    from groundwork.tuning.batches import tokenizer_of, windows_of

    tokenizer = tokenizer_of(str(base / "tokenizer.json"))
    passage = "The river is long. " * 40 + "The bridge was built in 1887."
    row = SpanRow(id="q", question="When was it built?", passage=passage, answers=(Span("1887", passage.index("1887")),), group="g")
    windows = windows_of([row], tokenizer, {}, window=64, stride=16)
    assert len(windows) > 3
    assert all(len(window.ids) <= 64 for window in windows)
    assert sum(bool(window.spans) for window in windows) == 1
    covered = {place for window in windows for low, high in window.offsets for place in range(low, high)}
    assert covered >= {place for place, letter in enumerate(passage) if not letter.isspace()}
    (last,) = [window for window in windows if window.spans]
    first, end = last.spans[0]
    assert passage[last.offsets[first - last.first][0] : last.offsets[end - last.first][1]] == "1887"
    long = SpanRow(id="long", question="why " * 60, passage="Because.", answers=(), group="g")
    with pytest.raises(InputError, match="window"):
        windows_of([long], tokenizer, {}, window=64, stride=16)


def test_a_smaller_share_lies_within_a_larger_one(tmp_path: Path) -> None:
    rows = texts("train", 40)
    quarter, half = subset(rows, 0.25, 0), subset(rows, 0.5, 0)
    assert {row.id for row in quarter} < {row.id for row in half} < {row.id for row in rows}
    assert len(half) == pytest.approx(len(rows) / 2, abs=3)
