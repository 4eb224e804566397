"""The shipped scorer of claims, on sentences that it never saw."""

from collections.abc import AsyncIterator

import pytest

from groundwork.core.errors import InputError
from groundwork.engine.grounding import ClaimScorer

PASSAGE = (
    "The lighthouse at Cape Orrin is 47 metres high. It was built in 1868 and lit with whale oil. "
    "The last keeper left in 1983, when the lamp became automatic."
)


@pytest.fixture
async def scorer() -> AsyncIterator[ClaimScorer]:
    one = ClaimScorer()
    yield one
    await one.close()


@pytest.mark.parametrize(
    ("supported", "changed"),
    [
        ("The lighthouse stands 47 metres tall.", "The lighthouse stands 74 metres tall."),
        ("It was built in 1868.", "It was built in the 1920s."),
        ("The last keeper left in 1983.", "The last keeper did not leave in 1983."),
        ("The lamp became automatic in 1983.", "The lamp became automatic in 1893."),
    ],
)
async def test_a_changed_claim_is_told_from_a_supported_one(scorer: ClaimScorer, supported: str, changed: str) -> None:
    yes, no = await scorer.support([(supported, PASSAGE), (changed, PASSAGE)])
    assert yes > scorer.threshold > no


async def test_a_claim_longer_than_the_window_is_refused(scorer: ClaimScorer) -> None:
    with pytest.raises(InputError):
        await scorer.support([("very " * 400 + "long.", PASSAGE)])
