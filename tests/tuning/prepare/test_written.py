import random
import re

import pytest

from groundwork.tuning.prepare.attacks import write_samples
from groundwork.tuning.prepare.written import many, one_of, phrases, questions, roughen

FILES = ("attacks", "lookalikes", "embedded", "passages")


@pytest.mark.parametrize("name", FILES)
def test_no_slot_stays_open(name: str) -> None:
    for text, kind in many(phrases(name), 600, random.Random(1), rough=0.0):
        assert not re.search(r"\{[a-z_]+\}", text), (kind, text)


@pytest.mark.parametrize("name", FILES)
def test_the_same_seed_writes_the_same_texts_of_every_kind(name: str) -> None:
    first, second = (many(phrases(name), 300, random.Random(3)) for _ in range(2))
    assert first == second
    assert first != many(phrases(name), 300, random.Random(4))
    assert {text.kind for text in first} == set(phrases(name).kinds)
    assert len({text.text for text in first}) == len(first)


def test_what_is_meant_to_be_the_same_is_the_same() -> None:
    text = one_of(phrases("attacks"), random.Random(0), "long_role").text
    filled = phrases("attacks").fill("{name} and {name} or {goal}", random.Random(5))
    first, second = filled.split(" or ")[0].split(" and ")
    assert first == second
    assert text


def test_typing_is_rough_and_says_the_same() -> None:
    text = "Which rules does the game of chess have?"
    seen = {roughen(text, random.Random(seed)) for seed in range(200)}
    assert len(seen) > 60
    assert all(len(one) < len(text) + 30 for one in seen)


def test_both_classes_are_written_and_questions_are_harmless() -> None:
    samples = write_samples(0, 200)
    assert sum(sample.attack for sample in samples) == 200
    assert len(samples) == 400
    assert all(sample.source.startswith("our/") for sample in samples)
    assert one_of(questions(), random.Random(0)).text
