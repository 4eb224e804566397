"""Which cases of a run are answered: one byte for each case and repeat, whatever their number."""

from collections.abc import Iterator, Sequence

from groundwork.core.errors import InputError
from groundwork.evaluate.cases import Cases
from groundwork.evaluate.journal import Head

_OPEN, _DONE, _BROKEN = 0, 1, 2


class Tally:
    """Counts what is done, and knows what is left."""

    def __init__(self, cases: Cases, repeats: int) -> None:
        """`cases` are all those of the file, whatever split is run."""
        self._cases = cases
        self._repeats = repeats
        self._total = cases.total
        self._marks = bytearray(self._total * repeats)
        self.done = 0
        """Cases, each repeat counted, that came to an answer."""
        self.errors = 0
        """Those that ended in an error."""
        self.is_plain = True
        """Whether each case has the lines of one attempt only, and all of them know their place."""

    def note(self, head: Head) -> bool:
        """Take up a line of the journal; whether it ends its case. Raises InputError for a line of another suite."""
        place: int | None = head.place
        if not self._cases.is_at(head.example, head.place):
            place, self.is_plain = self._cases.place_of(head.example), False
        if place is None or head.repeat >= self._repeats:
            raise InputError(f"the run has results for cases that the suite does not hold: {head.example}", fix="start a new run")
        broken = head.status == "error"
        if not broken and head.turn < self._cases.turns(place):
            return False
        self.mark(place, head.repeat, broken=broken)
        return True

    def mark(self, place: int, repeat: int, *, broken: bool) -> None:
        """A case has come to its end."""
        at = repeat * self._total + place
        before, now = self._marks[at], _BROKEN if broken else _DONE
        self.done += (now == _DONE) - (before == _DONE)
        self.errors += (now == _BROKEN) - (before == _BROKEN)
        self._marks[at] = now
        self.is_plain = self.is_plain and before == _OPEN

    def left(self, places: Sequence[int], *, with_errors: bool) -> Iterator[tuple[int, int]]:
        """Place and repeat of what is to be asked still: every case once before any is asked again."""
        for repeat in range(self._repeats):
            first = repeat * self._total
            for place in places:
                mark = self._marks[first + place]
                if mark == _OPEN or (with_errors and mark == _BROKEN):
                    yield place, repeat
