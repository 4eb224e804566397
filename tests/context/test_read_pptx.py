import io
from typing import Any

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE

from groundwork.context.chunking import landmark
from groundwork.context.reading import parse
from groundwork.core.document import Document
from groundwork.core.errors import InputError
from tests.context.made import PIXEL, saved, with_parts


def slide(deck: Any, title: str, layout: int = 5) -> Any:
    made = deck.slides.add_slide(deck.slide_layouts[layout])
    made.shapes.title.text = title
    return made


def page_of(document: Document, text: str) -> int | None:
    return landmark(document.landmarks, document.text.index(text)).page


def test_slides_give_titles_points_and_notes_with_their_numbers() -> None:
    deck = pptx.Presentation()
    first = slide(deck, "Results", layout=1)
    body = first.placeholders[1].text_frame
    body.text = "Sales rose"
    point = body.add_paragraph()
    point.text, point.level = "in the north", 1
    first.notes_slide.notes_text_frame.text = "Say it slowly."
    slide(deck, "Plans").shapes.add_textbox(0, 0, 100, 100).text_frame.text = "More of it."
    document = parse(saved(deck), "docs/deck.pptx")
    assert document.text == "Results\n\n- Sales rose\n  - in the north\n\nNotes: Say it slowly.\n\nPlans\n\nMore of it."
    assert (document.title, document.medium, document.metadata["slides"]) == ("Results", "pptx", 2)
    assert [heading.level for heading in document.headings] == [1, 1]
    assert [page_of(document, text) for text in ("Sales", "Say it", "More")] == [1, 1, 2]


def test_tables_charts_groups_and_pictures_are_read() -> None:
    deck = pptx.Presentation()
    made = slide(deck, "Data")
    table = made.shapes.add_table(3, 2, 0, 0, 100, 100).table
    for row, texts in enumerate([("Region", "Sales"), ("North", "12"), ("", "13")]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    made.shapes.add_group_shape().shapes.add_textbox(0, 0, 9, 9).text_frame.text = "In a group."
    picture = made.shapes.add_picture(io.BytesIO(PIXEL), 0, 0)
    picture._element.nvPicPr.cNvPr.set("descr", "Map of the regions")
    data = CategoryChartData()
    data.categories = ["East", "West"]
    data.add_series("2023", (1.5, 2))
    data.add_series("2024", (3, 4))
    chart = made.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, 9, 9, data).chart
    chart.has_title = True
    chart.chart_title.text_frame.text = "Sales by year"
    document = parse(saved(deck), "deck.pptx")
    assert document.text == (
        "Data\n\nRegion | Sales\nNorth | 12\nNorth | 13\n\nIn a group.\n\n[image: Map of the regions]\n\n"
        "Sales by year\n\n| 2023 | 2024\nEast | 1.5 | 3\nWest | 2 | 4"
    )
    assert len(document.tables) == 2


def test_a_missing_slide_is_said_and_a_deck_without_text_refused() -> None:
    deck = pptx.Presentation()
    with pytest.raises(InputError, match="no text"):
        parse(saved(deck), "deck.pptx")
    slide(deck, "One")
    broken = with_parts(
        saved(deck), {"ppt/_rels/presentation.xml.rels": lambda old: old.replace(b"slides/slide1.xml", b"slides/slide9.xml")}
    )
    with pytest.raises(InputError, match="slide 1 is missing"):
        parse(broken, "deck.pptx")
