"""Win rates and ratings: ties, length, several runs, and verdicts from a file."""

import random
from pathlib import Path

import msgspec
import pytest

from groundwork.core.errors import InputError
from groundwork.evaluate.ratings import Game, circles_in_words, rate, rate_runs, read_games
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.scorers import metrics_of
from groundwork.evaluate.win_rates import win_rate
from tests.evaluate.builders import OWN, evaluated

METRICS = metrics_of(OWN)
CORRECT = METRICS["answer.correct"]


def with_lengths(run: Evaluated, lengths: list[int]) -> Evaluated:
    answered = (msgspec.structs.replace(one, answer="x" * length) for one, length in zip(run.results, lengths, strict=True))
    return run._replace(results=tuple(answered))


def test_a_tie_is_half_a_win() -> None:
    won = win_rate(evaluated([1.0, 0.0, 0.0, 1.0]), evaluated([1.0, 1.0, 1.0, 0.0], id="run_b"), CORRECT)
    assert (won.rate.wins, won.rate.ties, won.rate.losses) == (2, 1, 1)
    assert won.rate.rate.value == pytest.approx(0.625)
    assert "not distinguishable from even" in won.sentence


def test_where_less_is_better_the_lower_value_wins() -> None:
    wrong = METRICS["abstention.wrong"]
    before, after = (evaluated([value] * 20, metric=wrong.name, id=name) for value, name in ((1.0, "run_a"), (0.0, "run_b")))
    assert win_rate(before, after, wrong).sentence.startswith("B wins 100.0%")
    assert win_rate(after, msgspec_id(before, "run_c"), wrong).sentence.startswith("A wins")


def msgspec_id(one: Evaluated, name: str) -> Evaluated:
    return one._replace(run=msgspec.structs.replace(one.run, id=name))


def test_a_lead_of_longer_answers_only_is_seen_at_equal_length() -> None:
    chooser = random.Random(3)
    lengths = [chooser.randint(20, 200) for _ in range(300)]
    longer = [length + chooser.randint(-60, 100) for length in lengths]
    values = [float(chooser.random() < 0.5 + 0.4 * (other > length) - 0.2) for length, other in zip(lengths, longer, strict=True)]
    a, b = with_lengths(evaluated([0.5] * 300), lengths), with_lengths(evaluated(values, id="run_b"), longer)
    won = win_rate(a, b, CORRECT)
    assert won.at_equal_length is not None
    assert won.at_equal_length.value < won.rate.rate.value
    assert won.by_length["longer"].value > won.by_length["shorter"].value
    assert won.mean_lengths[1] > won.mean_lengths[0]
    assert win_rate(evaluated([1.0]), evaluated([1.0], id="run_b"), CORRECT).at_equal_length is None


def test_a_win_rate_needs_items_that_both_scored() -> None:
    with pytest.raises(InputError, match="no item was scored"):
        win_rate(evaluated([1.0, None]), evaluated([None, 1.0], id="run_b"), CORRECT)
    with pytest.raises(InputError, match="different cases"):
        win_rate(evaluated([1.0]), evaluated([1.0], id="run_b", suite_sha256="other"), CORRECT)


def several(skills: list[float], n: int = 120) -> list[Evaluated]:
    chooser = random.Random(7)
    hardness = [chooser.random() for _ in range(n)]
    return [
        evaluated([float(skill + chooser.gauss(0, 0.1) > hard) for hard in hardness], id=f"run_{place}")
        for place, skill in enumerate(skills)
    ]


def test_runs_are_rated_in_the_order_of_their_skill_and_compared_in_pairs() -> None:
    table = rate_runs(several([0.3, 0.8, 0.55]), CORRECT)
    assert [one.name for one in table.standings] == ["run_1", "run_2", "run_0"]
    best, _, worst = (one.rating for one in table.standings)
    assert best.low > worst.high
    assert sum(one.rating.value for one in table.standings) == pytest.approx(3000)
    assert set(table.pairwise) == {"run_0 run_1", "run_0 run_2", "run_1 run_2"}
    assert table.pairwise["run_0 run_1"].winner == "B"
    assert table.pairwise["run_1 run_2"].winner == "A"
    assert all(pair.adjusted >= pair.test.p for pair in table.pairwise.values())
    assert "120 clusters" in table.method
    assert table.standings[0].figure is not None


def test_equal_runs_are_not_told_apart() -> None:
    table = rate_runs([msgspec_id(one, name) for one in several([0.5])[:1] for name in ("run_a", "run_b", "run_c")], CORRECT)
    assert {one.rating.value for one in table.standings} == {1000.0}
    assert {pair.winner for pair in table.pairwise.values()} == {""}


def test_runs_that_cannot_be_rated_together_are_refused() -> None:
    one, two = several([0.3, 0.8])
    for runs, says in (
        ([one], "nothing to be held against"),
        ([one, one], "named twice"),
        ([one, evaluated([1.0], id="run_x", suite_sha256="other")], "different cases"),
        ([one, evaluated([None] * 120, id="run_x")], "nothing was scored"),
    ):
        with pytest.raises(InputError, match=says):
            rate_runs(runs, CORRECT)
    strict, loose = (
        run._replace(run=msgspec.structs.replace(run.run, scorers={"answer.correct": {"use": "answer.correct", "version": version}}))
        for run, version in ((one, "1"), (two, "2"))
    )
    with pytest.raises(InputError, match="version 1 in run_0, 2 in run_1"):
        rate_runs([strict, loose], CORRECT)


def test_verdicts_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "verdicts.jsonl"
    path.write_text('{"first": "a", "second": "b", "score": 1, "item": "q1"}\n\n{"first": "b", "second": "c", "score": 0.5}\n')
    assert read_games(path) == [Game("a", "b", 1.0, "q1"), Game("b", "c", 0.5, "line 3")]
    assert rate(read_games(path)).standings[0].name == "a"
    for line, says in (
        ('{"first": "a"}', "verdicts.jsonl:1"),
        ('{"first":"a","second":"b","score":2}', "not between 0 and 1"),
        ("\xff", ":1 is no verdict"),
    ):
        path.write_bytes(line.encode("latin-1"))
        with pytest.raises(InputError, match=says):
            read_games(path)
    with pytest.raises(InputError, match="cannot be read"):
        read_games(tmp_path / "none")
    with pytest.raises(InputError, match="no games"):
        rate([])


def test_circles_are_told() -> None:
    games = [Game(one, other, 1.0, f"q{place}") for place in range(4) for one, other in (("a", "b"), ("b", "c"), ("c", "a"))]
    (said,) = circles_in_words(rate(games).transitivity)
    assert "a beats b beats c beats a" in said
    assert not list(circles_in_words(rate(games[:2]).transitivity))
