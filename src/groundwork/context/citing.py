"""From the `[n]` of an answer to a verbatim quote: which sentence of the n-th hit supports the claim before the marker.

The quote is found by shared words; it shows where to look and proves nothing. Whether it supports the claim is a rail's or a scorer's question.
"""

import re
from collections.abc import Sequence

from groundwork.core.document import Citation, Hit
from groundwork.core.text import content_words, sentences

_MARKER = re.compile(r"\[(\d{1,3}(?:\s*[,;]\s*\d{1,3})*)\]")
_CODE = re.compile(r"```.*?(?:```|\Z)|`[^`\n]+`", re.DOTALL)
_ITEM = re.compile(r"\s*(?:[-*•+]|\d{1,3}[.)])\s+")
_CLAIM = 1_500
"""Characters before a marker in which its claim is looked for."""


def resolve(text: str, hits: Sequence[Hit]) -> tuple[Citation, ...]:
    """The citations of an answer, in the order of its markers. Hits are numbered from 1; a number without a hit is passed over, and so is
    what stands in code. The same quote is given once.
    """
    citations: dict[tuple[int, int, int], Citation] = {}
    prose = _CODE.sub(lambda match: " " * len(match.group()), text)
    for marker in _MARKER.finditer(prose):
        claim = _claim(text[max(0, marker.start() - _CLAIM) : marker.start()])
        for number in dict.fromkeys(int(part) for part in re.split(r"[,;]", marker.group(1))):
            if 1 <= number <= len(hits):
                hit = hits[number - 1]
                start, end = best_sentence(hit.text, claim)
                citations.setdefault((number, start, end), cite(hit, number, start, end))
    return tuple(citations.values())


def cite(hit: Hit, number: int, start: int, end: int) -> Citation:
    """A citation of `hit.text[start:end]`. Its own offsets are those of the document's canonical text. Raises ValueError for an empty span,
    or one outside the chunk.
    """
    chunk = hit.chunk
    if not 0 <= start < end <= len(chunk.text):
        raise ValueError(f"no span {start}:{end} in a chunk of {len(chunk.text)} characters")
    place = chunk.place(start)
    return Citation(
        number=number,
        document=chunk.document,
        chunk=chunk.id,
        source=chunk.source,
        title=chunk.title,
        start=chunk.start + start,
        end=chunk.start + end,
        quote=chunk.text[start:end],
        line=place.line,
        page=place.page,
        element=place.element,
    )


def best_sentence(text: str, claim: str) -> tuple[int, int]:
    """The span of the sentence that shares most words with a claim; of equals the shorter, then the earlier. A list item's mark is left out."""
    wanted = set(content_words(claim))

    def fit(span: tuple[int, int]) -> tuple[int, int]:
        have = set(content_words(text[span[0] : span[1]]))
        return len(wanted & have), -len(have)

    spans = sentences(text) or [(0, len(text))]
    start, end = max(spans, key=fit) if wanted else spans[0]
    mark = _ITEM.match(text, start, end)
    return (mark.end(), end) if mark and mark.end() < end else (start, end)


def _claim(before: str) -> str:
    """The last sentence before a marker, without the markers in it."""
    before = _MARKER.sub("", before).rstrip()
    spans = sentences(before)
    return before[spans[-1][0] : spans[-1][1]] if spans else ""
