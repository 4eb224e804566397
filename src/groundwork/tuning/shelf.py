"""The trained models that are there: those that come with the package, and those of an application, in `.groundwork/models/`."""

from pathlib import Path
from typing import Any, Literal

import msgspec

from groundwork.core.errors import NotFound
from groundwork.core.measure import Estimate
from groundwork.store.folder import NAME as STATE
from groundwork.tuning.card import render_card
from groundwork.tuning.record import FILE, read_record

SHIPPED = Path(__file__).parents[1] / "engine" / "weights"
_MANIFEST, _CARD = "manifest.json", "README.md"


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """A model's folder, as its manifest tells."""

    name: str
    task: str
    fingerprint: str
    bytes: int
    origin: Literal["package", "here"]
    folder: str
    figures: dict[str, Estimate] = {}
    """Of its held part, where it has a record."""
    fault: str = ""
    """What is wrong with it, where something is."""


def models_folder(root: Path) -> Path:
    """Where the models of the application in `root` stand."""
    return root / STATE / "models"


def models(root: Path) -> list[Model]:
    """All of them, the application's own first."""
    places: tuple[tuple[Path, Literal["package", "here"]], ...] = ((models_folder(root), "here"), (SHIPPED, "package"))
    return [
        _model(path.parent, origin)
        for place, origin in places
        for path in sorted(place.glob(f"*/{_MANIFEST}"))
        if not path.parent.name.startswith(".")
    ]


def find_model(root: Path, name: str) -> Path:
    """The folder of a model, by name or path; the application's own comes before the package's. Raises NotFound."""
    for place in (Path(name), models_folder(root) / name, SHIPPED / name):
        if (place / _MANIFEST).is_file() or (place / FILE).is_file():
            return place
    known = [model.name for model in models(root)]
    raise NotFound(f"no trained model {name!r}", fix=f"known: {', '.join(known) or 'none'}; see `groundwork tune list`")


def card_of(folder: Path) -> str:
    """A model's card: the one beside it, else made from its record. Raises NotFound where there is neither."""
    card = folder / _CARD
    return card.read_text(encoding="utf-8") if card.is_file() else render_card(read_record(folder))


def _model(folder: Path, origin: Literal["package", "here"]) -> Model:
    try:
        manifest = msgspec.json.decode((folder / _MANIFEST).read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError) as error:
        return Model(name=folder.name, task="", fingerprint="", bytes=0, origin=origin, folder=str(folder), fault=f"its manifest: {error}")
    figures, fault = _figures(folder / FILE)
    files = manifest.get("files")
    sizes = [int(one.get("bytes", 0)) for one in files.values() if isinstance(one, dict)] if isinstance(files, dict) else []
    return Model(
        name=str(manifest.get("name", folder.name)),
        task=str(manifest.get("task", "embedding" if "dimensions" in manifest else "")),
        fingerprint=str(manifest.get("fingerprint", "")),
        bytes=sum(sizes),
        origin=origin,
        folder=str(folder),
        figures=figures,
        fault=fault,
    )


def _figures(path: Path) -> tuple[dict[str, Estimate], str]:
    """The estimates of a record, of whatever kind of model, and what is wrong with it."""
    try:
        record = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        return {}, ""
    except (OSError, msgspec.DecodeError) as error:
        return {}, f"its record: {error}"
    own = record.get("figures")
    found: dict[str, Estimate] = {}
    for name, value in (own if isinstance(own, dict) else record).items():
        try:
            found[str(name)] = msgspec.convert(value, Estimate)
        except msgspec.ValidationError:
            continue  # one of the record's other fields
    return found, ""
