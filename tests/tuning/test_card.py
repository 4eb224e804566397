"""Cards say what the record holds, and nothing in them is left to be filled in."""

from pathlib import Path

import msgspec
import pytest

from groundwork.core.statistics import proportion
from groundwork.datasets.training import Origin
from groundwork.tuning.card import render_card, write_card
from groundwork.tuning.record import FitRecord
from tests.tuning.records import TEXT, a_record


@pytest.mark.parametrize(
    "said",
    [
        "# reader\n",
        "It reads a question and a passage",
        "all weights of the layers",
        "10,800,000 trained of 22,713,987",
        "layers.onnx 11.6 MB",
        "| f1 | 0.710 | [0.680, 0.740] | 1,200 | t, augmented | 0.417 [0.389, 0.445] |",
        "| accuracy_unanswerable | 0.600 | [0.556, 0.642] | 500 | wilson | – |",
        "1,200 rows of 7 groups",
        "| thresholds.answerable | 0.420 |",
        "| SQuAD 2.0 dev | CC BY-SA 4.0 | 9,000 | its dev articles \\| were trained on |",
        "**Share-alike:** SQuAD 2.0 dev.",
        "| dev | 800 | 3 | 5 | 4 |",
        "200 steps (3 epochs); the weights of step 200 were kept.",
        "| 100 | 0.900 | 0.600 |",
        f"```toml\n{TEXT.strip()}\n```",
        "31.5 CPU minutes",
        "600.0 MB at most, beside 350.0 MB of libraries; predicted were 560.0 MB",
        "torch 2.13.0",
        "| share of equal decisions | 0.998 |",
        "- It quotes: it cannot combine",
        "- English only",
    ],
)
def test_a_card_holds_what_the_record_says(said: str) -> None:
    assert said in render_card(a_record())


def test_what_is_not_there_leaves_no_hole() -> None:
    bare = a_record(figures={}, baselines={}, calibration={}, parity={}, files={}, parameters=0, measurements=(), losses=(0.5,) * 3)
    card = render_card(bare)
    assert "Nothing was measured on the held part." in card
    for absent in ("Calibration", "None", "| |\n| --- | --- |\n\n", " nan", "…"):
        assert absent not in card


def test_own_words_replace_the_purpose_and_come_first_among_the_limits() -> None:
    card = render_card(a_record(), purpose="It reads contracts.", limits=("Not for court.",))
    assert "# reader\n\nIt reads contracts." in card
    assert "## Limits\n\n- Not for court.\n- It quotes" in card


def test_few_rows_and_few_groups_are_named_among_the_limits() -> None:
    record = a_record(figures={"f1": proportion(20, 40)})
    training = msgspec.structs.replace(record.training, groups=record.training.groups | {"held": 2})
    card = render_card(msgspec.structs.replace(record, training=training))
    assert "`f1` rests on 40 rows" in card
    assert "The held part has 2 groups" in card


def with_licences(*licences: str) -> FitRecord:
    record = a_record()
    origins = tuple(Origin(name=f"set {place}", licence=licence, rows=1) for place, licence in enumerate(licences))
    return msgspec.structs.replace(record, training=msgspec.structs.replace(record.training, origins=origins))


def test_licences_that_bind_are_named() -> None:
    card = render_card(with_licences("MIT", "Apache-2.0", "CC BY 3.0"))
    assert "Share-alike" not in card
    assert "commercial" not in card
    card = render_card(with_licences("CC BY-NC-SA 4.0", "MIT"))
    assert "**Share-alike:** set 0." in card
    assert "**Not for commercial use:** set 0" in card


def test_a_smoke_run_says_so_first(tmp_path: Path) -> None:
    text = write_card(a_record(is_smoke=True), tmp_path / "models" / "reader.md")
    assert (tmp_path / "models" / "reader.md").read_text(encoding="utf-8") == text
    assert "Its figures say nothing" in text.split("| task |")[0]


def test_many_classes_are_counted_and_not_listed() -> None:
    record = a_record()
    labels = {part: {f"intent-{place}": place for place in range(1, 151)} for part in ("train", "dev", "held")}
    card = render_card(msgspec.structs.replace(record, training=msgspec.structs.replace(record.training, labels=labels)))
    assert "150 classes with 1 to 150 rows each" in card
    assert "intent-7" not in card
