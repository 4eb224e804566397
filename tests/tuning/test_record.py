"""The record of a fit on disk, and what it says of its surroundings."""

import math
from pathlib import Path

import pytest

from groundwork.core.errors import NotFound, StoreError
from groundwork.tuning.record import code_version, finite, kept_files, library_versions, peak_resident, read_record, resident, this_machine
from groundwork.tuning.record import write_record as write
from tests.tuning.records import a_record


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    record = a_record(losses=(0.5, None, 0.25), stopped="no better measurement in 3")
    path = write(record, tmp_path / "reader")
    assert path.name == "record.json"
    found = read_record(tmp_path / "reader")
    assert found == record
    assert found.training_sha256 == record.training_sha256
    assert len(found.recipe_sha256) == 64
    assert found.memory.used == 600_000_000


def test_a_missing_or_damaged_record_says_so(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no record of a fit"):
        read_record(tmp_path)
    (tmp_path / "record.json").write_text('{"name": "reader"}')
    with pytest.raises(StoreError, match="damaged"):
        read_record(tmp_path)
    (tmp_path / "record.json").write_bytes(b"\xff\xfe")
    with pytest.raises(StoreError, match="damaged"):
        read_record(tmp_path)


@pytest.mark.parametrize("loss", [math.nan, math.inf, -math.inf])
def test_a_loss_that_is_no_number_is_kept_as_nothing(loss: float) -> None:
    assert finite(loss) is None
    assert finite(0.1234567891) == 0.123457


def test_it_names_code_versions_machine_and_memory() -> None:
    assert code_version().startswith("groundwork ")
    found = library_versions(("msgspec", "a-library-that-nobody-has"))
    assert found.keys() == {"python", "msgspec"}
    assert this_machine().cores >= 1
    assert 10_000_000 < resident() <= peak_resident() + 1_000_000


def test_files_are_named_with_size_and_hash_but_not_record_and_card(tmp_path: Path) -> None:
    (tmp_path / "layers.onnx").write_bytes(b"abc")
    (tmp_path / "README.md").write_text("card")
    (tmp_path / ".part").write_text("")
    write(a_record(), tmp_path)
    found = kept_files(tmp_path)
    assert list(found) == ["layers.onnx"]
    assert found["layers.onnx"].bytes == 3
    assert found["layers.onnx"].sha256.startswith("ba7816bf")
