from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.ids import KINDS, canonical, content_id, event_id, hash_of, kind_of, span_id, trace_id


def test_ids_of_traces_and_spans_are_those_of_opentelemetry() -> None:
    assert len(trace_id()) == len("tr_") + 32
    assert int(trace_id()[3:], 16) >= 0
    assert len(span_id()) == 16
    assert len({trace_id() for _ in range(100)} | {span_id() for _ in range(100)}) == 200


@given(st.integers(0, (1 << 48) - 1))
def test_an_event_is_a_uuid_of_version_7_and_holds_its_moment(moment: int) -> None:
    digits = event_id("run", milliseconds=moment).removeprefix("run_")
    assert len(digits) == 32
    assert int(digits[:12], 16) == moment
    assert digits[12] == "7"
    assert digits[16] in "89ab"


@given(st.lists(st.integers(0, (1 << 48) - 1), min_size=2, unique=True))
def test_events_sort_by_time(moments: list[int]) -> None:
    events = [event_id("fb", milliseconds=moment) for moment in sorted(moments)]
    assert sorted(events) == events


def test_events_of_one_moment_differ_in_all_their_random_bits() -> None:
    values = [int(event_id("fb", milliseconds=7)[3:], 16) for _ in range(400)]
    assert len(set(values)) == 400
    ones = [sum(value >> bit & 1 for value in values) for bit in range(128)]
    fixed = {bit for bit, count in enumerate(ones) if count in {0, len(values)}}
    assert fixed == {*range(80, 128), *range(76, 80), 62, 63}, "74 bits are random: 12 and 62"


def test_an_event_is_of_now() -> None:
    import time

    before = time.time_ns() // 1_000_000
    assert before <= int(event_id("run")[4:16], 16) <= time.time_ns() // 1_000_000


def test_content_has_one_name() -> None:
    assert content_id("pr", "héllo") == content_id("pr", "héllo".encode())
    assert content_id("pr", "a")[3:] == content_id("doc", "a")[4:]
    assert len(content_id("ch", "a").removeprefix("ch_")) == 32


@given(st.lists(st.text(max_size=4), max_size=4), st.lists(st.text(max_size=4), max_size=4))
def test_parts_cannot_run_together(one: list[str], other: list[str]) -> None:
    assert (content_id("doc", *one) == content_id("doc", *other)) == (one == other)


class Pair(msgspec.Struct, frozen=True):
    b: int
    a: dict[str, int]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    turned = dict(reversed(value.items()))
    assert hash_of(turned) == hash_of(value)
    assert msgspec.json.decode(canonical(value)) == value


def test_a_struct_hashes_as_its_fields() -> None:
    assert canonical(Pair(1, {"y": 2, "x": 1})) == b'{"a":{"x":1,"y":2},"b":1}'
    assert hash_of(Pair(1, {})) == hash_of({"b": 1, "a": {}}) != hash_of({"b": 2, "a": {}})


@pytest.mark.parametrize(("prefix", "kind"), KINDS.items())
def test_an_id_says_what_it_names(prefix: str, kind: str) -> None:
    assert kind_of(f"{prefix}_0123") == kind


@pytest.mark.parametrize("text", ["", "tr", "tr_", "x_1", "_1", "trace_1"])
def test_what_is_no_id_names_nothing(text: str) -> None:
    assert kind_of(text) is None
