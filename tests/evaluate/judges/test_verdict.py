import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.verdict import Read, Unread, check, choices, read, schema, worth
from tests.evaluate.judges.rubrics import FRONT, judge_of, verdict

POINTS, LABELS, PAIR, CRITERIA = (judge_of(kind) for kind in ("pointwise", "labels", "pairwise", "criteria"))
LAST = judge_of("labels", 'form = "last_line"')
BOTH = {"short": "yes", "polite": "no"}


@pytest.mark.parametrize(
    ("judge", "value", "number"),
    [(POINTS, 1, 0.0), (POINTS, 4, 0.75), (LABELS, "partly", 0.5), (PAIR, "A", 1.0), (PAIR, "tie", 0.5), (CRITERIA, BOTH, 0.5)],
)
@pytest.mark.parametrize("form", ["{}", "```json\n{}\n```", "\n {} \n"])
def test_a_verdict_is_read_and_has_its_worth(judge: Judge, value: object, number: float, form: str) -> None:
    found = read(judge, form.replace("{}", verdict(value)))
    assert found == Read(value, "because")
    assert worth(judge, found.verdict) == number


@pytest.mark.parametrize(
    ("judge", "text"),
    [
        (POINTS, ""),
        (POINTS, "4"),
        (POINTS, "I give it a 4."),
        (POINTS, verdict(6)),
        (POINTS, verdict(0)),
        (POINTS, verdict("4")),
        (POINTS, verdict(4.5)),
        (POINTS, verdict(value=True)),
        (POINTS, verdict(None)),
        (POINTS, '{"verdict": 4}'),
        (POINTS, '{"reason": "x", "verdict": 4, "score": 5}'),
        (POINTS, verdict(4) + " I hope this helps."),
        (POINTS, verdict(1) + verdict(5)),
        (POINTS, f"```json\n{verdict(1)}\n```\n```json\n{verdict(5)}\n```"),
        (POINTS, '{"reason": "x", "verdict": '),
        (LABELS, verdict("Yes")),
        (LABELS, verdict("maybe")),
        (PAIR, verdict("C")),
        (judge_of("pairwise", "ties = false"), verdict("tie")),
        (CRITERIA, verdict({"short": "yes"})),
        (CRITERIA, verdict({"short": "yes", "polite": "perhaps"})),
        (CRITERIA, verdict(BOTH | {"long": "no"})),
        (CRITERIA, verdict("yes")),
        (LAST, "Verdict: yes\nThat is my verdict."),
        (LAST, "The verdict is yes."),
        (LAST, "Verdict: maybe"),
        (LAST, ""),
        (LAST, verdict("yes")),
    ],
)
def test_what_is_not_exactly_a_verdict_is_unread_with_a_reason(judge: Judge, text: str) -> None:
    found = read(judge, text)
    assert isinstance(found, Unread)
    assert found.problem


@pytest.mark.parametrize("line", ["Verdict: yes", "verdict: YES.", "**Verdict:** yes", "  `Verdict: yes`  "])
def test_a_last_line_is_a_verdict_and_the_rest_its_reason(line: str) -> None:
    assert read(LAST, f"It is so.\nAnd so.\n\n{line}\n") == Read("yes", "It is so.\nAnd so.")


@pytest.mark.parametrize("kind", FRONT)
def test_the_schema_names_the_reason_first_and_admits_nothing_else(kind: str) -> None:
    found = schema(judge_of(kind))
    assert list(found["properties"]) == ["reason", "verdict"]
    assert found["required"] == ["reason", "verdict"]
    assert found["additionalProperties"] is False


@given(st.text(max_size=80))
def test_no_text_makes_reading_break(text: str) -> None:
    for judge in (POINTS, LABELS, PAIR, CRITERIA, LAST):
        assert isinstance(read(judge, text), Read | Unread)


@given(
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), lambda inner: st.dictionaries(st.text(max_size=7), inner))
)
def test_whatever_json_is_read_is_a_verdict_of_the_judge(value: object) -> None:
    found = read(POINTS, json.dumps({"reason": "x", "verdict": value}))
    assert isinstance(found, Unread) or found.verdict in choices(POINTS)
    assert msgspec.json.encode(found)


@pytest.mark.parametrize(
    ("judge", "recorded", "found"),
    [
        (POINTS, "4", 4),
        (POINTS, 4, 4),
        (POINTS, 9, None),
        (POINTS, True, None),
        (PAIR, "a", "A"),
        (PAIR, "Tie ", "tie"),
        (PAIR, 1, None),
        (CRITERIA, BOTH, BOTH),
        (CRITERIA, {"short": "yes"}, None),
        (CRITERIA, "yes", None),
        (LABELS, None, None),
    ],
)
def test_a_recorded_verdict_is_checked(judge: Judge, recorded: object, found: object) -> None:
    assert check(judge, recorded) == found
