"""Tokens of a text, by the tokenizer of the built-in encoder: an estimate for every other model, said so wherever it is shown.

English prose comes out within about a fifth of other tokenizers; code and other languages may not.
"""

from functools import cache
from typing import Any

BY = "the built-in encoder's tokenizer, an estimate for other models"


def count_tokens(text: str) -> int:
    """Word pieces of a text."""
    return len(_tokenizer().encode(text, add_special_tokens=False).ids)


def token_spans(text: str) -> list[tuple[int, int]]:
    """Where each word piece stands in a text, in code points."""
    return _tokenizer().encode(text, add_special_tokens=False).offsets


def first_tokens(text: str, most: int) -> str:
    """The beginning of a text, cut so that it has at most so many word pieces."""
    offsets = token_spans(text)
    return text if len(offsets) <= most else text[: offsets[most - 1][1]]


@cache
def _tokenizer() -> Any:
    from tokenizers import Tokenizer

    from groundwork.engine.encoder import WEIGHTS

    tokenizer = Tokenizer.from_file(str(WEIGHTS / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer
