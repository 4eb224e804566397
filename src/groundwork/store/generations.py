"""The generation of an index: a hash of what it holds, kept up to date at the same cost however large it is.

Each document has a share, a hash; the generation hashes the sum of all shares and how the index was made. So it is the same for the same
content, whatever its history and wherever it stands.
"""

import hashlib
from collections.abc import Iterable

from groundwork.core.document import Chunk
from groundwork.core.ids import canonical, content_id
from groundwork.store.labels import Labels

_SHARES = 1 << 256


def share(record: bytes, chunks: Iterable[str], labels: Labels) -> str:
    """A document's share. Chunks count as a set: a kept one keeps its place in the table where the text moves."""
    digest = hashlib.sha256(record)
    for identifier in sorted(chunks):
        digest.update(identifier.encode())
    if labels.values or labels.rules:
        digest.update(canonical([labels.values, labels.rules]))
    return digest.hexdigest()


def moved(total: str, old: str, new: str) -> str:
    """The sum of all shares after one was replaced; an empty one is none."""
    return f"{(int(total or '0', 16) - int(old or '0', 16) + int(new or '0', 16)) % _SHARES:x}"


def generation(total: str, made_with: str) -> str:
    """The generation of an index that holds anything."""
    return content_id("ix", total, made_with)


def content_of(chunk: Chunk) -> str:
    """What a chunk says, hashed: a text that is in the index already needs no second vector."""
    return content_id("tx", chunk.lead, chunk.text)
