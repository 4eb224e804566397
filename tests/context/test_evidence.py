"""What speaks for the hits holding the answer: it grows with what they share with the question, and blocks nothing."""

import pytest

from groundwork.context.ranking.evidence import BY_BOTH, BY_WORDS, Curve, evidence
from groundwork.core.access import Scope
from groundwork.core.document import Chunk
from tests.context.folder import Application


def chunk(text: str, title: str = "T") -> Chunk:
    return Chunk(id="c", document="d", source="s", title=title, headings=(), start=0, end=len(text), text=text)


QUESTION = "How long are backups of the archive kept?"
GOOD = chunk("Backups of the archive are kept for ninety days.")
BAD = chunk("The lighthouse was lit with whale oil.")


def test_a_passage_that_shares_words_and_meaning_speaks_for_itself() -> None:
    good, bad = evidence(QUESTION, [(BAD, 0.1), (GOOD, 0.8)]), evidence(QUESTION, [(BAD, 0.1)])
    assert good.probability is not None
    assert bad.probability is not None
    assert good.probability > 0.9 > 0.1 > bad.probability
    assert (good.doubtful, bad.doubtful) == (False, True)


def test_by_words_alone_where_no_cosine_is_known() -> None:
    assert not evidence(QUESTION, [(GOOD, None)]).doubtful
    assert evidence(QUESTION, [(BAD, None)]).doubtful
    assert evidence(QUESTION, [(GOOD, None)]).support == 0.75  # `long` is not in it


def test_headings_count_and_one_passage_has_to_do_it_alone() -> None:
    assert (
        evidence(QUESTION, [(chunk("Ninety days.", "Backups of the archive"), 0.5)]).support
        > evidence(QUESTION, [(chunk("Ninety days."), 0.5)]).support
    )
    halves = evidence(QUESTION, [(chunk("backups long"), 0.3), (chunk("archive kept"), 0.3)])
    assert halves.support < evidence(QUESTION, [(chunk("backups archive kept long"), 0.3)]).support


def test_nothing_found_is_doubtful_and_a_question_of_no_words_is_not_judged() -> None:
    assert evidence(QUESTION, []) == (0.0, 0.0, True)
    assert evidence("", [(GOOD, 0.9)]).probability is None
    assert evidence("?!", [(GOOD, 0.9)]).doubtful is False


@pytest.mark.parametrize("curve", [BY_BOTH, BY_WORDS])
def test_a_curve_rises_and_stays_between_0_and_1(curve: Curve) -> None:
    values = [curve.probability(support) for support in (-1e9, 0.0, 0.5, 1.0, 1.5, 2.0, 1e9)]
    assert values == sorted(values)
    assert 0 <= values[0] < curve.doubt < values[-1] <= 1


async def test_a_search_carries_it(application: Application) -> None:
    application.write("docs/a.md", "# Backups\n\nBackups of the archive are kept for ninety days.")
    application.index()
    search = application.search()
    found = await search.find(QUESTION, keep=2, scope=Scope(operator=True))
    assert found.evidence is not None
    assert not found.doubtful
    assert (await search.find("emperors of whaling treaties", keep=2, scope=Scope(operator=True))).doubtful
