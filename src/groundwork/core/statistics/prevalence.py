"""How often something is so, when only an imperfect judge has looked at all items, or only some items were looked at."""

import math
from collections.abc import Sequence

from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics.distributions import normal_quantile, t_quantile
from groundwork.core.statistics.intervals import OPEN, UNIT, Bounds, need_items, need_within


def corrected_prevalence(
    flagged: int, n: int, *, found: int, positives: int, cleared: int, negatives: int, level: float = 0.95
) -> Estimate:
    """The true share of positive items, from a judge who flagged `flagged` of n and errs as measured on labelled items.

    On the labelled items the judge flagged `found` of `positives` and cleared `cleared` of `negatives`. The interval holds the uncertainty
    of all three shares. The judge must err on the labelled items as on the others: labelled items of another kind mislead. Raises
    InputError where the judge is no better than chance, for then its flags say nothing.
    Source: W. J. Rogan and B. Gladen, American Journal of Epidemiology 107 (1978), 71-76; Z. Lang and J. Reiczigel, Preventive Veterinary
    Medicine 113 (2014), 13-22, for the interval.
    """
    for part, whole in ((flagged, n), (found, positives), (cleared, negatives)):
        need_items(whole)
        if not 0 <= part <= whole:
            raise InputError(f"{part} of {whole} items", fix="count each item at most once")
    gain = found / positives + cleared / negatives - 1
    z = normal_quantile(0.5 + level / 2)
    sensitivity, specificity = (found + 1) / (positives + 2), (cleared + 1) / (negatives + 2)
    share, weight = (flagged + z * z / 2) / (n + z * z), n + z * z
    smoothed = sensitivity + specificity - 1
    if gain <= 0 or smoothed <= 0:
        raise InputError(
            f"the judge finds {found} of {positives} and clears {cleared} of {negatives}: no better than chance",
            fix="choose a judge that tells the two apart, or label more items",
        )
    value = min(1.0, max(0.0, (flagged / n + cleared / negatives - 1) / gain))
    true = (share + specificity - 1) / smoothed
    errors = sensitivity * (1 - sensitivity) / (positives + 2), specificity * (1 - specificity) / (negatives + 2)
    shift = 2 * z * z * (true * errors[0] - (1 - true) * errors[1])
    half = z * math.sqrt(share * (1 - share) / weight + (1 - true) ** 2 * errors[1] + true**2 * errors[0]) / smoothed
    low, high = (min(1.0, max(0.0, true + shift + side * half)) for side in (-1, 1))
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method="rogan-gladen, lang-reiczigel", level=level)


def prediction_powered_mean(
    labels: Sequence[float],
    judged: Sequence[float],
    unlabelled: Sequence[float],
    *,
    bounds: Bounds | None = UNIT,
    level: float = 0.95,
) -> Estimate:
    """The mean label, from few labelled items and a judge's scores of these (`judged`) and of many others (`unlabelled`).

    The judge's mean over the others, corrected by its error on the labelled ones; it counts only as far as it helps (power tuning), so that
    a useless judge does not widen the interval. Whatever the judge's bias, the interval holds, as long as the labelled items are a random
    sample of all. With bounds, each limit is computed as if one more labelled item had been seen at that bound. n counts the labelled.
    Source: A. N. Angelopoulos et al., Science 382 (2023), 669-674; A. N. Angelopoulos, J. C. Duchi and T. Zrnic, arXiv 2311.01453 (2023).
    """
    n, others = len(labels), len(unlabelled)
    need_items(n)
    need_items(others)
    if n != len(judged):
        raise InputError(f"{n} labels and {len(judged)} scores are no pairs", fix="give the judge's score of each labelled item")
    if bounds is not None:
        need_within(labels, bounds)
    value, _, weight = _powered(labels, judged, unlabelled)
    method = f"prediction-powered, judge's weight {weight:.2f}"
    if n == 1:
        low, high = bounds or (value, value)
        return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=f"{method}, {OPEN}: one label", level=level)
    t = t_quantile(0.5 + level / 2, n - 1)
    typical = math.fsum(judged) / n
    limits: list[float] = []
    for side in (0, 1):
        more = ([], []) if bounds is None else ([bounds[side]], [typical])
        centre, variance, _ = _powered([*labels, *more[0]], [*judged, *more[1]], unlabelled)
        limits.append(centre + (2 * side - 1) * t * math.sqrt(variance * (n + len(more[0])) / n))
    low, high = limits
    if bounds is not None:
        low, high, value = max(bounds[0], low), min(bounds[1], high), min(bounds[1], max(bounds[0], value))
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method=method, level=level)


def weighted_mean(
    values: Sequence[float],
    probabilities: Sequence[float],
    *,
    population: int | None = None,
    bounds: Bounds | None = UNIT,
    level: float = 0.95,
) -> Estimate:
    """The mean over all items, from the sampled ones and the probability with which each was sampled.

    Without `population` the weights are scaled to sum to 1 (Hájek), which stays within the values; with it, the number of all items, the
    sum is divided by it (Horvitz-Thompson): unbiased, but wide where the sample's size varies,
    and its interval leaves the truth out 8 % of the time at some 150 sampled items of very unequal chances: prefer Hájek's. Items must have
    been sampled independently. With bounds, Hájek's limits are computed as if one more item of average weight had been seen at that bound.
    t with Kish's effective n.
    Source: D. G. Horvitz and D. J. Thompson, JASA 47 (1952), 663-685; C.-E. Särndal, B. Swensson and J. Wretman, Model Assisted Survey
    Sampling (1992), section 5.7.
    """
    n = len(values)
    need_items(n)
    if n != len(probabilities) or not all(0 < probability <= 1 for probability in probabilities):
        raise InputError(f"{n} values without a sampling probability each", fix="give for each value a probability above 0 and at most 1")
    if bounds is not None:
        need_within(values, bounds)
    weights = [1 / probability for probability in probabilities]
    effective = math.fsum(weights) ** 2 / math.fsum(weight * weight for weight in weights)
    t = t_quantile(0.5 + level / 2, max(1.0, effective - 1))
    if population is not None:
        value = math.fsum(weight * one for weight, one in zip(weights, values, strict=True)) / population
        spread = math.fsum((1 - p) * (one / p) ** 2 for p, one in zip(probabilities, values, strict=True))
        half = t * math.sqrt(spread) / population
        return Estimate(value=value, low=value - half, high=value + half, n=n, method="horvitz-thompson", level=level)
    value = math.fsum(weight * one for weight, one in zip(weights, values, strict=True)) / math.fsum(weights)
    if n == 1:
        low, high = bounds or (value, value)
        return Estimate(value=value, low=low, high=high, n=n, method=f"hájek, {OPEN}: one value", level=level)
    limits: list[float] = []
    for side in (0, 1):
        more = ([], []) if bounds is None else ([bounds[side]], [math.fsum(weights) / n])
        centre, variance = _hajek([*values, *more[0]], [*weights, *more[1]])
        limits.append(centre + (2 * side - 1) * t * math.sqrt(variance * (n + len(more[0])) / n))
    low, high = limits
    if bounds is not None:
        low, high = max(bounds[0], low), min(bounds[1], high)
    return Estimate(value=value, low=min(low, value), high=max(high, value), n=n, method="hájek", level=level)


def _hajek(values: Sequence[float], weights: Sequence[float]) -> tuple[float, float]:
    total, n = math.fsum(weights), len(values)
    centre = math.fsum(weight * value for weight, value in zip(weights, values, strict=True)) / total
    spread = math.fsum((weight * (value - centre)) ** 2 for weight, value in zip(weights, values, strict=True))
    return centre, spread / total**2 * n / (n - 1)


def _powered(labels: Sequence[float], judged: Sequence[float], unlabelled: Sequence[float]) -> tuple[float, float, float]:
    """The estimate, its variance, and the weight of the judge that makes the variance smallest."""
    n, others = len(labels), len(unlabelled)
    mean_label, mean_judged, mean_other = math.fsum(labels) / n, math.fsum(judged) / n, math.fsum(unlabelled) / others
    pooled = (math.fsum(judged) + math.fsum(unlabelled)) / (n + others)
    spread = math.fsum((score - pooled) ** 2 for score in (*judged, *unlabelled)) / (n + others)
    common = math.fsum((label - mean_label) * (score - mean_judged) for label, score in zip(labels, judged, strict=True)) / n
    weight = min(1.0, max(0.0, common / ((1 + n / others) * spread))) if spread > 0 else 0.0
    errors = [label - weight * score for label, score in zip(labels, judged, strict=True)]
    centre = math.fsum(errors) / n
    within = math.fsum((error - centre) ** 2 for error in errors) / max(1, n - 1)
    beside = math.fsum((score - mean_other) ** 2 for score in unlabelled) / max(1, others - 1)
    return weight * mean_other + centre, weight**2 * beside / others + within / n, weight
