"""Files of every format, made by the libraries that people make them with: our readers share no code with these."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

from reportlab.lib import pdfencrypt
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Frame, PageBreak, PageTemplate, Paragraph, SimpleDocTemplate, Spacer, Table

STYLES = getSampleStyleSheet()
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c4944415408d763f8cfc000000301010018dd8db00000000049454e44ae426082"
)


def pdf(story: list[Any], *, each_page: Callable[[Canvas, Any], None] | None = None, **options: Any) -> bytes:
    """A PDF of flowing text."""
    file = io.BytesIO()
    template = SimpleDocTemplate(file, pagesize=A4, **options)
    if each_page:
        template.build(story, onFirstPage=each_page, onLaterPages=each_page)
    else:
        template.build(story)
    return file.getvalue()


def paragraph(text: str, style: str = "Normal") -> Paragraph:
    return Paragraph(text, STYLES[style])


def drawn(draw: Callable[[Canvas], None], *, password: str = "", **options: Any) -> bytes:
    """A PDF drawn by hand."""
    file = io.BytesIO()
    encrypt = pdfencrypt.StandardEncryption(password, ownerPassword="owner") if password else None
    canvas = Canvas(file, pagesize=A4, encrypt=encrypt, **options)
    draw(canvas)
    canvas.save()
    return file.getvalue()


def two_columns(left: list[str], right: list[str], heading: str) -> bytes:
    """A page of two columns, as a typesetter flows them."""
    file = io.BytesIO()
    template = BaseDocTemplate(file, pagesize=A4)
    frames = [Frame(50, 50, 235, 650, id="left"), Frame(310, 50, 235, 650, id="right")]

    def above(canvas: Canvas, _: Any) -> None:
        canvas.setFont("Helvetica-Bold", 20)
        canvas.drawString(50, 760, heading)

    template.addPageTemplates([PageTemplate(id="two", frames=frames, onPage=above)])
    from reportlab.platypus import FrameBreak

    template.build([*map(paragraph, left), FrameBreak(), *map(paragraph, right)])
    return file.getvalue()


def picture(canvas: Canvas, *, width: float = 500, height: float = 700) -> None:
    """A picture that covers most of a page."""
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(io.BytesIO(PIXEL)), 40, 60, width, height)


def saved(document: Any) -> bytes:
    """What python-docx, python-pptx and openpyxl write."""
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def with_parts(package: bytes, parts: dict[str, bytes | Callable[[bytes], bytes]]) -> bytes:
    """An office file with parts replaced, changed or added."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            if name not in parts:
                new.writestr(name, old.read(name))
        for name, part in parts.items():
            new.writestr(name, part(old.read(name)) if callable(part) else part)
    return file.getvalue()


def tagged(text: str, alternative: str) -> bytes:
    """A PDF as its standard writes it, object by object: a line of text, and a figure in the structure with its alternative text."""
    content = f"BT /F 12 Tf 72 700 Td ({text}) Tj ET /Figure <</MCID 0>> BDC 100 100 50 50 re f EMC"
    objects = [
        "<</Type /Catalog /Pages 2 0 R /StructTreeRoot 6 0 R /MarkInfo <</Marked true>>>>",
        "<</Type /Pages /Kids [3 0 R] /Count 1>>",
        "<</Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources <</Font <</F 5 0 R>>>> /StructParents 0>>",
        f"<</Length {len(content)}>>\nstream\n{content}\nendstream",
        "<</Type /Font /Subtype /Type1 /BaseFont /Helvetica>>",
        "<</Type /StructTreeRoot /K 7 0 R /ParentTree 8 0 R>>",
        f"<</Type /StructElem /S /Figure /P 6 0 R /Pg 3 0 R /K 0 /Alt ({alternative})>>",
        "<</Nums [0 [7 0 R]]>>",
    ]
    body, places = b"%PDF-1.7\n", []
    for number, written in enumerate(objects, start=1):
        places.append(len(body))
        body += f"{number} 0 obj\n{written}\nendobj\n".encode()
    table = "".join(f"{place:010} 00000 n \n" for place in places)
    trailer = f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n{table}trailer\n<</Size {len(objects) + 1} /Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    return body + trailer.encode()


__all__ = ["PIXEL", "PageBreak", "Spacer", "Table", "drawn", "paragraph", "pdf", "picture", "saved", "tagged", "two_columns", "with_parts"]
