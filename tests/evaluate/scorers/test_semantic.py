from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.batching import Batcher
from groundwork.evaluate.instruments import Instruments
from tests.evaluate.scorers.asking import ask

DIRECTIONS = {"cat": [1.0, 0.0], "feline": [0.6, 0.8], "stone": [0.0, 1.0]}


class Directions:
    """An embedder that knows three texts."""

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


async def test_negation_and_numbers_are_hardly_seen_as_the_documentation_says() -> None:
    said = "The cache is shared between connections."
    batcher = Batcher()

    async def give() -> Any:
        return batcher

    real = Instruments(embedder=give)
    try:
        near, negated, far = [
            (await ask("semantic", said, reference=text, instruments=real)).value or 0.0
            for text in ("All connections use one cache.", "The cache is not shared between connections.", "Stones are heavy.")
        ]
    finally:
        await batcher.close()
    assert negated > near > far


async def test_what_cannot_be_embedded_has_no_value() -> None:
    assert (await ask("semantic", " ", reference="cat", instruments=tools(Directions()))).status == "unparseable"
    long = await ask("semantic", "a long text", reference="cat", instruments=tools(Directions()))
    assert (long.status, long.value) == ("unscored", None)


async def test_without_an_encoder_it_says_so() -> None:
    found = await ask("semantic", "cat", reference="cat")
    assert found.status == "error"
    assert "encoder" in found.detail
