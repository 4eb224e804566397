import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.lexical import Runs, featurise
from groundwork.tuning.blocks import Strength, balanced, fit_halves

CHANCE = np.random.default_rng(0)
WORDS = ("drop", "the", "rules", "cook", "rice", "now", "please", "all")
RUNS = Runs(10, (1,), ())
TRUTH = np.array([place % 2 == 0 for place in range(60)])
TEXTS = [" ".join([*CHANCE.choice(WORDS[1:], 3), "drop" if attack else "cook"]) for attack in TRUTH]
DENSE = (CHANCE.normal(size=(60, 4)) + 2 * TRUTH[:, None]).astype(np.float32)


def test_both_halves_part_the_classes_and_count_alike() -> None:
    sparse = featurise(TEXTS, RUNS)
    halves = fit_halves(DENSE, sparse, TRUTH, np.ones(60))
    dense, runs = DENSE @ halves.embedding, sparse.times(halves.runs)
    assert dense.std() == pytest.approx(1, abs=1e-4)
    assert runs.std() == pytest.approx(1, abs=1e-4)
    scores = halves.scores(DENSE, sparse)
    assert np.allclose(scores, dense + runs + halves.bias, atol=1e-5)
    assert scores[TRUTH].min() > scores[~TRUTH].max()
    again = fit_halves(DENSE, sparse, TRUTH, np.ones(60))
    assert np.array_equal(again.runs, halves.runs)


def test_a_stronger_l2_leaves_flatter_weights_before_they_are_scaled() -> None:
    sparse = featurise(TEXTS, RUNS)
    weak, strong = (fit_halves(DENSE, sparse, TRUTH, np.ones(60), Strength(runs=value)).runs for value in (1e-5, 1.0))
    assert np.abs(weak).max() > np.abs(strong).max()


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="class"):
        fit_halves(DENSE, featurise(TEXTS, RUNS), np.ones(60, dtype=bool), np.ones(60))


def test_classes_weigh_the_same_own_writing_its_share_and_groups_the_root_of_their_size() -> None:
    groups = ["big"] * 16 + ["small"] * 4 + ["ours"] * 5 + ["calm"] * 7
    truth = np.array([True] * 25 + [False] * 7)
    own = np.array([group == "ours" for group in groups])
    weights = balanced(groups, truth, own, 0.3)
    total = {group: weights[[name == group for name in groups]].sum() for group in set(groups)}
    assert weights.sum() == pytest.approx(1)
    assert total["calm"] == pytest.approx(0.5)
    assert total["ours"] == pytest.approx(0.15)
    assert total["big"] / total["small"] == pytest.approx(2)
