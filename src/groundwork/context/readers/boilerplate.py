"""What surrounds a page's text, by its tags, roles and classes: menus, tables of contents, scripts, forms.

A class name alone is not enough (a restaurant's menu is its text): the element must consist of links for the most part. A class that says
in so many words that it is not to be searched is believed.
"""

import re

from selectolax.lexbor import LexborNode

# `del`, `s` and `strike` mark what no longer holds: quoting it would be wrong.
_NEVER_TEXT = frozenset(
    """applet area audio base button canvas colgroup datalist del dialog embed frame frameset head iframe input link map meta noscript
    object option s script select source strike style svg template textarea track video""".split()  # noqa: SIM905
)
_ROLES = frozenset({"navigation", "search", "menu", "menubar", "banner"})
_NOT_SEARCHED = frozenset({"nosearch", "no-search", "noindex", "no-index"})
_NAVIGATION = frozenset(
    """breadcrumb breadcrumbs menu menubar nav navbar navigation pagination pager sidebar site-header site-footer skip-link submenu toc
    toctree tableofcontents table-of-contents headerlink""".split()  # noqa: SIM905
)
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_STAMP = re.compile(r"\s*(?:this )?page (?:was )?last (?:modified|updated|changed) (?:on|at)\b.{0,60}", re.IGNORECASE | re.DOTALL)


class Boilerplate:
    """Says of an element whether it is the page's surroundings. `source` is the page's own name, to know links into itself.

    `keep_navigation` leaves out only what is never text.
    """

    def __init__(self, source: str, *, keep_navigation: bool = False) -> None:
        self._keep_navigation = keep_navigation
        self._page = source.rsplit("/", 1)[-1]

    def holds(self, node: LexborNode) -> bool:
        """Whether the element, with everything in it, is to be left out."""
        tag = node.tag
        if tag in _NEVER_TEXT:
            return True
        if self._keep_navigation or tag in {"body", "main", "article", "h1", "h"}:  # some pages hide an `h` that only search engines read
            return False
        if tag == "nav":
            return True
        attributes = node.attributes
        if "hidden" in attributes or attributes.get("aria-hidden") == "true" or _HIDDEN.search(attributes.get("style") or ""):
            return True
        if attributes.get("role") in _ROLES:
            return True
        names = {*(attributes.get("class") or "").lower().split(), (attributes.get("id") or "").lower()}
        if names & _NOT_SEARCHED:
            return True
        if names & _NAVIGATION or tag in {"header", "footer"}:
            return _link_share(node) > 0.5 or (tag == "footer" and node.parent is not None and node.parent.tag == "body")
        if tag in {"ul", "ol"}:
            return self._is_contents(node)
        return tag == "p" and _labels_control(node)

    def _is_contents(self, node: LexborNode) -> bool:
        """A list of three or more links into its own page, and nothing else, is a table of contents."""
        links = node.css("a[href]")
        inside = [link for link in links if self._leads_here(link.attributes.get("href") or "")]
        return len(inside) >= 3 and len(inside) == len(links) and _link_share(node) > 0.95

    def _leads_here(self, href: str) -> bool:
        return href.startswith(("#", f"{self._page}#"))


def _labels_control(node: LexborNode) -> bool:
    """A stamp of the last change, or the label of a button, which is not there in a text."""
    text = node.text(deep=True).strip()
    return _STAMP.fullmatch(text) is not None or (len(text) < 60 and node.css_first("button") is not None)


def _link_share(node: LexborNode) -> float:
    """The share of an element's characters that stand in links."""
    whole = _length(node.text(deep=True))
    return sum(_length(link.text(deep=True)) for link in node.css("a[href]")) / whole if whole else 1.0


def _length(text: str) -> int:
    return len("".join(text.split()))
