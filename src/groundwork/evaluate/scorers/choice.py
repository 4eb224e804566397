"""Multiple choice: the letter that an answer gives.

Looked for in this order, and the first kind that is there decides: the answer is nothing but the letter; a letter said to be the final
answer; a letter said to be the answer, or boxed; a letter that opens the answer (`B) Paris`); one option's text; a letter in brackets; a
capital that stands alone. Two letters of one kind are ambiguous: that is unparseable, never wrong.
"""

import re
import string
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from groundwork.core.errors import InputError
from groundwork.core.text import fold
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer
from groundwork.evaluate.scorers.facts import holds

_MARKUP = re.compile(r"[*_`$]+|\\(?:text|mathrm|mathbf)\s*")
_NOT = re.compile(r"(?:\bnot|n['’]t|\bneither|\bnor|\bexcept|\bthan|\bover)\s*(?:the\s+)?(?:option|choice|answer)?\s*\(?$", re.IGNORECASE)


class Options(NamedTuple):
    """The letters that may be chosen, upper case, with the texts they stand for (empty where the case does not say)."""

    letters: str
    texts: tuple[str, ...] = ()


@scorer("choice", better="higher", needs="choice")
def choice(answered: Answered, *, letters: str = "ABCD") -> Graded | Unparseable:
    """1 where the answer chooses the letter of `expected.choice`, else 0; unparseable where it chooses none, or two.

    `expected.options` (a list of texts, or a table by letter) also lets it name the option's text. `letters` are those that may be chosen
    where the case lists no options.
    """
    options = options_of(answered.example.expected.get("options"), letters)
    wanted = answered.example.expected["choice"]
    if not isinstance(wanted, str) or wanted.strip().upper() not in list(options.letters):
        raise InputError(
            f"`expected.choice` is {wanted!r}, and the letters are {', '.join(options.letters)}", fix="name one of the letters"
        )
    found = chosen(answered.reply.text, options)
    if isinstance(found, Unparseable):
        return found
    return Graded(float(found == wanted.strip().upper()), evidence={"chosen": found})


def options_of(written: Any, letters: str) -> Options:
    """The options of a case, from `expected.options` where it has them. Raises InputError for another shape."""
    if written is None:
        names: list[Any] = list(letters.upper())
        texts: list[Any] = []
    elif isinstance(written, dict):
        names, texts = [str(name).upper() for name in written], list(written.values())
    else:
        texts = list(written) if isinstance(written, list | tuple) else []
        names = list(string.ascii_uppercase[: len(texts)])
    letters_differ = len(names) == len(set(names)) > 1 and all(len(name) == 1 and name.isalnum() for name in names)
    if not letters_differ or not all(isinstance(text, str) and text.strip() for text in texts):
        raise InputError(f"the options are {written or letters!r}", fix='list at least two texts, or write {"A": "…", "B": "…"}')
    return Options("".join(names), tuple(texts))


def chosen(text: str, options: Options) -> str | Unparseable:
    """The letter that an answer chooses, or why none can be told."""
    plain = _MARKUP.sub("", text).strip()
    for find in _KINDS:
        found = sorted(set(find(plain, options)))
        if len(found) > 1:
            return Unparseable(f"{' and '.join(found)} are both given")
        if found:
            return found[0]
    return Unparseable(f"no letter of {options.letters} is chosen")


def _alone(text: str, options: Options) -> Iterable[str]:
    match = re.fullmatch(rf"[\[({{<]?([{_set(options)}])[\])}}>]?[.:]?", text, re.IGNORECASE)
    return [match[1].upper()] if match else []


def _final(text: str, options: Options) -> Iterable[str]:
    """The last letter said to be the final answer."""
    return _said(text, options, r"\bfinal answer\b[^\n.(]{0,20}?(?:\bis\b|:|=)\s*")[-1:]


def _marked(text: str, options: Options) -> Iterable[str]:
    """Letters said to be the answer: `answer: C`, `the correct option is (C)`, `I choose C`, a boxed one, `(C) is correct`."""
    before = r"(?:\b(?:answer|choice|option|alternative)\b[^\n.(]{0,25}?(?:\bis\b|:|=)|\b(?:choose|pick|select|go with)\b|\\boxed)\s*"
    after = rf"(?<!\w)\(?([{_set(options)}])\)?\s+is\s+(?:the\s+)?(?:correct|right|best|answer)\b"
    return [*_said(text, options, before), *_capitals(text, after)]


def _opening(text: str, options: Options) -> Iterable[str]:
    """The letter before the first line's text: `B) Paris`, `(B) Paris`, `B. Paris`."""
    match = re.match(rf"(?:\(([{_set(options)}])\)|([{_set(options)}])[).:])(?=\s|$)", text)
    return [match[1] or match[2]] if match else []


def _by_text(text: str, options: Options) -> Iterable[str]:
    """The option whose text is stated; one that stands inside another stated one does not count."""
    folded = fold(text)
    stated = [(letter, fold(option)) for letter, option in zip(options.letters, options.texts, strict=False) if holds(folded, option)]
    return [letter for letter, option in stated if not any(option != other and holds(other, option) for _, other in stated)]


def _bracketed(text: str, options: Options) -> Iterable[str]:
    return _capitals(text, rf"[(\[]([{_set(options)}])[)\]]")


def _standing(text: str, options: Options) -> Iterable[str]:
    """Capitals that are a word of their own; not A and I where they are English words: before another word."""
    found = re.finditer(rf"(?<![\w'’.-])([{_set(options)}])(?![\w'’-]|\.\w)(\s+(?!(?:or|and|is|because|since)\b)[a-z])?", text)
    return [match[1] for match in found if not (match[1] in "AI" and match[2]) and not _NOT.search(text[: match.start()])]


_KINDS: tuple[Callable[[str, Options], Iterable[str]], ...] = (_alone, _final, _marked, _opening, _by_text, _bracketed, _standing)


def _said(text: str, options: Options, before: str) -> list[str]:
    """Letters after a phrase; a small one only at the end of a line, since "the answer is a matter of" chooses nothing."""
    small = rf"[{_set(options).lower()}](?=[)\].]*\s*$)"
    pattern = rf"(?i:{before}(?:(?:probably|definitely|most likely|option|choice|letter)\s+)*)[\[({{]*([{_set(options)}]|{small})(?![\w'’])"
    return [match[1].upper() for match in re.finditer(pattern, text, re.MULTILINE) if not _NOT.search(text[: match.start(1)])]


def _capitals(text: str, pattern: str) -> list[str]:
    return [match[1] for match in re.finditer(pattern, text) if not _NOT.search(text[: match.start()])]


def _set(options: Options) -> str:
    return re.escape(options.letters)
