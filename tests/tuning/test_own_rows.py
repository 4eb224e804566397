"""Rows of one's own: read strictly, doubled ones once, dealt by group and always alike."""

import json
from pathlib import Path

import pytest

from groundwork.core.errors import ConfigError, InputError, NotFound
from groundwork.datasets.rows import Row, TextRow
from groundwork.datasets.training import leaks
from groundwork.tuning.own_rows import deal, distinct, read_own


def rows(n: int, *, groups: int = 0) -> list[Row]:
    return [
        TextRow(id=f"r{place}", text=f"text number {place}", label="ab"[place % 2], group=f"g{place % groups if groups else place}")
        for place in range(n)
    ]


def test_a_file_is_read_and_dealt(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    lines = [{"id": row.id, "text": row.text, "label": row.label, "group": row.group} for row in rows(40) if isinstance(row, TextRow)]
    lines.append(lines[3] | {"id": "again", "text": "Text NUMBER 3."})
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    own = read_own(path, "classify", licence="own")
    assert {part: len(found) for part, found in own.parts.items()} == {"train": 28, "dev": 6, "held": 6}
    assert {row.label for row in own.parts["held"] if isinstance(row, TextRow)} == {"a", "b"}
    assert (own.doubled, own.origin.rows, own.origin.licence) == (1, 40, "own")
    assert leaks(own.parts) == []
    assert read_own(path, "classify", licence="own") == own
    assert read_own(path, "classify", licence="own", seed=1).parts != own.parts


def test_groups_are_never_cut() -> None:
    dealt = deal(rows(200, groups=20))
    groups = [{row.group for row in part} for part in dealt.values()]
    assert all(groups)
    assert sum(len(names) for names in groups) == 20


def test_what_cannot_be_dealt_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="2 groups"):
        deal(rows(10, groups=2))
    with pytest.raises(InputError, match="`r0` and `x` say the same"):
        distinct([*rows(3), TextRow(id="x", text="Text number 0", label="b", group="x")])
    with pytest.raises(NotFound):
        read_own(tmp_path / "none.jsonl", "classify", licence="own")
    (tmp_path / "rows.jsonl").write_text('{"id": "1", "txt": "a", "label": "b", "group": "c"}\n')
    with pytest.raises(ConfigError, match=r"rows\.jsonl:1"):
        read_own(tmp_path / "rows.jsonl", "classify", licence="own")
