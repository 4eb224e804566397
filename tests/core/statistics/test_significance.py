import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.errors import InputError
from groundwork.core.statistics import mcnemar, permutation_test, sign_test


@given(differences=st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.25, 1.0]), min_size=2, max_size=9))
def test_the_exact_permutation_p_is_scipys(differences: list[float]) -> None:
    both = (np.array(differences), np.zeros(len(differences)))
    reference = stats.permutation_test(both, lambda a, b, axis: (a - b).mean(axis=axis), permutation_type="samples", vectorized=True)
    # scipy doubles the smaller tail; the sums are symmetric, so that both count the same but where the tails meet.
    assert permutation_test(differences).p == pytest.approx(min(1.0, float(reference.pvalue)), abs=1e-9)


def test_drawn_signs_come_close_to_all_of_them() -> None:
    differences = (np.random.default_rng(1).normal(0.4, 1, 40)).tolist()
    drawn = permutation_test(differences)
    assert drawn.p == pytest.approx(stats.ttest_1samp(differences, 0).pvalue, abs=0.02)
    assert drawn == permutation_test(differences)
    assert permutation_test([1.0] * 40, draws=99).p == 0.01  # never 0


@given(differences=st.lists(st.integers(-3, 3), min_size=1, max_size=60))
def test_the_sign_test_is_the_binomial_one(differences: list[int]) -> None:
    rises, falls = sum(d > 0 for d in differences), sum(d < 0 for d in differences)
    expected = stats.binomtest(rises, rises + falls).pvalue if rises + falls else 1.0
    assert sign_test(differences).p == pytest.approx(expected)
    assert sign_test(differences).n == len(differences)


def test_clusters_turn_their_sign_together() -> None:
    differences, clusters = [1.0] * 12, [place // 4 for place in range(12)]
    assert permutation_test(differences).p == pytest.approx(2 / 2**12)
    assert permutation_test(differences, clusters=clusters).p == pytest.approx(2 / 2**3)


def test_no_difference_at_all_is_no_finding_and_no_items_are_refused() -> None:
    assert permutation_test([0.0] * 20).p == 1
    assert sign_test([0.0]).p == 1
    for wrong in (lambda: permutation_test([]), lambda: sign_test([]), lambda: permutation_test([1.0], clusters=[])):
        with pytest.raises(InputError):
            wrong()


@given(gained=st.integers(0, 60), lost=st.integers(0, 60))
def test_mcnemars_p_is_the_exact_binomial_one(gained: int, lost: int) -> None:
    expected = stats.binomtest(gained, gained + lost).pvalue if gained + lost else 1.0
    assert mcnemar(gained, lost) == pytest.approx(expected, abs=1e-9)
