"""The application's folder, as commands open it."""

from pathlib import Path

from groundwork.app.config import check_folder
from groundwork.store.folder import Folder


def open_folder(root: Path) -> Folder:
    """The state of the application in `root`. Raises ConfigError where there is none, and makes nothing there."""
    check_folder(root.resolve())
    return Folder(root.resolve())
