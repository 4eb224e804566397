"""Numbers that may be reported: each with its interval, its n and the name of its method. Light to import: numpy only where it is used."""

from groundwork.core.statistics.distributions import binomial_cdf, incomplete_beta, normal_quantile, t_quantile
from groundwork.core.statistics.intervals import OPEN, UNIT, Bounds, contrast, is_open, mean, proportion, quantile
from groundwork.core.statistics.noninferiority import CORRECTION, POWER, items_to_pass, non_inferiority
from groundwork.core.statistics.paired import mcnemar, paired_difference
from groundwork.core.statistics.power import items_to_tell

__all__ = [
    "CORRECTION",
    "OPEN",
    "POWER",
    "UNIT",
    "Bounds",
    "binomial_cdf",
    "contrast",
    "incomplete_beta",
    "is_open",
    "items_to_pass",
    "items_to_tell",
    "mcnemar",
    "mean",
    "non_inferiority",
    "normal_quantile",
    "paired_difference",
    "proportion",
    "quantile",
    "t_quantile",
]
