"""The sample application as a folder that one can work in: copied out of the package, its state kept."""

import shutil
from importlib import resources
from pathlib import Path

from groundwork.app.live import read_settings
from groundwork.cli.index import index_documents
from groundwork.core.errors import ConfigError, StoreError
from groundwork.store.folder import Folder

NAME = "sqlite-helpdesk"
WORKPLACE = Path("groundwork-demo")
"""Where `groundwork demo` and `groundwork tour` keep their copies, below the present folder."""


def sample_source() -> Path:
    """The sample as it ships: in the wheel, or in a checkout. Raises StoreError where it is missing."""
    installed = Path(str(resources.files("groundwork"))) / "examples" / NAME
    checkout = Path(__file__).resolve().parents[3] / "examples" / NAME
    for place in (installed, checkout):
        if (place / "groundwork.toml").is_file():
            return place
    raise StoreError("the sample application is missing from this installation", fix="install groundwork-ai again")


def copy_sample(folder: Path) -> Path:
    """Copy the sample into a folder, over an earlier copy if there is one; its state folder is left alone."""
    ignore = shutil.ignore_patterns(".groundwork", "__pycache__", "*.pyc")
    shutil.copytree(sample_source(), folder, ignore=ignore, dirs_exist_ok=True)
    return folder


async def index_sample(folder: Folder) -> None:
    """Bring the copy's index in step; one that an earlier version made in another way is built anew."""
    settings = await read_settings(folder.root, folder)
    try:
        await index_documents(settings, folder, quiet=True)
    except (ConfigError, StoreError):
        await index_documents(settings, folder, rebuild=True, quiet=True)
