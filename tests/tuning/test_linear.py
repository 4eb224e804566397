import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.tuning.linear import Energy, fit, logsumexp, sigmoid, softmax, stratified_folds, temperature

CHANCE = np.random.default_rng(7)
CENTRES = np.array([[2.0, 0.0, 0.0], [0.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
LABELS = np.repeat([0, 1, 2], 40)
ROWS = CENTRES[LABELS] + CHANCE.normal(size=(120, 3))


def slope_of(fitted, rows, targets, l2, weights=None, towards=0.0):
    """The gradient at the solution, written out independently: it must vanish."""
    weights = np.full(len(rows), 1 / len(rows)) if weights is None else weights / weights.sum()
    probabilities = softmax(fitted.logits(rows)) if fitted.weight.shape[0] > 1 else sigmoid(fitted.logits(rows))
    off = (probabilities - targets) * weights[:, None]
    return np.abs(off.T @ rows + l2 * (fitted.weight - towards)).max(), np.abs(off.sum(axis=0)).max()


@pytest.mark.parametrize("l2", [1e-1, 1e-3, 1e-5])
def test_the_solution_of_several_classes_is_stationary(l2):
    fitted = fit(ROWS, LABELS, classes=3, l2=l2, tolerance=1e-7)
    assert fitted.converged
    assert max(slope_of(fitted, ROWS, np.eye(3)[LABELS], l2)) < 1e-6
    assert (fitted.logits(ROWS).argmax(axis=1) == LABELS).mean() > 0.75


def test_yes_or_no_is_one_logit_and_equals_two_classes_at_half_the_penalty():
    yes = (LABELS == 0).astype(int)
    one = fit(ROWS, yes, classes=1, l2=0.02, tolerance=1e-8)
    two = fit(ROWS, yes, classes=2, l2=0.04, tolerance=1e-8)
    assert one.weight.shape == (1, 3)
    assert max(slope_of(one, ROWS, yes[:, None], 0.02)) < 1e-7
    assert np.allclose(one.logits(ROWS)[:, 0], np.diff(two.logits(ROWS), axis=1)[:, 0], atol=1e-4)


def test_it_equals_scipys_minimum():
    optimize = pytest.importorskip("scipy.optimize")

    def loss(parameters):
        logits = ROWS @ parameters[:9].reshape(3, 3).T + parameters[9:]
        return np.mean(logsumexp(logits) - logits[np.arange(120), LABELS]) + 0.005 * np.sum(parameters[:9] ** 2)

    reference = optimize.minimize(loss, np.zeros(12), method="BFGS", tol=1e-9)
    fitted = fit(ROWS, LABELS, classes=3, l2=0.01, tolerance=1e-8)
    assert fitted.loss == pytest.approx(reference.fun, abs=1e-8)
    assert np.allclose(fitted.weight.ravel(), reference.x[:9], atol=1e-3)


def test_single_precision_comes_to_the_same():
    double = fit(ROWS, LABELS, classes=3, l2=0.01)
    single = fit(ROWS.astype(np.float32), LABELS, classes=3, l2=0.01)
    assert single.converged
    assert np.allclose(single.weight, double.weight, atol=1e-3)


def test_a_weight_of_two_is_the_row_twice_and_balance_undoes_repetition():
    weights = np.where(LABELS == 1, 2.0, 1.0)
    twice = np.concatenate([np.arange(120), np.flatnonzero(LABELS == 1)])
    weighted = fit(ROWS, LABELS, classes=3, l2=0.01, row_weights=weights, tolerance=1e-8)
    repeated = fit(ROWS[twice], LABELS[twice], classes=3, l2=0.01, tolerance=1e-8)
    assert np.allclose(weighted.weight, repeated.weight, atol=1e-5)
    plain = fit(ROWS, LABELS, classes=3, l2=0.01, tolerance=1e-8)
    balanced = fit(ROWS[twice], LABELS[twice], classes=3, l2=0.01, balanced=True, tolerance=1e-8)
    assert np.allclose(balanced.weight, plain.weight, atol=1e-5)


def test_without_evidence_the_weights_stay_where_they_are_told():
    towards = CHANCE.normal(size=(3, 3))
    assert np.allclose(fit(ROWS, LABELS, classes=3, l2=1e6, towards=towards).weight, towards, atol=1e-4)
    fitted = fit(ROWS, LABELS, classes=3, l2=0.1, towards=towards, tolerance=1e-7)
    assert max(slope_of(fitted, ROWS, np.eye(3)[LABELS], 0.1, towards=towards)) < 1e-6


def test_probabilities_serve_as_targets():
    hard = fit(ROWS, LABELS, classes=3, l2=0.01, tolerance=1e-8)
    assert np.allclose(fit(ROWS, np.eye(3)[LABELS], classes=3, l2=0.01, tolerance=1e-8).weight, hard.weight, atol=1e-7)


def test_the_energy_loss_parts_outliers_from_rows_and_has_the_right_slope():
    outliers = CHANCE.normal(size=(60, 3)) * 0.3 - 1.0
    plain = fit(ROWS, LABELS, classes=3, l2=1e-3)
    pushed = fit(ROWS, LABELS, classes=3, l2=1e-3, energy=Energy(outliers, weight=0.3, inside=3.0, outside=-1.0), tolerance=1e-6)

    def gap(one):
        return logsumexp(one.logits(ROWS)).mean() - logsumexp(one.logits(outliers)).mean()

    assert pushed.converged  # with a wrong gradient the search would get stuck
    assert gap(pushed) > gap(plain) + 1


def test_the_temperature_undoes_a_known_one():
    logits = CHANCE.normal(size=(4000, 5)) * 2
    drawn = np.array([CHANCE.choice(5, p=row) for row in softmax(logits)])
    assert temperature(logits * 3, drawn) == pytest.approx(3, rel=0.1)
    yes = CHANCE.random(4000) < sigmoid(logits[:, 0])
    assert temperature(logits[:, 0] / 2, yes.astype(float)) == pytest.approx(0.5, rel=0.1)


def test_folds_spread_labels_and_keep_groups_together():
    labels = ["a"] * 20 + ["b"] * 10
    folds = stratified_folds(labels, 5, seed=3)
    assert [int(np.sum(folds[:20] == fold)) for fold in range(5)] == [4] * 5
    assert [int(np.sum(folds[20:] == fold)) for fold in range(5)] == [2] * 5
    assert np.array_equal(folds, stratified_folds(labels, 5, seed=3))
    groups = [str(place // 3) for place in range(30)]
    grouped = stratified_folds(labels, 5, groups=groups)
    assert all(len({fold for fold, other in zip(grouped, groups, strict=True) if other == one}) == 1 for one in groups)
    with pytest.raises(InputError, match="3 groups cannot be dealt into 5 folds"):
        stratified_folds(["a"] * 3, 5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"targets": LABELS[:-1]}, "are no pairs"),
        ({"targets": LABELS + 1}, "no class number"),
        ({"targets": np.zeros(120, dtype=int)}, "a class has no row"),
        ({"features": np.where(ROWS > 3, np.nan, ROWS)}, "a feature is no number"),
        ({"features": ROWS[0]}, "."),
        ({"row_weights": np.zeros(120)}, "no weights"),
        ({"row_weights": -np.ones(120)}, "no weights"),
        ({"towards": np.zeros((3, 2))}, "differ in their features"),
        ({"energy": Energy(np.zeros((4, 2)))}, "differ in their features"),
    ],
)
def test_what_cannot_be_fitted_is_refused(change, said):
    with pytest.raises(InputError, match=said):
        fit(**({"features": ROWS, "targets": LABELS, "classes": 3} | change))


def test_one_class_is_refused():
    with pytest.raises(InputError, match="a class has no row"):
        fit(ROWS, np.ones(120), classes=1)
