import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import boundaries, looks_at, non_inferiority, normal_quantile, sequential_non_inferiority, spent

# One-sided 0.025, five evenly spaced looks: as printed for alpha spending in the program of D. M. Reboussin, D. L. DeMets, K. Kim and
# K. K. G. Lan, Controlled Clinical Trials 21 (2000), 190-207.
PUBLISHED = {
    "obrien-fleming": (4.8769, 3.3569, 2.6803, 2.2898, 2.0310),
    "pocock": (2.4380, 2.4268, 2.4101, 2.3966, 2.3859),
}


@pytest.mark.parametrize("spending", PUBLISHED)
def test_the_boundaries_are_the_published_ones(spending) -> None:
    assert boundaries(looks_at(5), error=0.025, spending=spending) == pytest.approx(PUBLISHED[spending], abs=3e-4)


@given(error=st.floats(0.001, 0.2), spending=st.sampled_from(["obrien-fleming", "pocock"]))
def test_one_look_is_one_test_and_everything_is_spent_at_the_end(error: float, spending) -> None:
    assert boundaries((1.0,), error=error, spending=spending)[0] == pytest.approx(normal_quantile(1 - error), abs=1e-6)
    assert spent(1.0, error=error, spending=spending) == pytest.approx(error)
    assert 0 <= spent(0.3, error=error, spending=spending) < spent(0.6, error=error, spending=spending) < error


def test_earlier_boundaries_do_not_hang_on_later_looks() -> None:
    assert boundaries((0.2, 0.5), error=0.05) == pytest.approx(boundaries((0.2, 0.5, 0.9, 1.0), error=0.05)[:2])


def test_an_early_look_asks_for_more_than_the_plain_test() -> None:
    differences = [0.0] * 80
    assert non_inferiority(differences, 0.05)[0] == "pass"
    decision, early = sequential_non_inferiority(differences, 0.05, look=1)
    assert decision == "undecided"
    assert early.level > 0.99
    assert sequential_non_inferiority([0.0] * 400, 0.05, look=5)[0] == "pass"
    assert sequential_non_inferiority([-1.0] * 40 + [0.0] * 40, 0.05, look=2)[0] == "fail"
    single, last = sequential_non_inferiority(differences, 0.05, look=1, looks=1)[1], non_inferiority(differences, 0.05)[1]
    assert (single.low, single.high) == pytest.approx((last.low, last.high), abs=1e-6)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: spent(0),
        lambda: looks_at(0),
        lambda: boundaries(()),
        lambda: boundaries((0.5, 0.4)),
        lambda: boundaries((0.5, 1.2)),
        lambda: sequential_non_inferiority([0.0], 0.05, look=6),
        lambda: sequential_non_inferiority([0.0], 0.0, look=1),
        lambda: sequential_non_inferiority([], 0.05, look=1),
        lambda: sequential_non_inferiority([2.0], 0.05, look=1),
    ],
)
def test_looks_that_were_not_planned_are_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
