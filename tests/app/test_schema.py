"""The schema is read by the little checker below, which knows the few words our schema uses and refuses every other one."""

import json
import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.config import Config
from groundwork.app.schema import config_schema
from groundwork.core.config import decode, parse_toml
from groundwork.core.errors import ConfigError

SAMPLE = Path(__file__).parents[2] / "examples" / "sqlite-helpdesk" / "groundwork.toml"
SCHEMA = config_schema()
TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "array": list, "object": dict}
WORDS = {"$schema", "title", "$ref", "$defs", "type", "description", "additionalProperties", "properties", "required", "items"} | {
    "anyOf",
    "enum",
    "pattern",
    "examples",
    "default",
}


def refusals(value: Any, schema: dict[str, Any], at: str = "") -> list[str]:
    """What is wrong with a value."""
    assert set(schema) <= WORDS, set(schema) - WORDS
    wrong: list[str] = []
    if "$ref" in schema:
        wrong += refusals(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema and all(refusals(value, option, at) for option in schema["anyOf"]):
        wrong.append(f"{at}: none of several")
    if "enum" in schema and value not in schema["enum"]:
        wrong.append(f"{at}: not one of {schema['enum']}")
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [*wrong, f"{at}: no {kind}"]
    if "pattern" in schema and not re.search(schema["pattern"], value):
        wrong.append(f"{at}: not of the pattern")
    wrong += [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
    if kind == "array":
        wrong += [one for place, item in enumerate(value) for one in refusals(item, schema["items"], f"{at}[{place}]")]
    if kind == "object":
        known = schema.get("properties", {})
        for name, item in value.items():
            inner = known.get(name, schema["additionalProperties"])
            wrong += [f"{at}.{name}: unknown"] if inner is False else refusals(item, inner, f"{at}.{name}")
    return wrong


def schemas(schema: Any) -> list[dict[str, Any]]:
    """Every schema inside a schema."""
    inner: list[Any] = [*schema.get("properties", {}).values(), *schema.get("$defs", {}).values(), *schema.get("anyOf", ())]
    inner += [schema[word] for word in ("items", "additionalProperties") if isinstance(schema.get(word), dict)]
    return [schema, *(one for each in inner for one in schemas(each))]


def test_the_sample_is_accepted() -> None:
    assert refusals(tomllib.loads(SAMPLE.read_text()), SCHEMA) == []


MINIMAL = '[app]\nname = "a"\n[models.quick]\ntargets = ["auto"]\n'
FULL = """
[app]
name = "a"
autonomy = "run"
[models.quick]
targets = ["openai/gpt"]
on = ["rate"]
timeout = { connect = "1 s", total = "2MIN" }
price = { input = "0.15 USD", output = "0.6 USD" }
[providers.openai]
key = "env:OPENAI_API_KEY"
[server]
port = 80
max_body = "1,000kB"
[guard]
timeout = "1.5s"
[gate]
suite = "s.toml"
margin = 1
[tools.t]
run = "a:b"
write = true
"""


@pytest.mark.parametrize("text", [MINIMAL, FULL.replace("margin = 1", "margin = 0.1")])
def test_what_is_right_is_accepted_by_both(text: str) -> None:
    assert refusals(tomllib.loads(text), SCHEMA) == []
    decode(parse_toml(text, "x"), Config)


@pytest.mark.parametrize(
    "more",
    [
        "[ap]",
        "[app.more]",
        "[models.quick.x]",
        "[context]",
        "[context]\nsources = 'docs'",
        "[context]\nsources = ['docs']\nchunk = { tokens = '200' }",
        "[context]\nsources = ['docs']\nretrieve = { fuse = 'both' }",
        "[server]\nport = '80'",
        "[server]\nport = true",
        "[server]\ndrain = 10",
        "[server]\ndrain = '10'",
        "[server]\ndrain = '10 parsecs'",
        "[server]\nmax_body = '10s'",
        "[providers.openai]\nkey = 'sk-pasted'",
        "[providers.openai]\nkind = 'other'",
        "[models.b]\ntargets = ['auto']\non = ['rates']",
        "[tools.t]\nwrite = true",
    ],
)
def test_what_is_wrong_is_refused_by_both(more: str) -> None:
    text = f"{MINIMAL}{more}\n"
    assert refusals(tomllib.loads(text), SCHEMA)
    with pytest.raises(ConfigError):
        decode(parse_toml(text, "x"), Config)


def test_the_schema_is_one() -> None:
    every = schemas(SCHEMA)
    assert len(every) > 60
    for schema in every:
        assert set(schema) <= WORDS
        assert schema.get("$ref", "#/$defs/Config").removeprefix("#/$defs/") in SCHEMA["$defs"]
        if schema.get("type") == "object":
            assert schema["additionalProperties"] is False or "properties" not in schema
            assert set(schema.get("required", ())) <= set(schema.get("properties", {}))
        if "default" in schema:
            assert refusals(schema["default"], schema) == []
        for example in schema.get("examples", ()):
            assert refusals(example, schema) == []
        if "properties" in schema:
            assert schema["description"]
    assert json.loads(json.dumps(SCHEMA)) == SCHEMA


def test_the_schema_that_is_shipped_is_this_one() -> None:
    shipped = json.loads((files("groundwork") / "groundwork.schema.json").read_text())
    assert shipped == SCHEMA, "regenerate it: groundwork check --schema > src/groundwork/groundwork.schema.json"
