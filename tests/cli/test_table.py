"""Help, names and exit codes of every command."""

import subprocess
import sys
from pathlib import Path

import click
import pytest

from groundwork.cli.table import COMMANDS, groundwork
from tests.cli.conftest import COMMAND_NAMES, Run

HELP = Path(__file__).parent / "help.txt"


def test_the_top_levels_help_is_the_one_on_file(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    assert done.out == HELP.read_text(), "the help has changed: look at it, then write it to tests/cli/help.txt"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_says_what_it_is_for_with_an_example(run: Run, name: str) -> None:
    done = run(name, "--help")
    assert done.code == 0
    assert "Example" in done.out
    assert f"groundwork {name}" in done.out
    command = groundwork.get_command(click.Context(groundwork), name)
    assert command is not None
    assert command.help
    for one in [command, *(command.commands.values() if isinstance(command, click.Group) else ())]:
        assert one.epilog, f"{one.name} has no example"
        for option in one.params:
            assert not isinstance(option, click.Option) or option.help, f"{one.name} {option.name} has no help"


def test_a_misspelt_command_is_answered_with_the_nearest(run: Run) -> None:
    done = run("indx")
    assert (done.code, done.out) == (2, "")
    assert "Did you mean 'index'?" in done.err
    assert "See `groundwork --help`" in run("frobnicate").err


def test_a_misspelt_option_is_a_matter_of_usage(run: Run, app: Path) -> None:
    assert run("traces", "--limt", "5").code == 2
    assert run("traces", "--status", "fine").code == 2
    assert run("ask").code == 2


def test_it_runs_as_a_module_and_says_its_version() -> None:
    done = subprocess.run([sys.executable, "-m", "groundwork", "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.startswith("groundwork, version ")


def test_help_stays_light() -> None:
    code = "import sys; from groundwork.cli import main\ntry:\n    main(['--help'])\nexcept SystemExit: pass\nprint([n for n in ('numpy','onnxruntime','aiohttp','tokenizers','torch','rich') if n in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


ARGUMENTS = {
    "ask": ["hi"],
    "find": ["hi"],
    "show": ["tr_1"],
    "keys": ["list"],
    "prompts": ["list"],
    "compare": ["run_1", "run_2"],
    "components": ["run_1"],
    "context": ["tune"],
    "review": ["list"],
    "slices": ["run_1"],
    "rate": ["run_1", "run_2"],
    "gate": ["chg_1"],
    "propose": ["context.retrieve.keep", "8", "--why", "x"],
    "release": ["chg_1"],
    "list": ["runs"],
    "replay": ["--last", "3"],
    "eject": ["answer"],
    "tune": ["advise", "run_1"],
}


STAND_ALONE = {"new", "judge", "contamination"}
"""They work in any folder."""


@pytest.mark.parametrize("name", [name for name in COMMAND_NAMES if name not in STAND_ALONE])
def test_a_folder_without_an_application_is_refused_and_left_as_it_is(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    done = run(name, *ARGUMENTS.get(name, []))
    assert done.code == 2, done.err
    assert done.out == ""
    assert "groundwork.toml" in done.err
    assert "fix:" in done.err
    assert list(tmp_path.iterdir()) == []


BROKEN = [
    ('[app]\nname = "a"\n[models.m]\ntargtes = ["auto"]', "groundwork.toml:4: unknown key `models.m.targtes`", "`models.m.targets`?"),
    ('[app]\nname = "a"\n[models.m]\ntargets = ["auto"]\n[tools.t]\nrun = "no:where"', "groundwork.toml:6: no module 'no'", "put no.py"),
    ('[app]\nname = "a"\nprompt = "p"\n[models.m]\ntargets = ["embedded"]', "groundwork.toml:3", "p.prompt.md"),
    ('[app]\nname = "a"\n[models.m]\ntargets = ["embedded"]\n[gate]\nsuite = "s.toml"', "s.toml", "fix:"),
    ('[app]\nname = "a"\n[models.m\n', "groundwork.toml:3", "fix:"),
    (
        '[app]\nname = "a"\n[models.m]\ntargets = ["openai/x"]\n[providers.openai]\nkey = "env:NOT_SET_ANYWHERE"',
        "groundwork.toml:6",
        "export NOT_SET_ANYWHERE",
    ),
]


@pytest.mark.parametrize(("toml", "says", "fix"), BROKEN, ids=range(len(BROKEN)))
def test_a_wrong_configuration_is_refused_with_file_and_line(run: Run, tmp_path: Path, toml: str, says: str, fix: str) -> None:
    (tmp_path / "groundwork.toml").write_text(toml)
    done = run("check", "--app", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert says in done.err
    assert fix in done.err
