"""Marks that an answer must not have."""

from groundwork.evaluate.following.table import Arguments, Mode, instruction

_COMMAS = frozenset(",，、،؛՝")


@instruction("punctuation:no_comma")
def no_comma(answer: str, _wanted: Arguments, mode: Mode) -> bool:
    """No comma at all, in numbers neither. Fixed: no Chinese, Japanese, Arabic or Armenian one either."""
    return "," not in answer if mode == "official" else not _COMMAS & set(answer)
