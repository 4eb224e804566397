"""Texts by their n-grams: which runs of n words (or characters) of some texts also stand in others, however large those are.

Words are compared without case, width and punctuation; characters without those and without spaces, so that a reflowed copy is found too.
Not covered: paraphrases and translations. They share meaning and no n-grams.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Literal, NamedTuple

from groundwork.core.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Hashes = NDArray[np.uint64]
    Places = NDArray[np.int64]

Unit = Literal["words", "characters"]
LENGTHS: dict[Unit, int] = {"words": 13, "characters": 50}
"""Customary n. Source: T. Brown et al., Language Models are Few-Shot Learners (2020), appendix C (13 words); OpenAI, GPT-4 Technical
Report (2023), appendix C (50 characters)."""
SHORTEST: dict[Unit, int] = {"words": 5, "characters": 20}
"""A text shorter than n is looked for as a whole, down to this length; below it, what is found is chance."""

_WORD = re.compile(r"[^\W_]+")
_BASE = 0x9E3779B97F4A7C15  # odd, so that multiplying by it modulo 2^64 loses nothing


def tokens(text: str, unit: Unit = "words") -> "Hashes":
    """The words of a text, or its letters and digits, as 64-bit hashes that hold within one process."""
    import numpy as np

    if unit == "characters":
        folded = [_folded(text[place]) for start, end in spans(text) for place in range(start, end)]
    elif text.isascii():
        folded = _WORD.findall(text.lower())
    else:
        folded = [_folded(word) for word in _WORD.findall(text)]
    return np.fromiter(map(hash, folded), dtype=np.int64, count=len(folded)).view(np.uint64)


def spans(text: str, unit: Unit = "words") -> list[tuple[int, int]]:
    """Where each token of a text starts and ends."""
    found = [match.span() for match in _WORD.finditer(text)]
    return found if unit == "words" else [(place, place + 1) for start, end in found for place in range(start, end)]


def ngrams(hashes: "Hashes", n: int) -> "Hashes":
    """The hash of each run of n tokens, in order: a polynomial modulo 2^64. Empty where there are fewer than n."""
    import numpy as np

    count = len(hashes) - n + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    sums = np.zeros(count, dtype=np.uint64)
    for place in range(n):
        sums = sums * np.uint64(_BASE) + hashes[place : place + count]
    return sums


class Seen(NamedTuple):
    """How much of a text was seen elsewhere: `covered` of its `tokens` stand in a shared n-gram, the first of which was at `place` of `source`."""

    tokens: int
    covered: int
    source: str
    place: int
    start: int
    """Where the first shared n-gram begins in the text, and where it ends."""
    end: int

    @property
    def share(self) -> float:
        return self.covered / self.tokens if self.tokens else 0.0


class Watch:
    """Texts whose n-grams are looked for in other texts that pass by, one piece at a time.

    Memory goes with the texts watched (about 40 bytes an n-gram), never with what is read. `too_short` holds the places of texts below the
    shortest length: they are not looked for.
    """

    def __init__(self, texts: Sequence[str], *, n: int | None = None, unit: Unit = "words") -> None:
        import numpy as np

        self.n = LENGTHS[unit] if n is None else n
        self.unit: Unit = unit
        if self.n < 2:
            raise InputError(f"n-grams of {self.n} say nothing", fix=f"choose n from {SHORTEST[unit]}; customary is {LENGTHS[unit]}")
        self._texts = list(texts)
        hashed = [tokens(text, unit) for text in texts]
        shortest = min(SHORTEST[unit], self.n)
        self.too_short = tuple(place for place, hashes in enumerate(hashed) if len(hashes) < shortest)
        self._counts = [len(hashes) for hashes in hashed]
        lengths = [min(self.n, count) for count in self._counts]
        self._grams = [ngrams(hashes, length) for hashes, length in zip(hashed, lengths, strict=True)]
        self._lengths = lengths
        self._wanted = {
            length: np.unique(np.concatenate([grams for grams, own in zip(self._grams, lengths, strict=True) if own == length]))
            for length in sorted(set(lengths))
            if length >= shortest
        }
        self._sources: dict[str, int] = {}
        self._where = {length: np.full((len(grams), 2), -1, dtype=np.int64) for length, grams in self._wanted.items()}

    def read(self, text: str, source: str, place: int | None = None, *, offset: int = 0) -> int:
        """Let a text pass by; the number of its tokens. What is found is noted at `place` (a line), else at the offset in the whole text."""
        import numpy as np

        passing = tokens(text, self.unit)
        starts: list[int] = []
        number = self._sources.setdefault(source, len(self._sources))
        for length, wanted in self._wanted.items():
            grams = ngrams(passing, length)
            at = np.minimum(np.searchsorted(wanted, grams), len(wanted) - 1)
            hits = np.flatnonzero(wanted[at] == grams)
            where = self._where[length]
            new = hits[where[at[hits], 0] < 0].tolist()
            if new and place is None and not starts:
                starts = [start for start, _ in spans(text, self.unit)]
            for hit in reversed(new):  # of one n-gram that stands there twice, the first place is kept
                where[at[hit]] = number, offset + starts[hit] if place is None else place
        return len(passing)

    def seen(self) -> list[Seen]:
        """What was seen of each text so far, in the order they were given."""
        names = list(self._sources)
        return [self._seen(place, names) for place in range(len(self._texts))]

    def _seen(self, place: int, names: Sequence[str]) -> Seen:
        import numpy as np

        count, length, grams = self._counts[place], self._lengths[place], self._grams[place]
        if length not in self._wanted:
            return Seen(count, 0, "", 0, 0, 0)
        where = self._where[length][np.searchsorted(self._wanted[length], grams)]
        found = np.flatnonzero(where[:, 0] >= 0)
        if not len(found):
            return Seen(count, 0, "", 0, 0, 0)
        covered = np.zeros(count + 1, dtype=np.int64)
        np.add.at(covered, found, 1)
        np.add.at(covered, found + length, -1)
        first = int(found[0])
        source, at = int(where[first, 0]), int(where[first, 1])
        own = spans(self._texts[place], self.unit)
        return Seen(
            tokens=count,
            covered=int(np.count_nonzero(np.cumsum(covered)[:-1])),
            source=names[source],
            place=at,
            start=own[first][0],
            end=own[first + length - 1][1],
        )


def shared(text: str, others: Iterable[str], *, n: int | None = None, unit: Unit = "words") -> float:
    """The share of a text's tokens that stand in an n-gram of one of the others."""
    watch = Watch([text], n=n, unit=unit)
    for other in others:
        watch.read(other, "")
    return watch.seen()[0].share


def _folded(word: str) -> str:
    return word.casefold() if word.isascii() else unicodedata.normalize("NFKC", word).casefold()
