"""The alternative texts of a PDF page's pictures, from the structure that tagged files carry for screen readers."""

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pypdfium2 import PdfPage

_MOST = 20_000
"""Elements of a page's structure that are looked at; a broken one may lead in a circle."""
_LONGEST = 4_000


def alternative_texts(page: "PdfPage") -> list[str]:
    """What stands for the page's pictures, in the order of the structure. Nothing where the file is not tagged."""
    from pypdfium2 import raw

    tree = raw.FPDF_StructTree_GetForPage(page)
    if not tree:
        return []
    found: list[str] = []
    try:
        open_elements = _inner(tree, raw.FPDF_StructTree_CountChildren, raw.FPDF_StructTree_GetChildAtIndex)
        for _ in range(_MOST):
            if not open_elements:
                break
            element = open_elements.pop()
            text = _text(element, raw.FPDF_StructElement_GetAltText)
            if text and _text(element, raw.FPDF_StructElement_GetType) not in {"Formula", "Link"}:
                found.append(text)
            open_elements.extend(_inner(element, raw.FPDF_StructElement_CountChildren, raw.FPDF_StructElement_GetChildAtIndex))
    finally:
        raw.FPDF_StructTree_Close(tree)
    return found


def _inner(element: Any, count: Any, get: Any) -> list[Any]:
    """The elements inside one, last first."""
    inner = (get(element, place) for place in reversed(range(max(0, min(count(element), _MOST)))))
    return [one for one in inner if one]


def _text(element: Any, get: Any) -> str:
    length = get(element, None, 0)
    if not 2 < length <= _LONGEST:
        return ""
    buffer = ctypes.create_string_buffer(length)
    get(element, buffer, length)
    return buffer.raw[: length - 2].decode("utf-16-le", "replace")
