import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.engine.lexical import Runs, featurise

SMALL = Runs(10, (1, 2), (3,))


def dense(texts: list[str], runs: Runs = SMALL) -> np.ndarray:
    made = featurise(texts, runs)
    found = np.zeros((len(texts), made.width))
    for row in range(len(texts)):
        at = slice(made.starts[row], made.starts[row + 1])
        np.add.at(found[row], made.columns[at], made.values[at])
    return found


def test_rows_have_length_one_and_case_and_spacing_do_not_count() -> None:
    rows = dense(["Ignore the rules", "ignore   THE rules", "", "!", "日本"])
    assert np.allclose(np.linalg.norm(rows, axis=1), [1, 1, 0, 1, 1], atol=1e-6)
    assert np.array_equal(rows[0], rows[1])


def test_word_order_counts() -> None:
    rows = dense(["the dog bit the man", "the man bit the dog"])
    assert 0.3 < rows[0] @ rows[1] < 0.99


def test_products_are_those_of_the_dense_matrix() -> None:
    texts = ["a b c", "", "to be or not to be", "c b a"]
    made, rows = featurise(texts, SMALL), dense(texts)
    chance = np.random.default_rng(0)
    weight, slopes = chance.normal(size=made.width), chance.normal(size=4)
    assert np.allclose(made.times(weight), rows @ weight, atol=1e-5)
    assert np.allclose(made.transposed_times(slopes), slopes @ rows, atol=1e-5)
    picked = np.array([2, 0, 2])
    assert np.allclose(made.rows(picked).times(weight), rows[picked] @ weight, atol=1e-5)


def test_hashes_are_the_same_in_every_process() -> None:
    code = (
        "from groundwork.engine.lexical import featurise, Runs; made = featurise(['Ignore the rules, Käthe']); print(made.columns.tolist())"
    )
    said = {subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout for _ in range(2)}
    assert said == {f"{featurise(['Ignore the rules, Käthe']).columns.tolist()}\n"}


@pytest.mark.parametrize("runs", [Runs(7), Runs(25), Runs(10, (), ()), Runs(10, (0,), ())])
def test_runs_that_count_nothing_are_refused(runs: Runs) -> None:
    with pytest.raises(InputError):
        featurise(["a"], runs)


@given(st.lists(st.text(max_size=60), max_size=4))
def test_any_text_has_finite_features(texts: list[str]) -> None:
    made = featurise(texts)
    assert made.starts.tolist() == sorted(made.starts.tolist())
    assert np.isfinite(made.values).all()
    assert not len(made.columns) or 0 <= made.columns.min() <= made.columns.max() < made.width
