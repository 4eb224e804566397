import pytest

from groundwork.core.measure import Example, Fact
from tests.evaluate.builders import cite, reply
from tests.evaluate.scorers.asking import ask

CASE = Example(id="c", question="?", facts=(Fact(accepted=("281 terabytes",)), Fact(accepted=("1000 pages",))))
GOOD, IDLE = cite("at most 281 terabytes", "limits.html"), cite("see below", "faq.html")


@pytest.mark.parametrize(
    ("answer", "citations", "precision", "recall"),
    [
        ("281 terabytes [1]", (GOOD,), 1, 1),
        ("281 terabytes [1] [2]", (GOOD, IDLE), 0.5, 1),
        ("281 terabytes [1], 1000 pages", (GOOD,), 1, 0.5),
        ("1000 pages [1]", (GOOD,), 0, 0),
        ("281 terabytes", (), None, 0),
        ("nothing of it [1]", (GOOD,), 0, None),
    ],
)
async def test_each_citation_and_each_statement_is_looked_at(
    answer: str, citations: tuple[object, ...], precision: float | None, recall: float | None
) -> None:
    said = reply(answer, citations=citations)
    assert (await ask("citation.precision", said, case=CASE)).value == precision
    assert (await ask("citation.recall", said, case=CASE)).value == recall


@pytest.mark.parametrize("name", ["citation.precision", "citation.recall"])
async def test_a_declined_answer_and_a_case_without_facts_are_unscored(name: str) -> None:
    assert (await ask(name, reply("", abstained=True, citations=(GOOD,)), case=CASE)).status == "unscored"
    assert (await ask(name, reply("281 terabytes", citations=(GOOD,)))).status == "unscored"
