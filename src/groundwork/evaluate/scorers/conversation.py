"""A conversation as a whole, scored at its last turn: whether every turn was right, when its goal was reached, and what was said twice."""

import msgspec

from groundwork.core.measure import Example
from groundwork.core.reply import Reply
from groundwork.core.text import fold
from groundwork.evaluate.registry import Answered, Graded, Unscored, scorer
from groundwork.evaluate.scorers.facts import answer_correct, declined, facts_of, holds

_SINGLE = Unscored("a single question")
_GOES_ON = Unscored("the conversation goes on")


@scorer("conversation.correct", better="higher")
def conversation_correct(answered: Answered) -> Graded | Unscored:
    """1 where every turn was right as `answer.correct` has it, else 0; the evidence names the wrong turns."""
    whole = _whole(answered)
    if isinstance(whole, Unscored):
        return whole
    verdicts = [_is_right(answered, whole, turn, reply) for turn, reply in enumerate(answered.conversation)]
    if any(verdict is None for verdict in verdicts):
        return Unscored("a turn has no facts to look for")
    wrong = [turn + 1 for turn, verdict in enumerate(verdicts) if not verdict]
    detail = f"wrong at turn {', '.join(map(str, wrong))}" if wrong else ""
    return Graded(float(not wrong), detail=detail, evidence={"wrong_turns": wrong})


@scorer("conversation.reached", better="higher")
def conversation_reached(answered: Answered) -> Graded | Unscored:
    """1 where some turn stated the facts of the last one, which are the goal, else 0; the evidence has the first turn that did."""
    whole = _whole(answered)
    if isinstance(whole, Unscored):
        return whole
    last = turn_of(whole, len(whole.turns))
    if not last.expects_answer:
        return Graded(float(declined(answered.reply)), evidence={"turn": len(answered.conversation)})
    turn = next((place for place, reply in enumerate(answered.conversation, start=1) if states(last, reply.text)), None)
    return Graded(float(turn is not None), evidence={"turn": turn})


@scorer("conversation.repeated", better="lower")
def conversation_repeated(answered: Answered) -> float | Unscored:
    """Share of the replies after the first that say word for word what an earlier one said: a sign of a conversation that is stuck."""
    whole = _whole(answered)
    if isinstance(whole, Unscored):
        return whole
    said = [fold(reply.text) for reply in answered.conversation]
    return sum(text in said[:place] for place, text in enumerate(said) if place and text) / (len(said) - 1)


def turn_of(example: Example, turn: int) -> Example:
    """One turn of a conversation as an example of its own, without what was said before; the case itself for the first."""
    if not turn:
        return msgspec.structs.replace(example, turns=())
    asked = example.turns[turn - 1]
    return msgspec.structs.replace(
        example,
        question=asked.question,
        facts=asked.facts,
        reference=asked.reference,
        answerable=asked.answerable,
        expected=asked.expected,
        turns=(),
    )


def states(example: Example, answer: str) -> bool:
    """Whether an answer states all facts of a case; False where it has none."""
    facts, folded = facts_of(example), fold(answer)
    return bool(facts) and all(any(holds(folded, accepted) for accepted in fact.accepted) for fact in facts)


def _whole(answered: Answered) -> Example | Unscored:
    """The conversation's case, at its last turn."""
    if answered.whole is None or not answered.whole.turns:
        return _SINGLE
    return answered.whole if answered.is_last_turn else _GOES_ON


def _is_right(answered: Answered, whole: Example, turn: int, reply: Reply) -> bool | None:
    value = answer_correct(answered._replace(example=turn_of(whole, turn), reply=reply))
    return None if isinstance(value, Unscored) else value == 1
