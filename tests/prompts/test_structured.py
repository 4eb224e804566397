"""Answers in a form: what is mended, what is asked again, and what is never passed off as whole."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, UpstreamError
from groundwork.core.reply import CallPiece, Delta
from groundwork.core.whole import gather
from groundwork.observe.recorder import Recorder, recording
from groundwork.prompts import structured
from groundwork.prompts.front_matter import OutputSection
from groundwork.prompts.structured import Structured, is_cut, read_answer
from tests.prompts.models import REQUEST, Says

SCHEMA = {
    "type": "object",
    "properties": {"kind": {"enum": ["bill", "letter"]}, "sum": {"type": "number"}, "when": {"type": "string"}},
    "required": ["kind"],
    "additionalProperties": False,
}


def form(**more: Any) -> OutputSection:
    return OutputSection(schema=SCHEMA, **more)


@pytest.mark.parametrize(
    ("text", "value", "repaired"),
    [
        ('{"kind": "bill"}', {"kind": "bill"}, False),
        (' \n{"kind": "bill"}\n', {"kind": "bill"}, False),
        ('```json\n{"kind": "bill"}\n```', {"kind": "bill"}, True),
        ("{'kind': 'bill', 'sum': 3,}", {"kind": "bill", "sum": 3}, True),
        ('{kind: "bill"}', {"kind": "bill"}, True),
        ('Here it is: {"kind": "bill"}. Anything else?', {"kind": "bill"}, True),
        ('{"kind": "letter", // polite\n "sum": 1}', {"kind": "letter", "sum": 1}, True),
    ],
)
def test_common_slips_are_mended(text: str, value: Any, repaired: bool) -> None:
    read = read_answer(text, form())
    assert (msgspec.json.decode(read.text), read.repaired, read.fault) == (value, repaired, "")
    if repaired:
        assert read_answer(text, form(repair=False)).fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"kind": "parcel"}', 'at /kind: "parcel" is not one of'),
        ('{"sum": 1}', '"kind" is a required property'),
        ('{"kind": "bill", "sum": "much"}', 'at /sum: "much" is not of type "number"'),
        ('{"kind": "bill", "sum": 1', "ends before it is complete"),
        ('{"kind": "bi', "ends before it is complete"),
        ("It is a bill.", "not valid JSON"),
        ("", "not valid JSON"),
        ("[", "ends before"),
        ("\ud800{}", "not valid JSON"),
        ('{"kind": "bill", "sum": NaN}', ""),
    ],
)
def test_what_does_not_fit_is_said_in_words_a_model_can_act_on(text: str, fault: str) -> None:
    read = read_answer(text, form())
    assert fault in read.fault
    assert read.fault
    assert read.text == ""


@settings(max_examples=200)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=8),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
        max_leaves=8,
    ).filter(lambda value: isinstance(value, list | dict)),
    st.data(),
)
def test_whole_json_is_never_called_cut_and_a_cut_one_always(value: Any, data: Any) -> None:
    text = msgspec.json.encode(value).decode()
    assert not is_cut(text)
    at = data.draw(st.integers(1, len(text) - 1))
    assert is_cut(text[:at])
    assert read_answer(text[:at], OutputSection(schema={})).fault == "the JSON ends before it is complete"


def test_yaml_is_read_with_the_types_of_json() -> None:
    read = read_answer("kind: letter\nwhen: 2026-11-21\n", form(format="yaml"))
    assert msgspec.json.decode(read.text) == {"kind": "letter", "when": "2026-11-21"}, "a date stays the text it was"
    assert msgspec.json.decode(read_answer("- no\n- on\n- true\n- 3", OutputSection(schema={}, format="yaml")).text) == [
        "no",
        "on",
        True,
        3,
    ]
    assert read_answer("```yaml\nkind: bill\n```", form(format="yaml")).repaired
    assert "an alias" in read_answer("a: &x [1]\nb: *x", OutputSection(schema={}, format="yaml")).fault
    assert "not valid YAML" in read_answer("kind: [", form(format="yaml")).fault
    assert "not valid YAML" in read_answer("!!python/object/apply:os.getcwd []", form(format="yaml")).fault


async def ask(model: Says, **more: Any) -> Any:
    recorder = Recorder("tr_1")
    with recording(recorder):
        whole = await gather(Structured(model, form(**more)).stream(REQUEST))
    return whole, recorder.spans[0].attributes


async def test_the_schema_goes_into_the_prompt_and_the_answer_comes_as_json() -> None:
    model = Says(("```\n{'kind': 'bill'}\n```",))
    whole, attributes = await ask(model)
    assert (whole.text, whole.finish, whole.cost, whole.usage.input_tokens) == ('{"kind":"bill"}', "stop", 1.0, 10)
    system = model.asked[0].messages[0]
    assert system.text.startswith("Be brief.\n\nAnswer with JSON alone")
    assert '"additionalProperties":false' in system.text
    assert {part.label for part in system.parts} == {"system"}
    assert attributes["groundwork.output"] == "repaired"


async def test_a_wrong_answer_is_asked_for_again_with_what_is_wrong_and_all_is_billed() -> None:
    model = Says(('{"kind": "parcel"}', '{"kind": "letter"}'))
    whole, attributes = await ask(model)
    assert whole.text == '{"kind":"letter"}'
    assert (whole.cost, whole.usage.input_tokens) == (2.0, 20)
    assert attributes["groundwork.output.attempts"] == 2
    said, asked = model.asked[1].messages[-2:]
    assert (said.role, said.text) == ("assistant", '{"kind": "parcel"}')
    assert 'at /kind: "parcel" is not one of' in asked.text
    assert [part.label for part in asked.parts] == ["system", "model", "system"], "a fault may quote the model, and gives no orders"
    unknown = await ask(Says(("no", '{"kind": "letter"}'), cost=None))
    assert unknown[0].cost is None


async def test_a_model_that_never_comes_to_the_form_is_an_error_after_bounded_attempts() -> None:
    model = Says(("no",))
    with pytest.raises(UpstreamError, match=r"did not come to the form of the answer in 3 attempts: not valid JSON") as error:
        await ask(model, retries=2)
    assert error.value.cause == "invalid"
    assert len(model.asked) == model.closed == 3
    with pytest.raises(UpstreamError, match="its only attempt"):
        await ask(Says(("no",)), retries=0)


async def test_what_was_cut_off_is_said_and_never_mended() -> None:
    model = Says(('{"kind": "bill", "sum": 1',), finish="length")
    whole, attributes = await ask(model)
    assert (whole.text, whole.finish) == ('{"kind": "bill", "sum": 1', "length")
    assert attributes["groundwork.output"] == "cut off"
    assert len(model.asked) == 1, "asking again would be cut off again"


@pytest.mark.parametrize("last", [Delta(calls=(CallPiece(index=0, name="f"),)), Delta(refusal="I will not.")])
async def test_a_call_or_a_refusal_is_no_answer_and_passes(last: Delta) -> None:
    whole, _ = await ask(Says(("words",), last=last))
    assert (whole.text, whole.calls, whole.refusal) == ("words", last.calls, last.refusal)


async def test_a_native_schema_goes_to_the_provider_and_is_checked_all_the_same() -> None:
    model = Says(('{"kind": "parcel"}', '{"kind": "bill"}'))
    whole, _ = await ask(model, native=True)
    assert whole.text == '{"kind":"bill"}'
    wanted = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA, "strict": True}}
    assert model.asked[0].parameters.response_format == wanted
    assert model.asked[0].messages == REQUEST.messages


def test_a_library_that_is_missing_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(structured, "import_module", missing)
    with pytest.raises(ConfigError, match="needs jsonschema_rs") as error:
        structured.check_schema({}, "p:2")
    assert error.value.fix == "pip install 'groundwork-ai[structured]'"
