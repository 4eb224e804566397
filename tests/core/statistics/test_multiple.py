import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import benjamini_hochberg, holm, proportion, simultaneous, simultaneous_level

many = st.lists(st.floats(0, 1), min_size=1, max_size=20)


@given(ps=many)
def test_the_false_discovery_rate_is_adjusted_as_scipy_does(ps: list[float]) -> None:
    assert benjamini_hochberg(ps) == pytest.approx(tuple(stats.false_discovery_control(ps)))


@given(ps=many)
def test_holm_lies_between_the_plain_p_and_bonferronis(ps: list[float]) -> None:
    adjusted = holm(ps)
    assert all(p <= one <= min(1.0, len(ps) * p) + 1e-12 for p, one in zip(ps, adjusted, strict=True))
    assert sorted(range(len(ps)), key=lambda k: (ps[k], k)) == sorted(range(len(ps)), key=lambda k: (adjusted[k], ps[k], k))
    assert all(b <= h + 1e-12 for b, h in zip(benjamini_hochberg(ps), adjusted, strict=True))


def test_holms_own_steps() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert holm([]) == ()


def test_simultaneous_intervals_stand_at_bonferronis_level() -> None:
    assert simultaneous_level(0.95, 5) == pytest.approx(0.99)
    found = simultaneous([lambda level: proportion(7, 10, level=level)] * 5)
    assert {one.level for one in found} == {simultaneous_level(0.95, 5)}
    assert found[0].low < proportion(7, 10).low


def test_what_is_no_p_value_is_refused() -> None:
    for wrong in (lambda: holm([0.1, float("nan")]), lambda: benjamini_hochberg([1.5]), lambda: simultaneous_level(0.95, 0)):
        with pytest.raises(InputError):
            wrong()
