"""From hits to what a prompt holds: no text twice, within a budget of tokens, the best at both ends.

Hits of one document that overlap or touch become one passage, verbatim `document.text[start:end]`, at the place of the better one; citations into
it hold. What does not fit the budget is left out by rank and named in the trace; a first hit that is larger than the whole budget is cut.
Numbers follow the rank; `at_ends` only changes where a prompt shows a passage. Source of the order: N. F. Liu et al., Lost in the middle
(TACL 12, 2024).
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from groundwork.context.chunking import embedded_text
from groundwork.core.document import Chunk, Found, Hit, Landmark
from groundwork.observe.recorder import span

Count = Callable[[str], int]
Cut = Callable[[str, int], str]
_AROUND = 8
"""Tokens of what a prompt writes around a passage: its number, a line's end."""
_LEAST = 32
"""Tokens of a passage that are worth giving."""


@dataclass(frozen=True, slots=True)
class Room:
    """What passages may take in a prompt for one model: tokens (None: as many as they are), whether the best stand at both ends, and whether
    passages that overlap become one.
    """

    tokens: int | None = None
    at_ends: bool = False
    merges: bool = True


@dataclass(frozen=True, slots=True)
class Assembling:
    """Fits hits into a room. `count` gives the tokens of a text, `cut` its beginning of at most so many."""

    count: Count
    cut: Cut

    async def assemble(self, found: Found, room: Room) -> Found:
        """What is given to a prompt. Texts are counted in a thread, and only where they may not fit."""
        hits = merged(found.hits) if room.merges else list(found.hits)
        tight = room.tokens is not None and sum(len(embedded_text(hit.chunk)) + _AROUND for hit in hits) > room.tokens
        if tight or len(hits) < len(found.hits):
            with span("assemble context") as attributes:
                attributes["groundwork.context.merged"] = len(found.hits) - len(hits)
                left_out: list[Hit] = []
                if tight and room.tokens is not None:
                    attributes["groundwork.context.room"] = room.tokens
                    hits, left_out = await asyncio.to_thread(self._fitted, hits, room.tokens)
                attributes["groundwork.context.left_out"] = [hit.chunk.id for hit in left_out]
        return msgspec.structs.replace(found, hits=tuple(hits), at_ends=room.at_ends)

    def _fitted(self, hits: Sequence[Hit], tokens: int) -> tuple[list[Hit], list[Hit]]:
        """Hits that fit, best first, and those that do not. A smaller one takes the room that a larger one before it could not use."""
        kept: list[Hit] = []
        left_out: list[Hit] = []
        left = tokens
        for hit in hits:
            size = self.count(embedded_text(hit.chunk)) + _AROUND
            if size > left and not kept and hit is hits[0]:
                hit, size = self._cut_to(hit, left), left  # noqa: PLW2901  what is left of it
            if size <= left and hit.text:
                kept.append(hit)
                left -= size
            else:
                left_out.append(hit)
        return kept, left_out

    def _cut_to(self, hit: Hit, tokens: int) -> Hit:
        room = max(_LEAST, tokens - self.count(hit.chunk.prefix) - _AROUND)
        text = self.cut(hit.text, room)
        return msgspec.structs.replace(hit, chunk=_between(hit.chunk, hit.chunk.start, hit.chunk.start + len(text), text))


def merged(hits: Sequence[Hit]) -> list[Hit]:
    """The hits, best first, with those of one document that overlap or touch as one."""
    found: list[Hit] = []
    for hit in hits:
        one = hit
        for other in [other for other in found if _meet(other.chunk, one.chunk)]:
            place = found.index(other)
            del found[place]
            one = _joined(other, one)
            found.insert(place, one)
            for later in [later for later in found[place + 1 :] if _meet(later.chunk, one.chunk)]:
                found.remove(later)
                one = found[place] = _joined(one, later)
            break
        else:
            found.append(one)
    return found


def _meet(one: Chunk, other: Chunk) -> bool:
    """Whether they share text or touch; never where the texts do not agree (a masked one)."""
    first, second = (one, other) if one.start <= other.start else (other, one)
    if one.document != other.document or second.start > first.end:
        return False
    shared = min(first.end, second.end) - second.start
    at = second.start - first.start
    return first.text[at : at + shared] == second.text[:shared]


def _joined(better: Hit, other: Hit) -> Hit:
    """One hit from two that meet. It keeps the better one's id, title and score; what either is known for stays known."""
    first, second = sorted((better.chunk, other.chunk), key=lambda chunk: (chunk.start, -chunk.end))
    end = max(first.end, second.end)
    text = first.text + second.text[first.end - second.start :] if second.end > first.end else first.text
    marks = {mark.start: mark for mark in (*second.landmarks, *first.landmarks)}
    if second.start > first.start:
        marks.setdefault(second.start, Landmark(start=second.start, line=second.line, page=second.page, element=second.element))
    chunk = msgspec.structs.replace(
        better.chunk,
        start=first.start,
        end=end,
        text=text,
        line=first.line,
        page=first.page,
        element=first.element,
        landmarks=tuple(marks[start] for start in sorted(marks)),
    )
    return msgspec.structs.replace(
        better,
        chunk=chunk,
        ranks={**other.ranks, **better.ranks},
        similarity=_higher(better.similarity, other.similarity),
        rerank=_higher(better.rerank, other.rerank),
    )


def _between(chunk: Chunk, start: int, end: int, text: str) -> Chunk:
    marks = tuple(mark for mark in chunk.landmarks if mark.start < end)
    return msgspec.structs.replace(chunk, start=start, end=end, text=text, landmarks=marks)


def _higher(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else max(one, other)
