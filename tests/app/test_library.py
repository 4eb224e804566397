"""The library's doors: from plain code, from a running loop, and open for many questions."""

import asyncio
from pathlib import Path

import pytest

import groundwork
from groundwork.core.errors import ConfigError
from groundwork.core.message import say
from tests.apps import write_play


@pytest.fixture
def play(tmp_path: Path) -> Path:
    return write_play(tmp_path / "play", [{"match": "two", "answer": "And two."}, {"match": ".*", "answer": "One."}])


def test_plain_code_asks_and_gets_a_reply(play: Path) -> None:
    reply = groundwork.run(groundwork.ask(play, "hi"))
    assert (reply.text, reply.citations) == ("One.", ())
    assert groundwork.run(groundwork.ask(str(play), "two")).text == "And two."


async def test_a_loop_that_runs_already_is_no_obstacle(play: Path) -> None:
    assert groundwork.run(groundwork.ask(play, "hi")).text == "One."


async def test_an_open_application_answers_many(play: Path) -> None:
    async with groundwork.open_app(play) as app:
        first = await app.ask("hi")
        second = await app.ask("two", history=(say("user", "hi"), first.message))
        assert [first.text, second.text] == ["One.", "And two."]
        assert len({first.trace, second.trace}) == 2


@pytest.mark.parametrize("inside", [False, True])
def test_errors_come_through_as_they_are(tmp_path: Path, inside: bool) -> None:
    def plainly() -> None:
        groundwork.run(groundwork.ask(tmp_path, "hi"))

    async def within() -> None:
        plainly()

    with pytest.raises(ConfigError, match=r"groundwork\.toml"):
        asyncio.run(within()) if inside else plainly()


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'aks'"):
        _ = groundwork.aks
