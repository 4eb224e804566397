"""A text as the parts that a detector reads one by one: sentences, short ones joined, long ones cut. A whole text drowns what one part says.

A part has at most 240 characters, so at most 240 word pieces: it always fits the encoder, whatever the language.
"""

from groundwork.core.text import sentences

MOST = 240
"""Characters of a part."""


def parts(text: str, *, least: int) -> list[tuple[int, int]]:
    """Spans (start, end) of the parts in code points, in order; between two of them there are only blanks.

    Sentences are joined until a part has `least` characters; the last one may be shorter. A sentence above `MOST` is cut at a blank near its
    end, or in the middle of a word where it has none. A text of blanks has no part.
    """
    found: list[tuple[int, int]] = []
    for start, end in sentences(text):
        if found and found[-1][1] - found[-1][0] < least and end - found[-1][0] <= MOST:
            found[-1] = (found[-1][0], end)
        else:
            found.extend(_cut(text, start, end))
    return found


def _cut(text: str, start: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    while end - start > MOST:
        blank = max(text.rfind(" ", start + MOST // 2, start + MOST), text.rfind("\n", start + MOST // 2, start + MOST))
        stop = start + MOST if blank < 0 else blank
        found.append((start, start + len(text[start:stop].rstrip())))
        start = stop + len(text[stop:end]) - len(text[stop:end].lstrip())
    if end > start:
        found.append((start, end))
    return found
