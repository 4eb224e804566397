"""Whether an answer is, or holds, the text that it should. For short answers: what is right in other words needs `semantic` or a judge.

A case names its texts in `expected.text` (one, or a list of which any is right), else they are its reference; `contains` looks for
`expected.contains`, `regex` for `expected.regex`.
"""

import re
import string
from collections import Counter

from groundwork.core.errors import InputError
from groundwork.core.text import fold
from groundwork.evaluate.matching import matcher
from groundwork.evaluate.registry import Answered, Unscored, scorer
from groundwork.evaluate.scorers.facts import holds
from groundwork.evaluate.scorers.reference import NO_REFERENCE, accepted, texts

_ARTICLE = re.compile(r"\b(?:a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@scorer("exact", better="higher")
def exact(answered: Answered, *, fold_case: bool = True) -> float | Unscored:
    """1 where the answer equals an accepted text after trimming (and folding case, width and spacing), else 0."""
    wanted = accepted(answered)
    if not wanted:
        return NO_REFERENCE
    read = fold if fold_case else str.strip
    return float(read(answered.reply.text) in {read(text) for text in wanted})


@scorer("normalised", better="higher")
def normalised(answered: Answered) -> float | Unscored:
    """1 where the answer equals an accepted text without case, punctuation and English articles, else 0.

    Source: SQuAD's exact match (Rajpurkar et al., EMNLP 2016).
    """
    wanted = accepted(answered)
    if not wanted:
        return NO_REFERENCE
    return float(plain_words(answered.reply.text) in [plain_words(text) for text in wanted])


@scorer("token_f1", better="higher")
def token_f1(answered: Answered) -> float | Unscored:
    """F1 of the words that answer and accepted text share, after `normalised`; the best of several texts.

    Source: SQuAD's F1 (Rajpurkar et al., EMNLP 2016; two texts without words are equal, as in its version 2).
    """
    wanted = accepted(answered)
    if not wanted:
        return NO_REFERENCE
    said = plain_words(answered.reply.text)
    return max(overlap(said, plain_words(text)) for text in wanted)


@scorer("contains", better="higher")
def contains(answered: Answered, *, at_least: int = 0, whole_words: bool = True) -> float | Unscored:
    """1 where the answer holds every text of `expected.contains` (or `at_least` so many), case and spacing folded, else 0.

    Whole words and numbers only, unless told otherwise: 100 is not in 1000.
    """
    wanted = accepted(answered, "contains")
    if not wanted:
        return Unscored("the case has neither `expected.contains` nor a reference")
    if not 0 <= at_least <= len(wanted):
        raise InputError(f"`at_least` is {at_least}, and the case lists {len(wanted)} texts", fix="ask for fewer, or for none: that is all")
    answer = fold(answered.reply.text)
    found = sum(holds(answer, text) if whole_words else fold(text) in answer for text in wanted)
    return float(found >= (at_least or len(wanted)))


@scorer("regex", better="higher")
async def regex(
    answered: Answered, *, pattern: str = "", whole: bool = False, fold_case: bool = False, seconds: float = 2.0
) -> float | Unscored:
    """1 where a regular expression (`pattern`, else any of `expected.regex`) matches somewhere in the answer, or all of it with `whole`; else 0.

    Python's `re`, in a process of its own that is ended after `seconds`: a pattern that backtracks for longer is an error, and harms nothing else.
    """
    if not pattern and "regex" not in answered.example.expected:
        return Unscored("no `pattern` is set, and the case has no `expected.regex`")
    patterns = (pattern,) if pattern else texts(answered.example.expected["regex"], "expected.regex")
    flags = int(re.IGNORECASE) if fold_case else 0
    for one in patterns:
        if await matcher.matches(one, answered.reply.text, flags=flags, whole=whole, seconds=seconds):
            return 1.0
    return 0.0


def plain_words(text: str) -> list[str]:
    """The words of a text in lower case, without ASCII punctuation and English articles, as SQuAD's metric reads them."""
    return _ARTICLE.sub(" ", text.lower().translate(_PUNCTUATION)).split()


def overlap(said: list[str], wanted: list[str]) -> float:
    """F1 of two bags of words."""
    if not said or not wanted:
        return float(said == wanted)
    shared = (Counter(said) & Counter(wanted)).total()
    return 2 * shared / (len(said) + len(wanted))
