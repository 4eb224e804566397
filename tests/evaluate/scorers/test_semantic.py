from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.instruments import Instruments
from tests.evaluate.scorers.asking import ask

DIRECTIONS = {"cat": [1.0, 0.0], "feline": [0.6, 0.8], "stone": [0.0, 1.0], "not a cat": [1.0, 0.0]}


class Directions:
    """An embedder that knows four texts."""

    fingerprint = "directions"
    dimensions = 2
    batches: int = 0

    async def embed(self, texts: Sequence[str], /) -> Any:
        self.batches += 1
        if any(text not in DIRECTIONS for text in texts):
            raise InputError("more than the window", fix="send less")
        return np.array([DIRECTIONS[text] for text in texts], dtype=np.float32)


def tools(embedder: Directions) -> Instruments:
    async def give() -> Any:
        return embedder

    return Instruments(embedder=give)


async def test_the_nearest_reference_counts_and_all_go_in_one_batch() -> None:
    embedder = Directions()
    found = await ask("semantic", "feline", text=["cat", "stone"], instruments=tools(embedder))
    assert found.value == pytest.approx(0.8)
    assert embedder.batches == 1


async def test_negation_is_not_seen_as_its_documentation_says() -> None:
    assert (await ask("semantic", "not a cat", reference="cat", instruments=tools(Directions()))).value == 1


async def test_what_cannot_be_embedded_has_no_value() -> None:
    assert (await ask("semantic", " ", reference="cat", instruments=tools(Directions()))).status == "unparseable"
    long = await ask("semantic", "a long text", reference="cat", instruments=tools(Directions()))
    assert (long.status, long.value) == ("unscored", None)


async def test_without_an_encoder_it_says_so() -> None:
    found = await ask("semantic", "cat", reference="cat")
    assert found.status == "error"
    assert "encoder" in found.detail
