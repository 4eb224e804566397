"""Perturbations of a question that leave its meaning as it is: an application that is robust answers all of them alike.

Each kind keeps the meaning by construction, and each is a plain function of text and randomness. What must not be touched is not: text in quotes
or backticks, words with digits, dots, underscores or capitals inside (names, versions, code), and for typos every word of fewer than five letters,
where another letter makes another word (`now`, `not`). English.
What this does not cover: paraphrases and translations, which no rule can promise to be the same, and the order of sources, which retrieval decides.
"""

import random
import re
from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")

_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_QUOTED = re.compile(r"\"[^\"]*\"|“[^”]*”|`[^`]*`")
_KEPT = re.compile(rf"{_QUOTED.pattern}|\S*[\d_./\\@#{{}}<>=]\S*[\w}}>]|\b[A-Z]{{2,}}\w*\b|\b\w+[A-Z]\w*\b")
_WORD = re.compile(r"\b[a-z]{5,}\b")
_NUMBER = re.compile(r"(?<![\w.,:/=<>#@{$€-])(\d{1,2})(?![\w,:/%-]|\.\d)")
_NAMES = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve", "thirteen"),
    *("fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SPELLED = re.compile(rf"\b(?:(?:{'|'.join(_TENS)})(?:-(?:{'|'.join(_NAMES[1:10])}))?|{'|'.join(_NAMES[2:])})\b", re.IGNORECASE)
"""`one` is left alone: it is a pronoun as often as a number."""

Perturbation = Callable[[str, random.Random], str]


def typo(text: str, chance: random.Random) -> str:
    """One slip in one long word: two letters swapped, a neighbour on the keyboard, a letter left out or doubled. Never its first or last letter."""
    words = [match for match in _WORD.finditer(text) if not _is_kept(text, match.start())]
    if not words:
        return text
    word = chance.choice(words)
    place = chance.randrange(word.start() + 1, word.end() - 2)
    here, following = text[place], text[place + 1]
    slips = [
        text[:place] + slip + text[place + 2 :]
        for slip in (following + here, _neighbour(here, chance) + following, following, here * 2 + following)
    ]
    return chance.choice([slip for slip in slips if slip != text])


def numerals(text: str, _chance: random.Random) -> str:
    """Whole numbers below a hundred in words, and words as numbers; digits of dates, versions and amounts stay."""
    if _NUMBER.search(text):
        return _outside(_NUMBER, text, lambda match: in_words(int(match[1])), kept=_QUOTED)
    return _outside(_SPELLED, text, lambda match: str(from_words(match.group())), kept=_QUOTED)


def case(text: str, chance: random.Random) -> str:
    """All small, or all capital letters."""
    change = chance.choice((str.lower, str.upper))
    return _outside(re.compile(r"\w+"), text, lambda match: change(match.group()))


def whitespace(text: str, chance: random.Random) -> str:
    """A doubled blank, and blanks around the whole."""
    places = [match.start() for match in re.finditer(r"(?<=\S) (?=\S)", text) if not _is_kept(text, match.start())]
    if places:
        place = chance.choice(places)
        text = f"{text[:place]} {text[place:]}"
    return chance.choice((f" {text}", f"{text} ", f"{text}\n"))


def punctuation(text: str, chance: random.Random) -> str:
    """The closing mark left out, or doubled."""
    bare = text.rstrip()
    if bare.endswith(("?", "!", ".")) and not bare.endswith("..."):
        return bare[:-1] if chance.random() < 0.5 else bare + bare[-1]
    return text


KINDS: dict[str, Perturbation] = {
    "typo": typo,
    "numerals": numerals,
    "case": case,
    "whitespace": whitespace,
    "punctuation": punctuation,
}
"""By name; `order` (of few-shot examples) changes the prompt, not the question: see `reordered`."""
ORDER = "order"


def perturb(text: str, kind: str, seed: int) -> str:
    """The same text under one kind of perturbation; the same seed gives the same. Unchanged where there is nothing of the kind in it."""
    return KINDS[kind](text, random.Random(f"{seed}:{kind}:{text}"))  # noqa: S311  it has to be repeated, not to be secret


def reordered(items: Sequence[T], seed: int) -> tuple[T, ...]:
    """The same items in another order, wherever there are two or more that differ."""
    made = list(items)
    random.Random(seed).shuffle(made)  # noqa: S311  as above
    if made == list(items):
        made = [*made[1:], *made[:1]]
    return tuple(made)


def in_words(number: int) -> str:
    """A whole number below a hundred in words."""
    if number < len(_NAMES):
        return _NAMES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_NAMES[ones]}" if ones else "")


def from_words(text: str) -> int:
    """The way back."""
    first, _, second = text.casefold().partition("-")
    value = _NAMES.index(first) if first in _NAMES else 20 + 10 * _TENS.index(first)
    return value + (_NAMES.index(second) if second else 0)


def _neighbour(letter: str, chance: random.Random) -> str:
    """A letter beside this one on an English keyboard."""
    row = next(row for row in _ROWS if letter in row)
    place = row.index(letter)
    return chance.choice([row[near] for near in (place - 1, place + 1) if 0 <= near < len(row)])


def _outside(pattern: re.Pattern[str], text: str, change: Callable[[re.Match[str]], str], *, kept: re.Pattern[str] = _KEPT) -> str:
    return pattern.sub(lambda match: match.group() if _is_kept(text, match.start(), kept) else change(match), text)


def _is_kept(text: str, place: int, kept: re.Pattern[str] = _KEPT) -> bool:
    return any(match.start() <= place < match.end() for match in kept.finditer(text))
