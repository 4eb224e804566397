from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InputError, NotFound, StoreError
from groundwork.core.ids import event_id
from groundwork.core.measure import Dataset, Example, Fact, Lineage
from groundwork.core.message import say
from groundwork.datasets.dataset import list_datasets, read_dataset, read_manifest, write_dataset
from groundwork.datasets.examples import examples_sha256, format_examples, parse_examples

ROWS = (
    Example(
        id="a", question="Why?", history=(say("user", "Hi"),), facts=(Fact(accepted=("b", "ü"), source="s"),), lineage=Lineage(trace="tr_1")
    ),
    Example(id="b", question="How?", reference="so\nso", variables={"plan": ["x", 1]}, answerable=True, tags=("t",), split="choose"),
)


def write(folder: Path, identifier: str = "ds_1", rows: tuple[Example, ...] = ROWS, made: float = 1.0) -> Dataset:
    return write_dataset(
        rows, folder=folder, identifier=identifier, name="first", made=made, parents=("tr_1", "fb_1", "tr_1"), how="harvest"
    )


def test_a_dataset_comes_back_as_it_was_written(tmp_path: Path) -> None:
    dataset = write(tmp_path)
    assert read_dataset(tmp_path, "ds_1") == (dataset, ROWS)
    assert dataset.n == 2
    assert dataset.parents == ("tr_1", "fb_1")
    assert dataset.sha256 == examples_sha256(ROWS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["ds_1"]


texts = st.text(min_size=1).filter(lambda text: text.strip() != "")


@given(st.lists(st.builds(Example, id=texts, question=texts, reference=st.none() | texts), min_size=1, unique_by=lambda row: row.id))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
def test_any_example_survives(tmp_path: Path, rows: list[Example]) -> None:
    assert parse_examples(format_examples(rows), "x") == tuple(rows)
    dataset = write(tmp_path, event_id("ds"), tuple(rows))
    assert read_dataset(tmp_path, dataset.id)[1] == tuple(rows)


def test_a_dataset_is_never_changed_in_place(tmp_path: Path) -> None:
    write(tmp_path)
    with pytest.raises(StoreError, match="exists already"):
        write(tmp_path)
    rows = tmp_path / "ds_1" / "examples.jsonl"
    rows.write_bytes(rows.read_bytes().replace(b"How?", b"Who?"))
    with pytest.raises(StoreError, match="was changed after it was written"):
        read_dataset(tmp_path, "ds_1")
    rows.write_bytes(b"{")
    with pytest.raises(StoreError, match="is damaged"):
        read_dataset(tmp_path, "ds_1")
    rows.unlink()
    with pytest.raises(StoreError):
        read_dataset(tmp_path, "ds_1")


def test_what_broke_off_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StoreError, match="no space left"):
        write(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert list_datasets(tmp_path) == []


def test_datasets_are_listed_newest_first(tmp_path: Path) -> None:
    for number in (1, 3, 2):
        write(tmp_path, f"ds_{number}", made=number)
    (tmp_path / ".ds_4.1.part").mkdir()
    assert [dataset.id for dataset in list_datasets(tmp_path)] == ["ds_3", "ds_2", "ds_1"]
    assert list_datasets(tmp_path / "none") == []
    with pytest.raises(NotFound):
        read_manifest(tmp_path, "ds_9")
    (tmp_path / "ds_1" / "manifest.json").write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        read_manifest(tmp_path, "ds_1")


def test_nothing_or_doubled_ids_are_no_dataset(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write(tmp_path, rows=())
    with pytest.raises(InputError):
        write(tmp_path, rows=(ROWS[0], ROWS[0]))
