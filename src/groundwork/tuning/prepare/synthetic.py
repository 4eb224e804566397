"""A reader's training set without a single question that a person wrote: what `synthesise` makes of the training articles' paragraphs.

It answers whether documents that nobody asked about can be learned from. `dev` and `held` are the reader's written questions, so that figures
can be compared; negatives are found and edited as for the reader. Kinds: `synthetic.RULE`, `retrieved`, `edited`; `written` and `policy`.
"""

import asyncio
import random
from collections.abc import Sequence
from pathlib import Path

from groundwork.datasets.rows import Row
from groundwork.datasets.synthesise import Source, quote_finder, synthesise
from groundwork.datasets.training import Origin, Part
from groundwork.engine.encoder import Encoder, Vectors
from groundwork.engine.quoting import Quoter
from groundwork.tuning.prepare.reader import unanswerable, written
from groundwork.tuning.prepare.sources import FILES, Question, by_part, deal, read_questions

HOW = "questions made by rules from paragraphs, kept where the quoting engine finds the answer's sentence back; dealt as the reader's"


class _Embedder:
    """The encoder as a port, on the calling thread."""

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self.fingerprint = encoder.fingerprint
        self.dimensions = encoder.dimensions

    async def embed(self, texts: Sequence[str], /) -> Vectors:
        return self._encoder.encode(texts)


def prepare_synthetic(folder: Path, seed: int = 0) -> tuple[dict[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, and where they come from. Raises as `read_questions` does."""
    questions, origins = read_questions(folder)
    divided = by_part(questions, deal(questions, seed))
    encoder = Encoder()
    sources = [Source(question.passage, question.group, FILES[question.source]) for question in divided["train"]]
    made = asyncio.run(synthesise(sources, find=quote_finder(Quoter(_Embedder(encoder)))))
    known = {question.group: question.source for question in divided["train"]}
    asked = [Question(row.id, row.question, row.passage, (row.answers[0].text,), row.group, known[row.group]) for row in made.rows]
    parts: dict[Part, list[Row]] = {part: [*map(written, divided[part])] for part in ("dev", "held")}
    parts["train"] = [*made.rows, *unanswerable(asked, encoder, random.Random(f"synthetic {seed}"), edit=True)]  # noqa: S311
    return parts, (*origins, *made.origins)
