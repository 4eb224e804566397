import datetime as dt
import io

import openpyxl
import pytest
from openpyxl.drawing.image import Image

from groundwork.context.chunking import landmark
from groundwork.context.reading import parse, parse_here
from groundwork.core.document import Document
from groundwork.core.errors import InputError
from tests.context.made import PIXEL, saved, with_parts

PRICES = [
    ["Tea", "Price", "Since", "Share", "Sold"],
    ["Green", 12.5, dt.date(2024, 3, 1), 0.15, True],
    ["Black", 0.1 + 0.2, dt.datetime(2024, 3, 2, 12, 30), 1, False],  # noqa: DTZ001
]


def book(*rows: list[object], title: str = "Prices") -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.active.title = title
    for row in rows:
        made.active.append(row)
    return made


def read(made: openpyxl.Workbook) -> Document:
    return parse(saved(made), "docs/prices.xlsx")


def place(document: Document, text: str) -> str | None:
    return landmark(document.landmarks, document.text.index(text)).element


def test_rows_carry_their_columns_names_and_show_what_a_person_sees() -> None:
    made = book(["Price list"], [], *PRICES)
    for cell in ("D4", "D5"):
        made.active[cell].number_format = "0.0%"
    document = read(made)
    assert document.text == (
        "Price list\n\nTea: Green | Price: 12.5 | Since: 2024-03-01 | Share: 15% | Sold: TRUE\n"
        "Tea: Black | Price: 0.3 | Since: 2024-03-02 12:30 | Share: 100% | Sold: FALSE"
    )
    assert (document.title, document.medium, document.metadata["sheets"]) == ("prices", "xlsx", ["Prices"])
    assert place(document, "Tea: Black") == "Prices!A5"


def test_sheets_are_headings_and_hidden_ones_are_named_as_unread() -> None:
    made = book(["North", "red"], ["South", "blue"], title="Places")
    made.create_sheet("Numbers").append([1, 2])
    made.create_sheet("Secret").append(["x", "y"])
    made["Secret"].sheet_state = "hidden"
    document = read(made)
    assert document.text == "Places\n\nNorth | red\nSouth | blue\n\nNumbers\n\n1 | 2"
    assert document.unread == ("hidden sheets: Secret",)
    assert [heading.level for heading in document.headings] == [2, 2]


def test_texts_alone_are_no_header_but_go_with_a_long_table_as_its_first_row() -> None:
    document = read(book(["Monday", "soup"], ["Tuesday", "fish"]))
    assert document.text == "Monday | soup\nTuesday | fish"
    assert len(document.tables) == 1


def test_two_tables_on_a_sheet_have_each_their_own_names() -> None:
    document = read(book(["Tea", "Price"], ["Green", 1], [], ["Pot", "Litres"], ["Red", 2]))
    assert document.text == "Tea: Green | Price: 1\n\nPot: Red | Litres: 2"


def test_a_formula_without_its_value_is_shown_as_it_is_and_with_it_by_its_value() -> None:
    package = saved(book(["Sum", "=SUM(A1:A2)"]))
    assert parse(package, "a.xlsx").text == "Sum | =SUM(A1:A2)"
    counted = with_parts(
        package, {"xl/worksheets/sheet1.xml": lambda old: old.replace(b"<v />", b"<v>42</v>").replace(b"<v></v>", b"<v>42</v>")}
    )
    assert parse(counted, "a.xlsx").text == "Sum | 42"


def test_a_merged_cell_says_the_same_in_each_of_its_rows() -> None:
    made = book(["North", 1], [None, 2])
    made.active.merge_cells("A1:A2")
    assert read(made).text == "North | 1\nNorth | 2"


def test_images_are_found_by_what_stands_for_them() -> None:
    made = book(["Tea", "Price"])
    made.active.add_image(Image(io.BytesIO(PIXEL)), "C3")
    package = saved(made)
    assert parse(package, "a.xlsx").text == "Tea | Price", "what the program calls every image says nothing"
    described = with_parts(package, {"xl/drawings/drawing1.xml": lambda old: old.replace(b'descr="Picture"', b'descr="A pot"')})
    assert parse(described, "a.xlsx").text == "Tea | Price\n\n[image: A pot]"


def test_a_cell_at_the_far_corner_costs_no_more_than_one_at_the_near() -> None:
    made = book(["near"])
    made.active["XFD1048576"] = "far"
    document = read(made)
    assert document.text == "near\n\nfar"
    assert place(document, "far") == "Prices!XFD1048576"


def test_more_cells_than_may_be_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.context.readers.read_xlsx._MOST_CELLS", 9)
    with pytest.raises(InputError, match="more than 9 cells"):
        parse_here(saved(book(*([[1, 2]] * 5))), "a.xlsx", ".xlsx")


def test_an_empty_book_holds_no_text() -> None:
    with pytest.raises(InputError, match="no text"):
        read(openpyxl.Workbook())
