"""Whether an answer states what it must, cites where that stands, and is declined where the documents do not hold it.

Not covered: answers that are right in other words than the accepted ones. That needs a judge.
"""

from groundwork.core.measure import Example, Fact
from groundwork.core.reply import Reply
from groundwork.core.text import fold
from groundwork.datasets.examples import UNLABELLED
from groundwork.evaluate.registry import Answered, Unscored, scorer

LONGEST_REFERENCE = 12
"""Words up to which a reference counts as a fact that the answer must state; a longer one is right in too many other words."""


# -- what stands in an answer


def holds(folded: str, accepted: str) -> bool:
    """Whether folded text states `accepted`: as whole words, and a number not as a piece of a longer one (100 is not in 1000 or 100.5)."""
    wanted = fold(accepted)
    at = folded.find(wanted)
    while at >= 0:
        if not _runs_on(folded, at - 1, -1, wanted[0]) and not _runs_on(folded, at + len(wanted), 1, wanted[-1]):
            return True
        at = folded.find(wanted, at + 1)
    return False


def _runs_on(text: str, at: int, step: int, edge: str) -> bool:
    """Whether the word or number that ends at `edge` goes on at `at`, in the direction of `step`."""
    if not 0 <= at < len(text):
        return False
    if text[at].isalnum() or text[at] == "_":
        return edge.isalnum() or edge == "_"
    beyond = at + step
    return edge.isdigit() and text[at] in ".," and 0 <= beyond < len(text) and text[beyond].isdigit()


def facts_of(example: Example) -> tuple[Fact, ...]:
    """What a right answer states; a short reference counts as a fact. Empty where nothing can be looked for."""
    if example.facts or not example.reference or len(example.reference.split()) > LONGEST_REFERENCE:
        return example.facts
    return (Fact(accepted=(example.reference,)),)


def declined(reply: Reply) -> bool:
    """Whether there is no answer on purpose: the model abstained or refused, or a rail blocked it."""
    return reply.abstained or reply.finish == "blocked" or bool(reply.refusal and not reply.text)


def _states(folded: str, fact: Fact) -> bool:
    return any(holds(folded, accepted) for accepted in fact.accepted)


def _share_found(answered: Answered, facts: tuple[Fact, ...]) -> float:
    folded = fold(answered.reply.text)
    return sum(_states(folded, fact) for fact in facts) / len(facts)


_NOT_ANSWERABLE = Unscored("not answerable")
_ANSWERABLE = Unscored("answerable")
_NO_FACTS = Unscored("no facts to look for: a long reference needs a judge")
_WAITS = Unscored("not labelled yet")


# -- groundwork's own scorers


@scorer("answer.correct", better="higher")
def answer_correct(answered: Answered) -> float | Unscored:
    """1 where an answerable question got all its facts, or an unanswerable one was declined; else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return float(declined(answered.reply))
    facts = facts_of(example)
    if not facts:
        return _NO_FACTS
    return float(not declined(answered.reply) and _share_found(answered, facts) == 1.0)


@scorer("facts.found", better="higher")
def facts_found(answered: Answered) -> float | Unscored:
    """Share of an answerable question's facts that the answer states."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return _NOT_ANSWERABLE
    facts = facts_of(example)
    return _share_found(answered, facts) if facts else _NO_FACTS


@scorer("abstention.right", better="higher")
def abstention_right(answered: Answered) -> float | Unscored:
    """1 where an unanswerable question was declined, else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    return _ANSWERABLE if example.expects_answer else float(declined(answered.reply))


@scorer("abstention.wrong", better="lower")
def abstention_wrong(answered: Answered) -> float | Unscored:
    """1 where an answerable question was declined, else 0."""
    example = answered.example
    if UNLABELLED in example.tags:
        return _WAITS
    return float(declined(answered.reply)) if example.expects_answer else _NOT_ANSWERABLE


@scorer("citation.correct", better="higher")
def citation_correct(answered: Answered) -> float | Unscored:
    """1 where, for each fact of an answered question, a citation's verbatim quote states it and comes from the source the fact names."""
    example, reply = answered.example, answered.reply
    if UNLABELLED in example.tags:
        return _WAITS
    if not example.expects_answer:
        return _NOT_ANSWERABLE
    if declined(reply):
        return Unscored("declined")
    facts = facts_of(example)
    if not facts:
        return _NO_FACTS
    quotes = [(fold(citation.quote), citation.source) for citation in reply.citations]
    return float(all(any(_states(quote, fact) and _is_source(source, fact.source) for quote, source in quotes) for fact in facts))


def _is_source(source: str, named: str | None) -> bool:
    """A fact names its source by its path, or by the end of it: `wal.html` for `docs/wal.html`."""
    return named is None or source == named or source.endswith(f"/{named}")
