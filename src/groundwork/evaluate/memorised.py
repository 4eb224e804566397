"""Has a model seen these cases in this order? What was trained on comes easier in its own order than shuffled.

Cases of a sound test can stand in any order, and to a model that has not seen the file all are equally likely. Nothing but likelihoods is
needed; no training data, no threshold. Not covered: cases seen one by one, or in another order: for copies see contamination.py.
Source: Y. Oren, N. Meister, N. Chatterji, F. Ladhak and T. Hashimoto, Proving Test Set Contamination in Black-Box Language Models,
arXiv 2310.17623 (the sharded test).
"""

import math
import random
from collections.abc import Sequence

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.evaluate.likelihood import PromptLikelihood, measure

AT_ONCE, SHARDS, SHUFFLES = 8, 20, 8
SEPARATOR = "\n\n"
SURE = 0.01
"""The level at which a model is said to have seen the file: an accusation, so that one in a hundred may be wrong and not one in twenty."""
LEAST = 5
"""Shards that a test needs."""


class Memorised(msgspec.Struct, frozen=True, kw_only=True):
    """What the order test found. `advantage` is how many nats more likely a shard is in its own order than shuffled, on average."""

    shards: int
    shuffles: int
    calls: int
    advantage: Estimate
    p: float
    """One-sided: how often so much would be seen, had the model no preference for the file's own order."""
    is_seen: bool
    sentence: str


async def order_test(
    texts: Sequence[str],
    model: PromptLikelihood,
    *,
    at_once: int = AT_ONCE,
    shards: int = SHARDS,
    shuffles: int = SHUFFLES,
    seed: int = 0,
) -> Memorised:
    """Hold the likelihood of shards of `at_once` texts in their own order against shuffled orders; `shards` * (1 + `shuffles`) calls at most.

    The texts must be in the order of the public file. A permutation test over the signs of the shards' advantages. Raises InputError for
    too few texts, UpstreamError.
    """
    if at_once < 2 or shuffles < 1:
        raise InputError("an order needs two texts, and another order", fix="choose 2 texts a shard or more, and 1 shuffle or more")
    kept = [text for text in texts if text.strip()]
    pieces = [kept[start : start + at_once] for start in range(0, len(kept) - at_once + 1, at_once)]
    if len(pieces) < LEAST:
        raise InputError(
            f"{len(kept)} cases make {len(pieces)} shards of {at_once}, too few for a test",
            fix=f"use {LEAST * at_once} cases or more, or smaller shards",
        )
    chooser = random.Random(seed)  # noqa: S311  orders to repeat, no secret
    chosen = [pieces[place] for place in sorted(chooser.sample(range(len(pieces)), min(shards, len(pieces))))]
    advantages: list[float] = []
    for piece in chosen:
        own = await _nats(model, piece)
        others = [await _nats(model, _shuffled(piece, chooser)) for _ in range(shuffles)]
        advantages.append(math.fsum(others) / len(others) - own)
    found = statistics.mean(advantages, bounds=None)
    two_sided = statistics.permutation_test(advantages).p if any(advantages) else 1.0
    p = two_sided / 2 if found.value > 0 else 1 - two_sided / 2
    return Memorised(
        shards=len(chosen),
        shuffles=shuffles,
        calls=len(chosen) * (1 + shuffles),
        advantage=found,
        p=p,
        is_seen=p < SURE,
        sentence=_said(found, len(chosen), p),
    )


def _shuffled(texts: Sequence[str], chooser: random.Random) -> list[str]:
    """Another order of the texts, where they differ."""
    order = list(texts)
    while order == list(texts) and len(set(texts)) > 1:
        chooser.shuffle(order)
    return order


async def _nats(model: PromptLikelihood, texts: Sequence[str]) -> float:
    return (await measure(model, SEPARATOR.join(texts))).nats


def _said(advantage: Estimate, shards: int, p: float) -> str:
    size = f"{advantage.value:.2f} nats [{advantage.low:.2f}, {advantage.high:.2f}] a shard, over {shards} shards (p = {p:.2g})"
    if p < SURE:
        return f"the model finds the cases likelier in the file's own order: {size}; it has seen the file"
    return f"the file's own order is no likelier than others: {size}; that is no proof that it has not seen the cases"
