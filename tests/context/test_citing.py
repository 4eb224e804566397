import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from groundwork.context.citing import best_sentence, cite, resolve
from groundwork.core.document import Chunk, Hit, Landmark


def hit(text: str, *, start: int = 100, number: int = 1) -> Hit:
    chunk = Chunk(
        id=f"ch_{number}",
        document=f"doc_{number}",
        source="a.html",
        title="A",
        headings=(),
        start=start,
        end=start + len(text),
        text=text,
        element="top",
    )
    return Hit(chunk=chunk, score=1.0)


TEA = hit("Tea\n\nGreen tea wants 70 degrees. Black tea wants boiling water.\n- White tea is patient; it waits.", number=1)
SOUP = hit("Soup needs salt. It is eaten warm.", start=7, number=2)


def quotes(answer: str) -> list[tuple[int, str]]:
    return [(citation.number, citation.quote) for citation in resolve(answer, [TEA, SOUP])]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("Use boiling water for black tea [1].", [(1, "Black tea wants boiling water.")]),
        ("Use boiling water for black tea. [1]", [(1, "Black tea wants boiling water.")]),
        ("White tea waits[1], soup is warm[2].", [(1, "White tea is patient; it waits."), (2, "It is eaten warm.")]),
        ("Green tea at 70 degrees, soup with salt [1, 2].", [(1, "Green tea wants 70 degrees."), (2, "Soup needs salt.")]),
        ("Soup needs salt [2][1].", [(2, "Soup needs salt."), (1, "Green tea wants 70 degrees.")]),
        ("Green tea: 70 degrees [1]. Really, green tea: 70 degrees [1].", [(1, "Green tea wants 70 degrees.")]),
        (
            "Green tea is 70 degrees [1]. Black tea boils, boiling water [1].",
            [(1, "Green tea wants 70 degrees."), (1, "Black tea wants boiling water.")],
        ),
        ("Nothing known [3] [0] [999].", []),
        ("In code `a[1]` and\n```\nb[2]\n```\nnothing is cited.", []),
        ("No marker at all.", []),
    ],
)
def test_markers_become_verbatim_quotes(answer: str, expected: list[tuple[int, str]]) -> None:
    found = quotes(answer)
    if answer.startswith("Soup needs salt [2][1]"):
        assert found[0] == expected[0]
        assert [number for number, _ in found] == [2, 1]
    else:
        assert found == expected


def test_a_citation_points_into_the_document() -> None:
    citation = resolve("salt in the soup [2]", [TEA, SOUP])[0]
    assert (citation.document, citation.chunk, citation.element) == ("doc_2", "ch_2", "top")
    assert SOUP.text[citation.start - 7 : citation.end - 7] == citation.quote == "Soup needs salt."


@given(text=st.text(max_size=200), claim=st.text(max_size=80))
def test_a_quote_is_always_verbatim(text: str, claim: str) -> None:
    if not text.strip():
        return
    start, end = best_sentence(text, claim)
    assert 0 <= start < end <= len(text)
    for citation in resolve(f"{claim} [1]", [hit(text)]):
        assert text[citation.start - 100 : citation.end - 100] == citation.quote


@given(answer=st.text(st.sampled_from("ab []12,;`.\n"), max_size=120))
def test_no_answer_breaks_it(answer: str) -> None:
    assert all(citation.number in {1, 2} for citation in resolve(answer, [TEA, SOUP]))


@pytest.mark.parametrize(("start", "end"), [(-1, 3), (3, 3), (4, 2), (0, 1_000)])
def test_a_span_outside_the_chunk_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="span"):
        cite(SOUP, 1, start, end)


def test_a_quote_from_the_next_page_is_cited_there() -> None:
    text = "Green tea wants 70 degrees.\n\nBlack tea boils."
    pages = replace(hit(text).chunk, page=4, landmarks=(Landmark(start=100 + text.index("Black"), page=5),))
    found = resolve("Green tea wants 70 degrees [1]. Black tea boils [1].", [Hit(chunk=pages, score=1.0)])
    assert [(citation.quote, citation.page) for citation in found] == [("Green tea wants 70 degrees.", 4), ("Black tea boils.", 5)]
