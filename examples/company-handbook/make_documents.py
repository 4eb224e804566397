"""Make the handbook's PDF, Word and Excel files from what is written here; the same bytes every time.

    pip install reportlab python-docx openpyxl
    python make_documents.py [FOLDER]

FOLDER is where `docs` stands; left out: beside this file. Everything in them is fiction.
"""

import io
import sys
import zipfile
from pathlib import Path
from typing import Any

from docx import Document
from openpyxl import Workbook
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.platypus import PageBreak, Paragraph, SimpleDocTemplate, Spacer, Table

MOMENT = (2026, 1, 5, 8, 0, 0)
"""What every file in an office archive is dated, so that today's date changes nothing."""
STAMP = "2026-01-05T08:00:00Z"

BANDS = [
    ["Band", "Who", "From (euros a year)", "To (euros a year)"],
    ["1", "apprentices and assistants", "31,000", "36,500"],
    ["2", "technicians", "37,000", "46,000"],
    ["3", "engineers", "47,500", "61,000"],
    ["4", "senior engineers", "62,400", "76,800"],
    ["5", "team leads", "74,000", "91,500"],
]

PAY: list[tuple[str, list[str]]] = [
    (
        "How we pay",
        [
            "This paper is for the people team and the managing director. It is not to be passed on.",
            "Pay follows five bands. A person's place in one depends on experience and on what the work asks, not on how well they negotiate.",
            "Pay is looked at once a year, in March, and changes take effect on 1 April.",
            "Nobody is paid below the beginning of their band. Who reaches its end can rise only with a new task.",
        ],
    ),
    (
        "The bands of 2026",
        [
            "A senior engineer in band 4 earns between 62,400 and 76,800 euros a year.",
            "Part-time work is paid in proportion. Work on call is paid with 165 euros for each weekend, whatever the band.",
        ],
    ),
    (
        "Bonus and exceptions",
        [
            "The bonus of 2026 is 4.5 percent of a year's pay for everyone, if the order book reaches 9.2 million euros by the end of November.",
            "The managing director Edda Lindqvist earns 149,500 euros a year and takes no part in the bonus.",
            "Two people are paid above their band until the end of 2027, because they moved here from the Bergen office.",
        ],
    ),
]

EQUIPMENT: list[tuple[str, list[str]]] = [
    (
        "Your computer",
        [
            "Everybody gets a laptop of their choice up to 1,900 euros. It is replaced after four years, or earlier where it holds up the work.",
            "Private use is allowed, as long as nobody else uses the machine.",
        ],
    ),
    (
        "Passwords",
        [
            "A password has at least 16 characters and is used in one place only. Keep it in the company's password safe, which is called Locker.",
            "Every account that can be reached from outside needs a second factor. A key of hardware is handed out at the help desk.",
        ],
    ),
    (
        "When something is lost",
        [
            "Report a lost laptop or telephone within two hours to the help desk, telephone 4400, at night as well. The help desk locks it from afar.",
            "Nobody is blamed for reporting early.",
        ],
    ),
    (
        "Working from elsewhere",
        ["The network of the office is reached through the tunnel Pier. Public wireless networks are used through Pier only."],
    ),
]

LEAVE: list[tuple[str, list[str]]] = [
    (
        "Coming back after a long absence",
        [
            "Whoever was away for more than six weeks is invited to a talk before the first day.",
            "The talk is voluntary, and its notes are kept for three years.",
            "A return in steps begins with four hours a day and takes eight weeks at most.",
        ],
    ),
    (
        "Parents",
        ["Beside what the law gives, each parent has fifteen days of paid leave in the child's first year."],
    ),
]

GAUGES = [
    ["model", "principle", "range in metres", "accuracy in millimetres", "price in euros"],
    ["Tern 20", "pressure", 20, 6, 2450],
    ["Tern 40", "pressure", 40, 9, 2980],
    ["Reed", "radar", 35, 2, 6200],
    ["Reed Ice", "radar, heated", 35, 3, 7850],
]
SPARES = [
    ["part", "fits", "price in euros", "delivery in days"],
    ["membrane M3", "Tern 20, Tern 40", 85, 4],
    ["antenna A1", "Reed", 640, 21],
    ["heating mat", "Reed Ice", 310, 14],
]
BUDGET = [
    ["department", "first half in euros", "second half in euros", "responsible"],
    ["workshop", 412000, 398000, "Malte Brandt"],
    ["software", 365000, 371000, "Ines Duarte"],
    ["office", 148000, 151000, "Jonas Rehn"],
    ["travel", 58000, 64000, "Jonas Rehn"],
]
LOANS = [
    ["bank", "sum in euros", "interest in percent", "ends"],
    ["Orrin Savings Bank", 750000, 3.4, "June 2031"],
    ["Coastal Credit", 220000, 4.1, "March 2028"],
]


def pdf(title: str, parts: list[tuple[str, list[str]]], table: list[list[str]]) -> bytes:
    """Each part on a page of its own; the table stands on the second."""
    styles = getSampleStyleSheet()
    styles["Title"].fontSize, styles["Title"].leading = 26, 32
    story: list[Any] = [Paragraph(title, styles["Title"])]
    for place, (heading, paragraphs) in enumerate(parts):
        story += [PageBreak()] if place else []
        story.append(Paragraph(heading, styles["Heading1"]))
        for text in paragraphs:
            story += [Paragraph(text, styles["Normal"]), Spacer(1, 8)]
        if place == 1:
            story.append(Table(table, style=[("GRID", (0, 0), (-1, -1), 0.5, colors.grey)]))
    file = io.BytesIO()
    SimpleDocTemplate(file, pagesize=A4, title=title, author="Tern Instruments", invariant=1).build(story)
    return file.getvalue()


def docx(title: str, parts: list[tuple[str, list[str]]]) -> bytes:
    """A title, and a heading for each part."""
    document = Document()
    document.core_properties.title = title
    document.add_heading(title, level=0)
    for heading, paragraphs in parts:
        document.add_heading(heading, level=1)
        for text in paragraphs:
            document.add_paragraph(text)
    file = io.BytesIO()
    document.save(file)
    return dated(file.getvalue())


def xlsx(sheets: dict[str, list[list[Any]]]) -> bytes:
    """A sheet for each table, its header first."""
    book = Workbook()
    book.remove(book.worksheets[0])
    for name, rows in sheets.items():
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return dated(file.getvalue())


def dated(package: bytes) -> bytes:
    """An office file with `MOMENT` in the place of the time at which it was made."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for name in sorted(old.namelist(), key=lambda name: (name != "[Content_Types].xml", name)):
            data = old.read(name)
            if name == "docProps/core.xml":
                data = _stamped(data.decode())
            new.writestr(zipfile.ZipInfo(name, MOMENT), data, zipfile.ZIP_DEFLATED)
    return file.getvalue()


def _stamped(core: str) -> bytes:
    """The properties of an office file; both libraries write `<dcterms:created …>TIME</dcterms:created>`."""
    for name in ("dcterms:created", "dcterms:modified"):
        before, found, rest = core.partition(f"<{name}")
        if found:
            attributes, _, after = rest.partition(">")
            core = f"{before}<{name}{attributes}>{STAMP}{after[after.index('</') :]}"
    return core.encode()


def documents() -> dict[str, bytes]:
    """Every file that is made, by its name below `docs`."""
    return {
        "equipment.docx": docx("Computers and passwords", EQUIPMENT),
        "gauges.xlsx": xlsx({"Gauges": GAUGES, "Spare parts": SPARES}),
        "hr/pay.pdf": pdf("Pay at Tern Instruments", PAY, BANDS),
        "hr/absence.docx": docx("Long absences", LEAVE),
        "finance/budget-2026.xlsx": xlsx({"Budget": BUDGET, "Loans": LOANS}),
    }


def main() -> None:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent
    for name, data in documents().items():
        path = root / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        print(f"{path}  {len(data)} bytes")


if __name__ == "__main__":
    main()
