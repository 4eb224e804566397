import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.context.ranking.fusion import fuse

TERMS = [(1, 9.0), (2, 8.0), (3, 3.0)]
DENSE = [(4, 0.9), (2, 0.8), (5, 0.5)]
COSINES = {4: 0.9, 2: 0.8, 5: 0.5, 1: 0.4, 3: 0.7}
LISTS = {"terms": TERMS, "dense": DENSE}


def order(how: str, weights: dict[str, float] | None = None) -> list[int]:
    return [one.number for one in fuse(LISTS, how, weights, COSINES)]


def test_rrf_prefers_what_both_lists_hold() -> None:
    ranked = fuse(LISTS)
    assert [one.number for one in ranked] == [2, 1, 4, 3, 5]
    assert ranked[0].ranks == {"terms": 2, "dense": 2}
    assert ranked[0].score == pytest.approx(2 / 62)


def test_weights_move_rrf() -> None:
    assert order("rrf", {"terms": 1.0, "dense": 0.0})[:3] == [1, 2, 3]
    assert order("rrf", {"terms": 0.0, "dense": 1.0})[:3] == [4, 2, 5]
    assert order("rrf", {"terms": 3.0, "dense": 1.0})[:2] == [2, 1]


def test_weighted_scales_each_list_to_its_own_scores() -> None:
    scores = {one.number: one.score for one in fuse(LISTS, "weighted", {"terms": 1.0, "dense": 3.0}, COSINES)}
    assert scores[1] == pytest.approx(0.25), "the best of the terms, and its cosine is below the list of meaning"
    assert scores[4] == pytest.approx(0.75)
    assert scores[2] == pytest.approx(0.25 * 8 / 9 + 0.75 * 0.75)
    assert scores[3] == pytest.approx(0.25 * 3 / 9 + 0.75 * 0.5), "its cosine counts although the list of meaning does not hold it"
    assert order("weighted", {"terms": 1.0, "dense": 0.0})[:3] == [1, 2, 3]


def test_terms_then_dense_orders_by_meaning_what_the_terms_found() -> None:
    assert order("terms-then-dense") == [2, 3, 1, 4, 5]


def test_one_list_keeps_its_scores_however_it_is_fused() -> None:
    for how in ("rrf", "weighted", "terms-then-dense", "dense"):
        assert [(one.number, one.score) for one in fuse({"dense": DENSE}, how, None, COSINES)] == DENSE


ENTRIES = st.lists(st.tuples(st.integers(1, 20), st.floats(-1, 1)), max_size=12, unique_by=lambda entry: entry[0]).map(
    lambda entries: sorted(entries, key=lambda entry: -entry[1])
)


@given(ENTRIES, ENTRIES, st.sampled_from(["rrf", "weighted", "terms-then-dense"]), st.floats(0, 3), st.floats(0.1, 3))
def test_every_chunk_is_ranked_once_and_best_first(
    terms: list[tuple[int, float]], dense: list[tuple[int, float]], how: str, one: float, other: float
) -> None:
    ranked = fuse({"terms": terms, "dense": dense}, how, {"terms": one, "dense": other}, dict(dense))
    assert sorted(entry.number for entry in ranked) == sorted({number for number, _ in (*terms, *dense)})
    assert [entry.score for entry in ranked] == sorted((entry.score for entry in ranked), reverse=True)
