"""Which language an answer is in, as `langdetect` guesses it, from a fixed seed (its own guess is random).

Not covered: answers in two languages, and languages beyond the 55 it knows.
"""

import functools
import threading
from collections.abc import Callable
from typing import Annotated, Any

import msgspec

from groundwork.core.errors import ConfigError
from groundwork.evaluate.following.table import Arguments, Mode, Unclear, Verdict, instruction

_SEED = 0
_LOADING = threading.Lock()
_LETTERS = 20
"""Below so many letters a guess is worth nothing."""
_SURE = 0.9
"""Probability from which a guess counts in the fixed mode."""


class Language(Arguments, frozen=True, kw_only=True):
    language: Annotated[str, msgspec.Meta(min_length=2)]
    """Its code of ISO 639-1, such as `de`."""


@instruction("language:response_language", Language)
def response_language(answer: str, wanted: Language, mode: Mode) -> Verdict:
    """The whole answer is in the language. Official: an undetectable one passes, `zh` never does. Fixed: it is unclear, and so is a short answer; `zh` takes in `zh-cn`."""
    guess = detect(answer, mode)
    if isinstance(guess, Unclear):
        return True if mode == "official" else guess
    return is_language(guess, wanted.language, mode)


def detect(text: str, mode: Mode) -> str | Unclear:
    """The code of a text's language, or why it cannot be told."""
    if mode == "fixed" and sum(character.isalpha() for character in text) < _LETTERS:
        return Unclear(f"fewer than {_LETTERS} letters are too few to tell the language")
    guesses = _guesser()(text)
    if not guesses:
        return Unclear("the language cannot be detected")
    code, probability = guesses[0]
    if mode == "fixed" and probability < _SURE:
        return Unclear(f"the language may be {code}, with a probability of {probability:.2f} only")
    return code


def is_language(code: str, wanted: str, mode: Mode) -> bool:
    """Whether a detected code is the wanted one; in the fixed mode a variant (`zh-cn`) is its language (`zh`)."""
    return code == wanted or (mode == "fixed" and code.partition("-")[0] == wanted.lower())


@functools.cache
def _guesser() -> Callable[[str], list[tuple[str, float]]]:
    """Languages of a text with their probabilities, the likeliest first; none where it has no letters that tell."""
    try:
        import langdetect
        from langdetect import detector_factory
    except ImportError:
        raise ConfigError("`langdetect` is not installed, which tells languages", fix="pip install 'groundwork-ai[metrics]'") from None
    with _LOADING:  # it loads its profiles without a lock of its own
        langdetect.DetectorFactory.seed = _SEED
        detector_factory.init_factory()
    detect_all: Any = langdetect.detect_langs
    failure: type[Exception] = langdetect.LangDetectException

    def guess(text: str) -> list[tuple[str, float]]:
        try:
            return [(one.lang, one.prob) for one in detect_all(text)]
        except failure:
            return []

    return guess
