from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.context.chunking import BYS, By, embedded_text, landmark, sections, split
from groundwork.context.reading import parse
from groundwork.core.document import Chunk, Document
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.text import sentences
from tests.context.fake_encoder import FakeEncoder

ENCODER = FakeEncoder()
_WORDS = st.text(st.sampled_from("abcdefgh ,.!?|-\n1é漢\u00a0"), max_size=60)
_BLOCKS = st.one_of(
    _WORDS,
    _WORDS.map(lambda text: "# " + text.replace("\n", " ")),
    _WORDS.map(lambda text: "### " + text.replace("\n", " ")),
    st.integers(1, 600).map(lambda n: "word. " * (n // 6) + "x" * n),
    st.integers(1, 40).map(lambda n: "```\n" + "line = [1, 2]\n" * n + "```"),
    st.integers(1, 30).map(lambda n: "- item of a list\n" * n),
)


def markdown(text: str, source: str = "docs/a.md") -> Document:
    return parse(text.encode(), source)


def chunks_of(text: str, *, tokens: int = 60, overlap: int = 12) -> list[Chunk]:
    return split(markdown(text), ENCODER, tokens=tokens, overlap=overlap)


@settings(max_examples=300)
@given(blocks=st.lists(_BLOCKS, min_size=1, max_size=8), tokens=st.integers(32, 120), overlap=st.integers(0, 16))
def test_chunks_cover_the_document_verbatim_and_always_fit(blocks: list[str], tokens: int, overlap: int) -> None:
    try:
        document = markdown("\n\n".join(blocks))
    except InputError:
        return
    chunks = split(document, ENCODER, tokens=tokens, overlap=overlap)
    covered = [False] * len(document.text)
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.text.strip()
        assert ENCODER.count(embedded_text(chunk)) + 2 <= tokens
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert all(covered[at] or character.isspace() for at, character in enumerate(document.text))
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)


@settings(max_examples=300)
@given(
    blocks=st.lists(_BLOCKS, min_size=1, max_size=8),
    tokens=st.integers(32, 120),
    overlap=st.integers(0, 16),
    by=st.sampled_from([by for by in BYS if by != "document"]),
    size=st.sampled_from([0, 1, 7, 60]),
)
def test_every_way_covers_the_document_verbatim_and_fits(blocks: list[str], tokens: int, overlap: int, by: By, size: int) -> None:
    try:
        document = markdown("\n\n".join(blocks))
    except InputError:
        return
    chunks = split(document, ENCODER, tokens=tokens, overlap=overlap, by=by, size=size, embed=ENCODER.encode)
    covered = [False] * len(document.text)
    for chunk in chunks:
        assert chunk.text == document.text[chunk.start : chunk.end]
        assert chunk.text == chunk.text.strip() != ""
        assert ENCODER.count(embedded_text(chunk)) + 2 <= tokens
        covered[chunk.start : chunk.end] = [True] * (chunk.end - chunk.start)
    assert all(covered[at] or character.isspace() for at, character in enumerate(document.text))
    assert len({chunk.id for chunk in chunks}) == len(chunks)
    assert [chunk.start for chunk in chunks] == sorted(chunk.start for chunk in chunks)


@settings(max_examples=200)
@given(blocks=st.lists(_BLOCKS, min_size=1, max_size=8))
def test_sections_follow_each_other_without_a_gap(blocks: list[str]) -> None:
    try:
        document = markdown("\n\n".join(blocks))
    except InputError:
        return
    found = list(sections(document))
    assert found[0].start == 0
    assert found[-1].end == len(document.text)
    assert all(one.end == other.start for one, other in pairwise(found))


def test_a_chunk_knows_its_headings() -> None:
    chunks = chunks_of("# Top\n\nintro\n\n## First\n\none\n\n### Deep\n\ntwo\n\n## Second\n\nthree")
    assert [(chunk.headings, chunk.text) for chunk in chunks] == [
        (("Top",), "Top\n\nintro"),
        (("Top", "First"), "First\n\none"),
        (("Top", "First", "Deep"), "Deep\n\ntwo"),
        (("Top", "Second"), "Second\n\nthree"),
    ]
    assert chunks[2].prefix == "Top > First > Deep"


def test_a_heading_without_text_opens_the_next_section() -> None:
    assert [chunk.text for chunk in chunks_of("# Top\n\n## First\n\none")] == ["Top\n\nFirst\n\none"]


def test_long_sections_are_cut_between_paragraphs_first_and_sentences_second() -> None:
    paragraph = "One two three four five. Six seven eight nine ten."
    chunks = chunks_of("# T\n\n" + "\n\n".join([paragraph] * 6), tokens=60, overlap=0)
    assert len(chunks) > 1
    assert all(chunk.text.endswith("ten.") for chunk in chunks)
    sentence_chunks = chunks_of("# T\n\n" + " ".join([paragraph] * 6), tokens=60, overlap=0)
    assert len(sentence_chunks) > 1
    assert all(chunk.text.endswith(".") for chunk in sentence_chunks)


def test_overlap_repeats_whole_sentences_and_no_more_than_asked() -> None:
    text = "# T\n\n" + " ".join(f"Number {n} is here." for n in range(40))
    chunks = chunks_of(text, tokens=50, overlap=14)
    repeated = [one.end - other.start for one, other in pairwise(chunks)]
    assert all(length > 0 for length in repeated)
    for chunk, length in zip(chunks[1:], repeated, strict=True):
        assert ENCODER.count(chunk.text[:length]) <= 14
        assert chunk.text.startswith("Number")
    assert all(one.end <= other.start for one, other in pairwise(chunks_of(text, overlap=0)))


def test_an_edit_leaves_the_other_chunks_their_ids() -> None:
    before = "# T\n\n## A\n\nalpha\n\n## B\n\nbeta\n\n## C\n\ngamma"
    old = {chunk.id for chunk in chunks_of(before)}
    new = {chunk.id for chunk in chunks_of(before.replace("alpha", "an altogether longer alpha"))}
    assert len(old & new) == 2
    assert len(new - old) == 1


def test_the_same_words_twice_are_two_chunks() -> None:
    chunks = chunks_of("# A\n\nsame\n\n# A\n\nsame")
    assert len({chunk.id for chunk in chunks}) == 2


def test_a_heading_longer_than_a_chunk_is_shortened_in_the_prefix_only() -> None:
    heading = "very long heading " * 60
    chunks = chunks_of(f"# {heading}\n\nbody", tokens=40, overlap=0)
    assert all(ENCODER.count(embedded_text(chunk)) + 2 <= 40 for chunk in chunks)
    assert chunks[-1].text.endswith("body")
    assert chunks[-1].headings[0].startswith("very long")


def test_what_the_encoder_sees_as_one_piece_still_has_a_bounded_length() -> None:
    class Blind(FakeEncoder):
        def pieces(self, text: str) -> list[tuple[int, int]]:
            return [(0, len(text))] if text.strip() else []

    chunks = split(parse(b"x" * 30_000, "a.txt"), Blind(), tokens=60, overlap=0)
    assert "".join(chunk.text for chunk in chunks) == "x" * 30_000
    assert max(len(chunk.text) for chunk in chunks) < 60 * 20 + 400


def test_a_size_that_holds_nothing_is_a_setting_to_correct() -> None:
    with pytest.raises(ConfigError, match="no room"):
        split(markdown("# T\n\nbody"), ENCODER, tokens=2, overlap=0)


def test_list_items_table_rows_and_numbers_are_sentences() -> None:
    text = 'Advantages include:\n1. It is fast. It is small.\n2. It is e.g. Free; etc.\n- No server\nname | size\na | 1\n\n2.1. Why\n\nHe said "yes." So be it,\nor not.'
    assert [text[start:end] for start, end in sentences(text)] == [
        "Advantages include:", "1. It is fast.", "It is small.", "2. It is e.g. Free; etc.", "- No server", "name | size", "a | 1", "2.1. Why", 'He said "yes."', "So be it,\nor not.",
    ]  # fmt: skip


ROWS = [("tea", "degrees"), *((f"kind number {number}", str(60 + number)) for number in range(40))]
TABLE = "\n".join(f"| {tea} | {degrees} |" + ("\n|---|---|" if tea == "tea" else "") for tea, degrees in ROWS)


def test_every_chunk_of_a_long_table_carries_its_header() -> None:
    chunks = chunks_of(f"# Doses\n\nBefore it.\n\n{TABLE}\n\nAfter it.", overlap=0)
    rows = [chunk for chunk in chunks if "kind number" in chunk.text]
    assert len(rows) > 3
    assert all(chunk.headings == ("Doses", "tea | degrees") for chunk in rows)
    assert all(chunk.prefix.endswith("tea | degrees") for chunk in rows)
    around = [chunk for chunk in chunks if chunk not in rows]
    assert [chunk.headings for chunk in around] == [("Doses",), ("Doses",)]


def test_a_short_table_is_not_torn_and_needs_no_second_header() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |\n| 3 | 4 |"
    for length in range(1, 40):
        chunks = chunks_of(f"{'word ' * length}\n\n{table}\n\nend", overlap=0)
        assert [chunk for chunk in chunks if "a | b\n1 | 2\n3 | 4" in chunk.text], length


def test_a_place_inside_a_chunk_is_its_own_and_not_the_chunks_first() -> None:
    document = markdown("alpha\n\nbeta\n\ngamma\n\n# Next\n\ndelta")
    for chunk in split(document, ENCODER, tokens=60, overlap=0):
        for offset in range(len(chunk.text)):
            mark = landmark(document.landmarks, chunk.start + offset)
            assert (chunk.place(offset).line, chunk.place(offset).start) == (mark.line, mark.start)
        assert all(chunk.start < mark.start < chunk.end for mark in chunk.landmarks)


# -- the other ways


def cut_by(text: str, by: By, *, tokens: int = 60, overlap: int = 0, size: int = 0) -> list[Chunk]:
    return split(markdown(text), ENCODER, tokens=tokens, overlap=overlap, by=by, size=size, embed=ENCODER.encode)


def test_words_sentences_and_characters_are_counted() -> None:
    text = " ".join(f"Word{n} one two three four." for n in range(12))
    assert [len(chunk.text.split()) for chunk in cut_by(text, "words", size=8)] == [8] * 7 + [4]
    assert [chunk.text.count(".") for chunk in cut_by(text, "sentences", size=2)] == [2] * 6
    characters = cut_by(text, "characters", size=50)
    assert all(30 < len(chunk.text) <= 50 for chunk in characters[:-1])
    assert all(text.startswith(chunk.text, chunk.start) for chunk in characters)


def test_overlap_repeats_words_but_never_more_than_half_of_the_size() -> None:
    text = " ".join(f"w{n:03}" for n in range(40))  # a word is one piece
    chunks = cut_by(text, "words", size=8, overlap=3)
    assert [one.text.split()[-3:] for one in chunks[:-1]] == [other.text.split()[:3] for other in chunks[1:]]
    crowded = cut_by(text, "words", size=8, overlap=20)
    assert [one.text.split()[-4:] for one in crowded[:-1]] == [other.text.split()[:4] for other in crowded[1:]]


def test_tokens_fill_every_chunk_whatever_the_headings() -> None:
    text = "\n\n".join(f"# H{n}\n\nshort text of part {n}" for n in range(20))
    chunks = cut_by(text, "tokens")
    assert len(chunks) < len(cut_by(text, "heading"))
    sizes = [ENCODER.count(embedded_text(chunk)) for chunk in chunks]
    assert all(size > 60 - 2 - 8 for size in sizes[:-1])


def test_recursive_keeps_together_what_fits_and_cuts_at_the_strongest_separator() -> None:
    small = "# A\n\none\n\n## B\n\ntwo\n\n## C\n\nthree"
    assert [chunk.text for chunk in cut_by(small, "recursive")] == ["A\n\none\n\nB\n\ntwo\n\nC\n\nthree"]
    filler = " ".join(["seven words stand in this short line."] * 2)
    large = "\n\n".join(f"# {name}\n\n{filler}\n\n{filler}" for name in ("Alpha", "Beta", "Gamma"))
    found = cut_by(large, "recursive", tokens=60)
    assert [chunk.text.split("\n")[0] for chunk in found] == ["Alpha", "Beta", "Gamma"]
    assert [chunk.headings for chunk in found] == [("Alpha",), ("Beta",), ("Gamma",)]


def test_recursive_does_not_leave_a_heading_alone() -> None:
    text = "# Top\n\n" + " ".join(f"Sentence {n} is here." for n in range(40))
    assert cut_by(text, "recursive", tokens=40)[0].text.startswith("Top\n\nSentence 0")


def test_semantic_cuts_where_the_words_change() -> None:
    cats = " ".join(["The cat sleeps on the mat."] * 5)
    ships = " ".join(["Steel ships cross cold oceans slowly."] * 4)
    chunks = cut_by(f"{cats} {ships}", "semantic", tokens=80)
    assert [chunk.text for chunk in chunks] == [cats, ships]


def test_semantic_needs_an_encoder() -> None:
    with pytest.raises(InputError, match="without an encoder"):
        split(markdown("One. Two."), ENCODER, tokens=60, overlap=0, by="semantic")


def test_a_document_is_one_chunk_or_refused() -> None:
    (only,) = cut_by("# T\n\nbody\n\n## U\n\nmore", "document")
    assert only.text == "T\n\nbody\n\nU\n\nmore"
    with pytest.raises(InputError, match="longer than a chunk of 60 tokens"):
        cut_by("word " * 100, "document")


@pytest.mark.parametrize("by", ["recursive", "semantic"])
def test_grouped_chunks_repeat_the_end_of_the_one_before(by: By) -> None:
    text = "# T\n\n" + " ".join(f"Number {n} is here." for n in range(40))
    chunks = cut_by(text, by, tokens=60, overlap=14)
    repeated = [one.end - other.start for one, other in pairwise(chunks)]
    assert all(length > 0 for length in repeated)
    assert all(ENCODER.count(chunk.text[:length]) <= 14 for chunk, length in zip(chunks[1:], repeated, strict=True))


@pytest.mark.parametrize("by", ["recursive", "semantic", "tokens", "sentences"])
def test_what_counts_is_the_whole_where_parts_add_up_to_less(by: By) -> None:
    class Joining(FakeEncoder):
        def pieces(self, text: str) -> list[tuple[int, int]]:
            return [*super().pieces(text), *[(0, 0)] * text.count(". ")]

    encoder = Joining()
    document = markdown("# T\n\n" + " ".join(f"Word {n} is here." for n in range(60)))
    chunks = split(document, encoder, tokens=40, overlap=0, by=by, embed=encoder.encode)
    assert all(encoder.count(embedded_text(chunk)) + 2 <= 40 for chunk in chunks)
