"""Reading answers by hand: the sample that is read, the notes taken on it, and the failure modes that they come to."""

import msgspec


class Drawn(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a review's sample: a trace, or a case of a run (with the trace of its answer, where there is one)."""

    item: str
    stratum: str
    probability: float
    """With which it was drawn from its stratum; what is estimated for all traffic weighs by it."""
    trace: str = ""


class Review(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sample to read, in the order in which it is read. It never changes; notes on it are kept beside it."""

    id: str
    made: float
    source: str
    """`traces`, or the id of a run."""
    by: str
    """How it was drawn: `random`, `failures`, or the facet that its strata are values of."""
    seed: int
    strata: dict[str, int]
    """How many items each stratum holds in all, read or not."""
    items: tuple[Drawn, ...]


class Note(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a reader says of one item. No text and no mode: it was read and is in order. A later note on an item replaces an earlier one."""

    review: str
    item: str
    at: float
    text: str = ""
    modes: tuple[str, ...] = ()
    """The failure modes that it shows, by name."""
    reader: str = ""

    @property
    def is_failure(self) -> bool:
        return bool(self.text or self.modes)
