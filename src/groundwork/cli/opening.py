"""The application's folder, as commands open it."""

from pathlib import Path

from groundwork.store.folder import Folder


def open_folder(root: Path) -> Folder:
    """The state of the application in `root`, or of the runs that were evaluated there without one.

    Raises ConfigError where there is neither, and makes nothing there.
    """
    root = root.resolve()
    folder = Folder(root)
    if not folder.run_files.is_dir():
        from groundwork.app.config import check_folder

        check_folder(root)
    return folder
