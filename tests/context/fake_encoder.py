"""A small encoder that is right by construction: words are cut into pieces of four characters, and a vector counts hashed words."""

import hashlib
import re
from collections.abc import Sequence

import numpy as np

from groundwork.core.errors import InputError

DIMENSIONS = 48


class FakeEncoder:
    together = 1

    def __init__(self, fingerprint: str = "fake-1") -> None:
        self.fingerprint = fingerprint
        self.dimensions = DIMENSIONS
        self.window = 256
        self.texts: list[str] = []

    def count(self, text: str) -> int:
        return len(self.pieces(text))

    def pieces(self, text: str) -> list[tuple[int, int]]:
        spans = [match.span() for match in re.finditer(r"\w+|[^\w\s]", text)]
        return [(at, min(at + 4, end)) for start, end in spans for at in range(start, end, 4)]

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        for text in texts:
            assert self.count(text) + 2 <= self.window, "a text was longer than the window"
        self.texts.extend(texts)
        return np.stack([self._vector(text) for text in texts])

    def close(self) -> None:
        pass

    async def embed(self, texts: Sequence[str]) -> np.ndarray:
        if any(self.count(text) + 2 > self.window for text in texts):
            raise InputError("a text is longer than the window", fix="cut it")
        return self.encode(texts)

    def _vector(self, text: str) -> np.ndarray:
        vector = np.full(self.dimensions, 0.01, dtype=np.float32)
        for word in re.findall(r"\w+", text.lower()):
            vector[hashlib.sha256(word.encode()).digest()[0] % self.dimensions] += 1
        return vector / np.linalg.norm(vector)
