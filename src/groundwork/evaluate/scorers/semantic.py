"""Nearness in meaning: the cosine of the embedded encoder's vectors of answer and reference.

It says what a text is about, not what it claims: "the cache is shared" and "the cache is not shared" lie closer together than two honest
paraphrases often do. Good for finding answers that miss the subject; for whether one is right, use facts, numbers or a judge. English.
"""

from groundwork.core.errors import InputError
from groundwork.evaluate.registry import Answered, Graded, Unparseable, Unscored, scorer
from groundwork.evaluate.scorers.reference import NO_REFERENCE, accepted


@scorer("semantic", better="higher", bounds=(-1.0, 1.0))
async def semantic(answered: Answered) -> Graded | Unscored | Unparseable:
    """Cosine of answer and reference (the nearest of several) by the embedded encoder; blind to negation and to numbers."""
    references = accepted(answered)
    if not references:
        return NO_REFERENCE
    if not answered.reply.text.strip():
        return Unparseable("the answer is empty")
    embedder = await answered.instruments.embedder()
    try:
        vectors = await embedder.embed([answered.reply.text, *references])
    except InputError as error:
        return Unscored(f"longer than the encoder reads: {error.what}")
    cosines = [float(value) for value in vectors[1:] @ vectors[0]]
    return Graded(min(1.0, max(-1.0, *cosines)), evidence={"encoder": embedder.fingerprint})
