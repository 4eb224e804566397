from typing import Any

import pytest

from groundwork.core.errors import InputError
from groundwork.loop.propose import parse_value, propose_prompt, propose_setting

EFFECTIVE = {
    "context.retrieve.keep": 6,
    "context.retrieve.fuse": "rrf",
    "context.retrieve.rerank": None,
    "context.chunk.tokens": 200,
    "app.name": "x",
}
REST: dict[str, Any] = {"why": "more passages", "identifier": "chg_1", "made": 1.0, "base": "cfg_1", "parents": ("ds_1", "run_1")}


def test_a_setting_records_what_it_was() -> None:
    change = propose_setting("context.retrieve.keep", 8, effective=EFFECTIVE, **REST)
    assert (change.kind, change.path, change.before, change.after) == ("setting", "context.retrieve.keep", 6, 8)
    assert (change.base, change.parents, change.why) == ("cfg_1", ("ds_1", "run_1"), "more passages")
    assert propose_setting("context.retrieve.rerank", "embedded", effective=EFFECTIVE, **REST).before is None


@pytest.mark.parametrize(
    ("path", "value", "says", "fix"),
    [
        ("context.retrieve.kep", 8, "unknown setting", "`context.retrieve.keep`"),
        ("context.chunk.tokens", 100, "cannot be changed by a release", "context.retrieve.*"),
        ("context.retrieve.keep", "8", "of another type", "that type"),
        ("context.retrieve.keep", True, "of another type", "that type"),
        ("context.retrieve.keep", 6, "is 6 already", "another value"),
    ],
)
def test_a_setting_that_cannot_be_proposed_says_why(path: str, value: Any, says: str, fix: str) -> None:
    with pytest.raises(InputError) as error:
        propose_setting(path, value, effective=EFFECTIVE, **REST)
    assert says in str(error.value)
    assert fix in error.value.fix


def test_a_prompt_records_what_it_was() -> None:
    change = propose_prompt("helpdesk", "New.", prompts={"helpdesk": "Old."}, **REST)
    assert (change.kind, change.path, change.before, change.after) == ("prompt", "prompts.helpdesk", "Old.", "New.")


@pytest.mark.parametrize(
    ("name", "text", "says"), [("helpdsk", "x", "unknown prompt"), ("helpdesk", " ", "empty"), ("helpdesk", "Old.", "already")]
)
def test_a_prompt_that_cannot_be_proposed_says_why(name: str, text: str, says: str) -> None:
    with pytest.raises(InputError, match=says):
        propose_prompt(name, text, prompts={"helpdesk": "Old."}, **REST)


def test_a_change_needs_a_reason() -> None:
    with pytest.raises(InputError, match="needs a reason"):
        propose_prompt("helpdesk", "New.", prompts={"helpdesk": "Old."}, **(REST | {"why": " "}))


@pytest.mark.parametrize(
    ("text", "value"),
    [("8", 8), ("0.5", 0.5), ("true", True), ('"rrf"', "rrf"), ("rrf", "rrf"), ('["a"]', ["a"]), ("1\nx = 2", "1\nx = 2")],
)
def test_a_value_is_read_as_toml_would(text: str, value: Any) -> None:
    assert parse_value(text) == value
