"""Notes that say the like, put together by the encoder: a suggestion, which a person names, merges or splits."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from groundwork.core.ports import Embedder
from groundwork.core.review import Note
from groundwork.core.text import STOPWORDS, shorten, stem, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

ALIKE = 0.25
"""Mean cosine between two groups above which they become one: short notes lie far apart, so that little likeness already means something."""
MOST = 500
_CHARACTERS = 400
"""Of a note that is embedded: the encoder reads no more than about 250 word pieces."""


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Notes that say the like. `suggestion` names them by the words they share; `typical` is the one nearest to their middle."""

    number: int
    suggestion: str
    typical: str
    items: tuple[str, ...]
    notes: tuple[str, ...]


async def group_notes(notes: Sequence[Note], embedder: Embedder, *, alike: float = ALIKE) -> tuple[Group, ...]:
    """Group the notes that name no mode yet, the largest group first; at most the first 500 of them."""
    waiting = [note for note in notes if note.text and not note.modes][:MOST]
    if not waiting:
        return ()
    vectors = await embedder.embed([shorten(note.text, _CHARACTERS) for note in waiting])
    groups = sorted(cluster(vectors, alike), key=lambda places: (-len(places), places[0]))
    said = [[word for word in words(note.text) if word not in STOPWORDS] for note in waiting]
    stems = [Counter({stem(word) for word in row}) for row in said]
    everywhere = sum(stems, Counter[str]())
    # A stem is named by the form in which it is said most often.
    forms = {stem(word): word for word, _ in reversed(Counter(word for row in said for word in row).most_common())}
    return tuple(_group(number, places, waiting, vectors, stems, everywhere, forms) for number, places in enumerate(groups, start=1))


def cluster(vectors: "Vectors", alike: float) -> list[list[int]]:
    """Places of vectors of length 1, grouped from the bottom up by mean cosine (average linkage), until no two groups are alike enough.

    Source: R. R. Sokal and C. D. Michener, University of Kansas Science Bulletin 38 (1958), 1409-1438.
    """
    import numpy as np

    n = len(vectors)
    sums = (vectors @ vectors.T).astype(np.float64)
    sizes = np.ones(n)
    members = [[place] for place in range(n)]
    np.fill_diagonal(sums, -np.inf)
    while n > 1:
        means = sums / np.outer(sizes, sizes)
        first, second = np.unravel_index(int(means.argmax()), means.shape)
        if means[first, second] < alike:
            break
        low, high = sorted((int(first), int(second)))
        sums[low] += sums[high]
        sums[:, low] = sums[low]
        sums[low, low] = -np.inf
        sizes[low] += sizes[high]
        members[low] += members[high]
        sums[high] = sums[:, high] = -np.inf
        members[high] = []
        n -= 1
    return [sorted(places) for places in members if places]


def _group(
    number: int,
    places: Sequence[int],
    notes: Sequence[Note],
    vectors: "Vectors",
    stems: Sequence[Counter[str]],
    everywhere: Counter[str],
    forms: Mapping[str, str],
) -> Group:
    middle = vectors[list(places)].mean(axis=0)
    nearest = max(places, key=lambda place: float(vectors[place] @ middle))
    shared = sum((stems[place] for place in places), Counter[str]())
    # A word tells a group where most of its notes have it and others do not.
    best = sorted(shared, key=lambda word: (-shared[word] * shared[word] / everywhere[word], word))
    named = [forms[word] for word in best if forms[word].isascii() and forms[word].isalpha()][:2]
    return Group(
        number=number,
        suggestion="-".join(named) or f"group-{number}",
        typical=notes[nearest].text,
        items=tuple(notes[place].item for place in places),
        notes=tuple(notes[place].text for place in places),
    )
