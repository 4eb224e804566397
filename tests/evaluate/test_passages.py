import gzip
import json
from pathlib import Path

import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.passages import files_of, read_passages, rows_of


def test_a_large_text_comes_in_blocks_that_overlap(tmp_path: Path) -> None:
    text = " ".join(f"w{number}" for number in range(400_000))
    (tmp_path / "a.txt").write_text(text)
    passages = list(read_passages(tmp_path / "a.txt"))
    assert len(passages) > 1
    for passage in passages:
        assert text[passage.offset : passage.offset + len(passage.text)] == passage.text
    assert passages[1].offset < len(passages[0].text)


def test_rows_give_every_text_with_its_line_also_compressed(tmp_path: Path) -> None:
    rows = [{"question": "a", "turns": [{"question": "b"}], "n": 1}, "c"]
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress("".join(json.dumps(row) + "\n\n" for row in rows).encode()))
    assert [(one.text, one.line) for one in read_passages(path)] == [("a", 1), ("b", 1), ("c", 3)]
    assert [line for line, _ in rows_of(path)] == [1, 3]


def test_a_folder_gives_the_texts_in_it(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "a.md").write_text("a")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"b"))
    (tmp_path / "c.png").write_bytes(b"\x89PNG")
    assert [path.name for path in files_of([tmp_path])] == ["b.txt.gz", "a.md"]


@pytest.mark.parametrize(("name", "data"), [("a.txt", b"\xff\xfe\x00"), ("a.jsonl", b'{"a": 1}\n{"a"'), ("a.txt.gz", b"no gzip")])
def test_what_cannot_be_read_is_said_with_its_place(tmp_path: Path, name: str, data: bytes) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=name):
        list(read_passages(tmp_path / name))


def test_a_path_without_a_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "nowhere"):
        with pytest.raises(InputError):
            files_of([path])
