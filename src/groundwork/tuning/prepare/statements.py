"""A question and its answer as a statement, by rules: "Who wrote it?" and "Ada" become "Ada wrote it.". English.

None where no rule fits: about four questions in ten. Not covered: why and how.
"""

import re
from collections.abc import Sequence

from groundwork.datasets.verbs import BE, DETERMINERS, DO, MODALS, PREPOSITIONS, Verbs, past, third

_TIMES = frozenset("year years date day century month decade season era period time point".split())  # noqa: SIM905
_NOUN = re.compile(r"[A-Za-z]{3}|%")
_NUMERAL = re.compile(
    r"\b(?:about|around|over|nearly|almost|approximately|roughly|some|more|than|at|least|up|to|zero|one|two|three|four|five|six|seven|eight|nine|ten"
    r"|eleven|twelve|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|thousand|million|billion|dozen)\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b.*?\b\d{1,2}\b(?!\d)|\b\d{1,2} [A-Z]"
)


def statement(question: str, answer: str, verbs: Verbs) -> str | None:
    """What question and answer say together, ending with a full stop; None where no rule fits."""
    tokens = question.strip().rstrip("?. ").split()
    if len(tokens) < 3 or any(mark in question for mark in ';:"') or "," in question:
        return None
    said = answer.strip().rstrip(".,;: ")
    first = tokens[0].casefold()
    if first in PREPOSITIONS and len(tokens) > 4 and tokens[1].casefold() in {"what", "which"}:
        found = _after_noun(tokens[2:], f"{first} {said}", verbs, adverb=True)
    elif first == "who":
        found = _subject(tokens[1:], said, verbs)
    elif first in {"what", "which"}:
        found = _what(tokens[1:], said, verbs)
    elif first in {"when", "where"}:
        found = _inverted(tokens[1:], _placed(said, first), verbs, adverb=True)
    elif first == "how" and tokens[1].casefold() in {"many", "much"}:
        found = _many(tokens[2:], said, verbs)
    else:
        return None
    return None if found is None else f"{found[0].upper()}{found[1:]}."


def _subject(tokens: Sequence[str], said: str, verbs: Verbs) -> str | None:
    """Who wrote it: the answer takes the place of the question word."""
    verb = tokens[0].casefold()
    if verb in DO or (verb in BE | MODALS and tokens[-1].casefold() in PREPOSITIONS):
        return _inverted(tokens, said, verbs, adverb=False)
    last = tokens[-1].casefold()
    if verb in BE and last in verbs.participles and tokens[1].casefold() not in verbs.participles:
        return _inverted(tokens, said, verbs, adverb=False)
    if verb in BE | MODALS | verbs.pasts | verbs.thirds | verbs.bases:
        return f"{said} {' '.join(tokens)}"
    return None


def _what(tokens: Sequence[str], said: str, verbs: Verbs) -> str | None:
    if tokens[0].casefold() in BE | MODALS | DO | verbs.pasts | verbs.thirds:
        return _subject(tokens, said, verbs)
    return _after_noun(tokens, said, verbs, adverb=False)


def _after_noun(tokens: Sequence[str], said: str, verbs: Verbs, *, adverb: bool) -> str | None:
    """What country was it: the noun of the question word is dropped, for the answer names one."""
    for place in range(1, min(5, len(tokens) - 1)):
        word = tokens[place].casefold()
        timed = tokens[place - 1].casefold() in _TIMES
        if word in DO:
            return _inverted(tokens[place:], _placed(said, "when") if timed and not adverb else said, verbs, adverb=adverb or timed)
        if word in BE | MODALS:
            follows = tokens[place + 1].casefold()
            if not adverb and not timed and (follows in verbs.participles or follows in {"the", "a", "an"} | PREPOSITIONS):
                ends = tokens[-1].casefold()
                return None if ends in verbs.participles and follows == "the" else f"{said} {' '.join(tokens[place:])}"
            return _inverted(tokens[place:], _placed(said, "when") if timed and not adverb else said, verbs, adverb=adverb or timed)
        if not adverb and word in verbs.pasts | verbs.thirds:
            return f"{said} {' '.join(tokens[place:])}"
    return None


def _many(tokens: Sequence[str], said: str, verbs: Verbs) -> str | None:
    """How many people live there: a bare number takes the noun with it."""
    for place in range(1, min(5, len(tokens))):
        word = tokens[place].casefold()
        named = said if _NOUN.search(_NUMERAL.sub(" ", said)) else f"{said} {' '.join(tokens[:place])}"
        if word in DO:
            return _inverted(tokens[place:], named, verbs, adverb=False)
        if word in BE | MODALS | verbs.pasts | verbs.bases and place + 1 < len(tokens):
            follows = tokens[place + 1].casefold()
            if word in BE | MODALS and follows not in verbs.participles | PREPOSITIONS | {"there"}:
                return None
            return (
                f"there {word} {named} {' '.join(tokens[place + 2 :])}".rstrip()
                if follows == "there"
                else f"{named} {' '.join(tokens[place:])}"
            )
    return None


def _inverted(tokens: Sequence[str], said: str, verbs: Verbs, *, adverb: bool) -> str | None:
    """Did he write: the auxiliary goes behind the subject, and the answer to where it was asked from."""
    auxiliary, rest = tokens[0].casefold(), tokens[1:]
    if auxiliary not in DO | BE | MODALS:
        return None
    wanted = verbs.bases if auxiliary in DO else verbs.participles | verbs.bases if auxiliary in MODALS else verbs.participles
    for place in range(1, len(rest)):
        word = rest[place]
        if word in wanted and rest[place - 1].casefold() not in DETERMINERS | PREPOSITIONS:
            break
    else:
        return None
    subject, tail = " ".join(rest[:place]), list(rest[place + 1 :])
    if auxiliary in DO:
        if word == "do":
            return None
        verb = {"did": past, "does": third, "do": str}[auxiliary](word)
    else:
        verb = f"{auxiliary} {word}"
    if adverb or (tail and (tail[-1].casefold() in PREPOSITIONS or tail[0].casefold() not in PREPOSITIONS)):
        return " ".join([subject, verb, *tail, said])
    return " ".join([subject, verb, said, *tail])


def _placed(said: str, asked: str) -> str:
    """With the preposition that a time or place needs, where it has none."""
    first = said.split(maxsplit=1)[0].casefold()
    if first in PREPOSITIONS | {
        "when",
        "where",
        "until",
        "since",
        "around",
        "within",
        "near",
        "over",
        "throughout",
        "late",
        "early",
        "every",
    }:
        return said
    if asked == "when":
        return f"on {said}" if _DATE.search(said) else f"in {said}"
    return f"in {said}"
