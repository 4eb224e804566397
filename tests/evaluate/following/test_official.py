"""The official mode gives the verdicts of IFEval's own checkers."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.evaluate.following import all_instructions, loose, parse, strict
from groundwork.evaluate.following.tokens import count_sentences, word_tokens

ROWS = [json.loads(line) for line in (Path(__file__).parents[2] / "data/evaluate/ifeval.jsonl").read_text(encoding="utf-8").splitlines()]


def test_all_types_of_the_benchmark_are_there_and_the_excerpt_holds_those_that_have_verdicts() -> None:
    names = {one.name for one in all_instructions()}
    assert len(names) == 25
    assert names - {row["type"] for row in ROWS} == {"change_case:capital_word_frequency", "length_constraints:number_sentences"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["type"])
def test_verdicts_are_those_of_the_official_checkers(row: dict[str, Any]) -> None:
    wanted = parse([{"type": row["type"], **row["kwargs"]}])[0]
    assert strict(row["response"], wanted, "official") is row["strict"]
    assert loose(row["response"], wanted, "official") is row["loose"]


def follows(name: str, answer: str, **arguments: Any) -> Any:
    return strict(answer, parse([{"type": name, **arguments}])[0], "official")


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("One. Two! Three?", 3),
        ("Dr. Smith met Mr. Jones. They talked.", 2),
        ("I live in the U.S. now. It is large.", 2),
        ("It costs 3.5 dollars. Cheap.", 2),
        ("1. First\n2. Second", 3),
        ("Fruit, e.g. apples.", 2),
        ("no stop at the end", 1),
        ('He said "Go." Then he left.', 2),
        ("Wait... what? Yes.", 2),
        ("", 0),
    ],
)
def test_sentences_are_counted_as_the_punkt_model_counts_them(text: str, count: int) -> None:
    """As NLTK's English model is known to: "e.g." ends a sentence, "1." is one."""
    assert count_sentences(text) == count


def test_words_are_split_as_the_treebank_splits_them() -> None:
    assert word_tokens("I DON'T know NASA. Do YOU?") == ["I", "DO", "N'T", "know", "NASA", ".", "Do", "YOU", "?"]
    assert follows("change_case:capital_word_frequency", "I DON'T know NASA.", capital_frequency=4, capital_relation="at least") is True
    assert follows("change_case:capital_word_frequency", "I know NASA.", capital_frequency=2, capital_relation="less than") is False


def test_the_oddities_are_kept() -> None:
    assert follows("keywords:existence", "unhappy", keywords=["happy"]) is True
    assert follows("keywords:existence", "cat", keywords=["c.t"]) is True
    assert follows("detectable_format:number_bullet_lists", "-5 degrees\n---", num_bullets=2) is True
    assert follows("detectable_format:number_highlighted_sections", "**one**", num_highlights=1) is True
    assert follows("detectable_format:json_format", "NaN") is True
    assert follows("language:response_language", "12345", language="kn") is True
    assert follows("length_constraints:nth_paragraph_first_word", "We go", num_paragraphs=1, nth_paragraph=2, first_word="we") is False


def test_a_language_is_guessed_alike_every_time() -> None:
    close = "Hotel Internet Taxi Restaurant Bar Museum"
    verdicts = {follows("language:response_language", close, language=code) for code in ["de"] * 20}
    assert len(verdicts) == 1
