"""Any server that speaks OpenAI's embeddings: texts to unit vectors in their order, or an error that says what was wrong with the answer.

Batches go out side by side and are asked again where that can help. What comes back is believed only where it is whole: as many vectors as
texts, each at its index, of one length, finite and not zero. Not covered: cutting a text that is too long; it is refused by its place.
"""

import asyncio
import base64
import binascii
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from groundwork.core.errors import InputError, UpstreamError
from groundwork.core.whole import together
from groundwork.gateway.failure import stream_failure
from groundwork.gateway.transport import Transport

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

SIDE_BY_SIDE = 4
"""Calls under way at once."""
_MOST_CHARACTERS = 200_000
"""In one call: services bound the tokens of a call beside those of a text."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 60.0
"""Seconds between two attempts; a service that wants a longer pause is not waited for."""
_SHOWN = 120
_TOO_LONG = re.compile(
    r"too (?:long|large)|context.?length|input length|(?:maximum|max|less than|more than|exceed\w*)\b.{0,40}\btokens", re.IGNORECASE
)


class TooLong(InputError):
    """A text that the service does not take: `place` is its number in the list, from 0."""

    def __init__(self, what: str, *, fix: str, place: int) -> None:
        super().__init__(what, fix=fix)
        self.place = place


class _Item(msgspec.Struct):
    embedding: list[float] | str
    index: int | None = None


class _Answer(msgspec.Struct):
    data: list[_Item] | None = None
    error: Any = None


_decoder = msgspec.json.Decoder(_Answer)


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """One model of one service. `dimensions` is asked for where it is given; `seconds` bound one call, `attempts` how often it is made."""

    base_url: str
    model: str
    transport: Transport
    key: str | None = None
    dimensions: int | None = None
    batch: int = 64
    format: Literal["float", "base64"] = "float"
    seconds: float = 60.0
    attempts: int = 6

    @property
    def url(self) -> str:
        return f"{self.base_url.rstrip('/')}/embeddings"

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """The texts' vectors, float32 [len(texts), dimensions], in order, each of length 1.

        Raises TooLong for the first text that the service finds too long, UpstreamError where it fails, or answers with what is not one
        vector for each text.
        """
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions or 0), np.float32)
        room = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(start: int, some: Sequence[str]) -> "Vectors":
            async with room:
                return await self._batch(start, some)

        parts = await together([one(start, some) for start, some in batches(texts, self.batch)])
        self._check_lengths({part.shape[1] for part in parts})
        return np.concatenate(parts)

    async def _batch(self, start: int, texts: Sequence[str]) -> "Vectors":
        """One call; where a text of several is too long, the halves are asked apart, so that it is known which."""
        import numpy as np

        try:
            return await self._patiently(texts)
        except UpstreamError as error:
            if not _is_too_long(error):
                raise
            if len(texts) == 1:
                what = f"text {start + 1} ({len(texts[0])} characters) is too long for {self.model}"
                raise TooLong(what, fix="lower `chunk.tokens`, or say the encoder's `window`", place=start) from error
        middle = len(texts) // 2
        first = await self._batch(start, texts[:middle])
        parts = [first, await self._batch(start + middle, texts[middle:])]
        self._check_lengths({part.shape[1] for part in parts})
        return np.concatenate(parts)

    async def _patiently(self, texts: Sequence[str]) -> "Vectors":
        """Ask until there is an answer or no hope, with pauses that double, or as long as the service says."""
        for attempt in range(1, self.attempts + 1):
            try:
                return await self._ask(texts)
            except UpstreamError as error:
                pause = error.retry_after
                if pause is None:
                    pause = _FIRST_PAUSE * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311  not a secret: it spreads callers
                if attempt == self.attempts or not error.retryable or _is_too_long(error) or pause > _LONGEST_PAUSE:
                    raise
            await asyncio.sleep(pause)
        raise UpstreamError(f"{self.url} was not asked", cause="invalid", fix="allow one attempt")

    async def _ask(self, texts: Sequence[str]) -> "Vectors":
        body: dict[str, Any] = {"model": self.model, "input": [_sendable(text) for text in texts], "encoding_format": self.format}
        if self.dimensions is not None:
            body["dimensions"] = self.dimensions
        headers = {"content-type": "application/json", "accept": "application/json"}
        if self.key:
            headers["authorization"] = f"Bearer {self.key}"
        try:
            async with asyncio.timeout(self.seconds):
                data = await self.transport.post(self.url, msgspec.json.encode(body), headers)
        except TimeoutError:
            raise UpstreamError(
                f"{self.url} did not answer within {self.seconds:g} s",
                cause="timeout",
                fix="raise the encoder's `timeout`, or lower its `batch`",
            ) from None
        except UpstreamError as error:
            if self.key and self.key in error.what:  # some services repeat what they were sent
                error.what = error.what.replace(self.key, "[key]")
                error.args = (error.what,)
            raise
        return self._read(data, len(texts))

    def _read(self, data: bytes, count: int) -> "Vectors":
        """The vectors of an answer, checked. Raises UpstreamError."""
        import numpy as np

        try:
            answer = _decoder.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._wrong(f"with what is no list of embeddings: {data[:_SHOWN].decode(errors='replace')}") from None
        if answer.error:
            raise stream_failure(answer.error)
        items = answer.data or []
        if len(items) != count:
            raise self._wrong(f"with {len(items)} vectors for {count} texts")
        rows = [self._row(item.embedding) for item in self._ordered(items)]
        self._check_lengths({len(row) for row in rows})
        vectors = np.stack(rows)
        norms = np.linalg.norm(vectors.astype(np.float64), axis=1)
        bad = np.flatnonzero(~np.isfinite(norms) | (norms < 1e-12))
        if len(bad):
            said = "a vector of zeros" if np.isfinite(norms[bad[0]]) else "numbers that are none (NaN or infinite)"
            raise self._wrong(f"with {said} for text {bad[0] + 1} of {count}")
        return (vectors / norms[:, None]).astype(np.float32)

    def _ordered(self, items: list[_Item]) -> list[_Item]:
        """The items by their index; as they came where none has one."""
        if all(item.index is None for item in items):
            return items
        places = {item.index: item for item in items}
        if places.keys() != set(range(len(items))):
            raise self._wrong("with indexes that do not name each text once")
        return [places[place] for place in range(len(items))]

    def _row(self, embedding: list[float] | str) -> "Vectors":
        import numpy as np

        if not isinstance(embedding, str):
            return np.asarray(embedding, dtype=np.float32)
        try:
            return np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4").astype(np.float32)
        except (binascii.Error, ValueError):
            raise self._wrong("with base64 that holds no 32-bit numbers") from None

    def _check_lengths(self, lengths: set[int]) -> None:
        wanted = {self.dimensions} if self.dimensions is not None else lengths
        if len(lengths) > 1 or lengths != wanted or 0 in lengths:
            said = " and ".join(map(str, sorted(lengths)))
            asked = f" where {self.dimensions} were asked for" if self.dimensions is not None else ""
            raise self._wrong(f"with vectors of {said} numbers{asked}")

    def _wrong(self, how: str) -> UpstreamError:
        return UpstreamError(f"{self.url} answered {how}", cause="invalid", fix="check the encoder's `url`, `model` and `dimensions`")


def batches(texts: Sequence[str], most: int) -> Iterator[tuple[int, Sequence[str]]]:
    """Runs of texts for one call each, with the place of their first."""
    start = size = 0
    for place, text in enumerate(texts):
        if place > start and (place - start == most or size + len(text) > _MOST_CHARACTERS):
            yield start, texts[start:place]
            start, size = place, 0
        size += len(text)
    yield start, texts[start:]


def _sendable(text: str) -> str:
    return text.encode(errors="replace").decode()  # a lone surrogate is no text on any wire


def _is_too_long(error: UpstreamError) -> bool:
    if error.upstream_status not in {400, 413, 422, 500}:
        return False
    return error.cause == "context" or error.upstream_status == 413 or bool(_TOO_LONG.search(error.what))
