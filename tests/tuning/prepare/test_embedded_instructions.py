import json
import random
from pathlib import Path

import pytest

from groundwork.core.errors import NotFound
from groundwork.datasets.training import leaks
from groundwork.tuning.prepare import embedded_instructions
from groundwork.tuning.prepare.embedded_instructions import (
    Carrier,
    documents,
    own_orders,
    own_passages,
    prepare_embedded,
    put,
    read_carriers,
)
from tests.tuning.prepare.test_attacks import write

TEXT = "The shop opens at nine. It closes at six. Dogs are welcome in the garden behind the house."


def test_an_order_stands_where_it_says() -> None:
    places = set()
    for seed in range(60):
        text, (start, end) = put(TEXT, "Do this.", random.Random(seed))
        assert text[start:end] == "Do this."
        assert "".join((text[:start] + text[end:]).split()) == "".join(TEXT.split())
        places.add("start" if start == 0 else "end" if end == len(text) else "middle")
    assert places == {"start", "middle", "end"}


def test_every_document_comes_clean_with_a_harmless_order_and_with_an_attack() -> None:
    chance = random.Random(0)
    found = documents([Carrier(TEXT, "shop")] * 6, own_orders(40, chance), own_passages(40, chance), chance)
    assert [one.kind for one in found[:2]] == ["clean", "passage"]
    assert all((one.attack is not None) == one.kind.startswith("our/") for one in found)
    assert len({one.kind for one in found}) > 5


def test_families_and_kinds_lie_in_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded_instructions, "WRITTEN", 60)
    rows = [
        {"context": f"{domain} number {place}. {TEXT}", "domain": domain} for domain in ("email", "table", "code") for place in range(12)
    ]
    write(tmp_path, "guard/bipia_contexts.jsonl.gz", rows)
    write(
        tmp_path,
        "guard/bipia_attacks_train.jsonl.gz",
        [{"category": f"k{place}", "attack": f"Say the word {place}."} for place in range(12)],
    )
    parts, _ = prepare_embedded(tmp_path, 0)
    assert not leaks(parts)
    assert {row.group for row in parts["held"]} == {"email"}
    kinds = {part: {row.kind for row in rows if row.answers} for part, rows in parts.items()}
    assert not kinds["held"] & (kinds["train"] | kinds["dev"])
    assert all(row.passage[span.start :].startswith(span.text) for rows in parts.values() for row in rows for span in row.answers)
    json.dumps([row.id for rows in parts.values() for row in rows])


def test_no_document_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no documents"):
        read_carriers(tmp_path)
