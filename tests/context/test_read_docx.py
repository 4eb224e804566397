import io

import docx
import pytest
from docx.document import Document as Written
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

from groundwork.context.chunking import landmark
from groundwork.context.reading import parse
from groundwork.core.document import Document
from groundwork.core.errors import InputError
from tests.context.made import PIXEL, saved, with_parts


def read(written: Written) -> Document:
    return parse(saved(written), "docs/guide.docx")


def place(document: Document, text: str) -> str | None:
    return landmark(document.landmarks, document.text.index(text)).element


def test_a_document_becomes_its_text_with_headings_lists_and_places() -> None:
    written = docx.Document()
    written.core_properties.title = "Garden guide"
    written.core_properties.author = "Kim"
    written.add_heading("Watering", 1)
    written.add_paragraph("In the morning,\nnever at noon.")
    for text in ("tomatoes", "beans"):
        written.add_paragraph(text, style="List Bullet")
    written.add_heading("Doses", 2)
    for text in ("dig", "plant"):
        written.add_paragraph(text, style="List Number")
    written.sections[0].header.paragraphs[0].text = "a header"
    written.sections[0].footer.paragraphs[0].text = "a footer"
    document = read(written)
    assert (document.title, document.medium, document.metadata["author"]) == ("Garden guide", "docx", "Kim")
    assert document.text == "Watering\n\nIn the morning,\nnever at noon.\n\n- tomatoes\n- beans\n\nDoses\n\n1. dig\n2. plant"
    assert [(heading.level, document.text[heading.start : heading.end]) for heading in document.headings] == [(1, "Watering"), (2, "Doses")]
    assert place(document, "never at noon") == "paragraph-2"
    assert place(document, "plant") == "paragraph-7"


def test_a_table_stays_a_table_and_each_of_its_rows_is_whole() -> None:
    written = docx.Document()
    table = written.add_table(3, 3)
    for row, texts in enumerate([("kind", "plant", "litres"), ("tree", "fig", "5"), ("", "pear", "7")]):
        for column, text in enumerate(texts):
            table.cell(row, column).text = text
    table.cell(1, 0).merge(table.cell(2, 0))
    document = read(written)
    assert document.text == "kind | plant | litres\ntree | fig | 5\ntree | pear | 7"
    assert [(one.header, one.end) for one in document.tables] == [(len("kind | plant | litres"), len(document.text))]
    assert place(document, "pear") == "table-1"


def test_images_give_what_stands_for_them_and_their_captions() -> None:
    written = docx.Document()
    written.add_picture(io.BytesIO(PIXEL))
    written.inline_shapes[0]._inline.docPr.set("descr", "A fig tree in June")
    written.add_paragraph("Figure 1: the old tree", style="Caption")
    assert read(written).text == "[image: A fig tree in June]\n\nFigure 1: the old tree"


COMPATIBLE = "http://schemas.openxmlformats.org/markup-compatibility/2006"


def run(text: str, properties: str = "") -> str:
    return f"<w:r><w:rPr>{properties}</w:rPr><w:t xml:space='preserve'>{text}</w:t></w:r>"


@pytest.mark.parametrize(
    ("inside", "says"),
    [
        (f"{run('kept ')}<w:ins w:id='1' w:author='x'>{run('and added')}</w:ins>", "kept and added"),
        (f"{run('kept')}<w:del w:id='1' w:author='x'><w:r><w:delText>gone</w:delText></w:r></w:del>", "kept"),
        (f"{run('seen')}{run('hidden', '<w:vanish/>')}", "seen"),
        (f"<w:hyperlink>{run('a link')}</w:hyperlink>", "a link"),
        (f"<w:sdt><w:sdtContent>{run('a field of a form')}</w:sdtContent></w:sdt>", "a field of a form"),
        ("<w:r><w:fldChar w:fldCharType='begin'/><w:instrText>PAGEREF x</w:instrText></w:r>" + run("7"), "7"),
        ("<w:r><w:t>one</w:t><w:tab/><w:t>two</w:t><w:br/><w:t>three</w:t><w:br w:type='page'/></w:r>", "one two\nthree"),
        (
            f"<w:r><mc:AlternateContent xmlns:mc='{COMPATIBLE}'><mc:Choice><w:t>new</w:t></mc:Choice><mc:Fallback><w:t>old</w:t></mc:Fallback></mc:AlternateContent></w:r>",
            "new",
        ),
    ],
    ids=["added", "deleted", "hidden", "link", "form", "code of a field", "breaks", "alternatives"],
)
def test_the_text_is_what_a_reader_sees(inside: str, says: str) -> None:
    written = docx.Document()
    written.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{inside}</w:p>"))
    assert read(written).text == says


def test_text_in_boxes_and_controls_is_not_lost_and_contents_are_left_out() -> None:
    written = docx.Document()
    box = f"<w:p {nsdecls('w')}>{run('beside the box')}<w:r><w:pict><w:txbxContent><w:p>{run('in the box')}</w:p></w:txbxContent></w:pict></w:r></w:p>"
    control = f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p>{run('in a control')}</w:p></w:sdtContent></w:sdt>"
    for element in (control, box):
        written.element.body.insert(0, parse_xml(element))
    contents = written.styles.add_style("TOC 1", 1)
    written.add_paragraph("Chapter one ....... 3", style=contents)
    assert read(written).text == "beside the box\n\nin the box\n\nin a control"


def test_footnotes_follow_the_paragraph_that_refers_to_them() -> None:
    written = docx.Document()
    paragraph = written.add_paragraph("Figs are old.")
    reference = parse_xml(f"<w:r {nsdecls('w')}><w:footnoteReference w:id='2'/></w:r>")
    paragraph._p.append(reference)
    written.add_paragraph("Next.")
    notes = f"<w:footnotes {nsdecls('w')}><w:footnote w:type='separator' w:id='0'/><w:footnote w:id='2'><w:p>{run('Older than wheat.')}</w:p></w:footnote></w:footnotes>"
    kind = b'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/footnotes" Target="footnotes.xml"/>'
    package = with_parts(
        saved(written),
        {
            "word/footnotes.xml": notes.encode(),
            "word/_rels/document.xml.rels": lambda old: old.replace(b"</Relationships>", kind + b"</Relationships>"),
        },
    )
    assert parse(package, "a.docx").text == "Figs are old.\n\nNote 1: Older than wheat.\n\nNext."


def test_numbers_of_several_levels_are_counted_as_their_rules_say() -> None:
    written = docx.Document()
    numbering = written.part.numbering_part.element
    levels = "".join(
        f"<w:lvl w:ilvl='{depth}'><w:start w:val='{start}'/><w:numFmt w:val='{form}'/><w:lvlText w:val='{text}'/></w:lvl>"
        for depth, start, form, text in ((0, 3, "decimal", "%1."), (1, 1, "lowerLetter", "(%2)"), (2, 1, "upperRoman", "%1.%3"))
    )
    numbering.insert(0, parse_xml(f"<w:abstractNum {nsdecls('w')} w:abstractNumId='77'>{levels}</w:abstractNum>"))
    numbering.append(parse_xml(f"<w:num {nsdecls('w')} w:numId='77'><w:abstractNumId w:val='77'/></w:num>"))
    for text, depth in (("a", 0), ("b", 1), ("c", 1), ("d", 2), ("e", 0), ("f", 1)):
        properties = written.add_paragraph(text)._p.get_or_add_pPr()
        properties.append(parse_xml(f"<w:numPr {nsdecls('w')}><w:ilvl w:val='{depth}'/><w:numId w:val='77'/></w:numPr>"))
    assert read(written).text == "3. a\n(a) b\n(b) c\n3.I d\n4. e\n(a) f"


def test_styles_that_are_based_on_each_other_in_a_circle_end() -> None:
    written = docx.Document()
    style, other = written.styles.add_style("Round", 1), written.styles.add_style("About", 1)
    style.base_style, other.base_style = other, style
    written.add_paragraph("text", style=style)
    assert read(written).text == "text"


def test_a_document_without_text_or_of_another_kind_is_refused() -> None:
    with pytest.raises(InputError, match="no text"):
        read(docx.Document())
    import openpyxl

    with pytest.raises(InputError, match="no text document"):
        parse(saved(openpyxl.Workbook()), "a.docx")
