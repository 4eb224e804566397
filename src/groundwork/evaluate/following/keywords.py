"""Words that must, or must not, stand in the answer."""

import re

from groundwork.core.errors import InputError
from groundwork.evaluate.following.relation import Relation, fits
from groundwork.evaluate.following.table import Arguments, Count, Mode, Words, instruction


class Keywords(Arguments, frozen=True, kw_only=True):
    keywords: Words


class Frequency(Arguments, frozen=True, kw_only=True):
    keyword: str
    frequency: Count
    relation: Relation


class Forbidden(Arguments, frozen=True, kw_only=True):
    forbidden_words: Words


class Letters(Arguments, frozen=True, kw_only=True):
    letter: str
    let_frequency: Count
    let_relation: Relation

    def __post_init__(self) -> None:
        if len(self.letter.strip()) != 1:
            raise ValueError(f"`letter` is {self.letter!r}, which is not one character")


@instruction("keywords:existence", Keywords)
def existence(answer: str, wanted: Keywords, mode: Mode) -> bool:
    """Every keyword is there, case aside. Official: each is a regular expression, also inside a word. Fixed: as written, as whole words."""
    return all(_find(word, answer, mode) for word in wanted.keywords)


@instruction("keywords:frequency", Frequency)
def frequency(answer: str, wanted: Frequency, mode: Mode) -> bool:
    """The keyword is there so many times, case aside. Official: a regular expression, also inside a word. Fixed: as written, as whole words."""
    return fits(len(_find(wanted.keyword.strip(), answer, mode)), wanted.relation, wanted.frequency, mode)


@instruction("keywords:forbidden_words", Forbidden)
def forbidden_words(answer: str, wanted: Forbidden, mode: Mode) -> bool:
    """None of the words is there, case aside. Official: a regular expression between word boundaries. Fixed: as written, as whole words."""
    if mode == "official":
        return not any(_matches(rf"\b{word}\b", word, answer) for word in wanted.forbidden_words)
    return not any(_find(word, answer, mode) for word in wanted.forbidden_words)


@instruction("keywords:letter_frequency", Letters)
def letter_frequency(answer: str, wanted: Letters, mode: Mode) -> bool:
    """The letter, or any other single character, is there so many times, case aside."""
    return fits(answer.lower().count(wanted.letter.strip().lower()), wanted.let_relation, wanted.let_frequency, mode)


def _find(word: str, answer: str, mode: Mode) -> list[str]:
    """Every place of a keyword."""
    if mode == "official":
        return _matches(word, word, answer)
    plain = r"\s+".join(re.escape(part) for part in word.split())
    return _matches(rf"(?<!\w){plain}(?!\w)", word, answer)


def _matches(pattern: str, word: str, answer: str) -> list[str]:
    try:
        return [match.group() for match in re.finditer(pattern, answer, re.IGNORECASE)]
    except re.error as error:
        raise InputError(f"the keyword {word!r} is no regular expression: {error}", fix='score in the mode "fixed", or escape it') from None
