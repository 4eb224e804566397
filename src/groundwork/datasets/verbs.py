"""English verbs and their forms, learned from the texts at hand: no word list to ship, and the verbs of the user's own field are known.

A verb is what follows "to" at least twice while another of its forms stands somewhere too. Not covered: phrasal verbs, and words that are verb
and noun in one ("to work", "the work"): they count as verbs.
"""

import re
from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

BE = frozenset(("is", "are", "was", "were"))
MODALS = frozenset("can could will would should may might must has have had".split())  # noqa: SIM905
DO = frozenset(("do", "does", "did"))
PREPOSITIONS = frozenset(
    "in on at of for to from by with during after before under between among into through as about against".split()  # noqa: SIM905
)
DETERMINERS = frozenset(
    "the a an its their his her this that these those most many some all any each one no not or and new other same".split()  # noqa: SIM905
)
_NEVER = PREPOSITIONS | DETERMINERS | BE | DO | {"it", "them", "him", "us", "more", "least", "date", "people", "man", "years", "number"}
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
        if word not in _NEVER and (word in _IRREGULAR or (count >= 2 and (past(word) in seen or ing(word) in seen)))
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
