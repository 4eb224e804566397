import asyncio
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError
from groundwork.core.measure import Example, Fact, Score
from groundwork.core.text import fold
from groundwork.datasets.examples import UNLABELLED
from groundwork.evaluate.scorers import Answered, Unscored, all_scorers, metrics_of, scorer
from groundwork.evaluate.scorers.facts import holds
from tests.evaluate.builders import OWN, cite, example, reply

BY_NAME = {one.name: one for one in OWN}
TWO = Example(id="two", question="?", facts=(Fact(accepted=("1000 pages", "1,000 pages"), source="wal.html"), Fact(accepted=("PASSIVE",))))


def score(name: str, case: Example, text: str, **more: Any) -> float | None:
    return ask(name, Answered(case, reply(text, **more), 0.5)).value


def ask(name: str, answered: Answered) -> Score:
    return asyncio.run(BY_NAME[name].score(answered))


@pytest.mark.parametrize(
    ("text", "accepted", "found"),
    [
        ("It is 1000  Pages [1].", "1000 pages", True),
        ("It is 10000 pages.", "1000", False),
        ("It is 1000.", "1000", True),
        ("It is 1000.5 MB", "1000", False),
        ("1,000 pages", "000 pages", False),
        ("since 3.7.0, released", "3.7.0", True),
        ("since 3.7.0.1", "3.7.0", False),
        ("the page_size pragma", "page", False),
        ("passively", "PASSIVE", False),
        ("(passive)", "PASSIVE", True),
        ("100 and 1000 and 100", "100", True),
        ("x -1 y", "-1", True),
        ("３２ KiB", "32 kib", True),
        ("C++ or C", "c++", True),
    ],
)
def test_an_accepted_text_is_found_as_whole_words_and_numbers(text: str, accepted: str, found: bool) -> None:
    assert holds(fold(text), accepted) is found


@given(
    before=st.text(max_size=20), accepted=st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=10), after=st.text(max_size=20)
)
def test_what_stands_between_spaces_is_found(before: str, accepted: str, after: str) -> None:
    assert holds(fold(f"{before} {accepted} {after}"), accepted)


def test_correct_means_all_facts_and_no_abstention() -> None:
    assert score("answer.correct", TWO, "1,000 pages, by a passive checkpoint") == 1
    assert score("answer.correct", TWO, "1,000 pages") == 0
    assert score("facts.found", TWO, "1,000 pages") == 0.5
    assert score("answer.correct", TWO, "1,000 pages, passive", abstained=True) == 0


def test_the_unanswerable_is_right_when_declined() -> None:
    case = example(1, answerable=False)
    assert score("answer.correct", case, "I do not know", abstained=True) == 1
    assert score("answer.correct", case, "", finish="blocked") == 1
    assert score("answer.correct", case, "", refusal="I will not") == 1
    assert score("answer.correct", case, "It is 7") == 0
    assert score("abstention.right", case, "It is 7") == 0
    assert score("abstention.wrong", case, "x") is None
    assert score("facts.found", case, "x") is None


def test_declining_the_answerable_is_wrong() -> None:
    assert score("abstention.wrong", TWO, "", abstained=True) == 1
    assert score("abstention.wrong", TWO, "no idea") == 0
    assert score("abstention.right", TWO, "", abstained=True) is None


def test_a_citation_is_right_when_its_quote_holds_the_fact_and_its_source_is_the_named_one() -> None:
    case = example(1)
    right, elsewhere, empty = (
        cite("so: Fact 1.", "docs/page1.html"),
        cite("so: fact 1.", "docs/other.html"),
        cite("nothing", "docs/page1.html"),
    )
    assert score("citation.correct", case, "fact 1 [1]", citations=(empty, right)) == 1
    assert score("citation.correct", case, "fact 1 [1]", citations=(elsewhere, empty)) == 0
    assert score("citation.correct", case, "fact 1") == 0
    assert score("citation.correct", case, "", abstained=True) is None
    assert score("citation.correct", TWO, "x", citations=(cite("1000 pages", "wal.html"),)) == 0


def test_a_short_reference_counts_as_a_fact_and_a_long_one_waits_for_a_judge() -> None:
    assert score("answer.correct", Example(id="r", question="?", reference="1000 pages"), "It is 1000 pages.") == 1
    long = ask("answer.correct", Answered(Example(id="r", question="?", reference="word " * 30), reply("word"), 0.1))
    assert (long.status, long.value) == ("unscored", None)
    assert "judge" in long.detail


def test_the_unlabelled_is_never_scored() -> None:
    case = Example(id="u", question="?", tags=(UNLABELLED,))
    for name in ("answer.correct", "facts.found", "abstention.right", "abstention.wrong", "citation.correct"):
        assert score(name, case, "x", abstained=True) is None


def test_an_unknown_price_is_unscored_and_never_zero() -> None:
    assert score("cost", TWO, "x", cost=0.25) == 0.25
    assert ask("cost", Answered(TWO, reply("x"), 0.5)).status == "unscored"
    assert score("latency", TWO, "x") == 0.5


def test_every_scorer_says_what_it_is_and_where_it_comes_from() -> None:
    for one in all_scorers():
        assert one.summary.endswith(".")
        assert "(" in one.origin
    assert [metric.percent for metric in metrics_of(OWN).values() if metric.scorer.name == "latency"] == [50, 95]


def test_a_second_scorer_of_a_name_is_refused_naming_both_places() -> None:
    @scorer("test.once", better="higher")
    def first(_: Answered) -> float | Unscored:
        """First."""
        return 1.0

    with pytest.raises(ConfigError, match=r"test_facts\.py:\d+.*test_facts\.py:\d+"):

        @scorer("test.once", better="higher")
        def second(_: Answered) -> float | Unscored:
            """Second."""
            return 1.0

    assert first in {one.function for one in all_scorers()}
