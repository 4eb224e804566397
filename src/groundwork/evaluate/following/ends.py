"""How an answer begins and ends."""

from typing import Annotated

import msgspec

from groundwork.evaluate.following.table import Arguments, Mode, instruction

_PAIRS = {'"': '"', "“": "”", "„": "“", "«": "»", "»": "«"}


class Ending(Arguments, frozen=True, kw_only=True):
    end_phrase: Annotated[str, msgspec.Meta(min_length=1)]


@instruction("startend:end_checker", Ending)
def end_checker(answer: str, wanted: Ending, mode: Mode) -> bool:
    """The answer ends with the phrase; quotation marks aside. Official: case aside too. Fixed: the exact phrase; Markdown around it aside."""
    phrase = wanted.end_phrase.strip()
    if mode == "official":
        return answer.strip().strip('"').lower().endswith(phrase.lower())
    return answer.rstrip(' \t\r\n"”»*_`').endswith(phrase.rstrip('"”»*_`')) or answer.rstrip().endswith(phrase)


@instruction("startend:quotation")
def quotation(answer: str, _wanted: Arguments, mode: Mode) -> bool:
    """The whole answer stands in double quotation marks. Official: `"` only. Fixed: also “…”, „…“ and «…», and something stands between them."""
    text = answer.strip()
    if mode == "official":
        return len(text) > 1 and text[0] == '"' and text[-1] == '"'
    return len(text) > 2 and _PAIRS.get(text[0]) == text[-1] and bool(text[1:-1].strip())
