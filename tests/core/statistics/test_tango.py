import math

import pytest
from scipy import optimize

from groundwork.core.statistics import paired_difference


def pairs(gained: int, lost: int, same: int) -> tuple[list[float], list[float]]:
    return [0.0] * gained + [1.0] * lost + [1.0] * same, [1.0] * gained + [0.0] * lost + [1.0] * same


def restricted_statistic(gained: int, lost: int, n: int, delta: float) -> float:
    """Tango's statistic from its definition: the discordance is found by maximising the likelihood, not by a formula."""

    def loss(share_lost: float) -> float:
        cells = ((gained, share_lost + delta), (lost, share_lost), (n - gained - lost, 1 - 2 * share_lost - delta))
        return -sum(count * math.log(max(share, 1e-300)) for count, share in cells if count)

    low, high = max(0.0, -delta), (1 - delta) / 2
    share_lost = optimize.minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-12}).x
    return (gained - lost - n * delta) / math.sqrt(n * (2 * share_lost + delta * (1 - delta)))


@pytest.mark.parametrize(("gained", "lost", "n"), [(12, 2, 50), (1, 0, 30), (0, 7, 40), (20, 18, 200), (0, 0, 25), (3, 3, 8)])
def test_tangos_limits_are_where_his_statistic_is_at_its_bound(gained: int, lost: int, n: int) -> None:
    estimate = paired_difference(*pairs(gained, lost, n - gained - lost))
    assert estimate.method == "tango"
    assert restricted_statistic(gained, lost, n, estimate.low) == pytest.approx(1.959964, abs=1e-3)
    assert restricted_statistic(gained, lost, n, estimate.high) == pytest.approx(-1.959964, abs=1e-3)
