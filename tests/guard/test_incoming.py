import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from groundwork.app.carry import redacted
from groundwork.core.errors import PermissionDenied, UpstreamError
from groundwork.core.message import Image, Message, Reasoning, Refusal, Text, ToolCall, ToolResult, say
from groundwork.core.reply import Verdict
from groundwork.core.request import Request
from groundwork.core.units import Duration, Size
from groundwork.guard.config import INPUT_RAILS, GuardSection, parse_rail
from groundwork.guard.incoming import Admission, GuardIn, Rail
from groundwork.observe.recorder import Recorder, recording

KEY = "AKIAIOSFODNN7EXAMPLE"
CARD = "4111 1111 1111 1111"


@pytest.fixture(autouse=True)
async def _nothing_is_left_running() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    await asyncio.sleep(0)
    assert asyncio.all_tasks() <= before | {asyncio.current_task()}


def guard(*rails: str, functions: dict[str, Callable[..., Any]] | None = None, **section: Any) -> GuardIn:
    names = [parse_rail(rail, INPUT_RAILS, "") for rail in rails]
    judges = [Rail(name, (functions or {})[name.name]) for name in names if name.is_function]
    return GuardIn(GuardSection(input=rails, **section), names, judges)


def ask(*messages: Message | str, **variables: Any) -> Request:
    return Request(messages=tuple(say("user", one) if isinstance(one, str) else one for one in messages), variables=variables)


def rails_of(admission: Admission) -> list[tuple[str, str, int]]:
    return [(verdict.rail, verdict.action, verdict.count) for verdict in admission.verdicts]


def test_everything_a_caller_wrote_is_masked() -> None:
    image = Image(url="data:,")
    messages = (
        Message(role="system", parts=(Text(text=f"You know {KEY}"),), extra={"name": KEY}),
        say("user", f"first {KEY}"),
        Message(
            role="assistant",
            parts=(
                Text(text=f"said {KEY}", label="model"),
                Reasoning(text=f"thought {KEY}"),
                Refusal(text=f"no {KEY}"),
                ToolCall(id="c", name="t", arguments=f'{{"key": "{KEY}", "n": 1}}'),
            ),
        ),
        Message(role="tool", parts=(ToolResult(call="c", name="t", content=f"got {KEY}"),)),
        Message(role="user", parts=(Text(text=f"now {KEY} and {KEY}"), image)),
    )
    request = Request(messages=messages, variables={"a": [KEY, {"b": KEY, KEY: 1}], "c": 2})
    cleaned, admission = guard("secrets:redact").clean(request)
    assert KEY not in repr(cleaned)
    assert cleaned.question == "now [secret:aws_key] and [secret:aws_key]"
    assert cleaned.variables == {"a": ["[secret:aws_key]", {"b": "[secret:aws_key]", "[secret:aws_key]": 1}], "c": 2}
    assert cleaned.messages[2].parts[3] == ToolCall(id="c", name="t", arguments='{"key": "[secret:aws_key]", "n": 1}')
    assert cleaned.messages[-1].parts[1] is image
    assert [message.role for message in cleaned.messages] == ["system", "user", "assistant", "tool", "user"]
    assert admission.verdicts == [Verdict(rail="secrets", action="redact", reason="secret:aws_key", count=13)]
    assert not admission.refusal


def test_numbers_are_read_as_well() -> None:
    calls = (ToolCall(id="a", name="t", arguments='{"card": 4111111111111111}'), ToolCall(id="b", name="t", arguments=f"no json {CARD}"))
    cleaned, _ = guard("pii:redact").clean(ask(Message(role="assistant", parts=calls), "?", card=4111111111111111, flag=True, n=7))
    assert cleaned.variables == {"card": "[card]", "flag": True, "n": 7}
    assert [part.arguments for part in cleaned.messages[0].parts if isinstance(part, ToolCall)] == ['{"card": "[card]"}', "no json [card]"]


def test_what_is_clean_passes_as_it_is() -> None:
    request = ask(
        "What is WAL?", Message(role="assistant", parts=(ToolCall(id="c", name="t", arguments='{ "a":1 }'),)), x={"y": ["z", 1.5, None]}
    )
    cleaned, admission = guard("size:block", "secrets:redact", "pii:redact").clean(request)
    assert cleaned is request
    assert (admission.verdicts, admission.refusal) == ([], "")


def test_a_block_refuses_and_what_is_written_of_it_is_masked() -> None:
    request = ask(f"pay with {CARD}, mail ada@example.com")
    incoming = guard("pii:block")
    cleaned, admission = incoming.clean(request)
    assert admission.refusal == "The message holds personal data. Please send it again without."
    assert admission.verdicts == [Verdict(rail="pii", action="block", reason="card, email", count=2)]
    assert cleaned.question == redacted(incoming, request).question == "pay with [card], mail [email]"


def test_a_flag_says_so_and_changes_nothing() -> None:
    request = ask(f"pay with {CARD}")
    cleaned, admission = guard("pii:flag").clean(request)
    assert cleaned is request
    assert rails_of(admission) == [("pii", "flag", 1)]
    assert not admission.refusal


def test_rails_follow_each_other() -> None:
    cleaned, admission = guard("secrets:redact", "pii:redact").clean(ask(f"{KEY} {CARD}"))
    assert cleaned.question == "[secret:aws_key] [card]"
    assert rails_of(admission) == [("secrets", "redact", 1), ("pii", "redact", 1)]
    _, admission = guard("secrets:block", "pii:block").clean(ask(f"{KEY} {CARD}"))
    assert admission.refusal == "The message holds a secret. Please send it again without."
    assert rails_of(admission) == [("secrets", "block", 1), ("pii", "block", 1)]


@pytest.mark.parametrize(
    ("request_", "refused"),
    [
        (ask("x" * 10), False),
        (ask("x" * 11), True),
        (ask("éééééé"), True),
        (ask("x" * 5, "y" * 6), True),
        (ask("x" * 5, a="y" * 4), False),
        (ask("x" * 5, a=["y" * 3, {"b": "z" * 2}]), True),
    ],
)
def test_size_counts_the_bytes_of_messages_and_variables(request_: Request, refused: bool) -> None:
    incoming = guard("size:block", max_input=Size(10, "10B"))
    _, admission = incoming.clean(request_)
    assert bool(admission.refusal) is refused
    assert rails_of(admission) == ([("size", "block", 0)] if refused else [])
    assert not refused or "and 10 are allowed" in admission.refusal


def test_what_is_too_long_is_masked_all_the_same() -> None:
    cleaned, admission = guard("size:block", "secrets:redact", max_input=Size(10, "10B")).clean(ask(f"{KEY} is my key"))
    assert admission.refusal.startswith("The message is too long: 30 bytes")
    assert cleaned.question == "[secret:aws_key] is my key"


def test_the_step_leaves_a_span_with_its_verdicts() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder):
        guard("secrets:redact").clean(ask(KEY))
    assert [(one.name, one.attributes) for one in recorder.spans] == [("guard input", {"groundwork.verdicts": ["secrets:redact"]})]


def blocks(text: str) -> str:
    return f"no {text}"


async def blocks_too(text: str) -> bool:
    return True


def allows(text: str) -> None:
    return None


def raises(text: str) -> None:
    raise KeyError("boom")


async def cancels(text: str) -> None:
    raise asyncio.CancelledError


async def late(text: str) -> None:
    await asyncio.sleep(60)


RULE = "This request was refused by a rule of this application."
FAST, LONG = Duration(0.05, "50ms"), Duration(20.0, "20s")


def judged(*functions: Callable[..., Any], action: str = "block", timeout: Duration = LONG) -> GuardIn:
    names = {f"m{place}:f": function for place, function in enumerate(functions)}
    return guard(*(f"{name}:{action}" for name in names), functions=names, timeout=timeout)


async def carried(incoming: GuardIn, body: Callable[[Admission], Any], question: str = "q") -> tuple[str, Admission]:
    """What `answer` does: the body's result, or the refusal."""
    admission = Admission()
    async with incoming.judging(ask(question), admission):
        return await body(admission), admission
    return admission.refusal, admission


async def waits(admission: Admission) -> str:
    """A body that would answer, and first asks whether it may."""
    await admission.agreed()
    return "answered"


@pytest.mark.parametrize(("function", "reason"), [(blocks, "no q"), (blocks_too, "")])
async def test_a_rail_that_fires_ends_the_answer(function: Callable[..., Any], reason: str) -> None:
    cancelled: list[bool] = []

    async def body(admission: Admission) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise
        return "answered"

    result, admission = await carried(judged(function), body)
    assert (result, cancelled) == (RULE, [True])
    assert admission.verdicts == [Verdict(rail="m0:f", action="block", reason=reason)]
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0
    await asyncio.sleep(0)  # no cancellation is left over


@pytest.mark.parametrize(("function", "reason"), [(raises, "KeyError"), (late, "TimeoutError"), (cancels, "CancelledError")])
async def test_a_rail_that_does_not_answer_fails_closed(function: Callable[..., Any], reason: str) -> None:
    result, admission = await carried(judged(function, timeout=FAST), waits)
    assert result == RULE
    assert admission.verdicts == [Verdict(rail="m0:f", action="error", reason=reason)]


async def test_a_late_rail_in_a_thread_fails_closed() -> None:
    release = threading.Event()
    try:
        result, _ = await carried(judged(lambda _: release.wait(20) and None, timeout=FAST), waits)
    finally:
        release.set()
    assert result == RULE


@pytest.mark.parametrize(
    ("functions", "action", "verdicts"),
    [
        ((), "block", []),
        ((allows,), "block", []),
        ((allows, lambda _: "", lambda _: False), "block", []),
        ((blocks, raises), "flag", [("m0:f", "flag", 0), ("m1:f", "error", 0)]),
    ],
)
async def test_what_is_allowed_passes(functions: tuple[Any, ...], action: str, verdicts: list[Any]) -> None:
    result, admission = await carried(judged(*functions, action=action), waits)
    assert result == "answered"
    assert rails_of(admission) == verdicts


async def test_one_of_several_is_enough_and_all_are_named() -> None:
    result, admission = await carried(judged(allows, blocks, raises), waits)
    assert result == RULE
    assert rails_of(admission) == [("m1:f", "block", 0), ("m2:f", "error", 0)]


async def test_rails_run_beside_each_other_and_beside_the_body() -> None:
    here = asyncio.Barrier(3)

    async def meets(text: str) -> None:
        await here.wait()

    async def body(admission: Admission) -> str:
        await here.wait()
        return await waits(admission)

    assert (await carried(judged(meets, meets), body))[0] == "answered"


async def test_a_rail_reads_the_question() -> None:
    seen: list[str] = []
    await carried(judged(seen.append), waits, "Is it?")
    assert seen == ["Is it?"]


async def test_a_cancellation_from_outside_is_not_swallowed() -> None:
    for function in (late, blocks):
        task = asyncio.create_task(carried(judged(function), waits))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_a_deadline_from_outside_is_not_swallowed() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await carried(judged(late), waits)


async def test_a_cancellation_at_the_same_moment_as_a_block_still_counts() -> None:
    ready = asyncio.Event()

    async def fires(text: str) -> bool:
        await ready.wait()
        task.cancel()
        return True

    async def body(admission: Admission) -> str:
        try:
            ready.set()
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # while it cleans up, the rail answers
        return "answered"

    task = asyncio.create_task(carried(judged(fires), body))
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_that_was_asked_to_end_before_can_still_be_refused() -> None:
    async def inside() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asyncio.sleep(0)  # swallowed by somebody above us, who did not say so
        result, _ = await carried(judged(blocks), waits)
        assert task.cancelling() == 1
        return result

    assert await asyncio.create_task(inside()) == RULE


async def test_an_error_of_the_body_is_passed_on() -> None:
    async def fails(admission: Admission) -> str:
        raise UpstreamError("down", cause="network", fix="wait")

    with pytest.raises(UpstreamError):
        await carried(judged(late), fails)


async def test_an_error_while_the_body_is_cancelled_leaves_no_cancellation_behind() -> None:
    async def body(admission: Admission) -> str:
        try:
            await asyncio.sleep(60)
        finally:
            raise KeyError("in the clean-up")

    with pytest.raises(KeyError):
        await carried(judged(blocks), body)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_body_that_never_asked_is_held_at_the_door() -> None:
    async def hasty(admission: Admission) -> str:
        return "answered"

    async def stubborn(admission: Admission) -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "answered all the same"
        return ""

    assert (await carried(judged(allows), hasty))[0] == "answered"
    for body in (hasty, stubborn):
        with pytest.raises(PermissionDenied, match=RULE):
            await carried(judged(blocks), body)
        await asyncio.sleep(0)
        task = asyncio.current_task()
        assert task is not None
        assert task.cancelling() == 0


async def test_a_body_that_ends_in_the_very_step_it_is_cancelled_is_refused() -> None:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def fires(text: str) -> bool:
        done.set_result(None)  # the body goes on in the same turn of the loop in which the block comes
        return True

    async def body(admission: Admission) -> str:
        await done
        return "answered"

    with pytest.raises(PermissionDenied):
        await carried(judged(fires), body)
    await asyncio.sleep(0)
