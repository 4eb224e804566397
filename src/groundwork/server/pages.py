"""Pages for people: ask at `/`, and a source opened at the cited place. The data behind them comes from the API."""

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.templating import Jinja2Templates

from groundwork import __version__
from groundwork.app.seeing import restricts, unchanged_original, visible_document
from groundwork.context.chunking import landmark
from groundwork.context.config import kind_of
from groundwork.core.document import Document
from groundwork.core.errors import GroundworkError, NotFound
from groundwork.server.exchange import Exchange
from groundwork.server.site import Site

_HERE = Path(__file__).parent
_DOWNLOADED = frozenset({"docx", "pptx", "xlsx"})


def pages(site: Site) -> Starlette:
    """The pages as an application of their own."""
    own = Pages(site)
    return Starlette(
        routes=[
            Route("/", own.ask),
            Route("/source/{document}", own.source),
            Route("/original/{document}", own.original),
            Route("/favicon.ico", own.icon),
            Mount("/static", StaticFiles(directory=_HERE / "static")),
        ],
        exception_handlers={GroundworkError: own.failed, HTTPException: own.failed},
    )


class Pages:
    """One method for each page."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.templates = Jinja2Templates(_HERE / "templates")

    async def ask(self, request: Request) -> Response:
        """The first page. It holds no data, so that whoever needs a key can enter it here."""
        return self._render(request, "ask.html", {"app": self.site.live.app.name, "version": __version__})

    async def source(self, request: Request) -> Response:
        """A document's canonical text, the cited span marked."""
        document = await self._document(request)
        start, end = (_number(request.query_params.get(name, "")) for name in ("start", "end"))
        marked = (start, end) if start < end <= len(document.text) else (0, 0)
        values = {
            "document": document,
            "place": place_of(document, start) if any(marked) else "",
            "original": original_of(document, start),
            "blocks": blocks(document, *marked),
        }
        return self._render(request, "source.html", values)

    async def original(self, request: Request) -> Response:
        """The file a document was read from, as it is now: a PDF as such, an office file to be saved, all others as plain text whatever they are."""
        document = await self._document(request)
        root = self.site.live.app.settings.root.resolve()
        path = (root / document.source).resolve()
        if restricts(self.site.live.app):
            data = await run_in_threadpool(unchanged_original, document, root)
        elif not path.is_relative_to(root) or not await run_in_threadpool(path.is_file):
            raise NotFound(f"{document.source} is not there any more", fix="open the indexed text instead")
        else:
            data = await run_in_threadpool(path.read_bytes)
        if document.medium == "pdf":  # the browser's own viewer, which opens `#page=3` there
            return Response(data, media_type="application/pdf")
        if document.medium in _DOWNLOADED:
            name = quote(path.name, safe="")
            return Response(
                data, media_type="application/octet-stream", headers={"content-disposition": f"attachment; filename*=UTF-8''{name}"}
            )
        return PlainTextResponse(data)

    async def icon(self, _: Request) -> Response:
        """What browsers ask for beside pages that name no icon."""
        return FileResponse(_HERE / "static" / "icon.svg")

    async def failed(self, request: Request, error: Exception) -> Response:
        """A page that says what went wrong and what to do."""
        if isinstance(error, GroundworkError):
            status, said, fix = error.status, error.what, error.fix
        else:
            status = error.status_code if isinstance(error, HTTPException) else 500
            said, fix = ("There is no such page here.", "") if status == 404 else ("This cannot be done here.", "")
        return self._render(request, "problem.html", {"status": status, "said": said, "fix": fix}, status)

    async def _document(self, request: Request) -> Document:
        principal = await self.site.door.admit(Exchange(request.scope, request.receive, request._send))
        live = self.site.live
        return await visible_document(request.path_params["document"], principal, live.app, live.folder)

    def _render(self, request: Request, name: str, values: dict[str, Any], status: int = 200) -> Response:
        return self.templates.TemplateResponse(request, name, values, status_code=status, headers={"cache-control": "no-store"})


class Piece(NamedTuple):
    """A stretch of text, cited or not; the first cited one is the place to scroll to."""

    text: str
    cited: bool
    first: bool


class Block(NamedTuple):
    """A heading (level 1 to 6) or a paragraph (level 0)."""

    level: int
    pieces: list[Piece]


def blocks(document: Document, start: int, end: int) -> list[Block]:
    """The text cut at its headings and blank lines, and around the cited span [start, end) in code points."""
    cuts: list[tuple[int, int, int]] = []
    at = 0
    for heading in sorted(document.headings, key=lambda heading: heading.start):
        if heading.start < at:
            continue
        cuts += [(0, *span) for span in _paragraphs(document.text, at, heading.start)]
        cuts.append((min(max(heading.level, 1), 6), heading.start, heading.end))
        at = heading.end
    cuts += [(0, *span) for span in _paragraphs(document.text, at, len(document.text))]
    shown: list[Block] = []
    first = True
    for level, left, right in cuts:
        pieces = _pieces(document.text, left, right, start, end, first=first)
        first = first and not any(piece.cited for piece in pieces)
        shown.append(Block(level, pieces))
    return shown


def _paragraphs(text: str, start: int, end: int) -> list[tuple[int, int]]:
    """Spans between blank lines, without the white space around them."""
    spans: list[tuple[int, int]] = []
    while start < end:
        cut = text.find("\n\n", start, end)
        stop = end if cut < 0 else cut
        piece = text[start:stop]
        if piece.strip():
            spans.append((start + len(piece) - len(piece.lstrip("\n")), start + len(piece.rstrip())))
        start = stop + 2
    return spans


def _pieces(text: str, left: int, right: int, start: int, end: int, *, first: bool) -> list[Piece]:
    """A block's text before, inside and after the cited span; empty ones are left out."""
    inner, outer = min(max(start, left), right), max(min(end, right), left)
    if inner >= outer:
        return [Piece(text[left:right], cited=False, first=False)]
    around = [Piece(text[left:inner], cited=False, first=False), Piece(text[inner:outer], cited=True, first=first)]
    return [piece for piece in (*around, Piece(text[outer:right], cited=False, first=False)) if piece.text]


def place_of(document: Document, start: int) -> str:
    """Where in the original a code point stands, in words: `page 3`, `line 120`, `Prices!A12`."""
    last = landmark(document.landmarks, start)
    if last.page is not None:
        return f"{'slide' if document.medium == 'pptx' else 'page'} {last.page}"
    if last.line is not None:
        return f"line {last.line}"
    return last.element or "" if document.medium in {"docx", "xlsx", "json"} else ""  # a page's anchor says nothing to a reader


def original_of(document: Document, start: int) -> str:
    """Where a link to the original leads: a page on the web to itself, a PDF to the page that a code point stands on; nowhere for what a
    function gave.
    """
    if document.source.startswith(("https://", "http://")):
        return document.source
    if kind_of(document.source.split("/", 1)[0]) == "function":
        return ""
    page = landmark(document.landmarks, start).page if document.medium == "pdf" else None
    return f"/original/{document.id}" + (f"#page={page}" if page else "")


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0
