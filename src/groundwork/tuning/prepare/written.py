"""Texts of our own making: phrases with slots, filled at random, and then roughened as people's typing is.

    [words]
    drop = ["ignore", "disregard"]
    [kinds]
    override = ["{drop} the rules above"]

A kind is a group: what a split never cuts through. Whatever a slot takes stays the same within one text where the same thing is meant
(`SAME`), and is drawn anew where it is not.
Not covered: grammar beyond slots. A text may read oddly, as many that people type do.
"""

import random
import re
import tomllib
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "written"
SAME = frozenset({"name", "job", "persona", "mode", "code", "boss", "shop"})
_SLOT = re.compile(r"\{([a-z_]+)\}")
_KEYS = "qwertyuiopasdfghjklzxcvbnm"


class Written(NamedTuple):
    """A text of our own and the kind it belongs to."""

    text: str
    kind: str


class Phrases:
    """The phrases of one file, with the questions that any file may use."""

    def __init__(self, words: Mapping[str, Sequence[str]], kinds: Mapping[str, Sequence[str]]) -> None:
        self.words = words
        self.kinds = kinds

    def fill(self, text: str, chance: random.Random, kept: dict[str, str] | None = None) -> str:
        """The text with its slots filled, and the slots of what was filled in. Two halves of an order fill `split_a` and `split_b`."""
        kept = {} if kept is None else kept

        def take(slot: re.Match[str]) -> str:
            name = slot.group(1)
            if name == "question":
                return one_of(questions(), chance).text
            if name in {"split_a", "split_b"}:
                if name not in kept:
                    kept["split_a"], kept["split_b"] = _halves(self.fill("{override}{then}{goal}", chance), chance)
                return kept[name]
            if name not in self.words:
                return slot.group()
            if name in kept:
                return kept[name]
            value = self.fill(chance.choice(self.words[name]), chance, kept)
            if name in SAME:
                kept[name] = value
            return value

        return _SLOT.sub(take, text)


@cache
def phrases(name: str) -> Phrases:
    """The phrases of one file beside this one: `attacks`, `lookalikes`, `embedded` …"""
    read = tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))
    return Phrases(read["words"], read["kinds"])


def questions() -> Phrases:
    return phrases("questions")


def one_of(source: Phrases, chance: random.Random, kind: str | None = None) -> Written:
    """One text, of a kind drawn first, so that kinds with few phrases come as often as others."""
    chosen = kind or chance.choice(list(source.kinds))
    return Written(source.fill(chance.choice(source.kinds[chosen]), chance), chosen)


def many(
    source: Phrases, count: int, chance: random.Random, *, rough: float = 0.5, change: Callable[[str, random.Random], str] | None = None
) -> list[Written]:
    """Up to `count` different texts, evenly over the kinds; a share `rough` of them as carelessly typed. Kinds with few phrases give fewer."""
    found: dict[str, Written] = {}
    kinds = list(source.kinds)
    for place in range(4 * count):
        if len(found) == count:
            break
        made = one_of(source, chance, kinds[place % len(kinds)])
        text = roughen(made.text, chance) if chance.random() < rough else made.text
        text = change(text, chance) if change else text
        if text.strip():
            found.setdefault(text, Written(text, made.kind))
    return list(found.values())


def roughen(text: str, chance: random.Random) -> str:
    """As people type: no capitals, all capitals, no full stop, a slip of the finger, a pleasantry."""
    roll = chance.random()
    if roll < 0.3:
        text = text.lower()
    elif roll < 0.36:
        text = text.upper()
    elif roll < 0.55:
        text = text[:1].upper() + text[1:]
    if chance.random() < 0.3:
        text = text.rstrip(".!?")
    if chance.random() < 0.3:
        text = _slip(text, chance)
    if chance.random() < 0.1:
        text = chance.choice(("Hi, ", "Hello! ", "Hey ", "please ", "OK, ", "so ", "Dear assistant, ", "One more thing: ")) + text
    if chance.random() < 0.06:
        text += chance.choice((" thanks", " Thank you!", " please", "!!!", " :)", " Thanks in advance."))
    return text


def _slip(text: str, chance: random.Random) -> str:
    places = [place for place in range(1, len(text) - 1) if text[place - 1].isalpha() and text[place].isalpha()]
    if not places:
        return text
    place = chance.choice(places)
    kind = chance.random()
    if kind < 0.35:
        return text[:place] + text[place + 1 :]
    if kind < 0.7:
        return text[: place - 1] + text[place] + text[place - 1] + text[place + 1 :]
    return text[:place] + (text[place] if kind < 0.85 else chance.choice(_KEYS)) + text[place:]


def _halves(text: str, chance: random.Random) -> tuple[str, str]:
    middle = len(text) // 2 + chance.randint(-len(text) // 5, len(text) // 5)
    return text[:middle], text[middle:]
