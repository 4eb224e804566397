import random
from array import array

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.statistics import selection
from groundwork.core.statistics.selection import order_statistics

NUMBERS = st.lists(st.floats(-1e9, 1e9) | st.sampled_from([0.0, 1.0, 1.0 + 1e-12]), min_size=1, max_size=200)


@given(NUMBERS, st.data())
@settings(max_examples=150)
def test_many_are_ranked_as_if_they_were_sorted(values: list[float], data: st.DataObject) -> None:
    ranks = data.draw(st.lists(st.integers(0, len(values) - 1), min_size=1, max_size=5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "SORTED", 0)
        assert order_statistics(array("d", values), ranks) == [sorted(values)[rank] for rank in ranks]


def test_more_than_can_be_sorted_cheaply() -> None:
    chance = random.Random(5)
    values = array("d", (chance.lognormvariate(0, 3) for _ in range(selection.SORTED + 1_000)))
    ranks = (0, 1, len(values) // 2, len(values) - 2, len(values) - 1)
    assert order_statistics(values, ranks) == [sorted(values)[rank] for rank in ranks]
