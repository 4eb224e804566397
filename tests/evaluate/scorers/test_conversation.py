from pathlib import Path

from groundwork.core.measure import Example, Fact, Score, Turn
from groundwork.core.reply import Reply
from groundwork.evaluate.cases import turns_of
from groundwork.evaluate.registry import Answered
from groundwork.evaluate.scorers import find_scorers

TALK = Example(
    id="talk",
    question="What is it?",
    facts=(Fact(accepted=("a press",)),),
    turns=(Turn(question="Who painted it?", answerable=False), Turn(question="When was it made?", facts=(Fact(accepted=("1868",)),))),
)


async def score(name: str, answers: list[Reply], example: Example = TALK) -> Score:
    turn = turns_of(example, answers[:-1])
    assert turn is not None
    answered = Answered(turn, answers[-1], 0.1, conversation=tuple(answers), whole=example)
    return await find_scorers([name], root=Path())[0].score(answered)


def reply(text: str, **more: bool) -> Reply:
    return Reply(text=text, finish="stop", **more)


RIGHT = [reply("It is a press."), reply("That is not known.", abstained=True), reply("In 1868.")]


async def test_a_conversation_is_right_where_every_turn_is() -> None:
    assert (await score("conversation.correct", RIGHT)).value == 1
    wrong = await score("conversation.correct", [RIGHT[0], reply("Arden did."), reply("In 1870.")])
    assert (wrong.value, wrong.detail, wrong.evidence) == (0, "wrong at turn 2, 3", {"wrong_turns": [2, 3]})


async def test_nothing_is_scored_before_the_last_turn_nor_for_a_single_question() -> None:
    early = await score("conversation.correct", RIGHT[:2])
    assert (early.status, early.detail) == ("unscored", "the conversation goes on")
    single = await find_scorers(["conversation.correct"], root=Path())[0].score(Answered(Example(id="a", question="Why?"), RIGHT[0], 0.1))
    assert (single.status, single.detail) == ("unscored", "a single question")


async def test_the_goal_is_reached_at_the_turn_that_states_it() -> None:
    early = await score("conversation.reached", [reply("A press of 1868."), *RIGHT[1:]])
    assert (early.value, early.evidence) == (1, {"turn": 1})
    assert (await score("conversation.reached", [*RIGHT[:2], reply("Long ago.")])).value == 0


async def test_replies_that_come_again_are_counted() -> None:
    stuck = [reply("Please say more."), reply("Please  say more."), reply("In 1868.")]
    assert (await score("conversation.repeated", stuck)).value == 0.5
    assert (await score("conversation.repeated", RIGHT)).value == 0


async def test_a_turn_without_facts_to_look_for_leaves_the_whole_unscored() -> None:
    open_ended = Example(id="talk", question="What is it?", reference="word " * 20, turns=(Turn(question="And?", reference="word " * 20),))
    assert (await score("conversation.correct", [reply("It is a press."), reply("More.")], open_ended)).status == "unscored"
