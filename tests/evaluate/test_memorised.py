"""The order test finds a model that has learnt a file by heart, and leaves one that has not alone."""

import random
from collections.abc import Sequence

import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.likelihood import Token
from groundwork.evaluate.memorised import SEPARATOR, order_test

CASES = [f"Question {number}: what is {number} times {number + 1}?" for number in range(200)]


class Model:
    """Every word costs about a nat; a case that follows its neighbour of the file costs `memory` nats less."""

    def __init__(self, memory: float, seed: int = 0) -> None:
        self.memory = memory
        self.calls = 0
        self._chooser = random.Random(seed)

    async def tokens(self, text: str, /) -> Sequence[Token]:
        self.calls += 1
        cases = text.split(SEPARATOR)
        found: list[Token] = []
        for place, case in enumerate(cases):
            known = place > 0 and CASES.index(case) == CASES.index(cases[place - 1]) + 1
            piece = (SEPARATOR if place else "") + case
            found.append(Token(piece, None if not place else -8 + self._chooser.gauss(0, 1) + self.memory * known))
        return found


async def test_a_model_that_knows_the_file_by_heart_is_found() -> None:
    model = Model(memory=1.0)
    found = await order_test(CASES, model)
    assert found.is_seen
    assert found.p < 0.01
    assert found.advantage.low > 0
    assert model.calls == found.calls == 20 * 9
    assert "has seen the file" in found.sentence


async def test_a_model_that_has_not_seen_it_is_accused_as_seldom_as_promised() -> None:
    accused = 0
    for seed in range(60):
        found = await order_test(CASES, Model(memory=0.0, seed=seed), shards=8, shuffles=3, seed=seed)
        accused += found.p < 0.05
    assert accused <= 8  # of 60 at 5 %: more than 8 come one time in a hundred


async def test_one_that_prefers_other_orders_is_not_accused_either() -> None:
    found = await order_test(CASES, Model(memory=-2.0))
    assert found.p > 0.9
    assert "no proof" in found.sentence


async def test_equal_texts_have_no_order_and_few_make_no_test() -> None:
    class Same:
        async def tokens(self, text: str, /) -> Sequence[Token]:
            return [Token(text[:1], None), Token(text[1:], -1.0)]

    found = await order_test(["the same"] * 80, Same())
    assert (found.p, found.is_seen, found.advantage.value) == (0.5, False, 0.0)
    with pytest.raises(InputError, match="too few"):
        await order_test(CASES[:20], Same())
    with pytest.raises(InputError, match="two texts"):
        await order_test(CASES, Same(), at_once=1)
