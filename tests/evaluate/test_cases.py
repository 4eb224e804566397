import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, InputError
from groundwork.core.measure import Asker, Example, Turn
from groundwork.core.reply import Reply
from groundwork.datasets.examples import examples_sha256, format_examples
from groundwork.evaluate.cases import cases_of, read_cases, turns_of
from tests.evaluate.builders import example

THREE = [example(1), example(2, split="choose"), example(3)]


def test_cases_are_what_the_file_says_in_its_order(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(b"\xef\xbb\xbf\n" + b"\n\n".join(format_examples([one]) for one in THREE))
    cases = read_cases(path, "cases.jsonl")
    assert list(cases) == THREE
    assert (len(cases), cases[0], cases[-1], list(cases[1:])) == (3, THREE[0], THREE[2], THREE[1:])
    assert cases.sha256 == examples_sha256(THREE)
    assert cases == cases_of(THREE)
    with pytest.raises(IndexError):
        cases[3]


@given(
    st.lists(st.tuples(st.text(min_size=1).filter(str.strip), st.sampled_from(["", "a", "b"])), min_size=1, unique_by=lambda row: row[0])
)
@settings(max_examples=40)
def test_every_case_is_found_again_by_place_id_and_split(rows: list[tuple[str, str]]) -> None:
    examples = [Example(id=name, question=f"What of {name}?", split=split) for name, split in rows]
    cases = cases_of(examples)
    assert list(cases) == examples
    for place, one in enumerate(examples):
        assert cases.place_of(one.id) == place
        assert cases.is_at(one.id, place)
    for split in {split for _, split in rows if split}:
        chosen = cases.split(split)
        assert [one.split for one in chosen] == [split] * len(chosen)
        assert [examples[place] for place in chosen.places] == list(chosen)
    assert cases.place_of("no such id") is None
    assert not cases.is_at(examples[0].id, len(examples))


@given(st.integers(2, 60), st.data())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_doubled_id_is_refused_with_both_lines(count: int, data: st.DataObject) -> None:
    second = data.draw(st.integers(1, count - 1))
    first = data.draw(st.integers(0, second - 1))
    rows = [{"id": f"c{number}", "question": "Why?"} for number in range(count)]
    rows[second]["id"] = rows[first]["id"]
    with pytest.raises(ConfigError, match=f"stands in line {first + 1} already") as error:
        read_cases("\n".join(json.dumps(row) for row in rows).encode(), "cases.jsonl")
    assert error.value.where == f"cases.jsonl:{second + 1}"


def test_a_file_that_changes_while_it_is_in_use_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_bytes(format_examples(THREE))
    cases = read_cases(path, "cases.jsonl")
    path.write_bytes(format_examples([THREE[2], THREE[1], THREE[0]]))
    with pytest.raises(InputError, match="was changed while it was in use"):
        cases[0]
    path.write_text("{")
    with pytest.raises(InputError, match="was changed while it was in use"):
        list(cases)
    path.unlink()
    with pytest.raises(InputError, match="cannot be read any more"):
        list(cases)


def test_what_is_asked_has_a_hash_of_its_own() -> None:
    one = Example(id="a", question="Why?", reference="Because.")
    same = Example(id="a", question="Why?", reference="For a reason.")
    other = Example(id="a", question="Why not?", reference="Because.")
    longer = Example(id="a", question="Why?", reference="Because.", turns=(Turn(question="And then?"),))
    hashes = [cases_of([each]).questions_sha256 for each in (one, same, other, longer)]
    assert hashes[0] == hashes[1]
    assert len(set(hashes)) == 3
    two = [one, Example(id="b", question="How?")]
    assert cases_of(two).questions_sha256 == cases_of(reversed(two)).questions_sha256


def test_a_million_cases_stay_in_their_file() -> None:
    """What stays in memory of a case is its place, id, split and turns: bytes, not objects."""
    cases = cases_of(example(number) for number in range(2_000))
    kept = cases._lines
    assert sum(len(column) * column.itemsize for column in (kept.starts, kept.ids, kept.splits, kept.turns)) <= 24 * 2_000


def test_a_conversation_goes_turn_by_turn_with_what_was_really_answered() -> None:
    talk = Example(
        id="t",
        question="Hello",
        reference="Hi",
        cluster="x",
        turns=(Turn(question="How high?", expected={"number": 47}), Turn(question="Thanks")),
    )
    first = turns_of(talk, [])
    assert first is not None
    assert (first.question, first.reference, first.turns) == ("Hello", "Hi", ())
    second = turns_of(talk, [Reply(text="Good day", finish="stop")])
    assert second is not None
    assert [(message.role, message.text) for message in second.history] == [("user", "Hello"), ("assistant", "Good day")]
    assert (second.question, second.expected, second.reference, second.cluster) == ("How high?", {"number": 47}, None, "x")
    replies = [Reply(text=text, finish="stop") for text in ("Good day", "47 metres")]
    third = turns_of(talk, replies)
    assert third is not None
    assert [message.text for message in third.history] == ["Hello", "Good day", "How high?", "47 metres"]
    assert turns_of(talk, [*replies, replies[0]]) is None
    single = example(1)
    assert turns_of(single, []) is single
    assert turns_of(single, replies[:1]) is None


def test_a_turn_without_a_question_is_refused() -> None:
    with pytest.raises(ConfigError, match="a turn of `t` has an empty question"):
        read_cases(b'{"id": "t", "question": "Hello", "turns": [{"question": " "}]}', "cases.jsonl")
    with pytest.raises(ConfigError, match="unknown key `questoin`") as error:
        read_cases(b'{"id": "t", "question": "Hello", "turns": [{"questoin": "x"}]}', "cases.jsonl")
    assert "`question`" in error.value.fix


@pytest.mark.parametrize(
    ("more", "what"),
    [
        ({"asker": {"user": " "}}, "the asker of `a` is not named by plain words"),
        ({"asker": {"user": "anna", "groups": ["hr,legal"]}}, "the asker of `a`"),
        ({"asker": {"user": "anna\nx"}}, "the asker of `a`"),
        ({"asker": {"name": "anna"}}, "unknown key `name`"),
        ({"where": "year >"}, "the filter of `a`"),
    ],
)
def test_an_asker_or_filter_that_cannot_be_is_refused_by_its_line(tmp_path: Path, more: dict[str, Any], what: str) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text(json.dumps({"id": "a", "question": "Who?"} | more) + "\n")
    with pytest.raises(ConfigError, match=what) as error:
        read_cases(path, "cases.jsonl")
    assert "cases.jsonl:1" in str(error.value)


def test_who_asks_is_part_of_what_is_asked() -> None:
    plain = Example(id="a", question="Who?")
    others = [msgspec.structs.replace(plain, asker=Asker(user="anna")), msgspec.structs.replace(plain, where="year = 2024")]
    hashes = {cases_of([each]).questions_sha256 for each in (plain, *others)}
    assert len(hashes) == 3
