from pathlib import Path

import pytest

from groundwork.datasets.training import read_part, read_training
from groundwork.tuning.prepare.__main__ import SETS, main

DATA = Path(__file__).resolve().parents[2] / "data"


@pytest.mark.parametrize("name", ["reader", "reader-synthetic", "reranker", "grounding"])
def test_a_set_is_written_and_told(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([name, "--from", str(DATA), "--out", str(tmp_path / name)]) == 0
    made = read_training(tmp_path / name)
    assert made.task == SETS[name][0]
    assert made.how
    assert len(read_part(tmp_path / name, "train")) == made.counts["train"]
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == ["train", "dev", "held"]


def test_what_goes_wrong_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["reader", "--from", str(tmp_path), "--out", str(tmp_path / "x")]) == 1
    assert "no questions in" in capsys.readouterr().err
    monkeypatch.delenv("GROUNDWORK_DATA", raising=False)
    with pytest.raises(SystemExit):
        main(["reader", "--out", str(tmp_path / "x")])
    assert "--from" in capsys.readouterr().err
