"""How likely a model finds an answer, or the reference: bits per byte, from a server that returns a prompt's log-probabilities."""

from typing import Literal

from groundwork.core.config import reveal
from groundwork.core.units import Secret
from groundwork.evaluate.likelihood import Dialect, measure, opened
from groundwork.evaluate.registry import Answered, Graded, Unparseable, Unscored, scorer


@scorer("bits_per_byte", better="lower", unit="bits", bounds=(0.0, float("inf")))
async def bits_per_byte(
    answered: Answered, *, url: str, model: str, of: Literal["answer", "reference"] = "answer", dialect: Dialect = "echo", key: str = ""
) -> Graded | Unscored | Unparseable:
    """Bits per byte of the answer (or `of = "reference"`) after the question, to the model behind `url`: low is fluent and expected, not true.

    `key` names an environment variable: "env:NAME". The question stands before the text as it is, without a chat template.
    """
    text = answered.reply.text if of == "answer" else answered.example.reference or ""
    if not text.strip():
        return Unparseable("the answer is empty") if of == "answer" else Unscored("the case has no reference")
    secret = reveal(Secret.parse(key), where="key") if key else None
    async with opened(url, model, dialect=dialect, key=secret) as server:
        found = await measure(server, text, context=f"{answered.example.question}\n\n")
    return Graded(found.bits_per_byte, evidence={"tokens": found.tokens, "perplexity": round(found.perplexity, 4)})
