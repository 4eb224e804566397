"""HTML pages as canonical text: blocks as paragraphs, list items and table rows as lines, `pre` with its line breaks.

What surrounds a page (menus, tables of contents, scripts, forms) is left out where it can be recognised. Every block remembers the nearest
`id` or anchor name above it. A paragraph that is bold throughout counts as a heading below all others: many pages are written so.
An image gives its alternative text and title, in brackets. Not covered: text in images and SVG, and whatever a script would add.
"""

import re

from selectolax.lexbor import LexborHTMLParser, LexborNode

from groundwork.context.readers.boilerplate import Boilerplate
from groundwork.context.readers.canonical import Canonical, image_text
from groundwork.core.document import Document
from groundwork.core.errors import InputError

_BLOCKS = frozenset(
    """address article aside blockquote body caption center dd details dir div dl dt fieldset figcaption figure footer form h h1 h2 h3 h4 h5
    h6 header hgroup hr html legend li main menu ol p pre section summary table tbody td tfoot th thead tr ul""".split()  # noqa: SIM905
)
_HEADINGS = {"h1": 1, "h2": 2, "h3": 3, "h4": 4, "h5": 5, "h6": 6, "h": 3}  # `h` is XHTML 2's heading
_BOLD = {"b", "strong"}
_BOLD_LEVEL = 7
_BOLD_LONGEST = 150
_INVISIBLE = dict.fromkeys(map(ord, "\u00ad\u200b\u200c\u200d\u2060\ufeff"))
_LAYOUT = "td table, td pre, td ul, td ol, td dl, td h1, td h2, td h3, td h4"

# The parser's time grows with the square of the depth: 20,000 open elements take half a second, 200,000 a minute and a half.
_DEEPEST = 5_000
_TAG = re.compile(r"<(/?)(?!(?:p|li|dt|dd|tr|td|th|tbody|thead|tfoot|option|br|hr|img|input|meta|link|col|area|wbr|path|a)\b)[a-zA-Z]")


def read_html(text: str, source: str) -> Document:
    """Read a page. Raises InputError where no text remains, or where elements are nested beyond reason."""
    if _depth(text) > _DEEPEST:
        raise InputError(f"{source} nests more than {_DEEPEST:,} elements", fix="repair its unclosed tags, or leave it out of `sources`")
    tree = LexborHTMLParser(text)
    title = tree.css_first("head > title")
    name = " ".join(title.text(deep=True).translate(_INVISIBLE).split()) if title else ""
    canonical = Canonical()
    if tree.body is not None:
        _Page(canonical, Boilerplate(source)).walk(tree.body)
        if canonical.empty:  # all of it looked like a menu: then the menu is the page
            _Page(canonical, Boilerplate(source, keep_navigation=True)).walk(tree.body)
    return canonical.document(source, title=name, medium="html")


def _depth(text: str) -> int:
    depth = deepest = 0
    for match in _TAG.finditer(text):
        depth = max(0, depth - 1) if match.group(1) else depth + 1
        deepest = max(deepest, depth)
    return deepest


class _Page:
    """One walk over a page. Inline text gathers until a block begins or ends; then it is written."""

    def __init__(self, canonical: Canonical, boilerplate: Boilerplate) -> None:
        self._canonical = canonical
        self._boilerplate = boilerplate
        self._inline: list[str] = []
        self._anchor: str | None = None
        self._begun: str | None = None
        """The anchor above the first character of the block."""
        self._pre = 0
        self._bold = 0
        self._heading: int | None = None
        self._paragraph = False
        self._plain = False
        """Whether the block holds text that is not bold."""
        self._lists: list[int | None] = []
        self._marker = ""
        self._in_list = False
        self._tables: list[bool] = []
        """For each open table, whether its rows are written as lines (else it only lays out the page)."""
        self._row: list[str] | None = None
        self._rows = 0

    def walk(self, body: LexborNode) -> None:
        """Visit every node in order, without recursion: pages nest deeper than Python's stack."""
        open_nodes: list[LexborNode] = []
        node: LexborNode | None = body
        while node is not None or open_nodes:
            if node is None:
                node = open_nodes.pop()
                self._leave(node.tag or "")
                node = node.next if open_nodes else None
            elif self._enter(node):
                open_nodes.append(node)
                node = node.child
            else:
                node = node.next if open_nodes else None
        self._flush()

    def _enter(self, node: LexborNode) -> bool:
        if node.is_text_node:
            self._text(node.text_content or "")
            return False
        tag = node.tag
        if tag is None or not node.is_element_node or self._boilerplate.holds(node):
            return False
        if tag in _BLOCKS:
            self._flush()
        attributes = node.attributes
        self._anchor = attributes.get("id") or (attributes.get("name") if tag == "a" else None) or self._anchor
        if tag in _HEADINGS:
            self._heading = _HEADINGS[tag]
        elif tag in {"ul", "ol", "dir", "menu"}:
            self._lists.append(_number(attributes.get("start"), 1) if tag == "ol" else None)
        elif tag == "li":
            self._item(attributes.get("value"))
        elif tag in {"table", "tr", "td", "th"}:
            self._enter_table(node, tag)
        elif tag == "br":
            self._inline.append("\n")
        elif tag == "img" and attributes.get("role") not in {"presentation", "none"}:
            self._text(image_text(attributes.get("alt") or "", attributes.get("title") or ""))
        elif tag == "sup" and self._inline and self._inline[-1][-1:].isdigit() and node.text(deep=True)[:1].isdigit():
            self._inline.append("^")  # 2 to the 31st is not 231
        self._paragraph = tag == "p" if tag in _BLOCKS else self._paragraph
        self._pre += tag == "pre"
        self._bold += tag in _BOLD
        return True

    def _leave(self, tag: str) -> None:
        if tag in _HEADINGS and self._inline:
            self._begun = self._anchor  # an anchor inside a heading is the heading's
        if tag in _BLOCKS:
            self._flush()
        if tag in _HEADINGS:
            self._heading = None
        elif tag in {"ul", "ol", "dir", "menu"} and self._lists:
            self._lists.pop()
        elif tag in {"table", "tr", "td", "th"}:
            self._leave_table(tag)
        self._pre -= tag == "pre"
        self._bold -= tag in _BOLD

    def _text(self, text: str) -> None:
        text = text.translate(_INVISIBLE)
        if text.strip():
            if not any(part.strip() for part in self._inline):
                self._begun = self._anchor
            self._plain = self._plain or not self._bold
        self._inline.append(text if self._pre else re.sub(r"\s+", " ", text))

    def _item(self, value: str | None) -> None:
        number = self._lists[-1] if self._lists else None
        if number is not None:
            number = _number(value, number)
            self._lists[-1] = number + 1
        self._marker = "- " if number is None else f"{number}. "

    def _enter_table(self, node: LexborNode, tag: str) -> None:
        if tag == "table":
            self._tables.append(self._row is None and node.css_first(_LAYOUT) is None)
            self._rows = 0
        elif tag == "tr" and self._tables and self._tables[-1]:
            self._row = []
        elif self._row is not None:
            self._inline.clear()

    def _leave_table(self, tag: str) -> None:
        if tag == "table":
            self._tables.pop()
        elif self._row is None:
            return
        elif tag == "tr":
            if any(self._row):
                self._canonical.add(" | ".join(self._row), tight=self._rows > 0, row=True, element=self._begun or self._anchor)
                self._rows += 1
            self._row, self._in_list = None, False
        else:
            self._row.append(" ".join("".join(self._inline).split()))
            self._inline.clear()

    def _flush(self) -> None:
        """Write the block that has gathered. Inside a table's cell, blocks are only spaces."""
        if self._row is not None:
            self._inline.append(" ")
            return
        text = "".join(self._inline)
        if not self._pre:
            text = "\n".join(" ".join(line.split()) for line in text.split("\n")).strip()
        level = self._heading
        if level is None and self._paragraph and not self._plain and _is_heading(text):
            level = _BOLD_LEVEL
        if text.strip():
            if level is not None:
                text, self._marker = " ".join(text.split()), ""
            tight = bool(self._marker) and self._in_list
            self._canonical.add(self._marker + text.strip("\n"), tight=tight, level=level, element=self._begun)
            self._marker, self._in_list = "", bool(self._lists)
        self._inline.clear()
        self._plain = self._paragraph = False


def _is_heading(text: str) -> bool:
    return 0 < len(text) <= _BOLD_LONGEST and "\n" not in text and text[-1] not in ".:;,"


def _number(value: str | None, otherwise: int) -> int:
    """An attribute's number, as browsers take it."""
    text = (value or "").strip()
    return int(text) if re.fullmatch(r"-?\d{1,6}", text) else otherwise
