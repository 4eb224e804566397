"""What `benchmarks.index` indexes: passages of real text with the encoder's vectors, and synthetic ones where those end.

Passages are some sentences, 200 to 250 characters, each beginning one sentence after the one before (as chunks overlap), from every
text of the data folder's `reader`, `retrieval`, `evaluation` and `routing` sets; equal ones once. Vectors are computed once and kept in a file
named by the texts' hash. A synthetic vector is a real one of another passage, moved: v + noise of length `MOVED`, made unit length again, with
that passage's text and a word of its own. The longer the noise, the lonelier each vector and the harder the approximate search; `MOVED` gives
a moved vector about the cosine to its origin that a passage has to its nearest neighbour.
"""

import gzip
import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from groundwork.engine.encoder import Encoder

Vectors = npt.NDArray[np.float32]

SETS = ("reader", "retrieval", "evaluation", "routing")
SHORTEST = 200
LONGEST = 250
"""Characters of a passage: it fits the encoder's window whatever it says."""
MOVED = 0.75
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_STEP = 2_000


def strings(value: Any) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list):
        for one in value:
            yield from strings(one)


def texts(data: Path) -> Iterator[str]:
    """Every distinct text of the sets, in the order of the files."""
    seen = set[str]()
    for path in sorted(path for name in SETS for path in (data / name).rglob("*") if path.is_file() and path.name != "LICENSE"):
        if path.name.endswith(".jsonl.gz"):
            with gzip.open(path, "rt", encoding="utf-8") as lines:
                found = [text for line in lines if line.strip() for text in strings(json.loads(line))]
        elif path.suffix == ".csv":
            continue
        else:
            found = [path.read_text(encoding="utf-8", errors="replace")]
        for text in found:
            if len(text) >= SHORTEST and text not in seen:
                seen.add(text)
                yield text


def passages(data: Path, most: int) -> list[str]:
    """Up to `most` distinct passages."""
    found: dict[str, None] = {}
    for text in texts(data):
        sentences = [" ".join(one.split()) for one in _SENTENCE.split(text)]
        for first in range(len(sentences)):
            passage = ""
            for sentence in sentences[first:]:
                passage = f"{passage} {sentence}".strip()
                if len(passage) >= SHORTEST:
                    found[passage[:LONGEST]] = None
                    break
            if len(found) >= most:
                return list(found)
    return list(found)


def questions(data: Path, most: int) -> list[str]:
    """Questions that people asked about some of the passages."""
    with gzip.open(data / "reader" / "squad1.jsonl.gz", "rt", encoding="utf-8") as lines:
        asked = [json.loads(line)["question"] for line in lines]
    return list(dict.fromkeys(asked))[:: max(1, len(asked) // most)][:most]


def embedded(texts: list[str], kept: Path | None) -> Vectors:
    """The encoder's vectors of the texts, in steps that are kept: an interrupted run goes on."""
    encoder = Encoder()
    parts: list[Vectors] = []
    for start in range(0, len(texts), _STEP):
        some = texts[start : start + _STEP]
        name = hashlib.sha256("\0".join([encoder.fingerprint, *some]).encode()).hexdigest()[:16]
        file = kept / f"{name}.npy" if kept else None
        if file is not None and file.exists():
            parts.append(np.load(file))
            continue
        parts.append(encoder.encode(some))
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, parts[-1])
    return np.concatenate(parts)


def moved(vectors: Vectors, count: int, seed: int) -> Vectors:
    """`count` synthetic vectors, made from the real ones in turn."""
    random = np.random.default_rng(seed)
    made = np.empty((count, vectors.shape[1]), np.float32)
    for start in range(0, count, 10_000):
        some = vectors[np.arange(start, min(start + 10_000, count)) % len(vectors)]
        noise = random.standard_normal(some.shape, dtype=np.float32)
        noise *= MOVED / np.linalg.norm(noise, axis=1, keepdims=True)
        some = some + noise
        made[start : start + len(some)] = some / np.linalg.norm(some, axis=1, keepdims=True)
    return made


def sample(most: int) -> list[str]:
    """Passages of the sample application's pages, where no other data is at hand."""
    pages = sorted((Path(__file__).resolve().parent.parent / "examples" / "sqlite-helpdesk" / "docs").glob("*.html"))
    found: dict[str, None] = {}
    for page in pages:
        words = re.sub(r"<[^>]+>", " ", page.read_text(encoding="utf-8", errors="replace")).split()
        for start in range(0, len(words) - 30, 15):
            found[" ".join(words[start : start + 30])[:LONGEST]] = None
            if len(found) >= most:
                return list(found)
    return list(found)
