"""The simplest rule that tells the answers of a failure mode from the others that were read: a word, a missing citation, a length.

A first detector, readable and free, to be corrected by the person who knows what is meant. With few notes it fits chance: so it is also
made from part of the notes and held against the rest.
"""

import re
from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

from groundwork.core import statistics
from groundwork.core.measure import Estimate
from groundwork.core.reply import Reply
from groundwork.core.text import STOPWORDS, words
from groundwork.evaluate.scorers.facts import declined

FOLDS = 5
MOST_WORDS = 3
Kind = Literal["answer", "question", "declined", "uncited", "longer", "shorter", "never"]


class Read(NamedTuple):
    """An answer that was read, and whether it shows the mode."""

    item: str
    question: str
    reply: Reply
    shows: bool


class Rule(NamedTuple):
    """What makes an answer show the mode: its text or question holds one of the words, or what the kind says. `words` or `length` by kind."""

    kind: Kind
    words: tuple[str, ...] = ()
    length: int = 0

    def holds(self, question: str, reply: Reply) -> bool:
        match self.kind:
            case "answer" | "question":
                return bool(self.pattern.search(reply.text if self.kind == "answer" else question))
            case "declined":
                return declined(reply)
            case "uncited":
                return not reply.citations and not declined(reply)
            case "longer":
                return len(reply.text.split()) > self.length
            case "shorter":
                return len(reply.text.split()) < self.length
            case "never":
                return False

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{'|'.join(re.escape(word) for word in self.words)})\b", re.IGNORECASE)

    @property
    def condition(self) -> str:
        """The same as Python, over `answered`."""
        return {
            "answer": "PATTERN.search(answered.reply.text) is not None",
            "question": "PATTERN.search(answered.example.question) is not None",
            "declined": "declined(answered.reply)",
            "uncited": "not answered.reply.citations and not declined(answered.reply)",
            "longer": f"len(answered.reply.text.split()) > {self.length}",
            "shorter": f"len(answered.reply.text.split()) < {self.length}",
            "never": "False",
        }[self.kind]

    @property
    def says(self) -> str:
        """The same in words."""
        named = " or ".join(f"“{word}”" for word in self.words)
        return {
            "answer": f"the answer says {named}",
            "question": f"the question says {named}",
            "declined": "the answer was declined",
            "uncited": "the answer cites nothing",
            "longer": f"the answer has more than {self.length} words",
            "shorter": f"the answer has fewer than {self.length} words",
            "never": "nothing tells these answers from the others",
        }[self.kind]


class Agreement(NamedTuple):
    """How a rule agrees with the notes: on all of them, and on notes that it was not made from."""

    kappa: Estimate
    recall: Estimate
    precision: Estimate | None
    held_out: Estimate | None
    """Kappa where every fifth of the answers was judged by a rule made from the others; None where there are too few."""


def find_rule(rows: Sequence[Read]) -> Rule:
    """The rule with the highest kappa; of equal ones the simplest. `never` where none is better than chance."""
    best = Rule("never")
    for rule in _candidates(rows):
        best = max(best, rule, key=lambda one: round(_kappa(one, rows), 9))
    if best.kind not in {"answer", "question"}:
        return best
    for _ in range(MOST_WORDS - 1):  # further words, where each makes it agree better
        wider = [
            best._replace(words=(*best.words, *one.words))
            for one in _candidates(rows)
            if one.kind == best.kind and one.words[0] not in best.words
        ]
        better = max(wider, key=lambda one: _kappa(one, rows), default=best)
        if _kappa(better, rows) <= _kappa(best, rows) + 1e-9:
            break
        best = better
    return best


def agreement_of(said: Sequence[bool], shows: Sequence[bool]) -> Agreement:
    """The agreement of any verdicts with the notes."""
    both = sum(one and other for one, other in zip(said, shows, strict=True))
    return Agreement(
        kappa=statistics.cohen_kappa(list(said), list(shows)),
        recall=statistics.proportion(both, sum(shows)),
        precision=statistics.proportion(both, sum(said)) if any(said) else None,
        held_out=None,
    )


def held_out(rows: Sequence[Read]) -> Estimate | None:
    """Kappa on answers that the rule was not made from: each fold is judged by a rule of the others."""
    shows, rest = [one for one in rows if one.shows], [one for one in rows if not one.shows]
    if min(len(shows), len(rest)) < FOLDS:
        return None
    folds = [[*shows[fold::FOLDS], *rest[fold::FOLDS]] for fold in range(FOLDS)]
    said: list[bool] = []
    for fold in folds:
        inside = {one.item for one in fold}
        rule = find_rule([one for one in rows if one.item not in inside])
        said += [rule.holds(one.question, one.reply) for one in fold]
    return statistics.cohen_kappa(said, [one.shows for fold in folds for one in fold])


def _candidates(rows: Sequence[Read]) -> list[Rule]:
    """Rules worth trying: words that more than one answer of the mode has, and what can be seen without reading."""
    shows = [one for one in rows if one.shows]
    least = 1 if len(shows) == 1 else 2
    found = [Rule("declined"), Rule("uncited")]
    lengths = sorted({len(one.reply.text.split()) for one in rows})
    cuts = lengths[:: max(1, len(lengths) // 12)]
    found += [Rule("longer", length=cut) for cut in cuts] + [Rule("shorter", length=cut) for cut in cuts]
    found += _of_words("answer", [one.reply.text for one in shows], least)
    return found + _of_words("question", [one.question for one in shows], least)


def _of_words(kind: Kind, texts: Sequence[str], least: int) -> list[Rule]:
    counts = Counter(word for text in texts for word in {*words(text)} - STOPWORDS if len(word) > 2)
    return [Rule(kind, words=(word,)) for word, count in sorted(counts.items()) if count >= least]


def _kappa(rule: Rule, rows: Sequence[Read]) -> float:
    n = len(rows)
    said = [rule.holds(one.question, one.reply) for one in rows]
    same = sum(one == other.shows for one, other in zip(said, rows, strict=True)) / n
    first, second = sum(said) / n, sum(one.shows for one in rows) / n
    return statistics.kappa_from(same, (first, 1 - first), (second, 1 - second))
