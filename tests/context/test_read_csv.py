import csv
import io
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.context.chunking import landmark
from groundwork.context.reading import parse
from groundwork.core.errors import InputError


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_rows_carry_the_headers_names_whatever_separates_them(separator: str) -> None:
    text = "\n".join(separator.join(row) for row in (["name", "price"], ["Green", "12"], ["Black", "9"]))
    document = parse(text.encode(), "teas.csv")
    assert document.text == "name: Green | price: 12\nname: Black | price: 9"
    assert (document.medium, document.title) == ("csv", "teas")


def test_quoted_cells_may_hold_anything_and_lines_are_those_of_the_file() -> None:
    document = parse(b'name,note\nGreen,"hot, but\nnot boiling"\n\nBlack,"so ""they"" say"\n', "a.csv")
    assert document.text == 'name: Green | note: hot, but not boiling\nname: Black | note: so "they" say'
    assert [landmark(document.landmarks, document.text.index(name)).line for name in ("Green", "Black")] == [2, 5]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"1,2\n3,4\n", "1 | 2\n3 | 4"),
        (b"a,b\na,c\n", "a | b\na | c"),
        (b"one\ntwo\n", "one\n\ntwo"),
        (b"Hot; not boiling\nCold\nWarm\n", "Hot; not boiling\n\nCold\n\nWarm"),
        (b"name,,age\nKim,x,7\n", "name: Kim | x | age: 7"),
        (b"name,age\n", "name | age"),
        ("\ufeffname,age\nKim,7".encode(), "name: Kim | age: 7"),
        (b"name,age\nKim,7,more\n", "name: Kim | age: 7 | more"),
    ],
    ids=[
        "numbers",
        "comes again",
        "one column",
        "a semicolon in a sentence",
        "nameless column",
        "header alone",
        "byte order mark",
        "too many cells",
    ],
)
def test_a_header_is_one_only_where_it_names_columns(data: bytes, text: str) -> None:
    assert parse(data, "a.csv").text == text


def test_a_cell_beyond_bounds_and_an_empty_table_are_refused() -> None:
    with pytest.raises(InputError, match="line 2"):
        parse(b'name,note\nGreen,"' + b"x" * 200_000, "a.csv")
    with pytest.raises(InputError, match="no text"):
        parse(b",,\n,,\n", "a.csv")


_CELL = st.text(alphabet="ab1 ,\n\"'", max_size=6).map(lambda text: f"{text}z")


@given(st.integers(1, 4).flatmap(lambda width: st.lists(st.lists(_CELL, min_size=width, max_size=width), min_size=1, max_size=6)))
def test_every_word_of_a_full_table_is_in_its_text(rows: list[list[str]]) -> None:
    file = io.StringIO()
    csv.writer(file).writerows(rows)
    words = Counter(letter for row in rows for cell in row for letter in cell if letter.isalnum())
    assert words <= Counter(parse(file.getvalue().encode(), "a.csv").text)
