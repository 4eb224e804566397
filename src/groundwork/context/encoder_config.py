"""`[context] encoder`: who turns texts into vectors. Left out, the embedded encoder does.

encoder = { url = "https://api.openai.com/v1", model = "text-embedding-3-small", key = "env:OPENAI_API_KEY", window = 8191 }
encoder = { sentence_transformers = "models/bge-small" }
"""

from typing import Literal
from urllib.parse import urlsplit

from groundwork.core.config import Section
from groundwork.core.units import Duration, Secret

WINDOW = 254
"""Word pieces of prefix and text that the embedded encoder reads at most: its 256 less the two special ones."""
MARGIN = 0.8
"""Of a service's window, so much is filled: its tokens are estimated by the embedded encoder's."""


class EncoderSection(Section, frozen=True, kw_only=True):
    """Another encoder than the embedded one: a service that speaks OpenAI's embeddings (`url` and `model`), or a model of
    sentence-transformers on this machine (a folder, or a name that its cache holds).
    """

    url: str = ""
    """Of the service, ending in `/v1`: `/embeddings` is added."""
    model: str = ""
    key: Secret | None = None
    sentence_transformers: str = ""
    dimensions: int | None = None
    """Asked of the service, which cuts its vectors to that; left out: as the model makes them."""
    window: int = 512
    """Tokens that the service reads of a text. A model on this machine knows its own."""
    batch: int = 64
    """Texts in one call, at most."""
    format: Literal["float", "base64"] = "float"
    """What the service is asked for; either is understood."""
    timeout: Duration = Duration(60.0, "60s")
    """Of one call while indexing; a question waits 10 seconds at most."""
    query_prefix: str = ""
    document_prefix: str = ""
    """What the model wants before a question and before a text, as in `query: ` and `passage: `."""

    def __post_init__(self) -> None:
        if bool(self.url) == bool(self.sentence_transformers):
            raise ValueError("an encoder is either a `url` with a `model`, or `sentence_transformers`")
        if self.url:
            self._check_service()
        elif self.model or self.key or self.dimensions is not None:
            raise ValueError("`model`, `key` and `dimensions` belong to a `url`")
        if not 1 <= self.batch <= 2_048:
            raise ValueError(f"batch = {self.batch} is not between 1 and 2048")
        if not self.timeout.seconds:
            raise ValueError("timeout is no time at all")

    def _check_service(self) -> None:
        if not self.model:
            raise ValueError("a `url` needs the `model` that is asked for there")
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("`url` is no URL: start it with http:// or https://")
        if parts.username or parts.password or parts.query or parts.fragment:
            raise ValueError("`url` holds more than an address: a secret is named by `key`")
        if self.dimensions is not None and not 1 <= self.dimensions <= 16_384:
            raise ValueError(f"dimensions = {self.dimensions} is not between 1 and 16384")
        if not 64 <= self.window <= 1_000_000:
            raise ValueError(f"window = {self.window} is not between 64 and 1000000")

    @property
    def room(self) -> int | None:
        """Tokens that a chunk may have; None where only the loaded model knows."""
        return int(self.window * MARGIN) if self.url else None
