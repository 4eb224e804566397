import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.live import open_live
from groundwork.core.document import NOTHING, Chunk, Citation, Found, Hit
from groundwork.core.message import ToolCall
from groundwork.core.reply import CallPiece, Delta, Reply, Verdict
from groundwork.guard.config import OUTPUT_RAILS, GuardSection, parse_rail
from groundwork.guard.incoming import Admission, Rail
from groundwork.guard.outgoing import Cleared, GuardOut, refuse, uncited
from groundwork.observe.recorder import Recorder, recording
from tests.apps import write_docs

KEY = "AKIAIOSFODNN7EXAMPLE"
SORRY = "No answer that passes this application's rules could be given."
CHUNK = Chunk(id="ch", document="doc", source="s", title="t", headings=(), start=0, end=1, text="x")
FOUND = Found(hits=(Hit(chunk=CHUNK, score=1.0),))


class Outlet:
    def __init__(self) -> None:
        self.deltas: list[Delta] = []

    async def send(self, delta: Delta) -> None:
        self.deltas.append(delta)

    @property
    def text(self) -> str:
        return "".join(delta.text for delta in self.deltas)

    @property
    def last(self) -> Delta:
        return self.deltas[-1]


def cleared(
    *rails: str, functions: dict[str, Callable[..., Any]] | None = None, found: Found = NOTHING, agreed: bool = True
) -> tuple[Cleared, Outlet]:
    names = [parse_rail(rail, OUTPUT_RAILS, "") for rail in rails]
    judges = [Rail(name, (functions or {})[name.name]) for name in names if name.is_function]
    admission, out = Admission(), Outlet()
    if agreed:
        admission.agree()
    return GuardOut(GuardSection(output=rails), names, judges)(out, found, after=admission), out


async def answered(behind: Cleared, *texts: str, **more: Any) -> Reply:
    """A model's answer, in pieces."""
    for text in texts:
        await behind.send(Delta(text=text))
    return await behind.finish(Reply(text="".join(texts), finish=more.pop("finish", "stop"), **more))


@pytest.mark.parametrize("rails", [(), ("empty:block",), ("uncited:flag",), ("pii:flag", "empty:block")])
async def test_what_is_only_flagged_streams(rails: tuple[str, ...]) -> None:
    behind, out = cleared(*rails)
    await behind.send(Delta(text="One "))
    assert out.text == "One "
    reply = await answered(behind, "two.")
    assert [delta.text for delta in out.deltas] == ["One ", "two.", ""]
    assert (out.last.finish, reply.finish) == ("stop", "stop")


@pytest.mark.parametrize("rails", [("secrets:redact",), ("pii:block",), ("uncited:block",), ("a:f:block",)])
async def test_what_may_change_the_answer_holds_it_back(rails: tuple[str, ...]) -> None:
    behind, out = cleared(*rails, functions={"a:f": lambda _: None})
    await behind.send(Delta(text="One "))
    await behind.send(Delta(reasoning="hm", refusal="no", calls=(CallPiece(index=0, name="t"),)))
    assert out.deltas == []
    await behind.finish(Reply(text="One two.", finish="stop"))
    assert [delta.text for delta in out.deltas] == ["One two.", ""]


async def test_nothing_leaves_before_the_request_is_admitted() -> None:
    behind, out = cleared(agreed=False)
    tasks = [
        asyncio.create_task(work)
        for work in (
            behind.send(Delta(text="a")),
            behind.finish(Reply(text="b", finish="stop")),
            behind.replay(Reply(text="c", finish="stop")),
            behind.agreed(),
        )
    ]
    for _ in range(5):
        await asyncio.sleep(0)
    assert out.deltas == []
    assert not any(task.done() for task in tasks)
    behind.admission.agree()
    await asyncio.wait_for(asyncio.gather(*tasks), 20)
    assert "a" in out.text


async def test_the_last_delta_says_how_it_ended() -> None:
    behind, out = cleared("pii:flag")
    behind.admission.verdicts.append(Verdict(rail="in", action="flag"))
    with recording(Recorder("tr_9")) as recorder:
        reply = await answered(behind, "mail ada@example.com", model="m", abstained=True)
    flagged = (Verdict(rail="in", action="flag"), Verdict(rail="pii", action="flag", reason="email", count=1))
    assert reply.verdicts == out.last.verdicts == flagged
    assert (out.last.trace, reply.trace, out.last.model, out.last.abstained) == ("tr_9", "tr_9", "m", True)
    assert [(one.name, one.attributes) for one in recorder.spans] == [("guard output", {"groundwork.verdicts": ["pii:flag"]})]


async def test_redaction_reaches_text_refusal_calls_and_quotes() -> None:
    behind, out = cleared("secrets:redact")
    quote = Citation(number=1, document="d", chunk="c", source="s", title="t", start=0, end=9, quote=f"is {KEY}")
    call = ToolCall(id="c", name="t", arguments=f'{{"key": "{KEY}"}}')
    reply = await answered(behind, "It is ", f"{KEY} [1].", refusal=f"not {KEY}", calls=(call,), citations=(quote,))
    assert KEY not in repr(reply)
    assert KEY not in repr(out.deltas)
    assert reply.text == out.text == "It is [secret:aws_key] [1]."
    assert reply.calls[0].arguments == '{"key": "[secret:aws_key]"}'
    assert out.deltas[0].calls == (CallPiece(index=0, id="c", name="t", arguments='{"key": "[secret:aws_key]"}'),)
    assert reply.citations[0].quote == "is [secret:aws_key]"
    assert reply.verdicts == (Verdict(rail="secrets", action="redact", reason="secret:aws_key", count=3),)


@pytest.mark.parametrize(
    "more",
    [
        {"texts": (f"It is {KEY}",)},
        {"texts": ("x",), "refusal": KEY},
        {"texts": (), "calls": (ToolCall(id="c", name="t", arguments=f'"{KEY}"'),)},
    ],
)
async def test_a_block_replaces_the_whole_answer(more: dict[str, Any]) -> None:
    behind, out = cleared("secrets:block")
    reply = await answered(behind, *more.pop("texts"), **more)
    assert (reply.text, reply.finish, reply.refusal, reply.calls, reply.citations) == (SORRY, "blocked", "", (), ())
    assert (out.text, out.last.finish) == (SORRY, "blocked")
    assert KEY not in repr(out.deltas)


async def test_calls_leave_once_and_at_the_end() -> None:
    behind, out = cleared("empty:block")
    call = ToolCall(id="c", name="t", arguments="{}")
    reply = await answered(behind, "I call. ", calls=(call,), finish="tool")
    assert [len(delta.calls) for delta in out.deltas] == [0, 1, 0]
    assert (out.text, reply.finish) == ("I call. ", "tool")


@pytest.mark.parametrize(
    ("texts", "more", "fires"),
    [
        ((), {}, True),
        ((" \n",), {}, True),
        (("x",), {}, False),
        ((), {"refusal": "I may not."}, False),
        ((), {"calls": (ToolCall(id="c", name="t", arguments="{}"),)}, False),
    ],
)
async def test_an_empty_answer_is_replaced(texts: tuple[str, ...], more: dict[str, Any], fires: bool) -> None:
    behind, out = cleared("empty:block")
    reply = await answered(behind, *texts, **more)
    assert (reply.finish == "blocked") is fires
    assert [verdict.rail for verdict in reply.verdicts] == (["empty"] if fires else [])
    assert (SORRY in out.text) is fires


async def test_an_empty_answer_after_thoughts_is_replaced_in_the_stream_too() -> None:
    behind, out = cleared("empty:block")
    await behind.send(Delta(reasoning="Let me think."))
    await answered(behind)
    assert out.text == SORRY
    assert out.last.finish == "blocked"


@pytest.mark.parametrize(
    ("function", "action", "text", "verdicts"),
    [
        (lambda _: None, "block", "All is well.", []),
        (lambda text: f"says {text[:3]}", "block", SORRY, [("block", "says All")]),
        (lambda _: "hm", "flag", "All is well.", [("flag", "hm")]),
        (lambda _: 1 / 0, "block", SORRY, [("error", "ZeroDivisionError")]),
        (lambda _: 1 / 0, "flag", "All is well.", [("error", "ZeroDivisionError")]),
    ],
)
async def test_a_function_judges_the_whole(function: Any, action: str, text: str, verdicts: list[Any]) -> None:
    behind, out = cleared(f"a:f:{action}", functions={"a:f": function})
    reply = await answered(behind, "All ", "is well.")
    assert reply.text == out.text == text
    assert [(verdict.action, verdict.reason) for verdict in reply.verdicts] == verdicts


async def test_functions_judge_beside_each_other_and_read_what_would_leave() -> None:
    here = asyncio.Barrier(2)
    seen: list[str] = []

    async def meets(text: str) -> None:
        seen.append(text)
        await here.wait()

    behind, _ = cleared("secrets:redact", "a:f:block", "b:f:block", functions={"a:f": meets, "b:f": meets})
    await answered(behind, f"is {KEY}")
    assert seen == ["is [secret:aws_key]"] * 2


async def test_what_is_blocked_already_is_not_judged_again() -> None:
    seen: list[str] = []
    behind, _ = cleared("secrets:block", "a:f:block", functions={"a:f": seen.append})
    reply = await answered(behind, KEY)
    assert seen == []
    assert [verdict.rail for verdict in reply.verdicts] == ["secrets"]


async def test_a_kept_answer_passes_the_present_rails() -> None:
    kept = Reply(text=f"It is {KEY}.", finish="stop", cost=0.5, verdicts=(Verdict(rail="old", action="flag"),), model="m")
    behind, out = cleared("secrets:redact")
    reply = await behind.replay(kept)
    assert reply.text == out.text == "It is [secret:aws_key]."
    assert (reply.cached, reply.cost) == (True, 0.0)
    assert [verdict.rail for verdict in reply.verdicts] == ["secrets"]
    behind, out = cleared("a:f:block", functions={"a:f": lambda _: "not any more"})
    assert (await behind.replay(kept)).text == out.text == SORRY
    behind, out = cleared()
    assert (await behind.replay(kept)).text == out.text == kept.text


async def test_a_refused_request_is_answered_with_the_reason() -> None:
    admission, out = Admission(), Outlet()
    admission.refuse(Verdict(rail="size", action="block"), "Too long.")
    admission.refuse(Verdict(rail="pii", action="block"), "Personal.")
    with recording(Recorder("tr_9")):
        reply = await refuse(admission, out)
    assert (reply.text, reply.finish, reply.steps, reply.cost, reply.trace) == ("Too long.", "blocked", 0, 0.0, "tr_9")
    assert out.text == "Too long."
    assert (out.last.finish, [verdict.rail for verdict in out.last.verdicts]) == ("blocked", ["size", "pii"])


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("WAL has been there since 3.7.0 [1].", 0),
        ("WAL has been there since 3.7.0. [1]", 0),
        ("WAL has been there since 3.7.0. [1][2] It is fast on most disks [3, 4].", 0),
        ("WAL has been there since 3.7.0.", 1),
        ("WAL has been there since 3.7.0 [1]. It is fast on most disks. Readers do not block writers.", 2),
        ("Yes, it does [1].\n\nThat follows from the sources.", 1),
        ("Yes.\n\nNot so.", 0),
        ("- first of all one thing [1]\n- then quite another thing", 1),
        ("“It is one. It is two. It is three.” [1]", 0),
        ("_The passages above are quoted as they stand._", 0),
        ("(As far as the sources say so.)", 0),
        ("", 0),
    ],
)
def test_sentences_without_a_citation_are_counted(text: str, count: int) -> None:
    assert uncited(Reply(text=text, finish="stop"), FOUND) == count


@pytest.mark.parametrize(
    ("more", "found"), [({}, NOTHING), ({"abstained": True}, FOUND), ({"live": True}, FOUND), ({"finish": "blocked"}, FOUND)]
)
def test_some_answers_need_no_citation(more: dict[str, Any], found: Found) -> None:
    assert uncited(Reply(**{"text": "It is what it is, they say.", "finish": "stop"} | more), found) == 0


@pytest.mark.parametrize(("action", "text"), [("flag", "It is what it is, they say."), ("block", SORRY)])
async def test_an_uncited_answer_is_flagged_or_blocked(action: str, text: str) -> None:
    behind, out = cleared(f"uncited:{action}", found=FOUND)
    reply = await answered(behind, "It is what it is, they say.")
    assert reply.text == out.text == text
    assert reply.verdicts == (Verdict(rail="uncited", action=action, reason="sentences without a citation", count=1),)


QUESTIONS = [
    "How long are backups kept?",
    "When does the full backup run?",
    "Who may restore a backup?",
    "How long does a restore take?",
    "How high is the lighthouse at Cape Orrin?",
    "When did the last keeper leave?",
    "What was the lighthouse lit with, and when was it built?",
    "What is the capital of France?",
]


async def test_the_offline_readers_own_answers_are_never_flagged(tmp_path: Path) -> None:
    async with open_live(write_docs(tmp_path / "app")) as live:
        replies = [await live.ask(question) for question in QUESTIONS]
    assert sum(bool(reply.citations) for reply in replies) >= 6
    assert [reply.verdicts for reply in replies] == [()] * len(QUESTIONS)
