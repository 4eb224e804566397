"""The documents: every block is run or checked, every link leads somewhere, and the machinery that says so can also say no."""

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.sample import copy_app
from groundwork.core.errors import GroundworkError
from groundwork.tuning.base_weights import find_base
from scripts.check_docs import block_faults, cli_faults, faults, span_faults
from scripts.docs_blocks import ROOT, Block, blocks, documents, mismatch
from scripts.run_docs import Reader, install_wheel
from tests.apps import write_docs

DATA = Path(__file__).parent / "data" / "docs"
RUN = {"console", "sh", "python"}

MakeReader = Callable[[str, bool], Reader]


def to_run() -> list[Block]:
    """The blocks of README.md and docs/ that are to be run; all the others are only looked at."""
    paths = [path for path in documents() if path == ROOT / "README.md" or path.is_relative_to(ROOT / "docs")]
    return [block for path in paths for block in blocks(path) if block.language in RUN and block.marker != "norun"]


def needs_app(block: Block) -> bool:
    """Whether it does more than `make` and other people's commands."""
    return block.language == "python" or "groundwork" in block.text


def need_training() -> None:
    """Skip where nothing can be trained."""
    for name in ("torch", "transformers", "peft"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"needs {name}: run `make test-all`")
    try:
        find_base()
    except GroundworkError as error:
        pytest.skip(f"needs the base: {error.what}; {error.fix}")


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The sample application, indexed once."""
    return copy_app(tmp_path_factory.mktemp("sample") / "app")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that this checkout's wheel was installed into."""
    folder = tmp_path_factory.mktemp("wheel")
    problem = install_wheel(folder)
    if problem:
        pytest.skip(f"no wheel can be built here: {problem}")
    return folder / "target"


@pytest.fixture(scope="module")
def readers(tmp_path_factory: pytest.TempPathFactory, sample: Path, request: pytest.FixtureRequest) -> MakeReader:
    """One reader for each document, and one for its wheel blocks."""
    made: dict[tuple[str, bool], Reader] = {}

    def reader(file: str, with_wheel: bool) -> Reader:
        key = (file, with_wheel)
        if key not in made:
            made[key] = Reader(tmp_path_factory.mktemp("reader"), sample, request.getfixturevalue("wheel") if with_wheel else None)
        return made[key]

    return reader


@pytest.mark.parametrize("block", [block for block in to_run() if needs_app(block)], ids=lambda block: f"{block.file}:{block.line}")
def test_a_block_does_what_the_document_says(block: Block, readers: MakeReader) -> None:
    if block.marker == "torch":
        need_training()
    assert readers(block.file, block.marker == "wheel").run(block) == []


def test_the_documents_hold_together() -> None:
    assert [str(fault) for fault in faults()] == []


def test_the_command_lines_document_is_what_help_says() -> None:
    assert cli_faults() == []


# -- the machinery itself


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    app = write_docs(tmp_path / "app")
    (app / "groundwork.toml").write_text((app / "groundwork.toml").read_text().replace('"handbook"', '"sqlite-helpdesk"'))
    return Reader(tmp_path / "home", app)


def faults_of(name: str) -> list[str]:
    path = DATA / name
    found = [*span_faults(path, DATA), *(fault for block in blocks(path, DATA) for fault in block_faults(block))]
    return [f"{fault.line}: {fault.what}" for fault in found]


def test_a_good_document_has_no_faults_and_runs(reader: Reader) -> None:
    assert [fault for fault in faults_of("good.md") if "make" not in fault] == []
    found = list(blocks(DATA / "good.md", DATA))
    assert [block.language for block in found] == ["console", "sh", "python", "toml", "toml", "json", "sh", "text"]
    assert [block.marker for block in found] == ["run", "", "server", "", "", "", "norun", ""]
    assert [fault for block in found for fault in reader.run(block)] == []
    assert "chg_" in reader.seen


@pytest.mark.parametrize(
    "said",
    [
        "the link missing.md leads nowhere",
        "no heading for #part-three",
        "there is no `groundwork fly`",
        "no target 'coffee'",
        "unknown key `contextt`",
        "unknown key `app.colour`",
        "not valid json",
        "not valid python",
        "no option --loud",
        "unknown command 'frobnicate'",
        "language ''",
        "`norun` needs its reason",
        "unknown marker 'perhaps'",
        "it holds no command",
    ],
)
def test_each_fault_of_a_bad_document_is_found(said: str) -> None:
    assert [fault for fault in faults_of("bad.md") if said in fault], faults_of("bad.md")


def test_a_bad_document_has_no_other_faults() -> None:
    assert len(faults_of("bad.md")) == 14


def test_what_is_wrong_only_when_run_is_found(reader: Reader) -> None:
    assert faults_of("broken.md") == []
    console, shell, python = blocks(DATA / "broken.md", DATA)
    assert "does not say: “The lighthouse at Cape Orrin is 48" in reader.run(console)[0].what
    assert "`groundwork show tr_00000000000000000000000000000000` ended with" in reader.run(shell)[0].what
    assert "ended with 1: no" in reader.run(python)[0].what


@pytest.mark.parametrize(
    ("expected", "output", "missing"),
    [
        (["one", "…", "three"], "one\ntwo\nthree\n", ""),
        (["one", "three"], "one\ntwo\n", "three"),
        (["two", "one"], "one\ntwo\n", "one"),
        (["made run_0a1b2c in 1.2 s"], "made  run_ffffff in 300 ms", ""),
        (["a … c"], "a b d", "a … c"),
        ([], "whatever", ""),
    ],
)
def test_shown_output_is_compared_loosely_but_in_order(expected: list[str], output: str, missing: str) -> None:
    assert mismatch(expected, output) == missing


def test_a_document_that_changes_is_noticed(tmp_path: Path) -> None:
    """The check reads what stands there now: a fault put into a copy of the documents is found."""
    shutil.copytree(ROOT / "docs", tmp_path / "docs")
    shutil.copy(ROOT / "README.md", tmp_path)
    before = {str(fault) for fault in faults(tmp_path)}
    with (tmp_path / "README.md").open("a", encoding="utf-8") as file:
        file.write("\n[nowhere](docs/nowhere.md)\n")
    new = {str(fault) for fault in faults(tmp_path)} - before
    assert len(new) == 1
    assert "docs/nowhere.md leads nowhere" in new.pop()
