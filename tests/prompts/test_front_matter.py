"""What the front matter may say, and what it may not."""

import json
from pathlib import Path

import pytest

from groundwork.core.document import NOTHING
from groundwork.core.errors import ConfigError
from groundwork.core.message import say
from groundwork.core.request import Parameters, Request
from groundwork.prompts.beside import as_kept, in_folder
from groundwork.prompts.few_shot import written
from groundwork.prompts.file import parse_prompt, read_prompt
from groundwork.prompts.render import render

SCHEMA = {"type": "object", "properties": {"kind": {"enum": ["bill", "letter"]}}, "required": ["kind"]}
WHOLE = """\
+++
select = { by = "similarity", keep = 2, tokens = 90 }
model = { temperature = 0, max_tokens = 30, stop = ["END"], seed = 7, logprobs = true }
steps = { think = true, critique = 1, decompose = 3 }

[output]
schema = { type = "object" }
format = "yaml"

[[examples]]
question = "Dear Sir"
answer = "letter"

[[examples]]
id = "talk"
messages = [{ role = "user", text = "12 EUR" }, { role = "assistant", text = "bill" }]
+++
# system
Sort.
# user
{{ question }}
"""


def test_everything_that_may_be_said() -> None:
    prompt = parse_prompt(WHOLE, "p", "p.prompt.md")
    assert (prompt.select.by, prompt.select.keep, prompt.select.tokens, prompt.select.from_traces) == ("similarity", 2, 90, False)
    assert (prompt.steps.think, prompt.steps.critique, prompt.steps.decompose) == (True, 1, 3)
    assert prompt.output is not None
    assert (prompt.output.schema, prompt.output.format, prompt.output.retries) == ({"type": "object"}, "yaml", 1)
    assert [[turn.text for turn in one.turns] for one in prompt.examples] == [["Dear Sir", "letter"], ["12 EUR", "bill"]]
    assert [shot.id for shot in written(prompt.examples)] == ["example 1", "talk"]


def test_examples_are_turns_of_ours_between_system_and_conversation() -> None:
    prompt = parse_prompt(WHOLE, "p", "p")
    request = Request(messages=(say("user", "First"), say("assistant", "Yes"), say("user", "Why?")))
    messages = render(prompt, request, NOTHING, written(prompt.examples)).messages
    assert [(message.role, message.text) for message in messages] == [
        ("system", "Sort."),
        ("user", "Dear Sir"),
        ("assistant", "letter"),
        ("user", "12 EUR"),
        ("assistant", "bill"),
        ("user", "First"),
        ("assistant", "Yes"),
        ("user", "Why?"),
    ]
    assert {part.label for message in messages[1:5] for part in message.parts} == {"system"}, "an example is never the caller's word"


def test_hints_fill_what_the_caller_leaves_open() -> None:
    prompt = parse_prompt(WHOLE, "p", "p")
    asked = Request(messages=(say("user", "Why?"),), parameters=Parameters(temperature=0.9, stop=("X",)))
    assert render(prompt, asked, NOTHING).parameters == Parameters(temperature=0.9, max_tokens=30, stop=("X",), seed=7, logprobs=True)
    other = Request(messages=asked.messages, parameters=Parameters(extra={"max_completion_tokens": 5}))
    assert render(prompt, other, NOTHING).parameters.max_tokens is None, "one limit under two names would be two limits"
    plain = parse_prompt("{{ question }}", "p", "p")
    assert render(plain, asked, NOTHING).parameters == asked.parameters


@pytest.mark.parametrize(
    ("front", "says", "fix"),
    [
        ("exmaples = []", ":2: unknown key `exmaples`", "did you mean `examples`?"),
        ('[[examples]]\nquestion = "a"', ":2: `examples[0]`: an example needs `question` and `answer`", "correct"),
        ('[[examples]]\nquestion = "a"\nanswer = "b"\nanswr = "c"', ":5: unknown key `examples[0].answr`", "`examples[0].answer`"),
        ('[[examples]]\nmessages = [{role = "user", text = "a"}]', ":2: `examples[0]`: the messages of an example go user, assistant", ""),
        ('[[examples]]\nanswer = "b"\nmessages = [{role = "user", text = "a"}]', "not both", ""),
        ('[[examples]]\nmessages = [{role = "tool", text = "a"}]', "unknown value of `examples[0].messages[0].role`", "assistant"),
        ("examples = 3", ":2: `examples` must be a list", ""),
        ('select = { by = "similar" }', ":2: unknown value of `select.by`", "did you mean `similarity`?"),
        ("select = { keep = 0 }", ":2: `select`: keep = 0 shows no example", ""),
        ("select = { tokens = 0 }", "no room for an example", ""),
        ("output = {}", ":2: `output.schema` is missing", "add"),
        ('output = { schema = { type = "objec" } }', ":2: not a JSON Schema, at type:", "correct the schema"),
        ('output = { schema = { "$ref" = "http://example.com/x.json" } }', ":2: not a JSON Schema", ""),
        ('output = { schema = "no.json" }', "'no.json' cannot be read: this prompt stands in no folder", "into the prompt itself"),
        ("output = { schema = {}, retries = 9 }", "retries = 9 is not between 0 and 5", ""),
        ('output = { schema = {}, native = true, format = "yaml" }', "a provider enforces JSON only", ""),
        ("model = { temperature = 3 }", "temperature = 3", "correct"),
        ("model = { top_p = 0.0 }", "top_p = 0.0", ""),
        ("model = { max_tokens = 0 }", "max_tokens = 0", ""),
        ("model = { temprature = 1 }", ":2: unknown key `model.temprature`", "did you mean `model.temperature`?"),
        ("steps = { decompose = 1 }", "decompose = 1 is not 0 or between 2 and 8", ""),
        ("steps = { critique = 4 }", "critique = 4 is not between 0 and 3", ""),
    ],
)
def test_what_would_fail_later_is_refused_with_its_line(front: str, says: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_prompt(f"+++\n{front}\n+++\nA", "p", "p.prompt.md")
    assert str(error.value).startswith("p.prompt.md")
    assert says in str(error.value)
    assert fix in error.value.fix


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "prompts"
    made.mkdir()
    (made / "kind.schema.json").write_text(json.dumps(SCHEMA))
    (made / "shots.jsonl").write_text('{"question": "12 EUR", "answer": "bill"}\n\n{"question": "Dear Sir", "answer": "letter"}\n')
    (made / "sort.prompt.md").write_text('+++\nexamples = "shots.jsonl"\noutput = { schema = "kind.schema.json" }\n+++\n{{ question }}')
    return made


def test_files_beside_a_prompt_are_part_of_it(folder: Path) -> None:
    before = read_prompt(folder, "sort")
    assert [one.answer for one in before.examples] == ["bill", "letter"]
    assert before.output is not None
    assert before.output.schema == SCHEMA
    assert parse_prompt(before.text, "sort", "kept", as_kept(before.files)) == before, "a version can be read again from what is kept"
    (folder / "shots.jsonl").write_text('{"question": "12 EUR", "answer": "letter"}\n')
    after = read_prompt(folder, "sort")
    assert after.text == before.text
    assert after.id != before.id, "another example is another version"


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("shots.jsonl", '{"question": "a", "answr": "b"}', "shots.jsonl:1: unknown key `answr`"),
        ("shots.jsonl", '\n{"question": "a"', "shots.jsonl:2: not a JSON object"),
        ("shots.jsonl", "\n", "shots.jsonl: there is no example in it"),
        ("kind.schema.json", "[]", "kind.schema.json: not a JSON object"),
        ("kind.schema.json", '{"type": 5}', "kind.schema.json: not a JSON Schema, at type"),
    ],
)
def test_a_broken_file_is_named_with_its_line(folder: Path, name: str, text: str, says: str) -> None:
    (folder / name).write_text(text)
    with pytest.raises(ConfigError) as error:
        read_prompt(folder, "sort")
    assert str(error.value).startswith(says)


def test_a_file_is_found_inside_of_the_folder_only(folder: Path) -> None:
    read = in_folder(folder)
    (folder.parent / "secret.json").write_text("{}")
    for name in ("../secret.json", str(folder.parent / "secret.json")):
        with pytest.raises(ConfigError, match="leads out of prompts/"):
            read(name, "p:2")
    with pytest.raises(ConfigError) as error:
        read("shot.jsonl", "p:2")
    assert str(error.value) == "p:2: unknown file in prompts/: `shot.jsonl`"
    assert error.value.fix == "did you mean `shots.jsonl`?"
    with pytest.raises(ConfigError, match="unknown file of this version"):
        as_kept({})("x", "p:2")
