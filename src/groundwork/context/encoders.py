"""Who embeds: what `[context] encoder` names, as indexing needs it (it counts, cuts and embeds in the calling thread) and as search does.

A service's tokens are not known here. They are estimated by the embedded encoder's pieces, more where those say little (a long run that is
one unknown word to us, letters beyond ASCII), and no more than `MARGIN` of the service's window is filled.
"""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol
from urllib.parse import urlsplit

from groundwork.context.encoder_config import EncoderSection
from groundwork.context.packing import SPECIAL, Measure
from groundwork.core.config import reveal
from groundwork.core.errors import ConfigError
from groundwork.core.ids import content_id
from groundwork.core.loop_thread import LoopThread
from groundwork.core.ports import Embedder
from groundwork.engine.thread import SHARED
from groundwork.gateway.providers.embeddings import SIDE_BY_SIDE, Embeddings
from groundwork.gateway.transport import Transport
from groundwork.prompts.counting import token_spans

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from groundwork.engine.sentence_transformer import SentenceEncoder

    Vectors = NDArray[np.float32]

Named = EncoderSection | Literal["embedded"]

_SURE = 20
"""Characters of a piece that is a piece to others too; what is longer is a word that our encoder does not know."""
_QUESTION_SECONDS, _QUESTION_ATTEMPTS = 10.0, 2


class ChunkEncoder(Measure, Protocol):
    """The encoder as indexing needs it: it counts, cuts and embeds, in the calling thread."""

    @property
    def fingerprint(self) -> str: ...

    @property
    def window(self) -> int:
        """Tokens of a text, the two special ones included."""
        ...

    @property
    def together(self) -> int:
        """Texts that are worth waiting for before any is embedded: a service is asked for many at once."""
        ...

    def encode(self, texts: Sequence[str], /) -> "Vectors": ...

    def close(self) -> None: ...


class Estimate:
    """Counts tokens of an encoder whose tokenizer is not known."""

    def count(self, text: str) -> int:
        return len(self.pieces(text))

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each token may stand; several share a character where one is worth more than a token."""
        found: list[tuple[int, int]] = []
        for start, end in token_spans(text):
            piece = text[start:end]
            tokens = 1 if piece.isascii() and len(piece) <= _SURE else (len(piece.encode(errors="replace")) + 1) // 2
            step = (end - start) / tokens
            cuts = [start + int(place * step) for place in range(tokens)] + [end]
            found += [(left, max(left + 1, right)) for left, right in pairwise(cuts)]
        return found


class ServiceEncoder(Estimate):
    """An embeddings service for indexing, asked from a loop in a thread of its own."""

    def __init__(self, section: EncoderSection, key: str | None) -> None:
        self.fingerprint = fingerprint(section)
        self.together = section.batch * SIDE_BY_SIDE
        self._prefix = section.document_prefix
        self.window = (section.room or 0) + SPECIAL - self.count(self._prefix)
        self._transport = Transport()
        self._service = _service(section, key, self._transport, seconds=section.timeout.seconds)
        self._thread = LoopThread("groundwork-embed")

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """The texts' vectors. Raises as `Embeddings.embed` does, and Overloaded once it is closed."""
        return self._thread.run(self._service.embed([self._prefix + text for text in texts]))

    def close(self) -> None:
        """Break off what runs and let go of the connections."""
        self._thread.close(last=self._transport.close())


class ServiceEmbedder:
    """The same service for questions."""

    def __init__(self, section: EncoderSection, key: str | None, transport: Transport) -> None:
        self.fingerprint = fingerprint(section)
        self.dimensions = section.dimensions or 0
        self._prefix = section.query_prefix
        seconds = min(section.timeout.seconds, _QUESTION_SECONDS)
        self._service = _service(section, key, transport, seconds=seconds, attempts=_QUESTION_ATTEMPTS)

    async def embed(self, texts: Sequence[str], /) -> "Vectors":
        """The questions' vectors; they say the `dimensions` where nobody has asked for any. Raises as `Embeddings.embed` does."""
        vectors = await self._service.embed([self._prefix + text for text in texts])
        self.dimensions = int(vectors.shape[1])
        return vectors


class SentenceEmbedder:
    """A model of sentence-transformers for questions, in the thread of the embedded models."""

    def __init__(self, encoder: "SentenceEncoder") -> None:
        self.fingerprint = encoder.fingerprint
        self.dimensions = encoder.dimensions
        self._encoder = encoder
        self._thread = SHARED.lease()

    async def embed(self, texts: Sequence[str], /) -> "Vectors":
        return await self._thread.run(self._encoder.embed_queries, list(texts))

    async def close(self) -> None:
        await self._thread.close()


def chunk_encoder(named: Named, root: Path, where: str = "", *, workers: int = 1) -> ChunkEncoder:
    """The encoder that a section names (at `where`), for indexing. Close it. Raises ConfigError for an unset key or a model that is not there."""
    if named == "embedded":
        from groundwork.engine.encoder import Encoder

        return Encoder(workers=workers)
    return ServiceEncoder(named, _key(named, where)) if named.url else sentence_encoder(named, root)


def query_embedder(section: EncoderSection, root: Path, transport: Transport, where: str = "") -> Embedder:
    """The same for questions, where it is not the embedded one. Raises as `chunk_encoder` does."""
    if section.url:
        return ServiceEmbedder(section, _key(section, where), transport)
    return SentenceEmbedder(sentence_encoder(section, root))


def check_window(named: Named, tokens: int, encoder: ChunkEncoder) -> None:
    """Raises ConfigError where chunks of so many tokens do not fit into what the loaded encoder reads."""
    most = encoder.window - SPECIAL
    if named != "embedded" and tokens > most:
        raise ConfigError(f"`chunk.tokens` is {tokens}, and the encoder reads at most {most}", fix=f"set `chunk.tokens` to {most} or less")


def sentence_encoder(section: EncoderSection, root: Path) -> "SentenceEncoder":
    from groundwork.engine.sentence_transformer import SentenceEncoder

    return SentenceEncoder(
        section.sentence_transformers,
        root,
        query_prefix=section.query_prefix,
        document_prefix=section.document_prefix,
        batch=section.batch,
    )


def fingerprint(section: EncoderSection) -> str:
    """Names what makes a service's vectors comparable: where it is, the model, the dimensions asked for, what is put before texts."""
    host = urlsplit(section.url).netloc.lower()
    told = content_id("", host, section.model, str(section.dimensions), section.query_prefix, section.document_prefix)
    return f"{section.model}@{host}{told[:17]}"


def _key(section: EncoderSection, where: str) -> str | None:
    return reveal(section.key, where) if section.key else None


def _service(section: EncoderSection, key: str | None, transport: Transport, *, seconds: float, attempts: int = 6) -> Embeddings:
    return Embeddings(
        base_url=section.url,
        model=section.model,
        transport=transport,
        key=key,
        dimensions=section.dimensions,
        batch=section.batch,
        format=section.format,
        seconds=seconds,
        attempts=attempts,
    )
