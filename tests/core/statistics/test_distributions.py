import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from groundwork.core.statistics import binomial_cdf, normal_cdf, t_quantile
from groundwork.core.statistics.distributions import beta_quantile, f_quantile


@given(z=st.floats(-30, 30))
def test_the_normal_distribution_is_scipys_in_the_tails_too(z: float) -> None:
    assert normal_cdf(z) == pytest.approx(stats.norm.cdf(z), rel=1e-9)


@given(p=st.sampled_from([0.025, 0.1, 0.5, 0.9, 0.975]), above=st.floats(1, 200), below=st.floats(2, 200))
def test_the_quantiles_of_beta_and_f_are_scipys(p: float, above: float, below: float) -> None:
    assert beta_quantile(p, above / 2, below / 2) == pytest.approx(stats.beta.ppf(p, above / 2, below / 2), abs=1e-9)
    assert f_quantile(p, above, below) == pytest.approx(stats.f.ppf(p, above, below), rel=1e-6)


@pytest.mark.parametrize("p", [0.75, 0.9, 0.95, 0.975, 0.995])
@pytest.mark.parametrize("degrees", [1, 2, 5, 30, 1_000, 200_000])
def test_the_t_quantile_is_scipys(p: float, degrees: int) -> None:
    assert t_quantile(p, degrees) == pytest.approx(stats.t.ppf(p, degrees), rel=2e-5 if degrees > 100_000 else 1e-9)


@given(n=st.integers(1, 3_000), q=st.floats(0.01, 0.99), at=st.floats(0, 1))
def test_the_binomial_distribution_is_scipys(n: int, q: float, at: float) -> None:
    k = int(at * n)
    assert binomial_cdf(k, n, q) == pytest.approx(stats.binom.cdf(k, n, q), abs=1e-9)
