"""Slices: cut by anything, the worst one found, chance not mistaken for it, and reversals named."""

import random
from collections.abc import Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as some

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import Result, Score, Tag
from groundwork.evaluate.anomalies import anomalies
from groundwork.evaluate.facets import cells_of, facets_of
from groundwork.evaluate.figures import Item, items_of
from groundwork.evaluate.reliability import reliability
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.reversals import reversals, slice_differences
from groundwork.evaluate.scorers import metrics_of
from groundwork.evaluate.slices import Search, search
from tests.evaluate.builders import OWN, evaluated

METRICS = metrics_of(OWN)
CORRECT, WRONG = METRICS["answer.correct"], METRICS["abstention.wrong"]


def item(
    place: int, value: float | None, metadata: Mapping[str, Tag] | None = None, metric: str = "answer.correct", **more: object
) -> Result:
    scores = () if value is None else (Score(metric=metric, value=value),)
    given_ = {"answer": f"answer {place}", "status": "ok"} | more
    return Result(example=f"case-{place}", place=place, metadata=dict(metadata or {}), scores=scores, **given_)  # type: ignore[arg-type]


def found(results: list[Result], **more: object) -> Search:
    return search(items_of(results, CORRECT), CORRECT, facets_of(results, answers=False), **more)  # type: ignore[arg-type]


# -- facets


def test_items_are_cut_by_metadata_tags_splits_and_lengths() -> None:
    results = [
        item(place, 1.0, {"topic": "wal" if place < 5 else "sql", "long": place > 7, "id": place}, tags=("a", "b")[: place % 3], split="x")
        for place in range(12)
    ]
    facets = facets_of(results, {f"case-{place}": "word " * place for place in range(12)})
    assert set(facets) == {"topic", "long", "id", "tag", "question length"}
    cells = {cell.name: len(cell.examples) for cell in cells_of(facets, by=("topic", "long", "tag"))}
    assert cells == {"topic = sql": 7, "topic = wal": 5, "long = false": 8, "long = true": 4, "tag = a": 8, "tag = b": 4}
    assert len(cells_of(facets, by=("id",))) == 4


@given(some.lists(some.integers(-50, 50), min_size=8, max_size=80))
def test_quarters_hold_every_item_once(numbers: list[int]) -> None:
    results = [item(place, 1.0, {"n": number}) for place, number in enumerate(numbers)]
    facets = facets_of(results, answers=False)
    cells = cells_of(facets, by=("n",)) if "n" in facets else []
    if cells:
        assert sum(len(cell.examples) for cell in cells) == len(numbers)


def test_pairs_of_facets_are_cut_together_and_a_facet_that_is_not_there_is_named() -> None:
    results = [item(place, 1.0, {"a": "xy"[place % 2], "b": "pq"[place // 10]}) for place in range(20)]
    facets = facets_of(results)
    names = {cell.name for cell in cells_of(facets, pairs=True)}
    assert "a = x and b = p" in names
    assert len(names) == 8
    assert len(cells_of(facets, pairs=True, least=6)) == 4
    with pytest.raises(ConfigError, match="unknown facet"):
        cells_of(facets, by=("c",))


def test_a_facet_that_names_each_item_cuts_nothing() -> None:
    assert facets_of([item(place, 1.0, {"name": f"n{place}", "same": "x"}) for place in range(9)], answers=False) == {}


# -- the worst slice


def planted(chooser: random.Random, bad: float) -> list[Result]:
    """200 items right four times in five, but where topic and length meet."""
    results: list[Result] = []
    for place in range(200):
        about = {"topic": chooser.choice("abcd"), "length": chooser.choice("sml"), "source": chooser.choice("pq")}
        share = bad if (about["topic"], about["length"]) == ("b", "l") else 0.8
        results.append(item(place, float(chooser.random() < share), about))
    return results


def test_the_worst_slice_is_found_where_two_facets_meet() -> None:
    worst = found(planted(random.Random(4), 0.1)).worst
    assert worst is not None
    assert worst.keys == (("length", "l"), ("topic", "b"))
    assert worst.p <= 0.01
    assert "worse by" in worst.sentence
    assert worst.figure.value < 0.4 < worst.rest


def test_a_search_through_noise_seldom_sounds_an_alarm() -> None:
    alarms = sum(found(planted(random.Random(seed), 0.8), draws=200).worst is not None for seed in range(60))
    assert alarms <= 8  # 5 % of 60 is 3; 9 or more come once in 700 times


def test_where_less_is_better_the_worst_slice_is_the_highest() -> None:
    results = [item(place, float(place < 20), {"t": "x" if place < 20 else "y"}, metric="abstention.wrong") for place in range(60)]
    worst = search(items_of(results, WRONG), WRONG, facets_of(results, answers=False)).worst
    assert worst is not None
    assert worst.name == "t = x"


def test_items_of_one_cluster_are_one_witness() -> None:
    """A single bad page is no bad topic: its items say the same thing many times."""
    results = [item(place, float(place >= 20), {"t": "x" if place < 20 else "y"}, cluster=f"page {place // 20}") for place in range(100)]
    alone = [item(place, float(place >= 20), {"t": "x" if place < 20 else "y"}) for place in range(100)]
    assert found(alone).worst is not None
    assert found(results).searched == 0  # one page against four
    spread = [item(place, float(place >= 20), {"t": "x" if place < 20 else "y"}, cluster=f"page {place // 2}") for place in range(100)]
    assert found(spread).worst is not None


def test_what_is_too_small_to_be_looked_at() -> None:
    none = found([item(place, 1.0, {"t": "xy"[place % 2]}) for place in range(6)])
    assert (none.searched, none.slices, none.worst) == (0, (), None)
    same = found([item(place, 1.0, {"t": "xy"[place % 2]}) for place in range(40)])
    assert same.worst is None
    with pytest.raises(InputError, match="nothing was scored"):
        search({}, CORRECT, {})


# -- two runs


def mixed(hard_a: int, hard_b: int) -> tuple[dict[str, Item], dict[str, Item], list[Result]]:
    """A is better on hard and on easy items alike, but B scored other shares of them."""
    a: dict[str, Item] = {}
    b: dict[str, Item] = {}
    results: list[Result] = []
    for place in range(200):
        hard = place < 100
        results.append(item(place, None, {"level": "hard" if hard else "easy"}))
        at = place % 100
        if at < (hard_a if hard else 100):
            a[f"case-{place}"] = Item(float(at % 10 < (4 if hard else 9)))
        if at < (hard_b if hard else 100):
            b[f"case-{place}"] = Item(float(at % 10 < (3 if hard else 8)))
    return a, b, results


def test_a_lead_that_is_only_another_mix_is_named_as_simpsons_reversal() -> None:
    a, b, results = mixed(100, 10)
    (reversal,) = reversals(a, b, CORRECT, facets_of(results))
    assert reversal.overall > 0
    assert all(difference < 0 for difference in reversal.slices.values())
    assert reversal.adjusted.low < reversal.adjusted.value < 0
    assert reversal.sentence.startswith("Simpson's reversal over `level`")
    assert "B leads by" in reversal.sentence
    assert "yet A is ahead in every slice" in reversal.sentence
    assert "level = easy is 50% of A's items and 91% of B's" in reversal.sentence


def test_over_the_same_items_there_is_no_reversal() -> None:
    a, b, results = mixed(100, 100)
    assert reversals(a, b, CORRECT, facets_of(results)) == ()
    assert reversals(a, b, CORRECT, {}) == ()
    assert reversals({}, {}, CORRECT, facets_of(results)) == ()


def test_slices_where_the_winner_loses_are_marked() -> None:
    results = [item(place, None, {"t": "x" if place < 30 else "y"}) for place in range(120)]
    a = {f"case-{place}": Item(float(place < 30)) for place in range(120)}
    b = {f"case-{place}": Item(float(place >= 30)) for place in range(120)}
    by = {one.name: one for one in slice_differences(a, b, CORRECT, facets_of(results))}
    assert (by["t = y"].winner, by["t = y"].against) == ("B", False)
    assert (by["t = x"].winner, by["t = x"].against) == ("A", True)
    assert slice_differences(a, {}, CORRECT, facets_of(results)) == ()


# -- what looks odd, and how far the set can be trusted


def test_each_anomaly_is_seen_and_a_plain_run_has_none() -> None:
    plain = [item(place, 1.0, seconds=1.0 + place / 100) for place in range(30)]
    assert anomalies(plain, METRICS) == ()
    odd = [
        *plain,
        *(item(place, 0.0, answer="Ask your doctor.") for place in range(30, 40)),
        item(40, 0.0, answer="  "),
        item(41, 1.0, seconds=500.0),
        item(1, 0.0, repeat=1),
        *(item(place, 0.0, answer="I do not know.", abstained=True) for place in range(50, 60)),
    ]
    by = {one.kind: one for one in anomalies(odd, METRICS)}
    assert set(by) == {"same answer", "empty answer", "slow", "unsettled"}
    assert len(by["same answer"].examples) == 10
    assert by["slow"].examples == ("case-41",)
    assert by["unsettled"].examples == ("case-1",)


def test_the_reliability_of_the_items() -> None:
    chooser = random.Random(1)
    hardness = [chooser.random() for _ in range(60)]
    runs: list[Evaluated] = [
        evaluated([float(skill > hard) for hard in hardness], id=f"run_{place}") for place, skill in enumerate((0.2, 0.5, 0.8))
    ]
    one = reliability(runs[:1], CORRECT)
    assert one.consistency is None
    assert one.spread.low < one.spread.value < one.spread.high
    three = reliability(runs, CORRECT)
    assert three.halves is not None
    assert three.halves.reliability > 0.9
    assert three.consistency is not None
    assert three.consistency.value > 0.9
    assert reliability([runs[0], runs[0]], CORRECT).consistency is None
    with pytest.raises(InputError, match="no item was scored"):
        reliability([evaluated([None])], CORRECT)


def test_a_reversal_that_may_be_chance_says_so() -> None:
    a, b, results = mixed(100, 10)
    few_a, few_b = ({case: found for case, found in one.items() if int(case.removeprefix("case-")) % 100 < 30} for one in (a, b))
    (reversal,) = reversals(few_a, few_b, CORRECT, facets_of(results))
    assert not reversal.is_shown
    assert reversal.adjusted.low < 0 < reversal.adjusted.high
    assert "may be chance" in reversal.sentence
