"""Where a fit was: weights, optimizer, random states and losses in one file, replaced whole. A kill at any moment leaves the one before."""

import os
import pickle  # for its error only
from pathlib import Path
from typing import Any

import torch

from groundwork.core.errors import StoreError
from groundwork.store.files import guarding, sync_folder

_FILE = "checkpoint.pt"


def save(folder: Path, state: dict[str, Any]) -> None:
    """Write the checkpoint. Raises StoreError where the disk is full or not to be written."""
    path = folder / _FILE
    part = folder / f"{_FILE}.{os.getpid()}.part"
    with guarding(path):
        try:
            with part.open("wb") as stream:
                try:
                    torch.save(state, stream)
                except RuntimeError as error:  # torch's word for a write that failed
                    raise OSError(
                        getattr(error.__cause__, "errno", None) or 28, f"the checkpoint was not written: {error}", str(path)
                    ) from error
                stream.flush()
                os.fsync(stream.fileno())
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(folder)


def load(folder: Path, recipe: str) -> dict[str, Any] | None:
    """The checkpoint of a folder, or None. Raises StoreError for a damaged one, and for one of another recipe or other data."""
    path = folder / _FILE
    if not path.exists():
        return None
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, OSError, ValueError, KeyError, pickle.UnpicklingError) as error:
        raise StoreError(f"the checkpoint {path} is damaged: {error}", fix="remove it: the fit then starts anew") from None
    if state["recipe"] != recipe:
        raise StoreError(
            f"the checkpoint in {folder} belongs to another recipe, other data or another seed",
            fix="take it up with the recipe it was begun with, or name another folder with --out",
        )
    return state


def remove(folder: Path) -> None:
    """The fit is done: what it needed to be taken up again is not needed any more."""
    (folder / _FILE).unlink(missing_ok=True)
