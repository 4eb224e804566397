"""Which intent a message has, or none that the router knows: the embedding, a linear head on it, and a threshold on its energy.

The head reads the embedding and, weighing half of it, runs of words and letters: names and figures of speech that an embedding blurs. A
message whose energy (logsumexp of the logits) lies below the head's threshold is out of scope.
Not covered: what was said before (a follow-up such as "and tomorrow?" is out of scope by itself), and several intents in one message.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from groundwork.core.errors import InputError
from groundwork.core.ports import Embedder
from groundwork.engine.encoder import Vectors
from groundwork.engine.heads import Head, Reads, energy

TASK = "intents"
OUT_OF_SCOPE = "out_of_scope"
"""The label of examples that belong to no intent."""
ENERGY = "energy"
"""The threshold's name in the manifest."""
SHARE = 0.5
"""What runs of words and letters weigh beside the embedding. Chosen by cross-validation on CLINC150's training part, as all of this."""

_PART = 800
"""Characters of a long message that are embedded at once: about 200 word pieces of English."""
_SHORT = 80
"""Characters that always fit the encoder's window, whatever the script: no character has more than three pieces."""
_READ = 3_200
"""Characters of a message that are read: the first and the last half of them. Intents stand at the start or at the end of a message."""


class Intent(NamedTuple):
    """What a message was taken for."""

    label: str
    """The likeliest intent, also where the message is out of scope."""
    probability: float
    """Of that intent among all intents, calibrated."""
    energy: float
    in_scope: bool
    read: int
    """Characters that were read."""


class IntentRouter:
    """Classifies messages with a head; the embedder computes, whatever thread that is in."""

    def __init__(self, head: Head, embedder: Embedder) -> None:
        if ENERGY not in head.manifest.thresholds or head.manifest.task != TASK:
            raise InputError(f"`{head.manifest.name}` is no router of intents", fix="name one that `groundwork tune router` made")
        self.head = head
        self._embedder = embedder
        self._threshold = head.manifest.thresholds[ENERGY]

    @property
    def fingerprint(self) -> str:
        return self.head.fingerprint

    async def classify(self, message: str) -> Intent:
        """The message's intent. Raises as the embedder does."""
        text = shortened(message)
        try:
            vectors = await self._embedder.embed(parts(text, _PART))
        except InputError:  # a script of many pieces a character
            vectors = await self._embedder.embed(parts(text, _SHORT))
        logits = self.head.logits(pooled(vectors), [text])
        best = int(logits[0].argmax())
        score = float(energy(logits)[0])
        probability = float(self.head.probabilities(logits)[0, best])
        return Intent(self.head.labels[best], probability, score, score >= self._threshold, len(text))


def reads(dimensions: int) -> Reads:
    """What a router of intents reads."""
    return Reads(dimensions=dimensions, share=SHARE)


def pooled(vectors: Vectors) -> Vectors:
    """One vector of length 1 for the parts of a text, [1, dimensions]."""
    mean = vectors.mean(axis=0, keepdims=True)
    return mean / np.maximum(np.linalg.norm(mean, axis=1, keepdims=True), np.float32(1e-9))


def shortened(message: str) -> str:
    """The message, or the start and the end of a very long one."""
    return message if len(message) <= _READ else f"{message[: _READ // 2]} {message[-(_READ // 2) :]}"


def parts(text: str, most: int) -> Sequence[str]:
    """The text in parts of at most `most` characters, cut at blanks where there are any."""
    if len(text) <= most:
        return [text]
    found = [match.group() for match in re.finditer(rf"\S.{{0,{most - 1}}}(?!\S)|\S.{{0,{most - 1}}}", text, re.DOTALL)]
    return found or [text[:most]]
