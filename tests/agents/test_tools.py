"""Tools from plain functions: schema, checks, limits."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec
import pytest

from groundwork.agents.config import ToolSection
from groundwork.agents.tools import FunctionTool, load_tools
from groundwork.core.config import Written, decode, read_toml
from groundwork.core.errors import ConfigError
from groundwork.core.message import ToolCall, ToolResult
from groundwork.observe.recorder import Recorder, recording


def find(status: Literal["open", "closed"], limit: int = 10, labels: list[str] | None = None) -> dict[str, Any]:
    """Find tickets.

    Newest first.
    """
    return {"status": status, "limit": limit, "labels": labels}


def tool(function: Callable[..., Any], seconds: float = 2.0) -> FunctionTool:
    return FunctionTool(function.__name__, function, seconds, "groundwork.toml:9")


async def call(made: FunctionTool, arguments: str) -> ToolResult:
    return await made.call(ToolCall(id="c1", name=made.declaration.name, arguments=arguments))


def test_the_signature_is_the_schema_and_the_docstring_the_description() -> None:
    declared = tool(find).declaration
    assert declared.description == "Find tickets.\n\nNewest first."
    assert declared.schema["type"] == "object"
    assert declared.schema["required"] == ["status"]
    assert declared.schema["additionalProperties"] is False
    assert declared.schema["properties"]["status"] == {"enum": ["closed", "open"]}
    assert declared.schema["properties"]["limit"] == {"type": "integer", "default": 10}
    assert "title" not in declared.schema
    assert declared.write is False


class Place(msgspec.Struct):
    town: str


def test_types_of_ones_own_are_defined_within_the_schema() -> None:
    def go(place: Place) -> str:
        return place.town

    schema = tool(go).declaration.schema
    assert schema["properties"]["place"] == {"$ref": "#/$defs/Place"}
    assert schema["$defs"]["Place"]["required"] == ["town"]


async def test_a_call_runs_with_its_defaults() -> None:
    result = await call(tool(find), '{"status": "open"}')
    assert msgspec.json.decode(result.content) == {"status": "open", "limit": 10, "labels": None}
    assert (result.call, result.name, result.failed) == ("c1", "find", False)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ('{"status": "opn"}', "Invalid enum value 'opn'"),
        ("{}", "missing required field `status`"),
        ("", "missing required field `status`"),
        ('{"status": "open", "limt": 3}', "unknown field `limt`"),
        ('{"status": "open", "limit": "3"}', "Expected `int`"),
        ('{"status": "op', "truncated"),
        ("[]", "Expected `object`"),
    ],
)
async def test_wrong_arguments_go_back_to_the_model(arguments: str, says: str) -> None:
    result = await call(tool(find), arguments)
    assert result.failed
    assert says in result.content


async def test_async_and_sync_functions_run_and_neither_blocks_the_loop() -> None:
    async def quick(a: int) -> int:
        await asyncio.sleep(0)
        return a + 1

    def slow() -> str:
        time.sleep(0.3)
        return "done"

    assert (await call(tool(quick), '{"a": 1}')).content == "2"
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.02)
            ticks += 1

    ticking = asyncio.create_task(tick())
    assert (await call(tool(slow), "")).content == "done"
    ticking.cancel()
    assert ticks > 5


async def test_a_tool_that_is_late_or_raises_is_a_failed_result() -> None:
    def late() -> None:
        time.sleep(0.3)

    async def later() -> None:
        await asyncio.sleep(9)

    def broken() -> None:
        raise KeyError("no such ticket")

    for made in (tool(late, 0.05), tool(later, 0.05)):
        started = time.monotonic()
        result = await call(made, "{}")
        assert result.failed
        assert "took more than 0.05 s" in result.content
        assert time.monotonic() - started < 0.25
    result = await call(tool(broken), "{}")
    assert (result.failed, result.content) == (True, "KeyError: 'no such ticket'")


CIRCLE: list[Any] = []
CIRCLE.append(CIRCLE)


@pytest.mark.parametrize("value", [CIRCLE, "\ud800 alone", float], ids=["circle", "surrogate", "type"])
async def test_a_value_that_cannot_be_said_is_a_failed_result(value: Any) -> None:
    def odd() -> Any:
        return [value]

    def bare() -> str:
        return "half \ud800 of a pair"

    assert (await call(tool(odd), "{}")).failed is (value is not float)
    assert (await call(tool(bare), "{}")).content == "half ? of a pair"


async def test_what_json_does_not_know_is_said_as_text() -> None:
    def where() -> Any:
        return {"path": Path("a/b"), "place": Place(town="Orrin")}

    assert msgspec.json.decode((await call(tool(where), "{}")).content) == {"path": "a/b", "place": {"town": "Orrin"}}


async def test_a_long_result_is_cut_and_says_so() -> None:
    def long() -> str:
        return "x" * 30_000

    result = await call(tool(long), "{}")
    assert len(result.content) < 20_100
    assert result.content.endswith("… (cut: 30,000 characters)")


async def test_a_call_is_a_span_with_its_arguments_and_result() -> None:
    recorder = Recorder("tr_1")
    with recording(recorder):
        await call(tool(find), '{"status": "open"}')
        await call(tool(find), "{}")
    first, second = recorder.spans
    assert first.name == "execute_tool find"
    assert first.attributes["gen_ai.tool.call.arguments"] == '{"status": "open"}'
    assert '"status":"open"' in first.attributes["gen_ai.tool.call.result"]
    assert "missing required" in second.attributes["error.type"]


def rest(*many: str) -> None: ...
def named(**many: str) -> None: ...
def placed(a: str, /) -> None: ...
def untyped(a) -> None: ...  # type: ignore
def odd(a: complex) -> None: ...
def absent(a: "Nowhere") -> None: ...  # type: ignore # noqa: F821


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (rest, r"\*many"),
        (named, r"\*\*many"),
        (placed, "`a"),
        (untyped, "`a` of untyped has no type"),
        (odd, "without a schema"),
        (absent, "Nowhere"),
    ],
)
def test_a_signature_that_says_too_little_is_refused_at_start(function: Callable[..., Any], says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        tool(function)
    assert error.value.where == "groundwork.toml:9"


def written(tmp_path: Path, toml: str) -> tuple[dict[str, ToolSection], Written]:
    (tmp_path / "groundwork.toml").write_text(toml)
    made = read_toml(tmp_path / "groundwork.toml", name="groundwork.toml")

    class File(msgspec.Struct, frozen=True, kw_only=True):
        tools: dict[str, ToolSection]

    return decode(made, File).tools, made


@pytest.mark.parametrize(
    ("toml", "line", "what", "fix"),
    [
        ('[tools.go]\nrun = "shop:go"\nwrite = true', 3, "write action", "approvals"),
        ('[tools.go]\nrun = "shop:goo"', 2, "unknown function in shop: `goo`", "`go`"),
        ('[tools.go]\nrun = "shp:go"', 2, "no module 'shp'", "shp.py"),
        ('[tools.go]\nrun = "go"', 2, "names no function", "module:function"),
        ('[tools.go]\nrun = "broken:go"', 2, "broken fails to import: ZeroDivisionError", "correct"),
    ],
)
def test_a_tool_that_cannot_be_is_refused_with_its_line(tmp_path: Path, toml: str, line: int, what: str, fix: str) -> None:
    (tmp_path / "shop.py").write_text("def go() -> str:\n    return 'gone'\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    sections, file = written(tmp_path, toml)
    with pytest.raises(ConfigError) as error:
        load_tools(sections, tmp_path, file)
    assert what in error.value.what
    assert fix in error.value.fix
    assert error.value.where == f"groundwork.toml:{line}"


async def test_two_folders_may_each_have_a_module_of_one_name(tmp_path: Path) -> None:
    made = []
    for name in ("one", "two"):
        root = tmp_path / name
        (root / "shop").mkdir(parents=True)
        (root / "shop" / "__init__.py").write_text("")
        (root / "shop" / "stock.py").write_text(f"def go() -> str:\n    return {name!r}\n")
        sections, file = written(root, '[tools.go]\nrun = "shop.stock:go"')
        made.append(load_tools(sections, root, file)["go"])
    assert [(await call(one, "{}")).content for one in made] == ["one", "two"]
