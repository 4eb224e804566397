"""Cases that are known elsewhere: twice in the suite, in both splits, in the prompts, in the data that settings were chosen with.

A figure on a case that was seen says how well it was remembered.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from groundwork.core.measure import Example
from groundwork.core.ngrams import Watch
from groundwork.core.text import content_words, fold, shorten
from groundwork.evaluate.audit.finding import Finding, some
from groundwork.evaluate.scorers.facts import facts_of

N = 8
"""Words of a run that two texts share by copying, not by chance: questions are shorter than the documents of contamination.py."""
COPIED = 0.8
"""A question of which so much stands in another text was copied."""
ALIKE = 0.8
"""Two questions with one answer that share so many of their content words are one question."""


def inside(examples: Sequence[Example]) -> Iterator[Finding]:
    """Doubled cases, contradicting ones, and cases of one split that stand in another."""
    pairs = list(_alike(examples))
    against = [(one, other) for one, other in pairs if _answer(one) != _answer(other)]
    same = [(one, other) for one, other in pairs if _answer(one) == _answer(other)]
    across = [(one, other) for one, other in same if one.split != other.split]
    doubled = [(one, other) for one, other in same if one.split == other.split]
    yield _pairs(
        "leakage.contradiction",
        "alarm",
        against,
        "ask the same and expect different answers",
        "correct one of each pair, or tell the questions apart",
    )
    yield _pairs(
        "leakage.splits",
        "alarm",
        across,
        "ask the same in two splits",
        "move both into one split: what was chosen on one is reported on the other",
    )
    yield _pairs(
        "leakage.doubled", "look", doubled, "ask the same twice", "remove one of each pair, or give both one `cluster`: n counts them twice"
    )


def _pairs(probe: str, severity: str, pairs: Sequence[tuple[Example, Example]], what: str, fix: str) -> Finding:
    if not pairs:
        return Finding(probe=probe, severity="ok", sentence=f"no two cases {what}")
    names = [f"{one.id} and {other.id}" for one, other in pairs]
    return Finding(
        probe=probe,
        severity="alarm" if severity == "alarm" else "look",
        sentence=f"{len(pairs)} pairs of cases {what}: {some(names)}",
        fix=fix,
        cases=tuple(sorted({case.id for pair in pairs for case in pair})),
    )


def _alike(examples: Sequence[Example]) -> Iterator[tuple[Example, Example]]:
    """Pairs that ask the same: the same words, or nearly the same ones with the same answer.

    Two sets that share so much share one of their rarest words, so that only those pairs are looked at.
    Source: S. Chaudhuri, V. Ganti and R. Kaushik, A Primitive Operator for Similarity Joins in Data Cleaning, ICDE 2006 (prefix filter).
    """
    keys = [_key(one) for one in examples]
    answers = [_answer(one) for one in examples]
    frequency = Counter(word for key in keys for word in key)
    holders: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        rarest = sorted(key, key=lambda word: (frequency[word], word))[: len(key) - math.ceil(ALIKE * len(key) - 1e-9) + 1]
        near = {other for word in rarest for other in holders.get(word, ())}
        for other in sorted(near):
            same_answer = bool(answers[place]) and answers[place] == answers[other]
            if key == keys[other] or (same_answer and _jaccard(key, keys[other]) >= ALIKE):
                yield examples[other], examples[place]
        for word in rarest:
            holders.setdefault(word, []).append(place)


def _key(example: Example) -> frozenset[str]:
    """The content words of a case's whole question, its conversation and variables included: these too tell what is asked."""
    said = [example.question, *(message.text for message in example.history), *(turn.question for turn in example.turns)]
    own = content_words(" ".join([*said, *(str(value) for value in example.variables.values())]))
    return frozenset(own or fold(example.question).split())


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other) if one or other else 0.0


def _answer(example: Example) -> str:
    """What is expected, folded; the same for cases that expect the same. Empty where nothing is."""
    facts = [sorted(fold(accepted) for accepted in fact.accepted) for fact in facts_of(example)]
    reference = fold(example.reference or "")
    return f"{facts} {reference} {sorted(example.expected.items(), key=str)}" if facts or reference or example.expected else ""


def outside(examples: Sequence[Example], texts: Mapping[str, Iterable[str]], *, forbidden: Iterable[str]) -> Iterator[Finding]:
    """Cases whose question stands in other texts. `texts` maps a source to its texts; those `forbidden` (prompts, data that settings were
    chosen with) alarm, the others are worth a look.
    """
    closed = frozenset(forbidden)
    for source, pieces in texts.items():
        watch = Watch([one.question for one in examples], n=N)
        for text in pieces:
            watch.read(text, source, 0)
        copied = [one.id for one, seen in zip(examples, watch.seen(), strict=True) if seen.share >= COPIED]
        where = shorten(source, 80)
        if not copied:
            yield Finding(probe="leakage.outside", severity="ok", sentence=f"no question stands in {where}")
            continue
        yield Finding(
            probe="leakage.outside",
            severity="alarm" if source in closed else "look",
            sentence=f"{len(copied)} of {len(examples)} questions stand in {where}: {some(copied)}",
            fix=f"take them out of {where}, or out of the cases that decide",
            cases=tuple(copied),
        )
