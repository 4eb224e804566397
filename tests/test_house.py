"""Taste, as tests: what the house's style asks and a linter does not know. Each exception stands here with its reason."""

import ast
import functools
import importlib
import inspect
import pkgutil
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from benchmarks.rivals import modules_after

ROOT = Path(__file__).resolve().parent.parent
SOURCE = ROOT / "src" / "groundwork"

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
LONG: dict[str, str] = {}
"""`path` or `path:function` that may be longer, with the reason."""

BROAD = {
    "agents/tools.py:call": "user function: a tool's fault goes back to the model as a sentence",
    "app/library.py:aside": "job: carried over to the caller's thread and raised there",
    "context/given.py:_called": "user function: one that fails leaves what the index holds of it",
    "context/origins.py:watched": "job: carried over to the caller's thread and raised there",
    "core/functions.py:load": "user function: a module of theirs that fails to import becomes a ConfigError",
    "evaluate/asking.py:_hear": "job: one case's fault is its result, and the other cases go on",
    "evaluate/registry.py:score": "user function: a scorer's fault is its score, and the answer stands",
    "gateway/best_of.py:_verify": "user function: a verifier's fault becomes a ConfigError",
    "guard/incoming.py:check": "rail: one that raises fails closed",
    "secure/sandbox/inside.py:_attempt": "user function: what a sandboxed program raises is its answer to the tests",
    "secure/sandbox/inside.py:_leave": "user function: a sandboxed program may have replaced its streams",
    "secure/sandbox/inside.py:_print_traceback": "user function: a sandboxed program's exceptions may raise when printed",
    "secure/sandbox/inside.py:_text_of": "user function: as above",
    "secure/sandbox/inside.py:run_program": "user function: a sandboxed program's fault is its exit status",
    "secure/sandbox/inside.py:run_tests": "user function: whatever tests raise is no pass",
    "server/asgi.py:__call__": "request: a defect becomes a 500 and a line in the log",
    "store/database.py:_run": "job: carried to the caller who waits for it, and the writer goes on",
}
"""Where everything may be caught: the boundaries of request, job, user function and rail."""

FLOORS = (
    ("core",),
    ("store", "observe", "engine", "secure"),
    ("prompts", "gateway"),
    ("context", "guard", "datasets"),
    ("agents", "evaluate"),
    ("app", "tuning"),
    ("loop",),
    ("server",),
    ("cli",),
)
FLOOR = {package: floor for floor, packages in enumerate(FLOORS) for package in packages}
HEAVY = {"torch", "transformers"}
BUILT_ON_TORCH = {f"tuning/{name}.py" for name in ("network", "batches", "predict", "train", "checkpoints")}
"""Nothing of these makes sense without torch: they import it above, and are themselves imported inside functions only."""
NOT_NAMES = {"utils", "util", "helpers", "common", "base", "manager", "misc"}


@functools.cache
def sources() -> dict[str, tuple[str, ast.Module]]:
    """Text and tree of every module, by its path below the package."""
    files = {str(path.relative_to(SOURCE)): path.read_text(encoding="utf-8") for path in sorted(SOURCE.rglob("*.py"))}
    return {name: (text, ast.parse(text)) for name, text in files.items()}


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


@functools.cache
def tracked() -> tuple[Path, ...]:
    """Files of the repository: what git knows, and what it would take up."""
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this is no git checkout")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return tuple(ROOT / name for name in listed if name and (ROOT / name).is_file())


def texts(*, without: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Path and text of our own text files; the sample's pages are somebody else's."""
    for path in tracked():
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(("examples/sqlite-helpdesk/docs/", *without)) or path == Path(__file__):
            continue
        data = path.read_bytes()
        if b"\0" not in data[:8000]:
            yield name, data.decode("utf-8", errors="replace")


def test_nouns_are_frozen_and_made_by_keyword() -> None:
    import groundwork.core

    wrong: list[str] = []
    seen = 0
    for found in pkgutil.iter_modules(groundwork.core.__path__, "groundwork.core."):
        module = importlib.import_module(found.name)
        for name, kind in vars(module).items():
            if not inspect.isclass(kind) or not issubclass(kind, msgspec.Struct) or kind.__module__ != found.name or name.startswith("_"):
                continue
            seen += 1
            parameters = inspect.signature(kind).parameters.values()
            if not kind.__struct_config__.frozen or any(one.kind is not inspect.Parameter.KEYWORD_ONLY for one in parameters):
                wrong.append(f"{found.name}.{name}")
    assert seen > 20
    assert wrong == []


def test_no_assert_stands_in_the_product() -> None:
    """`python -O` drops them; what a user did is an error of the tree in core/errors.py."""
    found = [f"{name}:{node.lineno}" for name, (_, tree) in sources().items() for node in ast.walk(tree) if isinstance(node, ast.Assert)]
    assert found == []


def catches(handler: ast.ExceptHandler) -> bool:
    """Whether a handler takes everything and does not pass it on as it is."""
    kinds = [handler.type] if not isinstance(handler.type, ast.Tuple) else handler.type.elts
    broad = any(kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"}) for kind in kinds)
    return broad and not any(isinstance(node, ast.Raise) and node.exc is None for node in ast.walk(handler))


def test_everything_is_caught_at_the_boundaries_only() -> None:
    found = {
        f"{name}:{function.name}"
        for name, (_, tree) in sources().items()
        for function in functions(tree)
        for node in own_nodes(function)
        if isinstance(node, ast.ExceptHandler) and catches(node)
    }
    assert found - BROAD.keys() == set()
    assert BROAD.keys() - found == set(), "an exception that is no longer needed"


def own_nodes(function: ast.FunctionDef | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """The nodes of a function without those of functions inside it."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            waiting.extend(ast.iter_child_nodes(node))


def test_the_tail_stays_short() -> None:
    long = {name for name, (text, _) in sources().items() if len(text.splitlines()) > LONGEST_FILE}
    for name, (_, tree) in sources().items():
        long |= {
            f"{name}:{function.name}" for function in functions(tree) if (function.end_lineno or 0) - function.lineno + 1 > LONGEST_FUNCTION
        }
    assert long - LONG.keys() == set()
    assert LONG.keys() - long == set(), "an exception that is no longer needed"


def test_every_package_says_what_it_is() -> None:
    packages = {path.parent for path in SOURCE.rglob("*.py")}
    silent = []
    for package in packages:
        start = package / "__init__.py"
        if not start.is_file() or not ast.get_docstring(ast.parse(start.read_text(encoding="utf-8"))):
            silent.append(str(package.relative_to(SOURCE)))
    assert silent == []


def test_a_file_is_named_for_its_concept() -> None:
    assert [name for name in sources() if Path(name).stem in NOT_NAMES or Path(name).parent.name in NOT_NAMES] == []


def test_every_package_stands_on_a_floor_as_in_pyproject() -> None:
    folders = {path.name for path in SOURCE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    assert folders == FLOOR.keys()
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [tuple(layer.split(" | ")) for layer in reversed(layers)] == list(FLOORS)


def test_imports_go_down_and_never_in_a_circle() -> None:
    command = Path(sys.executable).with_name("lint-imports")
    if not command.exists():
        pytest.skip("import-linter comes with `make check`")
    done = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:]


def is_module(dotted: str) -> bool:
    path = ROOT / "src" / dotted.replace(".", "/")
    return path.is_dir() or path.with_suffix(".py").is_file()


def test_no_string_names_a_higher_floor() -> None:
    """A dotted string that is imported later is an import too. The package's own front door is the one exception."""
    upward: list[str] = []
    seen = 0
    for name, (_, tree) in sources().items():
        package = name.split("/", 1)[0]
        for node in ast.walk(tree):
            if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
                continue
            found = re.fullmatch(r"(groundwork\.([a-z_]+)(?:\.[a-z_]+)*)\.?(?::\w+)?", node.value)
            if not found or found[2] not in FLOOR or not is_module(found[1]):
                continue
            seen += 1
            if name != "__init__.py" and FLOOR[found[2]] >= FLOOR[package] and found[2] != package:
                upward.append(f"{name}:{node.lineno} names {node.value}")
    assert seen
    assert upward == []


def test_the_heavy_libraries_load_only_where_they_are_used() -> None:
    found: list[str] = []
    trains = {f"groundwork.{name.removesuffix('.py').replace('/', '.')}" for name in BUILT_ON_TORCH}
    for name, (_, tree) in sources().items():
        if name in BUILT_ON_TORCH:
            continue
        typing = {
            id(node)
            for test in ast.walk(tree)
            if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
            for node in ast.walk(test)
        }
        inside = {id(node) for function in functions(tree) for node in ast.walk(function)}
        for node in ast.walk(tree):
            named = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            named += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if id(node) not in inside | typing and (HEAVY & {one.split(".", 1)[0] for one in named} or trains & set(named)):
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_importing_groundwork_costs_next_to_nothing() -> None:
    new = modules_after("import groundwork")[0] - modules_after("pass")[0]
    assert new & {"numpy", "uvicorn", "onnxruntime", "asyncio", "aiohttp", "starlette", "click", "rich", *HEAVY} == set()
    assert len(new) <= 60


def test_help_imports_no_command_and_nothing_heavy() -> None:
    code = "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
    code += "    from groundwork.cli.table import COMMANDS, main; main(['--help'])"
    new = modules_after(code)[0]
    assert new & {"numpy", "uvicorn", "onnxruntime", "aiohttp", "starlette", *HEAVY} == set()
    assert {name for name in new if name.startswith("groundwork.cli.")} <= {"groundwork.cli.table", "groundwork.cli.lazy"}


def test_dependencies_are_few_and_each_has_its_reason() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    assert block is not None
    lines = [line for line in block[1].splitlines() if line.strip()]
    assert len(lines) <= 12
    assert [line for line in lines if not re.fullmatch(r'\s*"[^"]+",\s+# \S.{8,}', line)] == []


def test_nothing_is_left_to_be_done() -> None:
    """An open point is an issue, not a comment."""
    words = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")
    samples = "src/groundwork/tuning/prepare/written/"  # texts that detectors learn from, comments of programs among them
    assert [name for name, text in texts() if words.search(text) and not name.startswith(samples)] == []


def test_no_build_stands_in_the_repository() -> None:
    parts = {".venv", "venv", "__pycache__", "dist", ".groundwork", "node_modules", ".pytest_cache", ".hypothesis"}
    assert [path for path in tracked() if parts & set(path.relative_to(ROOT).parts)] == []
    assert [path for path in tracked() if path.stat().st_size > 50_000_000] == []


def test_no_path_of_a_machine_is_written_down() -> None:
    places = re.compile("|".join(rf"(?<![\w:.~]){re.escape(place)}" for place in ("/work" + "/", "/home" + "/", "/root" + "/")))
    assert [f"{name}: {found[0]}" for name, text in texts() if (found := places.search(text))] == []


def test_continuous_integration_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert "make test\n" in script.read_text(encoding="utf-8")
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")
