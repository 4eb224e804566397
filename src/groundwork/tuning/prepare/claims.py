"""Claims that a document supports and claims that it does not, in fours: each claim stands once with a document that says so and once with one that does not.

A true claim c is made from a document d (a sentence of it, a shortened one, two merged, a question with its answer). One small edit turns c
into c' and, at the same place, d into d'. Then (c, d) and (c', d') are supported, (c', d) and (c, d') are not. Who reads only the claim, or
only the document, cannot tell: there is no giveaway by construction. Not covered: inference over several sentences, and real models' claims.
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from groundwork.core.text import STOPWORDS, content_words, sentences, words
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.edits import ANTONYMS, NAME, NUMBER, YEAR, Article

_PRONOUN = re.compile(
    r"(?:He|She|It|They|This|These|That|Those|His|Her|Its|Their|Such|However|But|And|Also|Another|Other|There|Here|We|I)\b"
)
_NEGATABLE = re.compile(r"\b(?:is|are|was|were|can|could|will|would|has|have|had|may|should|must)\b(?! been\b)")
_NEGATED = re.compile(r"\b(is|are|was|were|can|could|will|would|has|have|had|may|should|must) not\b")
_NO_OPPOSITE = frozenset(
    [
        "more",
        "most",
        "many",
        "few",
        "fewer",
        "less",
        "least",
        "support",
        "oppose",
        "even",
        "odd",
        "light",
        "left",
        "start",
        "end",
        "begin",
        "open",
        "closed",
        "fall",
        "rise",
    ]
)
"""Words that have another meaning in too many sentences."""
_ANTONYM = re.compile(rf"\b(?:{'|'.join(sorted(ANTONYMS.keys() - _NO_OPPOSITE, key=len, reverse=True))})\b")
_MONTH = re.compile(r"January|February|March|April|May|June|July|August|September|October|November|December")
_SHORTEST, _LONGEST = 6, 45
"""Words of a claim."""
_NEAREST = 4

_SAME = """began:started approximately:about numerous:many primarily:mainly located:situated residents:inhabitants created:made
obtain:get assist:help purchase:buy required:needed entire:whole frequently:often typically:usually additional:further
sufficient:enough nearly:almost commonly:usually rapidly:quickly significant:important demonstrated:showed established:founded
commenced:began utilized:used such_as:like known_as:called in_order_to:to as_well_as:and due_to:because_of prior_to:before
throughout:across amongst:among whilst:while constructed:built initially:at_first subsequently:later currently:now"""
SAME = [tuple(side.replace("_", " ") for side in pair.split(":")) for pair in _SAME.split()]
"""Words that may stand for each other in any sentence; the second is put for the first."""


class Claim(NamedTuple):
    """A true claim, the document that says so, and the part of both in which they can be made to differ."""

    text: str
    document: str
    start: int
    end: int
    """Where the sentence lies in the document that the claim was made from."""
    how: str


class Four(NamedTuple):
    """A claim and its document, and both after the same edit."""

    claim: str
    document: str
    other_claim: str
    other_document: str
    how: str
    edit: str


def claims_of(passage: str, rng: random.Random) -> list[Claim]:
    """The sentences of a passage as claims: whole, shortened, or merged with the next."""
    found: list[Claim] = []
    bounds = sentences(passage)
    for place, (start, end) in enumerate(bounds):
        sentence = passage[start:end]
        if not _fits(sentence):
            continue
        short = shortened(sentence)
        follows = passage[slice(*bounds[place + 1])] if place + 1 < len(bounds) else ""
        draw = rng.random()
        if short != sentence and _fits(short) and draw < 0.7:
            found.append(Claim(short, passage, start, end, "shortened"))
        elif follows and _fits(follows) and len(words(sentence)) + len(words(follows)) <= _LONGEST and draw < 0.5:
            found.append(Claim(f"{sentence.rstrip('.')}, and {_lowered(follows, passage)}", passage, start, end, "merged"))
        else:
            found.append(Claim(sentence, passage, start, end, "sentence"))
    return found


def _fits(sentence: str) -> bool:
    """Whether a sentence can stand alone."""
    return (
        _SHORTEST <= len(words(sentence)) <= _LONGEST
        and sentence[0].isupper()
        and sentence[-1] == "."
        and not _PRONOUN.match(sentence)
        and "\n" not in sentence
        and sentence.count('"') % 2 == 0
    )


def _lowered(sentence: str, passage: str) -> str:
    """As it reads after "and": a name keeps its capital."""
    first = sentence.split(maxsplit=1)[0].strip(",")
    plain = first.casefold() in STOPWORDS or re.search(rf"\b{re.escape(first[0].lower() + first[1:])}\b", passage)
    return sentence[0].lower() + sentence[1:] if plain else sentence


def shortened(sentence: str) -> str:
    """Without brackets, a relative clause or a leading adverb: what is left still follows from the sentence."""
    text = re.sub(r"\s*\([^()]*\)|\s*\[[^\[\]]*\]", "", sentence)
    text = re.sub(r", (?:which|who|where|whose|although|though|while|whereas)\b[^,;]*(?:,(?=\s[a-z])|(?=\.$))", "", text)
    found = re.match(
        r"(?:However|Moreover|Furthermore|Additionally|Therefore|Thus|Instead|Meanwhile|Similarly|Finally|In addition|As a result|For example|For instance), (\w)",
        text,
    )
    if found:
        text = found[1].upper() + text[found.end() :]
    return re.sub(r"\s+", " ", re.sub(r"\s+([,.;])", r"\1", text)).strip()


def reworded(claim: str, rng: random.Random) -> str:
    """With some words replaced by others of the same meaning; most claims stay as they are."""
    for old, new in SAME:
        if rng.random() < 0.6:
            claim = re.sub(rf"\b{old}\b", new, claim)
    return claim


class Alike:
    """Chooses what is put in the place of something else: one of the nearest in meaning, or any where there is no encoder."""

    def __init__(self, encoder: Encoder | None) -> None:
        self._encoder = encoder
        self._vectors: dict[str, npt.NDArray[np.float32]] = {}

    def choose(self, text: str, others: Sequence[str], rng: random.Random) -> str:
        """One of the four that are most like `text`."""
        if self._encoder is None or len(others) <= _NEAREST:
            return rng.choice(others)
        if missing := [one for one in dict.fromkeys((text, *others)) if one not in self._vectors]:
            self._vectors |= zip(missing, self._encoder.encode(missing), strict=True)
        cosines = np.stack([self._vectors[one] for one in others]) @ self._vectors[text]
        return others[int(rng.choice(np.argsort(-cosines, kind="stable")[:_NEAREST].tolist()))]


Replacement = tuple[str, str]
"""What is replaced, and by what; in the claim as in the sentence that it was made from."""


def _name(claim: Claim, article: Article, alike: Alike, rng: random.Random) -> Replacement | None:
    found = _names(claim, article)
    if not found:
        return None
    name = rng.choice(found)
    taken = set(words(claim.document[claim.start : claim.end]))
    fitting = [one for one in article.names if not taken & set(words(one)) and abs(len(one.split()) - len(name.split())) <= 1]
    fitting = [one for one in fitting if _possessive(one) == _possessive(name)]
    near = [one for one in fitting if one in claim.document and not _said(claim, name, one)]
    chosen = near if near and rng.random() < 0.75 else [one for one in fitting if one not in claim.document]
    return (name, alike.choose(name, chosen, rng)) if chosen else None


def _names(claim: Claim, article: Article) -> list[str]:
    """Names in the claim that can be replaced: known to be names, for they stand inside some sentence, and not a part of a longer word."""
    known = set(article.names)
    found = [match for match in NAME.finditer(claim.text) if match.group() in known]
    whole = [match.group() for match in found if not re.search(r"\d(?:st|nd|rd|th)\s$|-$", claim.text[: match.start()])]
    return [name for name in whole if _once(name, claim)]


def _possessive(name: str) -> bool:
    return name.endswith(("'s", "’s", "'", "’"))


def _said(claim: Claim, name: str, put: str) -> bool:
    """Whether some sentence with the other name says half of what the claim says."""
    asked = set(content_words(claim.text.replace(name, " ")))
    inside = [claim.document[start:end] for start, end in sentences(claim.document) if put in claim.document[start:end]]
    return any(len(asked & set(content_words(one))) * 2 >= len(asked) for one in inside)


def _number(claim: Claim, article: Article, _alike: Alike, rng: random.Random) -> Replacement | None:
    found = [match.group() for match in NUMBER.finditer(claim.text) if _once(match.group(), claim)]
    if not found:
        return None
    number = rng.choice(found)
    year = bool(YEAR.fullmatch(number))
    taken = {match.group() for match in NUMBER.finditer(claim.document[claim.start : claim.end])}
    fitting = [
        one for one in article.numbers if one not in taken and bool(YEAR.fullmatch(one)) == year and abs(len(one) - len(number)) <= 1
    ]
    near = [one for one in fitting if one in claim.document]
    chosen = near if near and rng.random() < 0.6 else fitting
    return (number, rng.choice(chosen)) if chosen else None


def _antonym(claim: Claim, _article: Article, _alike: Alike, rng: random.Random) -> Replacement | None:
    found = [match.group() for match in _ANTONYM.finditer(claim.text) if _once(match.group(), claim)]
    found = [word for word in found if f"{word} and {ANTONYMS[word]}" not in claim.text and ANTONYMS[word] not in words(claim.text)]
    if not found:
        return None
    word = rng.choice(found)
    return word, ANTONYMS[word]


def _negation(claim: Claim, _article: Article, _alike: Alike, rng: random.Random) -> Replacement | None:
    negated = [match for match in _NEGATED.finditer(claim.text) if _once(match.group(), claim)]
    if negated:
        match = rng.choice(negated)
        return match.group(), match[1]
    found = [match.group() for match in _NEGATABLE.finditer(claim.text) if _once(match.group(), claim)]
    return (found[0], f"{found[0]} not") if found and "not" not in words(claim.text) else None


def _once(part: str, claim: Claim) -> bool:
    """Whether a part stands once in the claim and once in its sentence, so that replacing it means the same in both."""
    whole = re.compile(rf"(?<![\w.,]){re.escape(part)}(?!\w)")
    return len(whole.findall(claim.text)) == 1 and len(whole.findall(claim.document[claim.start : claim.end])) == 1


Edit = Callable[[Claim, Article, Alike, random.Random], Replacement | None]
EDITS: Mapping[str, Edit] = {"name": _name, "number": _number, "antonym": _antonym, "negation": _negation}


def edited(claim: Claim, edit: str, article: Article, alike: Alike, rng: random.Random) -> Four | None:
    """A claim and its document before and after an edit of this kind; None where the claim does not allow it."""
    if edit == "swap":
        return _swapped(claim, article, rng)
    found = EDITS[edit](claim, article, alike, rng)
    return None if found is None else _four(claim, *found, edit)


def _four(claim: Claim, old: str, new: str, edit: str) -> Four:
    whole = rf"(?<![\w.,]){re.escape(old)}(?!\w)"

    def put(text: str) -> str:
        return re.sub(whole, lambda _: new, text)

    sentence = claim.document[claim.start : claim.end]
    document = claim.document[: claim.start] + put(sentence) + claim.document[claim.end :]
    return Four(claim.text, claim.document, put(claim.text), document, claim.how, edit)


def _swapped(claim: Claim, article: Article, rng: random.Random) -> Four | None:
    """Two names change places: who did it, and to whom. Not where they are listed beside each other."""
    names = _names(claim, article)
    pairs = [
        (left, right)
        for place, left in enumerate(names)
        for right in names[place + 1 :]
        if not set(words(left)) & set(words(right))
        and _possessive(left) == _possessive(right)
        and not re.search(rf"{re.escape(left)},? (?:(?:and|or|[A-Z][\w ]*),? )*{re.escape(right)}|between|both", claim.text)
    ]
    if not pairs:
        return None
    left, right = rng.choice(pairs)
    either = re.compile(rf"(?<![\w.,])(?:{re.escape(left)}|{re.escape(right)})(?!\w)")

    def put(text: str) -> str:
        return either.sub(lambda match: right if match.group() == left else left, text)

    sentence = claim.document[claim.start : claim.end]
    document = claim.document[: claim.start] + put(sentence) + claim.document[claim.end :]
    return Four(claim.text, claim.document, put(claim.text), document, claim.how, "swap")


def shape(answer: str) -> str:
    """What kind of thing an answer is, as far as its form shows."""
    if YEAR.fullmatch(answer):
        return "year"
    if re.search(r"\d", answer):
        return "date" if _MONTH.search(answer) else "share" if "%" in answer or "percent" in answer or "per cent" in answer else "number"
    return "name" if NAME.match(answer) else "phrase"


def other_answer(answer: str, question: str, answers: Sequence[str], alike: Alike, rng: random.Random) -> str | None:
    """Another answer of the same kind and of a similar length that shares no word with this one or with the question."""
    taken = set(words(f"{answer} {question}"))
    fitting = [one for one in dict.fromkeys(answers) if shape(one) == shape(answer) and not taken & set(words(one))]
    fitting = [one for one in fitting if abs(len(words(one)) - len(words(answer))) <= 2]
    return alike.choose(answer, fitting, rng) if fitting else None
