"""Prompts in a whole application: examples from rated traces, forms of answers, versions and where they were used."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.application import withhold
from groundwork.app.catalog import catalogue, find_prompt, with_prompt
from groundwork.app.live import Live, open_live
from groundwork.app.rated import shot_of
from groundwork.core.errors import InputError, UpstreamError
from groundwork.core.ids import event_id
from groundwork.core.measure import Example
from groundwork.core.message import say
from groundwork.core.record import Demonstration, Feedback, Opinion, Thumb, Trace
from groundwork.core.request import Principal, Request
from tests.app.conftest import traces
from tests.apps import write_play

LINES = [
    {"match": "In the form", "answer": "Here: {'kind': 'bill',}"},
    {"match": "In prose|does not fit", "answer": "It is a bill."},
    {"match": ".*", "answer": "Because."},
]


def write(root: Path, front: str, *, more: str = "") -> Path:
    write_play(root, LINES, app='prompt = "say"', more=more)
    (root / "prompts").mkdir(exist_ok=True)
    (root / "prompts" / "say.prompt.md").write_text(f"+++\n{front}\n+++\n# system\nBe brief.\n# user\n{{{{ question }}}}\n")
    return root


async def judge(live: Live, trace: str, opinion: Opinion, tenant: str = "local") -> None:
    await live.folder.feedback.add(Feedback(id=event_id("fb"), trace=trace, opinion=opinion, at=time.time(), tenant=tenant))


async def turns(live: Live, question: str, tenant: str = "local") -> list[str]:
    """What is rendered for a question, in a reading of the store of its own."""
    live.app.prompts.chooser.rated._read_at = float("-inf")  # type: ignore[attr-defined]
    request = Request(messages=(say("user", question),), model=live.app.name, principal=Principal(internal=True, tenant=tenant))
    await live.reply(request)
    newest = (await traces(live))[0]
    return [message["text"] for message in newest.rendered]


async def test_demonstrations_and_praised_answers_become_examples_of_the_same_tenant_only(tmp_path: Path) -> None:
    async with open_live(write(tmp_path, 'select = { by = "rated", keep = 3 }')) as live:
        wrong, praised, spurned = [(await live.ask(question)).trace for question in ("Why one?", "Why two?", "Why three?")]
        await traces(live)
        await judge(live, wrong, Demonstration(value="One, because."))
        await judge(live, praised, Thumb(value=True))
        await judge(live, spurned, Thumb(value=True))
        await judge(live, spurned, Thumb(value=False))
        assert await turns(live, "Why four?") == ["Be brief.", "Why two?", "Because.", "Why one?", "One, because.", "Why four?"]
        span = next(span for span in (await traces(live))[0].spans if span.name == "few-shot examples")
        assert span.attributes["groundwork.few_shot"] == [praised, wrong]
        assert await turns(live, "Why five?", tenant="other") == ["Be brief.", "Why five?"]


async def test_no_example_gives_an_answer_away_that_is_being_measured(tmp_path: Path) -> None:
    front = (
        '[[examples]]\nid = "e1"\nquestion = "Why one?"\nanswer = "One."\n[[examples]]\nid = "e2"\nquestion = "Why two?"\nanswer = "Two."\n'
    )
    async with open_live(write(tmp_path, front)) as live:
        assert await turns(live, "Why?") == ["Be brief.", "Why one?", "One.", "Why two?", "Two.", "Why?"]
        live.app = withhold(live.app, [Example(id="x", question="why  ONE?"), Example(id="y", question="Other?")])
        assert await turns(live, "Why?") == ["Be brief.", "Why two?", "Two.", "Why?"]


async def test_an_application_without_examples_reads_no_suite(tmp_path: Path) -> None:
    def unread() -> Any:
        raise AssertionError
        yield

    async with open_live(write(tmp_path, "")) as live:
        assert withhold(live.app, unread()) is live.app
        await live.ask("Why?")
        assert "few-shot examples" not in {span.name for span in (await traces(live))[0].spans}


@pytest.mark.parametrize(
    ("fields", "opinion", "kept"),
    [
        ({}, Thumb(value=True), True),
        ({"episode": "run_1"}, Thumb(value=True), False),
        ({"status": "error"}, Thumb(value=True), False),
        ({"status": "error"}, Demonstration(value="So."), True),
        ({"reply": {"text": "I do not know", "abstained": True}}, Thumb(value=True), False),
        ({"reply": None}, Thumb(value=True), False),
        ({"request": None}, Demonstration(value="So."), False),
        ({"tenant": "other"}, Demonstration(value="So."), False),
        ({}, Demonstration(value=" "), False),
        ({}, Thumb(value=False), False),
    ],
)
def test_what_makes_a_trace_an_example(fields: dict[str, Any], opinion: Opinion, kept: bool) -> None:
    whole: dict[str, Any] = {
        "id": "tr_1",
        "app": "a",
        "start": 1.0,
        "seconds": 0.1,
        "status": "ok",
        "request": {"messages": [{"role": "user", "parts": [{"type": "text", "text": "Why?"}]}]},
        "reply": {"text": "Because."},
    }
    shot = shot_of(Trace(**(whole | fields)), [Feedback(id="fb_1", trace="tr_1", opinion=opinion, at=2.0)])
    assert (shot is not None) == kept
    if shot is not None:
        assert shot.label == "source"


async def test_answers_that_rest_on_feedback_are_not_kept(tmp_path: Path) -> None:
    kept = write(tmp_path / "kept", "", more='[cache]\nexact = "1h"')
    async with open_live(kept) as live:
        await live.ask("Why?")
        await traces(live)
        assert (await live.ask("Why?")).cached
    dynamic = write(tmp_path / "dynamic", 'select = { by = "recent" }', more='[cache]\nexact = "1h"')
    async with open_live(dynamic) as live:
        await live.ask("Why?")
        await traces(live)
        assert not (await live.ask("Why?")).cached


async def test_an_answer_leaves_in_its_form_or_not_at_all(tmp_path: Path) -> None:
    front = 'output = { schema = { type = "object", required = ["kind"] } }'
    async with open_live(write(tmp_path, front)) as live:
        reply = await live.ask("In the form?")
        assert json.loads(reply.text) == {"kind": "bill"}
        assert reply.finish == "stop"
        with pytest.raises(UpstreamError, match="did not come to the form of the answer in 2 attempts"):
            await live.ask("In prose?")
        newest = (await traces(live))[0]
        assert next(span for span in newest.spans if span.name == "structured output").attributes["groundwork.output"] == "invalid"


async def test_the_whole_cost_and_usage_of_a_drawing_stand_on_the_reply(tmp_path: Path) -> None:
    write_play(tmp_path, LINES)
    file = tmp_path / "groundwork.toml"
    async with open_live(tmp_path) as live:
        once = await live.ask("Why?")
    file.write_text(file.read_text().replace('targets = ["stage/one"]', 'targets = ["stage/one"]\nbest_of = { n = 3, by = "vote" }'))
    async with open_live(tmp_path) as live:
        drawn = await live.ask("Why?")
        assert drawn.usage.output_tokens == 2 * once.usage.output_tokens, "the second agreed, so the third was not drawn"
        assert drawn.cost == 0.0
        newest = (await traces(live))[0]
        assert next(span for span in newest.spans if span.name == "best of 3").attributes["groundwork.best_of.calls"] == 2


async def test_every_version_is_found_again_with_its_files(tmp_path: Path) -> None:
    root = write(tmp_path, 'examples = "shots.jsonl"')
    (root / "prompts" / "shots.jsonl").write_text('{"question": "Why one?", "answer": "One."}\n')
    async with open_live(root) as live:
        await live.ask("Why?")
        old = live.app.router.default.prompt
    assert old is not None
    (root / "prompts" / "shots.jsonl").write_text('{"question": "Why two?", "answer": "Two."}\n')
    async with open_live(root) as live:
        await live.ask("Why?")
        await traces(live)
        rows = await catalogue(live.app.settings, live.folder, every=True)
        assert [(row.current, row.answers) for row in rows] == [(True, 1), (False, 1)]
        assert rows[1].id == old.id
        assert await find_prompt(old.id, live.app.settings, live.folder) == old
        live.app = with_prompt(live.app, old)
        assert await turns(live, "Why?") == ["Be brief.", "Why one?", "One.", "Why?"]
        assert (await traces(live))[0].versions.prompt == old.id
        assert (await traces(live))[0].versions.config != rows[0].id
        with pytest.raises(InputError, match="unknown prompt"):
            await find_prompt("sya", live.app.settings, live.folder)
