"""The words of the index on a server are those of SQLite's own full-text index."""

import sqlite3
from importlib import resources

from hypothesis import given
from hypothesis import strategies as st

from groundwork.store.postgres.words import TOKENIZER, Tokenizer

MADE = Tokenizer()


def test_the_tokenizer_is_that_of_the_sqlite_index() -> None:
    first = resources.files("groundwork.store").joinpath("migrations", "index", "0001_first.sql").read_text()
    assert f"tokenize = '{TOKENIZER}'" in first


def test_words_are_folded_stemmed_and_placed() -> None:
    found = MADE.words([("Cats here", "the cats purring, béta page_size a a"), ("", ""), ("", "x")])
    assert found[0].total == 10
    assert found[0].places == {"cat": [0, 4], "here": [1], "the": [3], "pur": [5], "beta": [6], "page": [7], "size": [8], "a": [9, 10]}
    assert (found[1].total, found[1].places, found[2].places) == (0, {}, {"x": [1]})
    assert MADE.phrases(["page_size", "?", "Cats", "a\0b"]) == [["page", "size"], [], ["cat"], ["a", "b"]]


def test_a_word_of_any_length_fits_into_an_index_and_is_itself() -> None:
    long, other = "x" * 30_000, "x" * 29_999 + "y"
    (found,) = MADE.words([("", long)])
    assert max(map(len, found.places)) < 200
    assert MADE.phrases([long, other])[0] == list(found.places)
    assert MADE.phrases([long, other])[1] != list(found.places)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=200), st.text(st.characters(exclude_categories=["Cs"]), max_size=50))
def test_a_text_has_as_many_words_as_the_sqlite_index_counts(text: str, prefix: str) -> None:
    database = sqlite3.connect(":memory:")
    database.execute(f"CREATE VIRTUAL TABLE said USING fts5 (prefix, text, tokenize = '{TOKENIZER}')")
    database.execute("CREATE VIRTUAL TABLE word USING fts5vocab (said, 'row')")
    database.execute("INSERT INTO said (prefix, text) VALUES (?, ?)", (prefix, text))
    expected = dict(database.execute("SELECT term, cnt FROM word").fetchall())
    database.close()
    (found,) = MADE.words([(prefix, text)])
    assert {word: len(places) for word, places in found.places.items()} == expected
    assert found.total == sum(expected.values())
