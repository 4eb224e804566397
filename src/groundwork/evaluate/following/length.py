"""How long an answer is, in words, sentences and paragraphs."""

import re
from typing import Annotated

import msgspec

from groundwork.core.errors import InputError
from groundwork.core.text import sentences, words
from groundwork.evaluate.following.relation import Relation, fits
from groundwork.evaluate.following.table import Arguments, Count, Mode, instruction
from groundwork.evaluate.following.tokens import count_sentences


class NumberOfWords(Arguments, frozen=True, kw_only=True):
    num_words: Count
    relation: Relation


class NumberOfSentences(Arguments, frozen=True, kw_only=True):
    num_sentences: Count
    relation: Relation


class Paragraphs(Arguments, frozen=True, kw_only=True):
    num_paragraphs: Count


class FirstWord(Arguments, frozen=True, kw_only=True):
    num_paragraphs: Count
    nth_paragraph: Annotated[int, msgspec.Meta(ge=1)]
    first_word: Annotated[str, msgspec.Meta(min_length=1)]


@instruction("length_constraints:number_words", NumberOfWords)
def number_words(answer: str, wanted: NumberOfWords, mode: Mode) -> bool:
    """So many words. Official: runs of letters and digits, so that "don't" is two. Fixed: "don't", "well-known" and "3.5" are one each."""
    count = len(re.findall(r"\w+", answer)) if mode == "official" else len(words(answer))
    return fits(count, wanted.relation, wanted.num_words, mode)


@instruction("length_constraints:number_sentences", NumberOfSentences)
def number_sentences(answer: str, wanted: NumberOfSentences, mode: Mode) -> bool:
    """So many sentences. Official: as the Punkt algorithm splits them, "1." of a list apart. Fixed: as groundwork does; items of a list count."""
    count = count_sentences(answer) if mode == "official" else len(sentences(answer))
    return fits(count, wanted.relation, wanted.num_sentences, mode)


@instruction("length_constraints:number_paragraphs", Paragraphs)
def number_paragraphs(answer: str, wanted: Paragraphs, mode: Mode) -> bool:
    """Exactly so many paragraphs, divided by `***`; one between two dividers may not be blank. Fixed: a divider stands on a line of its own."""
    divider = r"\s?\*\*\*\s?" if mode == "official" else r"(?m)^[ \t]*\*\*\*[ \t]*$"
    first, *rest = re.split(divider, answer)
    if any(not part.strip() for part in rest[:-1]):
        return False
    edges = [first, *rest[-1:]]
    return 2 * bool(rest) + (not rest) + len(rest[:-1]) - sum(not part.strip() for part in edges) == wanted.num_paragraphs


@instruction("length_constraints:nth_paragraph_first_word", FirstWord)
def nth_paragraph_first_word(answer: str, wanted: FirstWord, mode: Mode) -> bool:
    """Exactly so many paragraphs between blank lines, and the nth begins with the word, case aside.

    Official: blank paragraphs are not counted and yet shift the nth; the word ends at `.,?!'"`; where there can be no nth, none follows (the
    official check draws another place by chance). Fixed: no blank paragraphs, also where a blank line holds spaces; the word is compared
    without what is no letter or digit around it; an nth that cannot be is an error of the case.
    """
    if mode == "fixed" and wanted.nth_paragraph > wanted.num_paragraphs:
        raise InputError(
            f"there is no paragraph {wanted.nth_paragraph} of {wanted.num_paragraphs}", fix="correct `nth_paragraph` of the case"
        )
    blank_line = "\n\n" if mode == "official" else r"\n[ \t]*\n"
    parts = [part for part in re.split(blank_line, answer) if mode == "official" or part.strip()]
    if sum(bool(part.strip()) for part in parts) != wanted.num_paragraphs or wanted.nth_paragraph > wanted.num_paragraphs:
        return False
    nth = parts[wanted.nth_paragraph - 1].lower().split()
    if not nth:
        return False
    if mode == "official":
        return re.split(r"[.,?!'\"]", nth[0].lstrip("'").lstrip('"'), maxsplit=1)[0] == wanted.first_word.lower()
    return _bare(nth[0]) == _bare(wanted.first_word.lower())


def _bare(word: str) -> str:
    """A word without what is no letter or digit at its ends; a word of nothing else stays."""
    return re.sub(r"^[\W_]+|[\W_]+$", "", word) or word
