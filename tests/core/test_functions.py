import asyncio
import contextvars
import functools
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError
from groundwork.core.functions import call, load


@pytest.fixture(autouse=True)
def _no_module_stays() -> Iterator[None]:
    before = set(sys.modules)
    path = list(sys.path)
    yield
    assert sys.path == path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    return root


def test_a_function_is_found_in_the_applications_folder(tmp_path: Path) -> None:
    root = write(
        tmp_path, {"rails_a.py": "def check(text): return text * 2", "pack_a/__init__.py": "", "pack_a/deep.py": "def go(): return 7"}
    )
    assert load("rails_a:check", root, "x:1")("ab") == "abab"
    assert load("pack_a.deep:go", root, "x:1")() == 7
    assert load("os.path:basename", root, "x:1")("a/b") == "b"


@pytest.mark.parametrize(
    ("path", "says", "fix"),
    [
        ("nothing", "names no function", "module:function"),
        (":go", "names no function", "module:function"),
        ("rails_b:", "names no function", "module:function"),
        ("rails_c:check", "no module 'rails_c'", "put rails_c.py into"),
        ("pack_b.none:check", "no module 'pack_b.none'", "put pack_b/none.py into"),
        ("needy_b:check", "no module 'not_installed_here'", "install it: needy_b imports it"),
        ("rails_b:chek", "unknown function in rails_b: `chek`", "did you mean `check`?"),
        ("rails_b:LIMIT", "unknown function in rails_b: `LIMIT`", "known: check"),
        ("broken_b:check", "broken_b fails to import: ZeroDivisionError", "correct the module"),
        ("wrong_b:check", "wrong_b fails to import: SyntaxError", "correct the module"),
        ("random:check", "'random' would hide the module of that name", "rename random"),
    ],
)
def test_what_cannot_be_loaded_says_where_and_what_to_do(tmp_path: Path, path: str, says: str, fix: str) -> None:
    root = write(
        tmp_path,
        {
            "rails_b.py": "LIMIT = 1\ndef check(text): ...",
            "pack_b/__init__.py": "",
            "needy_b.py": "import not_installed_here",
            "broken_b.py": "1 / 0",
            "wrong_b.py": "def check(:",
            "random.py": "def check(text): ...",
        },
    )
    with pytest.raises(ConfigError) as error:
        load(path, root, "groundwork.toml:7")
    assert str(error.value).startswith("groundwork.toml:7: ")
    assert says in str(error.value)
    assert fix in error.value.fix
    assert sys.modules["random"].__file__ != str(root / "random.py")


@pytest.mark.parametrize("extra", [{"both/__init__.py": ""}, {}], ids=["a package", "a folder without __init__.py"])
def test_two_applications_may_have_a_package_of_the_same_name(tmp_path: Path, extra: dict[str, str]) -> None:
    roots = [
        write(tmp_path / name, {f"both/{file}": text for file, text in {"tools.py": f"def who(): return {name!r}"}.items()} | extra)
        for name in ("one", "two")
    ]
    assert [load("both.tools:who", root, "x:1")() for root in roots] == ["one", "two"]
    assert load("both.tools:who", roots[0], "x:1")() == "one"


@pytest.mark.parametrize("extra", [{"kept/__init__.py": ""}, {}], ids=["a package", "a folder without __init__.py"])
def test_two_functions_of_one_module_share_its_state(tmp_path: Path, extra: dict[str, str]) -> None:
    root = write(tmp_path, {"kept/tools.py": "seen = []\ndef add(x): seen.append(x)\ndef get(): return seen"} | extra)
    load("kept.tools:add", root, "x:1")(1)
    assert load("kept.tools:get", root, "x:1")() == [1]


async def on_loop(x: int, *, y: int = 0) -> tuple[int, threading.Thread]:
    await asyncio.sleep(0)
    return x + y, threading.current_thread()


def off_loop(x: int, *, y: int = 0) -> tuple[int, threading.Thread]:
    return x + y, threading.current_thread()


def hidden(x: int, *, y: int = 0) -> Any:
    return functools.partial(on_loop, x, y=y)()


@pytest.mark.parametrize("function", [on_loop, off_loop, hidden])
async def test_async_and_plain_functions_are_called_alike(function: Callable[..., Any]) -> None:
    result, thread = await call(function, 1, y=2, seconds=20)
    assert result == 3
    assert (thread is threading.main_thread()) is (function is not off_loop)


async def test_a_plain_function_sees_the_context_of_its_caller() -> None:
    name = contextvars.ContextVar("name", default="nobody")
    name.set("ada")
    assert await call(name.get, seconds=20) == "ada"


async def test_a_late_function_is_given_up() -> None:
    release = threading.Event()
    try:
        for late in (lambda: release.wait(20), lambda: asyncio.sleep(20)):
            with pytest.raises(TimeoutError):
                await call(late, seconds=0.02)
    finally:
        release.set()


def raises() -> None:
    raise KeyError("x")


def exits() -> None:
    sys.exit(3)


async def exits_too() -> None:
    sys.exit(3)


async def test_an_error_comes_back_as_it_is() -> None:
    with pytest.raises(KeyError):
        await call(raises, seconds=20)


@pytest.mark.parametrize("function", [exits, exits_too])
async def test_a_function_that_exits_has_failed_and_the_process_goes_on(function: Callable[..., Any]) -> None:
    with pytest.raises(RuntimeError, match=r"called sys.exit\(3\)"):
        await call(function, seconds=20)
