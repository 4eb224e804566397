"""Capitals and small letters."""

import re

from groundwork.evaluate.following.language import detect, is_language
from groundwork.evaluate.following.relation import Relation, fits
from groundwork.evaluate.following.table import Arguments, Count, Mode, Unclear, Verdict, instruction
from groundwork.evaluate.following.tokens import word_tokens

_WORD = re.compile(r"[^\W\d_]+(?:[-'’&/][^\W\d_]+)*")


class CapitalWords(Arguments, frozen=True, kw_only=True):
    capital_frequency: Count
    capital_relation: Relation


@instruction("change_case:english_capital")
def english_capital(answer: str, _wanted: Arguments, mode: Mode) -> Verdict:
    """In English, in capitals throughout. Official: an undetectable language passes. Fixed: it is unclear; the language is guessed from small letters."""
    return answer.isupper() and _is_english(answer, mode)


@instruction("change_case:english_lowercase")
def english_lowercase(answer: str, _wanted: Arguments, mode: Mode) -> Verdict:
    """In English, in small letters throughout. Official: an undetectable language passes. Fixed: it is unclear."""
    return answer.islower() and _is_english(answer, mode)


@instruction("change_case:capital_word_frequency", CapitalWords)
def capital_word_frequency(answer: str, wanted: CapitalWords, mode: Mode) -> bool:
    """So many words in capitals. Official: as NLTK splits words, "I" and "A" too. Fixed: words of two letters or more; a hyphenated one counts once."""
    if mode == "official":
        count = sum(token.isupper() for token in word_tokens(answer))
    else:
        count = sum(word.isupper() and len(word) > 1 for word in _WORD.findall(answer))
    return fits(count, wanted.capital_relation, wanted.capital_frequency, mode)


def _is_english(answer: str, mode: Mode) -> Verdict:
    guess = detect(answer if mode == "official" else answer.lower(), mode)
    if isinstance(guess, Unclear):
        return True if mode == "official" else guess
    return is_language(guess, "en", mode)
