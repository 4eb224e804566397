"""Search small, give large: a hit as the passage that it is a part of (its parent), or with the chunks around it in its section.

The passage keeps the hit's id and score; its text is verbatim `document.text[start:end]`, so citations into it hold. A hit that
stands in a passage that was given already is part of it, and the next best takes its place; no passage grows into one that was given before.
"""

from collections.abc import Iterable, Mapping

import msgspec

from groundwork.context.chunking import inside, landmark
from groundwork.context.ranking.fusion import Ranked
from groundwork.core.document import Chunk, Document
from groundwork.store.index_port import Snapshot


def widened(
    snapshot: Snapshot, ranking: Iterable[Ranked], chunks: Mapping[int, Chunk], around: int, keep: int
) -> tuple[list[Ranked], dict[int, Chunk], dict[int, int]]:
    """The best of a ranking, each as its parent, or where it has none with what stands around it up to `around` characters: the hits, the
    passage of each, and for chunks that are part of another hit's passage that hit.
    """
    documents: dict[str, Document] = {}
    hits: list[Ranked] = []
    passages: dict[int, Chunk] = {}
    parts: dict[int, int] = {}
    for one in ranking:
        if len(hits) == keep:
            break
        chunk = chunks[one.number]
        given = {number: passage for number, passage in passages.items() if passage.document == chunk.document}
        host = next((number for number, passage in given.items() if passage.start <= chunk.start and chunk.end <= passage.end), None)
        if host is not None:
            parts[one.number] = host
            continue
        start, end = chunk.parent or _span(chunk, list(snapshot.chunks_of(chunk.source).values()), list(given.values()), around)
        if chunk.document not in documents:
            documents[chunk.document] = snapshot.document(chunk.document)
        document = documents[chunk.document]
        place = landmark(document.landmarks, start)
        passages[one.number] = msgspec.structs.replace(
            chunk,
            start=start,
            end=end,
            text=document.text[start:end],
            line=place.line,
            page=place.page,
            element=place.element,
            landmarks=inside(document.landmarks, start, end),
        )
        hits.append(one)
    return hits, passages, parts


def _span(chunk: Chunk, siblings: list[Chunk], given: list[Chunk], around: int) -> tuple[int, int]:
    """From where to where: whole neighbours of the same section, before and after in turn, as long as they fit and nobody has them yet."""
    place = next(at for at, one in enumerate(siblings) if one.id == chunk.id)
    left, right = place, place
    start, end = chunk.start, chunk.end
    open_left = open_right = True
    while open_left or open_right:
        for step in (-1, 1):
            at = left - 1 if step < 0 else right + 1
            if not (open_left if step < 0 else open_right):
                continue
            one = siblings[at] if 0 <= at < len(siblings) else None
            wide = (min(start, one.start), max(end, one.end)) if one is not None and one.headings == chunk.headings else None
            if wide is None or wide[1] - wide[0] > around or any(wide[0] < other.end and other.start < wide[1] for other in given):
                open_left, open_right = (False, open_right) if step < 0 else (open_left, False)
                continue
            start, end = wide
            left, right = (at, right) if step < 0 else (left, at)
    return start, end
