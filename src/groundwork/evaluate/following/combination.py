"""Answers of two parts: two responses, the request repeated before the answer."""

import re
from typing import Annotated

import msgspec

from groundwork.core.text import fold
from groundwork.evaluate.following.table import Arguments, Mode, instruction


class Repeated(Arguments, frozen=True, kw_only=True):
    prompt_to_repeat: Annotated[str, msgspec.Meta(min_length=1)]


@instruction("combination:two_responses")
def two_responses(answer: str, _wanted: Arguments, mode: Mode) -> bool:
    """Two different responses, with six asterisks between them. Fixed: exactly six, and they differ in more than case and spacing."""
    if mode == "official":
        parts = [part.strip() for part in answer.split("******")]
    else:
        parts = [fold(part) for part in re.split(r"(?<!\*)\*{6}(?!\*)", answer)]
    if not all(parts[1:-1]):
        return False
    filled = [part for part in parts if part]
    return len(filled) == 2 and filled[0] != filled[1]


@instruction("combination:repeat_prompt", Repeated)
def repeat_prompt(answer: str, wanted: Repeated, mode: Mode) -> bool:
    """The request is repeated word for word, and only then answered. Official: case aside, and no answer need follow. Fixed: spacing aside, and one does."""
    if mode == "official":
        return answer.strip().lower().startswith(wanted.prompt_to_repeat.strip().lower())
    said, repeated = " ".join(answer.split()), " ".join(wanted.prompt_to_repeat.split())
    return said.startswith(repeated) and bool(re.search(r"\w", said[len(repeated) :]))
