"""Citations in both directions: whether each one is needed, and whether each thing stated has one. `citation.correct` asks for all at once.

What an answer states is known from the case's facts alone; what a citation shows is its verbatim quote. Not covered: support in other words,
and statements that no fact of the case names. That needs a judge.
"""

from groundwork.core.measure import Fact
from groundwork.core.text import fold
from groundwork.evaluate.registry import Answered, Graded, Unscored, scorer
from groundwork.evaluate.scorers.facts import declined, facts_of, holds


@scorer("citation.precision", better="higher")
def citation_precision(answered: Answered) -> Graded | Unscored:
    """Share of the citations whose quote states a fact that the answer states too; unscored for an answer without citations."""
    stated = _stated(answered)
    if isinstance(stated, Unscored):
        return stated
    citations = answered.reply.citations
    if not citations:
        return Unscored("the answer cites nothing")
    idle = [one.source for one in citations if not any(_holds(one.quote, fact) for fact in stated)]
    return Graded(1 - len(idle) / len(citations), evidence={"without a fact": idle})


@scorer("citation.recall", better="higher")
def citation_recall(answered: Answered) -> Graded | Unscored:
    """Share of the facts that the answer states for which a citation's quote stands; unscored where it states none of them."""
    stated = _stated(answered)
    if isinstance(stated, Unscored):
        return stated
    if not stated:
        return Unscored("the answer states none of the case's facts")
    bare = [fact.accepted[0] for fact in stated if not any(_holds(one.quote, fact) for one in answered.reply.citations)]
    return Graded(1 - len(bare) / len(stated), evidence={"without a citation": bare})


def _stated(answered: Answered) -> list[Fact] | Unscored:
    """The case's facts that the answer states."""
    facts = facts_of(answered.example)
    if not facts:
        return Unscored("the case has no facts to look for")
    if declined(answered.reply):
        return Unscored("declined")
    return [fact for fact in facts if _holds(answered.reply.text, fact)]


def _holds(text: str, fact: Fact) -> bool:
    folded = fold(text)
    return any(holds(folded, accepted) for accepted in fact.accepted)
