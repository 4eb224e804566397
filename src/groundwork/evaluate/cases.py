"""The cases of a suite, read from their file as they are asked for: what stays in memory of a case is some twenty bytes.

One pass checks every line as strictly as ever, and notes where each begins. A case is known by its place in the file, from 0.
"""

import hashlib
import io
from array import array
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import BinaryIO, overload

import msgspec

from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.ids import canonical
from groundwork.core.measure import Example, Turn
from groundwork.core.message import Message, say
from groundwork.core.reply import Reply
from groundwork.datasets.examples import format_examples, parse_example

_MARK = b"\xef\xbb\xbf"
_BUCKETS = 256

_encoder = msgspec.json.Encoder(enc_hook=str)
_decoder = msgspec.json.Decoder(Example)


class _Lines:
    """What is noted of each line: where it starts, a hash of its id, the number of its split, how many turns follow its first."""

    def __init__(self) -> None:
        self.starts = array("Q")
        self.ids = array("q")
        self.splits = array("I")
        """Empty while all cases are of one split."""
        self.turns = array("H")
        """Empty while nothing is a conversation."""
        self.names: list[str] = []
        self._numbers: dict[str, int] = {}
        self._says = hashlib.sha256()
        self._asks = 0

    def add(self, start: int, example: Example) -> None:
        number = self._numbers.get(example.split)
        if number is None:
            number = self._numbers[example.split] = len(self.names)
            self.names.append(example.split)
        before = len(self.starts)
        self.starts.append(start)
        self.ids.append(hash(example.id))
        if self.splits or number:
            self.splits = self.splits or array("I", bytes(4 * before))
            self.splits.append(number)
        if self.turns or example.turns:
            self.turns = self.turns or array("H", bytes(2 * before))
            self.turns.append(len(example.turns))
        self._says.update(canonical(example) + b"\n")
        asked: tuple[object, ...] = (
            example.id,
            example.question,
            example.history,
            example.variables,
            [turn.question for turn in example.turns],
        )
        asked += (example.asker, example.where) if example.asker or example.where else ()  # so that hashes of older runs stay
        self._asks += int.from_bytes(hashlib.blake2b(_encoder.encode(asked), digest_size=16).digest(), "big")  # in whatever order

    @property
    def sha256(self) -> str:
        return self._says.hexdigest()

    @property
    def questions_sha256(self) -> str:
        return hashlib.sha256(str(self._asks).encode()).hexdigest()

    def has_double(self) -> bool:
        """Whether two ids have the same hash. Sorted into buckets first: a set of a million numbers would take 70 MB."""
        buckets = [array("q") for _ in range(_BUCKETS)]
        for one in self.ids:
            buckets[one % _BUCKETS].append(one)
        return any(len(set(bucket)) < len(bucket) for bucket in buckets)


class Cases(Sequence[Example]):
    """The cases of a file, or some of them. Iterating reads the file from the start; an index reads one line."""

    def __init__(self, source: Path | bytes, lines: _Lines, places: Sequence[int] | None = None) -> None:
        """Not called directly: see `read_cases` and `cases_of`."""
        self._source = source
        self._lines = lines
        self.places: Sequence[int] = range(len(lines.starts)) if places is None else places
        """Where in the file each of them stands, from 0."""

    @property
    def sha256(self) -> str:
        """Of what all cases of the file say, whatever the order of keys or the spacing."""
        return self._lines.sha256

    @property
    def questions_sha256(self) -> str:
        """Of what all cases of the file ask, in whatever order and without what is expected: where it is the same, answers may be scored again."""
        return self._lines.questions_sha256

    @property
    def total(self) -> int:
        """How many cases the file holds."""
        return len(self._lines.starts)

    @property
    def splits(self) -> tuple[str, ...]:
        """The names of the splits, as they first come."""
        return tuple(self._lines.names)

    def split(self, name: str, where: str = "") -> "Cases":
        """The cases of a split; all of them for an empty name. Raises ConfigError for a split that no case is in."""
        if not name:
            return self
        if name not in self._lines.names:
            raise unknown("split", name, (one for one in self._lines.names if one), where)
        if not self._lines.splits:
            return self
        number = self._lines.names.index(name)
        return Cases(self._source, self._lines, array("I", (place for place in self.places if self._lines.splits[place] == number)))

    def turns(self, place: int) -> int:
        """How many turns follow the first question of the case at `place`."""
        return self._lines.turns[place] if self._lines.turns else 0

    def is_at(self, identifier: str, place: int) -> bool:
        """Whether the case at `place` has this id."""
        return place < self.total and self._lines.ids[place] == hash(identifier)

    def place_of(self, identifier: str) -> int | None:
        """Where the case with this id stands; None where there is none."""
        try:
            return self._lines.ids.index(hash(identifier))
        except ValueError:
            return None

    @contextmanager
    def reading(self) -> Generator[Callable[[int], Example]]:
        """A function from a place in the file to its case; the file stays open meanwhile. It raises InputError where the file was changed."""
        with closing(self._open()) as file:
            yield lambda place: self._read(file, place)

    def __iter__(self) -> Iterator[Example]:
        with self.reading() as read:
            for place in self.places:
                yield read(place)

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> Example: ...
    @overload
    def __getitem__(self, index: slice) -> "Cases": ...
    def __getitem__(self, index: int | slice) -> "Example | Cases":
        if isinstance(index, slice):
            return Cases(self._source, self._lines, self.places[index])
        with self.reading() as read:
            return read(self.places[index])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Cases) and self.sha256 == other.sha256 and [*self.places] == [*other.places]

    __hash__ = None  # pyright: ignore[reportAssignmentType]  like other sequences that compare by what they hold

    def _open(self) -> BinaryIO:
        try:
            return io.BytesIO(self._source) if isinstance(self._source, bytes) else self._source.open("rb")
        except OSError as error:
            raise InputError(f"{self._source} cannot be read any more: {error.strerror}", fix="put it back, and start again") from None

    def _read(self, file: BinaryIO, place: int) -> Example:
        file.seek(self._lines.starts[place])
        try:
            example = _decoder.decode(file.readline())
        except (msgspec.DecodeError, UnicodeDecodeError):
            example = None
        if example is None or hash(example.id) != self._lines.ids[place]:
            raise InputError(f"{self._source} was changed while it was in use", fix="start again, and leave it as it is meanwhile")
        return example


def read_cases(source: Path | bytes, shown: str) -> Cases:
    """Check every line of a file of cases; blank lines are skipped.

    Raises ConfigError with `shown:line` for what is no sound example, for a doubled id, and where there is no case; OSError where the file
    cannot be read.
    """
    lines = _Lines()
    with closing(io.BytesIO(source) if isinstance(source, bytes) else source.open("rb")) as file:
        for number, start, line in _numbered(file):
            lines.add(start, parse_example(line, f"{shown}:{number}"))
    if not lines.starts:
        raise ConfigError("there is no case in it", where=shown, fix='write one JSON object a line: {"id": …, "question": …, "facts": […]}')
    cases = Cases(source, lines)
    if lines.has_double():
        _refuse_doubles(cases, shown)
    return cases


def cases_of(examples: Iterable[Example]) -> Cases:
    """Cases from memory. Raises ConfigError as `read_cases` does."""
    return read_cases(format_examples(examples), "cases")


def turns_of(example: Example, replies: Sequence[Reply]) -> Example | None:
    """The turn that follows after these replies, as an example of its own with the real answers in its history; None after the last."""
    if not example.turns:
        return None if replies else example
    if not replies:
        return msgspec.structs.replace(example, turns=())
    if len(replies) > len(example.turns):
        return None
    asked = (example.question, *(turn.question for turn in example.turns))
    history: list[Message] = [*example.history]
    for question, reply in zip(asked, replies, strict=False):
        history += (say("user", question), reply.message)
    turn: Turn = example.turns[len(replies) - 1]
    return msgspec.structs.replace(
        example,
        question=turn.question,
        history=tuple(history),
        facts=turn.facts,
        reference=turn.reference,
        answerable=turn.answerable,
        expected=turn.expected,
        turns=(),
    )


def _numbered(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Each line that holds something, with its number from 1 and the offset where it starts."""
    start = 0
    for number, line in enumerate(file, start=1):
        mark = len(_MARK) if number == 1 and line.startswith(_MARK) else 0
        if line[mark:].strip():
            yield number, start + mark, line[mark:]
        start += len(line)


def _refuse_doubles(cases: Cases, shown: str) -> None:
    """Name the lines of the first id that comes twice. Two ids with one hash are told apart here; that costs memory, and is rare."""
    with closing(cases._open()) as file:
        seen: dict[str, int] = {}
        for number, _, line in _numbered(file):
            identifier = _decoder.decode(line).id
            if identifier in seen:
                where = f"{shown}:{number}"
                raise ConfigError(
                    f"the id `{identifier}` stands in line {seen[identifier]} already", where=where, fix="give each case an id of its own"
                )
            seen[identifier] = number
