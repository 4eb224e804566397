import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.text import words
from groundwork.datasets.quality import ALIKE, inspect_rows, inspect_training, near_duplicates, table
from groundwork.datasets.rows import PairRow, Row, TextRow
from groundwork.datasets.training import Part

EXCERPT = Path(__file__).resolve().parent.parent / "data" / "reader"
LONG = "the quick brown fox jumps over the lazy dog while the cat looks on and says nothing at all today"


def rows(prefix: str, count: int, *, label: str = "", length: int = 12) -> list[Row]:
    rng = random.Random(prefix)
    return [
        TextRow(
            id=f"{prefix}{place}",
            text=" ".join(f"w{rng.randrange(400)}" for _ in range(length)),
            label=label or ("yes", "no")[place % 2],
            group=f"{prefix}{place}",
        )
        for place in range(count)
    ]


def parts(**changes: list[Row]) -> dict[Part, list[Row]]:
    return {"train": rows("t", 40), "dev": rows("d", 10), "held": rows("h", 20)} | changes


def text(identifier: str, said: str, label: str = "yes") -> TextRow:
    return TextRow(id=identifier, text=said, label=label, group=identifier)


def test_a_sound_set_has_nothing_to_look_at() -> None:
    found = inspect_rows("sound", parts())
    assert found.remarks == ()
    assert found.shared == ()
    assert table(found)[-1] == "nothing to look at"


def test_near_duplicates_are_found_within_and_across() -> None:
    near = LONG.replace("quick", "fast")
    found = inspect_rows("n", parts(train=[*rows("t", 40), text("x", LONG), text("y", near)], held=[*rows("h", 20), text("z", f"{LONG}!")]))
    assert found.parts["train"].near == {"text": 1}
    (shared,) = found.shared
    assert (shared.first, shared.second, shared.exact, shared.near) == ("train", "held", 1, 0)
    assert any("has the text of" in remark for remark in found.remarks)
    found = inspect_rows("n", parts(train=[*rows("t", 40), text("x", LONG)], held=[*rows("h", 20), text("z", near)]))
    assert (found.shared[0].exact, found.shared[0].near) == (0, 1)
    assert any("nearly stand in train" in remark for remark in found.remarks)


@given(st.lists(st.lists(st.sampled_from("abcd"), min_size=6, max_size=14).map(" ".join), max_size=8))
def test_near_duplicates_are_all_those_that_comparing_every_pair_finds(texts: list[str]) -> None:
    def shingles(text: str) -> set[tuple[str, ...]]:
        said = words(text)
        return set(zip(said, said[1:], said[2:], strict=False))

    wanted = {
        (first, second)
        for second in range(len(texts))
        for first in range(second)
        if len(shingles(texts[first]) & shingles(texts[second])) >= ALIKE * len(shingles(texts[first]) | shingles(texts[second]))
    }
    assert set(near_duplicates(texts)) == wanted


def test_short_texts_are_never_near() -> None:
    assert near_duplicates(["one two three", "one two three", ""]) == []


def test_doubled_and_contradicting_rows_are_counted_apart() -> None:
    found = inspect_rows("n", parts(train=[*rows("t", 40), text("x", "one"), text("y", "One."), text("z", "one", "no")]))
    assert (found.parts["train"].doubled, found.parts["train"].contradicting) == (1, 1)
    assert sum("train" in remark for remark in found.remarks) == 2


@pytest.mark.parametrize(
    ("train", "said"),
    [
        (rows("t", 40, label="yes"), "there is one class only: yes"),
        ([*rows("t", 200, label="yes"), *rows("u", 11, label="no")], "the largest class has 18 times"),
        ([*rows("t", 40), text("x", "rare one", "rare")], "the class 'rare' has 1 rows"),
        (rows("t", 40, label="yes"), "the class 'no' is missing in train"),
        ([*rows("t", 20, label="yes", length=30), *rows("u", 20, label="no", length=6)], None),
    ],
)
def test_imbalance_is_named(train: list[Row], said: str | None) -> None:
    remarks = inspect_rows("n", parts(train=train)).remarks
    assert any(said in remark for remark in remarks) if said else not any("class" in remark for remark in remarks)


def test_a_field_that_tells_the_label_is_named() -> None:
    def pairs(prefix: str, count: int) -> list[Row]:
        rng = random.Random(prefix)
        return [
            PairRow(
                id=f"{prefix}{place}",
                a=" ".join([f"a{rng.randrange(90)}" for _ in range(6)] + (["not"] if place % 2 else [])),
                b=" ".join(f"b{rng.randrange(90)}" for _ in range(8)),
                label=place % 2,
                group=f"{prefix}{place}",
            )
            for place in range(count)
        ]

    found = inspect_rows("n", {"train": pairs("t", 200), "dev": pairs("d", 20), "held": pairs("h", 200)})
    by_field = {one.field: one for one in found.giveaways}
    assert by_field["a"].by_words.low > 0.9
    assert by_field["b"].by_words.low < 0.6
    assert any(remark.startswith("the words of a alone") for remark in found.remarks)
    assert any(remark.startswith("the length of a alone") for remark in found.remarks)


def test_lengths_and_outliers() -> None:
    train = [*(text(f"t{place}", " ".join(["w"] * (8 + place % 5)) + f" {place}") for place in range(50)), text("long", "w " * 900)]
    lengths = inspect_rows("n", parts(train=train)).parts["train"].lengths["text"]
    assert lengths.most == 900
    assert lengths.outliers == ("long",)
    assert 8 <= lengths.low <= lengths.median <= lengths.high <= 14


def test_a_set_on_disk_is_inspected_and_shown() -> None:
    found = inspect_training(EXCERPT)
    assert found.parts["train"].labels == {"answerable": 12, "unanswerable": 12}
    shown = "\n".join(table(found))
    assert "training set reader-excerpt" in shown
    assert "passage" in shown
