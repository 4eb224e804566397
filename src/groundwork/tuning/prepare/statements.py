"""A question and its answer as a statement, by rules: "Who wrote it?" and "Ada" become "Ada wrote it.". English.

Verbs are learned from the texts themselves (what follows "to", and has other forms beside it), so there is no word list to ship. None where
no rule fits: about four questions in ten. Not covered: why and how.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

_BE = frozenset("is are was were".split())  # noqa: SIM905
_MODAL = frozenset("can could will would should may might must has have had".split())  # noqa: SIM905
_DO = frozenset("do does did".split())  # noqa: SIM905
_PREPOSITIONS = frozenset("in on at of for to from by with during after before under between among into through as about against".split())  # noqa: SIM905
_SMALL = frozenset("the a an its their his her this that these those most many some all any each one no not or and new other same".split())  # noqa: SIM905
_TIMES = frozenset("year years date day century month decade season era period time point".split())  # noqa: SIM905
_NEVER_VERBS = _PREPOSITIONS | _SMALL | _BE | _DO | {"it", "them", "him", "us", "more", "least", "date", "people", "man", "years", "number"}
_IRREGULAR = {
    word[0]: (word[1], word[-1])
    for word in (
        entry.split(":")
        for entry in [
            "be:was:been",
            "become:became:become",
            "begin:began:begun",
            "break:broke:broken",
            "bring:brought",
            "build:built",
            "buy:bought",
            "catch:caught",
            "choose:chose:chosen",
            "come:came:come",
            "cost:cost",
            "deal:dealt",
            "do:did:done",
            "draw:drew:drawn",
            "drive:drove:driven",
            "eat:ate:eaten",
            "fall:fell:fallen",
            "feel:felt",
            "fight:fought",
            "find:found",
            "fly:flew:flown",
            "forbid:forbade:forbidden",
            "forget:forgot:forgotten",
            "get:got",
            "give:gave:given",
            "go:went:gone",
            "grow:grew:grown",
            "have:had",
            "hear:heard",
            "hide:hid:hidden",
            "hit:hit",
            "hold:held",
            "keep:kept",
            "know:knew:known",
            "lay:laid",
            "lead:led",
            "learn:learned",
            "leave:left",
            "lend:lent",
            "let:let",
            "lie:lay:lain",
            "lose:lost",
            "make:made",
            "mean:meant",
            "meet:met",
            "overcome:overcame:overcome",
            "pay:paid",
            "put:put",
            "read:read",
            "ride:rode:ridden",
            "rise:rose:risen",
            "run:ran:run",
            "say:said",
            "see:saw:seen",
            "seek:sought",
            "sell:sold",
            "send:sent",
            "set:set",
            "shoot:shot",
            "show:showed:shown",
            "shut:shut",
            "sing:sang:sung",
            "sink:sank:sunk",
            "sit:sat",
            "sleep:slept",
            "speak:spoke:spoken",
            "spend:spent",
            "spread:spread",
            "stand:stood",
            "steal:stole:stolen",
            "strike:struck",
            "swim:swam:swum",
            "take:took:taken",
            "teach:taught",
            "tell:told",
            "think:thought",
            "throw:threw:thrown",
            "undergo:underwent:undergone",
            "understand:understood",
            "wear:wore:worn",
            "win:won",
            "withdraw:withdrew:withdrawn",
            "write:wrote:written",
            "bear:bore:born",
            "cut:cut",
        ]
    )
}
_DATE = re.compile(
    r"\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b.*?\b\d{1,2}\b(?!\d)|\b\d{1,2} [A-Z]"
)


class Verbs(NamedTuple):
    """Forms of the verbs that the texts use."""

    bases: frozenset[str]
    pasts: frozenset[str]
    participles: frozenset[str]
    thirds: frozenset[str]


def learn_verbs(texts: Iterable[str]) -> Verbs:
    """The verbs of some texts: words after "to" at least twice of which other forms occur as well."""
    after: Counter[str] = Counter()
    seen: set[str] = set()
    for text in texts:
        after.update(re.findall(r"\bto ([a-z]{2,})\b", text))
        seen.update(re.findall(r"[a-z]{2,}", text))
    bases = {
        word
        for word, count in after.items()
        if word not in _NEVER_VERBS and (word in _IRREGULAR or (count >= 2 and (past(word) in seen or ing(word) in seen)))
    }
    return Verbs(
        frozenset(bases),
        frozenset(past(word) for word in bases),
        frozenset(participle(word) for word in bases) | {"born", "located", "called", "known"},
        frozenset(third(word) for word in bases),
    )


def past(verb: str) -> str:
    return _IRREGULAR[verb][0] if verb in _IRREGULAR else _regular(verb)


def participle(verb: str) -> str:
    return _IRREGULAR[verb][1] if verb in _IRREGULAR else _regular(verb)


def third(verb: str) -> str:
    if verb in {"have", "do", "go"}:
        return {"have": "has", "do": "does", "go": "goes"}[verb]
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ies"
    return f"{verb}es" if verb.endswith(("s", "x", "z", "ch", "sh")) else f"{verb}s"


def ing(verb: str) -> str:
    return f"{verb[:-1]}ing" if verb.endswith("e") and not verb.endswith("ee") else f"{verb}ing"


def _regular(verb: str) -> str:
    if verb.endswith("e"):
        return f"{verb}d"
    if verb.endswith("y") and verb[-2] not in "aeiou":
        return f"{verb[:-1]}ied"
    doubles = re.fullmatch(r"[^aeiou]*[aeiou][bdgklmnprt]", verb) or verb in {
        "refer",
        "occur",
        "prefer",
        "permit",
        "admit",
        "commit",
        "control",
    }
    return f"{verb}{verb[-1]}ed" if doubles else f"{verb}ed"


def statement(question: str, answer: str, verbs: Verbs) -> str | None:
    """What question and answer say together, ending with a full stop; None where no rule fits."""
    tokens = question.strip().rstrip("?. ").split()
    if len(tokens) < 3 or any(mark in question for mark in ';:"') or "," in question:
        return None
    said = answer.strip().rstrip(".,;: ")
    first = tokens[0].casefold()
    if first in _PREPOSITIONS and len(tokens) > 4 and tokens[1].casefold() in {"what", "which"}:
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
    if verb in _DO or (verb in _BE | _MODAL and tokens[-1].casefold() in _PREPOSITIONS):
        return _inverted(tokens, said, verbs, adverb=False)
    last = tokens[-1].casefold()
    if verb in _BE and last in verbs.participles and tokens[1].casefold() not in verbs.participles:
        return _inverted(tokens, said, verbs, adverb=False)
    if verb in _BE | _MODAL | verbs.pasts | verbs.thirds | verbs.bases:
        return f"{said} {' '.join(tokens)}"
    return None


def _what(tokens: Sequence[str], said: str, verbs: Verbs) -> str | None:
    if tokens[0].casefold() in _BE | _MODAL | _DO | verbs.pasts | verbs.thirds:
        return _subject(tokens, said, verbs)
    return _after_noun(tokens, said, verbs, adverb=False)


def _after_noun(tokens: Sequence[str], said: str, verbs: Verbs, *, adverb: bool) -> str | None:
    """What country was it: the noun of the question word is dropped, for the answer names one."""
    for place in range(1, min(5, len(tokens) - 1)):
        word = tokens[place].casefold()
        timed = tokens[place - 1].casefold() in _TIMES
        if word in _DO:
            return _inverted(tokens[place:], _placed(said, "when") if timed and not adverb else said, verbs, adverb=adverb or timed)
        if word in _BE | _MODAL:
            follows = tokens[place + 1].casefold()
            if not adverb and not timed and (follows in verbs.participles or follows in {"the", "a", "an"} | _PREPOSITIONS):
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
        named = said if re.search(r"[A-Za-z]{3}", said) else f"{said} {' '.join(tokens[:place])}"
        if word in _DO:
            return _inverted(tokens[place:], named, verbs, adverb=False)
        if word in _BE | _MODAL | verbs.pasts | verbs.bases and place + 1 < len(tokens):
            follows = tokens[place + 1].casefold()
            if word in _BE | _MODAL and follows not in verbs.participles | _PREPOSITIONS | {"there"}:
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
    if auxiliary not in _DO | _BE | _MODAL:
        return None
    wanted = verbs.bases if auxiliary in _DO else verbs.participles | verbs.bases if auxiliary in _MODAL else verbs.participles
    for place in range(1, len(rest)):
        word = rest[place]
        if word in wanted and rest[place - 1].casefold() not in _SMALL | _PREPOSITIONS:
            break
    else:
        return None
    subject, tail = " ".join(rest[:place]), list(rest[place + 1 :])
    if auxiliary in _DO:
        if word == "do":
            return None
        verb = {"did": past, "does": third, "do": str}[auxiliary](word)
    else:
        verb = f"{auxiliary} {word}"
    if adverb or (tail and (tail[-1].casefold() in _PREPOSITIONS or tail[0].casefold() not in _PREPOSITIONS)):
        return " ".join([subject, verb, *tail, said])
    return " ".join([subject, verb, said, *tail])


def _placed(said: str, asked: str) -> str:
    """With the preposition that a time or place needs, where it has none."""
    first = said.split(maxsplit=1)[0].casefold()
    if first in _PREPOSITIONS | {
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
