"""Numbers that may be reported: each with its interval, its n and the name of its method. Light to import: numpy only where it is used.

Which one to take: a share `proportion`, a mean `mean`, a percentile `quantile`; two runs over the same items `paired_difference`; items in
clusters or asked several times `clustered_mean`; any other statistic `bootstrap`; the gate `non_inferiority`.
"""

from groundwork.core.statistics.agreement import (
    Agreement,
    agreement,
    cohen_kappa,
    confusion,
    gwet_ac1,
    kappa_alarm,
    kappa_from,
    kappa_of,
)
from groundwork.core.statistics.association import auc, kendall, pearson, spearman
from groundwork.core.statistics.attempts import pass_all, pass_at
from groundwork.core.statistics.bootstrap import bootstrap, paired_bootstrap
from groundwork.core.statistics.calibration import Bin, Calibration, Coverage, calibration, coverage_at
from groundwork.core.statistics.clusters import Clustering, clustered_difference, clustered_mean, clustering
from groundwork.core.statistics.confidence_sequence import anytime_non_inferiority, confidence_sequence
from groundwork.core.statistics.distributions import binomial_cdf, incomplete_beta, normal_cdf, normal_quantile, t_quantile
from groundwork.core.statistics.elo import Transitivity, elo, elo_spread, transitivity
from groundwork.core.statistics.intervals import OPEN, UNIT, Bounds, contrast, is_open, mean, proportion, quantile
from groundwork.core.statistics.multiple import benjamini_hochberg, holm, simultaneous, simultaneous_level
from groundwork.core.statistics.noninferiority import CORRECTION, POWER, items_to_pass, non_inferiority
from groundwork.core.statistics.paired import paired_difference
from groundwork.core.statistics.power import Power, detectable_difference, items_to_detect, items_to_tell, power_to_pass
from groundwork.core.statistics.preference import WinRate, length_controlled_win_rate, win_rate, win_rate_by_length
from groundwork.core.statistics.prevalence import corrected_prevalence, prediction_powered_mean, weighted_mean
from groundwork.core.statistics.ratings import Ratings, bradley_terry
from groundwork.core.statistics.regression import Line, Logistic, line, logistic, predicted
from groundwork.core.statistics.reliability import SplitHalf, cronbach_alpha, split_half
from groundwork.core.statistics.sequential import boundaries, looks_at, sequential_non_inferiority, spent
from groundwork.core.statistics.several_raters import fleiss_kappa, krippendorff_alpha
from groundwork.core.statistics.significance import Significance, mcnemar, permutation_test, sign_test

__all__ = [
    "CORRECTION",
    "OPEN",
    "POWER",
    "UNIT",
    "Agreement",
    "Bin",
    "Bounds",
    "Calibration",
    "Clustering",
    "Coverage",
    "Line",
    "Logistic",
    "Power",
    "Ratings",
    "Significance",
    "SplitHalf",
    "Transitivity",
    "WinRate",
    "agreement",
    "anytime_non_inferiority",
    "auc",
    "benjamini_hochberg",
    "binomial_cdf",
    "bootstrap",
    "boundaries",
    "bradley_terry",
    "calibration",
    "clustered_difference",
    "clustered_mean",
    "clustering",
    "cohen_kappa",
    "confidence_sequence",
    "confusion",
    "contrast",
    "corrected_prevalence",
    "coverage_at",
    "cronbach_alpha",
    "detectable_difference",
    "elo",
    "elo_spread",
    "fleiss_kappa",
    "gwet_ac1",
    "holm",
    "incomplete_beta",
    "is_open",
    "items_to_detect",
    "items_to_pass",
    "items_to_tell",
    "kappa_alarm",
    "kappa_from",
    "kappa_of",
    "kendall",
    "krippendorff_alpha",
    "length_controlled_win_rate",
    "line",
    "logistic",
    "looks_at",
    "mcnemar",
    "mean",
    "non_inferiority",
    "normal_cdf",
    "normal_quantile",
    "paired_bootstrap",
    "paired_difference",
    "pass_all",
    "pass_at",
    "pearson",
    "permutation_test",
    "power_to_pass",
    "predicted",
    "prediction_powered_mean",
    "proportion",
    "quantile",
    "sequential_non_inferiority",
    "sign_test",
    "simultaneous",
    "simultaneous_level",
    "spearman",
    "spent",
    "split_half",
    "t_quantile",
    "transitivity",
    "weighted_mean",
    "win_rate",
    "win_rate_by_length",
]
