from collections.abc import AsyncGenerator

import pytest

from groundwork.context.queries.rewriting import AsAsked, ByModel, ByRules, by_rules, is_elliptical, rewriter_of, salient
from groundwork.core.errors import UpstreamError
from groundwork.core.message import Message, say
from groundwork.core.reply import Delta
from groundwork.core.request import Request

CAPITAL = (say("user", "What is the capital of France?"), say("assistant", "Paris is its capital [1]."))


def request(question: str, *history: Message) -> Request:
    return Request(messages=(*history, say("user", question)))


class Scripted:
    name = "scripted"

    def __init__(self, *deltas: Delta, error: Exception | None = None) -> None:
        self.deltas = deltas
        self.error = error
        self.asked: list[Request] = []

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        self.asked.append(request)
        if self.error:
            raise self.error
        for delta in self.deltas:
            yield delta


@pytest.mark.parametrize(
    ("question", "history", "expected"),
    [
        ("and its population?", CAPITAL, "and its population? France Paris"),
        ("What about Germany?", CAPITAL, "What about Germany? France Paris"),
        ("how do I fix it?", (say("user", "what does ORA-00942 mean"),), "how do I fix it? ORA-00942"),
        ("why?", (say("user", "Does foo_bar() of libssl.so.3 leak?"),), "why? foo_bar libssl.so.3"),
        ("and on Sundays?", (say("user", "how long are backups kept?"),), "and on Sundays? long backups kept"),
        ("And in France?", CAPITAL, "And in France? Paris"),
        ("How large is the write-ahead log of the database?", CAPITAL, "How large is the write-ahead log of the database?"),
        ("and its population?", (), "and its population?"),
        ("", CAPITAL, ""),
    ],
)
def test_rules_add_the_names_that_a_question_leaves_out(question: str, history: tuple[Message, ...], expected: str) -> None:
    assert by_rules(request(question, *history)) == expected


def test_what_can_stand_alone_is_left_alone() -> None:
    assert not is_elliptical("When is the write-ahead log file removed from the disk?")
    assert is_elliptical("When is it removed from the disk?")
    assert not is_elliptical("and " * 200)


def test_names_are_few_and_words_stand_in_for_them() -> None:
    assert salient("The Bank of England raised rates in London.") == ["Bank of England", "London"]
    assert salient("how are backups kept") == ["backups", "kept"]
    assert salient("how are backups kept", names_only=True) == []
    long = by_rules(request("and it?", say("user", " ".join(f"Name{number}" for number in range(50)) + " " + "A. B. " * 50)))
    assert len(long.split()) <= 60


async def test_a_model_writes_it_anew() -> None:
    model = Scripted(Delta(text='"What is the population\n of Paris?"'), Delta(finish="stop"))
    assert await ByModel(model).rewrite(request("and its population?", *CAPITAL)) == "What is the population of Paris?"
    sent = model.asked[0].messages[-1].text
    assert "Paris is its capital" in sent
    assert sent.endswith("Last question: and its population?")


@pytest.mark.parametrize(
    "model",
    [
        Scripted(error=UpstreamError("down", cause="overload", fix="wait")),
        Scripted(Delta(text=""), Delta(finish="stop")),
        Scripted(Delta(text="word " * 200), Delta(finish="stop")),
        Scripted(Delta(text="What is"), Delta(finish="length")),
        Scripted(Delta(text="I cannot", refusal="no"), Delta(finish="stop")),
    ],
)
async def test_where_the_model_is_of_no_use_the_rules_are(model: Scripted) -> None:
    assert await ByModel(model).rewrite(request("and its population?", *CAPITAL)) == "and its population? France Paris"


async def test_a_first_question_costs_nothing() -> None:
    model = Scripted(Delta(text="x"), Delta(finish="stop"))
    assert await ByModel(model).rewrite(request("What is its population?")) == "What is its population?"
    assert model.asked == []


async def test_what_is_configured_is_what_rewrites() -> None:
    assert isinstance(rewriter_of("off", None), AsAsked)
    assert isinstance(rewriter_of("rules", None), ByRules)
    assert isinstance(rewriter_of("fast", Scripted()), ByModel)
    assert await AsAsked().rewrite(request("and its population?", *CAPITAL)) == "and its population?"
    assert await ByRules().rewrite(request("and its population?", *CAPITAL)) == "and its population? France Paris"
