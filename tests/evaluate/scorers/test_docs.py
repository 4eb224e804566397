"""The page of the scorers says what is registered, so that it cannot go stale."""

from scripts.make_scorer_docs import TARGET, render, scorer_rows


def test_the_tables_are_made_from_what_is_registered() -> None:
    written = TARGET.read_text(encoding="utf-8")
    assert render(written) == written, "run `python -m scripts.make_scorer_docs`"


def test_a_table_that_was_edited_by_hand_is_noticed() -> None:
    written = TARGET.read_text(encoding="utf-8")
    assert render(written.replace("| `exact` |", "| `exactly` |")) == render(written)
    assert any("`numeric`" in row for row in scorer_rows())
