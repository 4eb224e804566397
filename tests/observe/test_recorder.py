import asyncio

import pytest

from groundwork.core.record import Span
from groundwork.observe.recorder import Recorder, current, note, recording, span


def names(recorder: Recorder) -> dict[str, Span]:
    return {one.name: one for one in recorder.spans}


def parent(recorder: Recorder, name: str) -> str | None:
    """The name of a span's parent."""
    above = names(recorder)[name].parent
    return next((one.name for one in recorder.spans if one.id == above), above)


def test_spans_nest_and_end_inside_out() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder), span("outer") as outer:
        with span("first"), span("inner") as inner:
            inner["n"] = 1
        with span("second"):
            recorder.begin("by hand").end()
        outer["n"] = 2
    assert [one.name for one in recorder.spans] == ["inner", "first", "by hand", "second", "outer"]
    assert {name: parent(recorder, name) for name in names(recorder)} == {
        "outer": None,
        "first": "outer",
        "inner": "first",
        "second": "outer",
        "by hand": "second",
    }
    assert names(recorder)["inner"].attributes == {"n": 1}
    assert {one.status for one in recorder.spans} == {"ok"}


def test_a_span_lies_within_its_parent_in_time() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder), span("outer"), span("inner"):
        pass
    inner, outer = recorder.spans
    assert recorder.start <= outer.start <= inner.start
    assert inner.seconds >= 0
    assert inner.start + inner.seconds <= outer.start + outer.seconds + 1e-6


def test_an_error_is_recorded_and_passed_on() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder), pytest.raises(KeyError), span("outer"), span("inner"):
        raise KeyError("x")
    assert [(one.name, one.status, one.attributes) for one in recorder.spans] == [
        ("inner", "error", {"error.type": "KeyError"}),
        ("outer", "error", {"error.type": "KeyError"}),
    ]


def test_after_an_error_the_next_span_has_the_right_parent() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder), span("outer"):
        with pytest.raises(ValueError), span("broken"):
            raise ValueError
        with span("next"):
            pass
    assert parent(recorder, "next") == "outer"


async def test_a_cancelled_step_says_so() -> None:
    recorder = Recorder("tr_1")

    async def work() -> None:
        with span("waits"):
            await asyncio.sleep(60)

    with recording(recorder):
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait([task])
    assert [(one.name, one.status) for one in recorder.spans] == [("waits", "cancelled")]


async def test_steps_beside_each_other_are_siblings() -> None:
    """The second opens while the first is open, and the first ends before the second: neither is inside the other."""
    recorder = Recorder("tr_1")
    opened, closed = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        with span("first"):
            opened.set()
            await closed.wait()
            with span("first inner"):
                await asyncio.sleep(0)

    async def second() -> None:
        await opened.wait()
        with span("second"):
            closed.set()
            with span("second inner"):
                await asyncio.sleep(0)
                recorder.begin("by hand").end()

    with recording(recorder), span("outer"):
        await asyncio.gather(first(), second())
        with span("after"):
            pass
    assert {name: parent(recorder, name) for name in names(recorder)} == {
        "outer": None,
        "first": "outer",
        "first inner": "first",
        "second": "outer",
        "second inner": "second",
        "by hand": "second inner",
        "after": "outer",
    }


async def test_two_requests_at_once_do_not_mix() -> None:
    async def request(name: str) -> Recorder:
        recorder = Recorder(name)
        with recording(recorder), span(f"{name} outer"):
            for step in range(3):
                with span(f"{name} {step}"):
                    await asyncio.sleep(0)
                    note(**{f"{name}{step}": step})
        return recorder

    for recorder in await asyncio.gather(*(request(f"r{n}") for n in range(5))):
        assert len(recorder.spans) == 4
        assert all(one.name.startswith(f"{recorder.trace} ") for one in recorder.spans)
        assert {parent(recorder, f"{recorder.trace} {step}") for step in range(3)} == {f"{recorder.trace} outer"}
        assert recorder.facts == {f"{recorder.trace}{step}": step for step in range(3)}


def test_a_recorder_inside_another_starts_anew() -> None:
    outer, inner = Recorder("tr_1"), Recorder("tr_2")
    with recording(outer), span("outer"):
        with recording(inner), span("inner"):
            outer.begin("for the outer one, from within").end()
        with span("back"):
            pass
    assert [one.name for one in inner.spans] == ["inner"]
    assert inner.spans[0].parent is None
    assert names(outer)["for the outer one, from within"].parent is None
    assert parent(outer, "back") == "outer"


def test_without_a_recorder_nothing_happens() -> None:
    assert current() is None
    with span("alone") as attributes:
        attributes["n"] = 1
        note(x=1)
    assert current() is None
    with pytest.raises(KeyError), span("alone"):
        raise KeyError("passes")


def test_the_last_thing_said_of_a_request_counts() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder):
        assert current() is recorder
        note(route="a", prompt="p")
        note(route="b")
    assert recorder.facts == {"route": "b", "prompt": "p"}
