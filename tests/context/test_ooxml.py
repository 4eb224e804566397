import sys
import time
import tracemalloc
import zipfile
from io import BytesIO

import docx
import openpyxl
import pptx
import pytest

from groundwork.context.readers import ooxml
from groundwork.context.reading import parse, parse_here
from groundwork.core.errors import InputError
from tests.context.made import saved, with_parts


def written() -> bytes:
    document = docx.Document()
    document.add_paragraph("A paragraph.")
    return saved(document)


def archive(**parts: bytes) -> bytes:
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, data in parts.items():
            made.writestr(name, data)
    return file.getvalue()


LAUGHS = b"""<?xml version="1.0"?><!DOCTYPE w [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body><w:p><w:r><w:t>&b;</w:t></w:r></w:p></w:body></w:document>"""
OUTSIDE = LAUGHS.replace(b'<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">', b'<!ENTITY b SYSTEM "file:///etc/passwd">')


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "encrypted, or in the binary format"),
        (b"no office file", "no ZIP archive"),
        (b"", "no ZIP archive"),
        (written()[:-200], "no ZIP archive"),
        (archive(**{"hello.txt": b"hello"}), "names no document"),
        (with_parts(written(), {"word/document.xml": b"<open"}), "is no XML"),
        (with_parts(written(), {"word/document.xml": LAUGHS}), "XML entities"),
        (with_parts(written(), {"word/document.xml": OUTSIDE}), "XML entities"),
        (with_parts(written(), {"word/document.xml": LAUGHS.decode().encode("utf-16")}), "entities|no XML"),
        (with_parts(written(), {"word/document.xml": b"<a>" * 100_000 + b"</a>" * 100_000}), "nests more than"),
    ],
    ids=["encrypted", "text", "empty", "cut", "zip", "broken xml", "entities", "file outside", "entities in utf-16", "deep"],
)
@pytest.mark.parametrize("suffix", [".docx"])
def test_what_cannot_be_read_says_so(data: bytes, says: str, suffix: str) -> None:
    with pytest.raises(InputError, match=says) as error:
        parse(data, f"docs/a{suffix}")
    assert error.value.what.startswith(f"docs/a{suffix}")
    assert error.value.fix


def test_a_bomb_is_refused_by_its_directory_before_it_goes_off() -> None:
    bomb = archive(**{f"part{number}.xml": b"0" * 20_000_000 for number in range(5)})
    assert len(bomb) < 200_000
    tracemalloc.start()
    begun = time.monotonic()
    with pytest.raises(InputError, match="unpack to more than it may"):
        parse(bomb, "bomb.xlsx")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert time.monotonic() - begun < 2
    assert peak < 5_000_000


def test_a_directory_that_lies_about_sizes_is_noticed_while_unpacking() -> None:
    whole = with_parts(written(), {"word/document.xml": b" " * 30_000_000})
    real = (30_000_000).to_bytes(4, "little")
    assert whole.count(real) == 2, "in the part's own header and in the directory"
    with pytest.raises(InputError, match=r"damaged|unpack to more"):
        parse(whole.replace(real, (100).to_bytes(4, "little")), "lie.docx")


def test_an_archive_that_is_encrypted_part_by_part_is_refused() -> None:
    data = bytearray(written())
    place = data.index(b"PK\x01\x02")
    data[place + 8] |= 1
    with pytest.raises(InputError, match="encrypted"):
        parse(bytes(data), "a.docx")


def test_all_parts_together_have_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ooxml, "LARGEST", 3_000)
    with pytest.raises(InputError, match="unpack to more"):
        parse_here(written(), "a.docx", ".docx")


def test_links_out_of_the_file_lead_nowhere() -> None:
    inside = b'Target="/../../../../etc/passwd"'
    data = with_parts(written(), {"_rels/.rels": lambda old: old.replace(b'Target="word/document.xml"', inside)})
    with pytest.raises(InputError, match="names no document"):
        parse(data, "a.docx")


@pytest.mark.parametrize("suffix", [".docx", ".pptx", ".xlsx"])
def test_a_missing_parser_says_what_to_install(suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "defusedxml", None)
    with pytest.raises(InputError, match=r"pip install 'groundwork-ai\[documents\]'"):
        parse_here(written(), f"a{suffix}", suffix)


def test_damage_anywhere_is_an_answer_or_a_refusal() -> None:
    import random

    deck = pptx.Presentation()
    deck.slides.add_slide(deck.slide_layouts[5]).shapes.title.text = "One"
    book = openpyxl.Workbook()
    book.active.append(["a", 1])
    chance = random.Random(5)
    outcomes: set[str] = set()
    for suffix, whole in ((".docx", written()), (".pptx", saved(deck)), (".xlsx", saved(book))):
        with zipfile.ZipFile(BytesIO(whole)) as package:
            names = [name for name in package.namelist() if name.endswith((".xml", ".rels"))]
        for _ in range(40):

            def damaged(old: bytes) -> bytes:
                at = chance.randrange(len(old))
                return old[:at] + old[at + chance.randrange(1, 40) :]

            try:
                outcomes.add(parse(with_parts(whole, {chance.choice(names): damaged}), f"a{suffix}").medium)
            except InputError:
                outcomes.add("refused")
    assert outcomes == {"docx", "pptx", "xlsx", "refused"}
