import json
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound, StoreError
from groundwork.datasets.rows import PairRow, Row, Span, SpanRow, TextRow
from groundwork.datasets.training import Origin, Part, leaks, read_part, read_training, write_training


def text(identifier: str, said: str, label: str = "yes", group: str = "") -> TextRow:
    return TextRow(id=identifier, text=said, label=label, group=group or identifier)


def parts(**changes: list[Row]) -> dict[Part, list[Row]]:
    return {"train": [text("a", "one"), text("b", "two", "no")], "dev": [text("c", "three")], "held": [text("d", "four")]} | changes


def write(folder: Path, rows: dict[Part, list[Row]], **options: object) -> object:
    return write_training(rows, folder=folder, name="n", task="classify", origins=(), how="by hand", **options)


def test_what_was_written_is_read(tmp_path: Path) -> None:
    origin = Origin(name="mine", licence="MIT", rows=4)
    made = write_training(parts(), folder=tmp_path / "set", name="n", task="classify", origins=[origin], how="by hand", seed=3)
    assert read_training(tmp_path / "set") == made
    assert made.counts == {"train": 2, "dev": 1, "held": 1}
    assert made.labels["train"] == {"no": 1, "yes": 1}
    assert (made.origins, made.seed) == ((origin,), 3)
    assert read_part(tmp_path / "set", "train") == tuple(parts()["train"])
    assert sorted(path.name for path in (tmp_path / "set").iterdir()) == ["dev.jsonl", "held.jsonl", "manifest.json", "train.jsonl"]
    assert [path.name for path in tmp_path.iterdir()] == ["set"], "nothing half-written stays"


def test_labels_of_pairs_and_spans_are_counted(tmp_path: Path) -> None:
    rows = {
        "train": [
            SpanRow(id="a", question="who", passage="Ada did", answers=(Span("Ada", 0),), group="a"),
            SpanRow(id="b", question="who", passage="it", group="a"),
        ],
        "dev": [SpanRow(id="c", question="what", passage="it", group="c")],
        "held": [SpanRow(id="d", question="when", passage="it", group="d")],
    }
    made = write_training(rows, folder=tmp_path / "s", name="n", task="span", origins=(), how="")
    assert made.labels["train"] == {"answerable": 1, "unanswerable": 1}
    pairs = {part: [PairRow(id=part, a=part, b="it", label=1, group=part)] for part in ("train", "dev", "held")}
    made = write_training(pairs, folder=tmp_path / "p", name="n", task="pair", origins=(), how="")
    assert made.labels["held"] == {"1": 1}
    assert read_part(tmp_path / "p", "held")[0].label == 1, "an integer label is the same row as a float one"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"held": []}, "no row in held"),
        ({"dev": [text("c", "three", group="a")]}, "the group `a` stands in train and in dev"),
        ({"held": [text("d", "ONE!")]}, "`d` of held has the text of `a` of train"),
    ],
)
def test_empty_parts_and_leaks_are_refused(tmp_path: Path, changes: dict[str, list[Row]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        write(tmp_path / "set", parts(**changes))
    assert not (tmp_path / "set").exists()


def test_rows_without_groups_worth_a_split_may_share_them_but_no_text(tmp_path: Path) -> None:
    write(tmp_path / "set", parts(dev=[text("c", "three", group="a")]), unsplit=True)
    with pytest.raises(InputError, match="has the text of"):
        write(tmp_path / "other", parts(dev=[text("c", "one", group="a")]), unsplit=True)


def test_all_leaks_are_named() -> None:
    found = leaks(parts(dev=[text("c", "one", group="b"), text("e", "six", group="b")], held=[text("d", "two", group="a")]))
    assert len(found) == 4


def test_a_training_set_never_changes(tmp_path: Path) -> None:
    write(tmp_path / "set", parts())
    with pytest.raises(StoreError, match="exists already"):
        write(tmp_path / "set", parts())
    path = tmp_path / "set" / "dev.jsonl"
    path.write_bytes(path.read_bytes().replace(b"three", b"other"))
    with pytest.raises(StoreError, match="was changed after it was written"):
        read_part(tmp_path / "set", "dev")
    path.write_bytes(b"{")
    with pytest.raises(StoreError, match="is damaged"):
        read_part(tmp_path / "set", "dev")
    path.unlink()
    with pytest.raises(NotFound, match=r"dev\.jsonl is missing"):
        read_part(tmp_path / "set", "dev")


def test_a_missing_or_damaged_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no training set in"):
        read_training(tmp_path)
    (tmp_path / "manifest.json").write_text(json.dumps({"name": 1}))
    with pytest.raises(StoreError, match="is damaged"):
        read_training(tmp_path)
