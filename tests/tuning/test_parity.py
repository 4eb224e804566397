"""An export is compared with what was trained, and refused where it decides otherwise."""

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.reading import SpanFound
from groundwork.tuning.outcomes import Spanned
from groundwork.tuning.parity import SPANS, Bounds, compare, compare_spans, require


def test_the_same_outputs_are_the_same() -> None:
    logits = np.random.default_rng(0).normal(size=(50, 3))
    found = compare(logits, logits)
    assert (found.n, found.largest, found.mean, found.rank, found.equal) == (50, 0, 0, pytest.approx(1), 1)
    require(found)


def test_differences_and_decisions_are_counted() -> None:
    found = compare(np.array([-1.0, 1.0, 2.0, 3.0]), np.array([0.5, 1.0, 2.0, 2.0]))
    assert found.largest == 1.5
    assert found.mean == pytest.approx(0.625)
    assert found.equal == 0.75
    assert compare(np.array([[1.0, 2.0], [3.0, 1.0]]), np.array([[2.0, 1.0], [3.0, 1.0]])).equal == 0.5


def test_noise_passes_and_another_model_does_not() -> None:
    chooser = np.random.default_rng(1)
    logits = chooser.normal(0, 2, 400)
    require(compare(logits, logits + chooser.normal(0, 0.05, 400)))
    with pytest.raises(InputError, match="the exported model is not the trained one: a mean difference of") as refusal:
        require(compare(logits, chooser.normal(0, 2, 400)))
    assert "fp32" in refusal.value.fix
    with pytest.raises(InputError, match="equal decisions"):
        require(compare(logits, logits + 0.45))


@pytest.mark.parametrize(
    ("bounds", "what"), [(Bounds(largest=0.01), "largest"), (Bounds(rank=0.99999), "rank"), (Bounds(mean=0.001), "mean")]
)
def test_each_bound_refuses(bounds: Bounds, what: str) -> None:
    chooser = np.random.default_rng(1)
    logits = chooser.normal(0, 2, 400)
    with pytest.raises(InputError, match=what):
        require(compare(logits, logits + chooser.normal(0, 0.05, 400)), bounds)


def test_spans_are_compared_by_place_and_answerability() -> None:
    trained = [Spanned(0, 3, 5.0, 2.0, 1.0, 0.5), Spanned(4, 9, 5.0, 2.0, -1.0, 0.5), Spanned(0, 0, 0.0, 0.0, 0.0, 0.0)]
    exported = [[SpanFound(0, 0, 3, 5.0, 2.0, 1.1, 0.5, 0.7)], [SpanFound(0, 4, 8, 5.0, 2.0, -1.3, 0.5, 0.2)], []]
    found = compare_spans(trained, exported)
    assert (found.n, found.equal) == (3, pytest.approx(2 / 3))
    assert found.largest == pytest.approx(0.3)
    assert found.mean == pytest.approx(0.2)
    assert SPANS.equal < Bounds().equal


@pytest.mark.parametrize(("one", "other"), [(np.zeros(3), np.zeros(4)), (np.zeros(0), np.zeros(0)), (np.zeros((2, 2)), np.zeros((2, 3)))])
def test_outputs_of_other_shapes_cannot_be_compared(one: np.ndarray, other: np.ndarray) -> None:
    with pytest.raises(InputError, match="cannot be compared"):
        compare(one, other)


def test_outputs_that_do_not_vary_have_the_rank_of_being_the_same() -> None:
    assert compare(np.ones(9), np.ones(9)).rank == 1
    assert compare(np.ones(9), np.arange(9.0)).rank == 0
