"""Markdown by its own grammar (CommonMark and tables): inline markup is removed, code is kept, every block remembers its line.

HTML inside Markdown gives its text only. Front matter gives the title and the document's fields (see `front_matter.py`).
"""

import re

from markdown_it import MarkdownIt
from markdown_it.token import Token
from selectolax.lexbor import LexborHTMLParser

from groundwork.context.readers.canonical import Canonical, image_text
from groundwork.context.readers.front_matter import split_front_matter
from groundwork.core.document import Document

_BREAK = re.compile(r"<br\b[^>]*>", re.IGNORECASE)
_HEADING = re.compile(r"h([1-6])")

# Deeper nesting of quotes and lists than anybody writes would end in Python's recursion limit.
_PARSER = MarkdownIt("commonmark", {"maxNesting": 40}).enable(["table", "strikethrough"])


def read_markdown(text: str, source: str) -> Document:
    """Read Markdown. Raises InputError where no text remains."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    metadata, text = split_front_matter(text)
    canonical = Canonical()
    _Blocks(canonical).walk(_PARSER.parse(text))
    title = str(metadata.pop("title", ""))
    return canonical.document(source, title=title, medium="markdown", metadata=metadata)


class _Blocks:
    """Writes a stream of block tokens: which list, item and table row we are in, and which line we are at."""

    def __init__(self, canonical: Canonical) -> None:
        self._canonical = canonical
        self._line: int | None = None
        self._level: int | None = None
        self._lists: list[int | None] = []
        """The next number of each open list; None where it is not numbered."""
        self._marker = ""
        self._in_list = False
        """Whether the last block stood in a list: then the next item is its next line."""
        self._row: list[str] | None = None
        self._rows = 0

    def walk(self, tokens: list[Token]) -> None:
        for token in tokens:
            if token.map and token.nesting >= 0:
                self._line = token.map[0] + 1
            kind = token.type
            if kind == "inline":
                self._text(inline_text(token.children or []))
            elif kind in {"fence", "code_block"}:
                self._block(token.content)
            elif kind == "html_block":
                self._block(html_text(token.content))
            elif kind in {"heading_open", "heading_close"}:
                self._level = int(token.tag[1]) if token.nesting > 0 and _HEADING.fullmatch(token.tag) else None
            elif kind in {"tr_open", "tr_close", "table_open"}:
                self._table(kind)
            else:
                self._list(token)

    def _list(self, token: Token) -> None:
        if token.type == "bullet_list_open":
            self._lists.append(None)
        elif token.type == "ordered_list_open":
            self._lists.append(int(token.attrs.get("start", 1)))
        elif token.type in {"bullet_list_close", "ordered_list_close"}:
            self._lists.pop()
        elif token.type == "list_item_open":
            number = self._lists[-1]
            self._marker = "- " if number is None else f"{number}. "
            self._lists[-1] = None if number is None else number + 1

    def _table(self, kind: str) -> None:
        if kind == "table_open":
            self._rows = 0
        elif kind == "tr_open":
            self._row = []
        elif self._row is not None:
            self._canonical.add(" | ".join(self._row), tight=self._rows > 0, row=True, line=self._line)
            self._row, self._in_list = None, False
            self._rows += 1

    def _text(self, text: str) -> None:
        if self._row is not None:
            self._row.append(" ".join(text.split()))
        else:
            self._block(text)

    def _block(self, text: str) -> None:
        if not text.strip():
            return
        tight = bool(self._marker) and self._in_list
        self._canonical.add(self._marker + text.strip("\n"), tight=tight, level=self._level, line=self._line)
        self._marker, self._in_list = "", bool(self._lists)


def inline_text(tokens: list[Token]) -> str:
    """The text of inline tokens: markup gone, code and the text of links kept, images as what stands for them, soft breaks as spaces."""
    text = ""
    for token in tokens:
        if token.type in {"text", "code_inline", "text_special"}:
            text += token.content
        elif token.type == "image":
            text += image_text(inline_text(token.children or []), str(token.attrs.get("title", "")))
        elif token.type == "softbreak":
            text += " "
        elif token.type == "hardbreak" or (token.type == "html_inline" and _BREAK.match(token.content)):
            text += "\n"
    return "\n".join(line.strip() for line in text.split("\n"))


def html_text(html: str) -> str:
    """The text of a piece of HTML, one line for each block that it had lines for."""
    body = LexborHTMLParser(_BREAK.sub("\n", html)).body
    if body is None:
        return ""
    for node in body.css("script, style"):
        node.decompose()
    lines = (" ".join(line.split()) for line in body.text(deep=True).split("\n"))
    return "\n".join(line for line in lines if line)
