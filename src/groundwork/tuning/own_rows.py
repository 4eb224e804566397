"""Rows of one's own, in one file, as a training set: doubled ones once, dealt to its parts by group, each label to each part where it can be."""

from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from groundwork.core.errors import InputError, NotFound
from groundwork.datasets.rows import Row, Task, parse_rows
from groundwork.datasets.training import PARTS, Origin, Part, label_of, text_of

SHARES: dict[Part, float] = {"held": 0.15, "dev": 0.15}
"""Of each label's groups; the rest is learned from."""


class Own(NamedTuple):
    """Rows by part, and how many were left out as doubled."""

    parts: dict[Part, list[Row]]
    origin: Origin
    doubled: int


def read_own(path: Path, task: Task, *, licence: str, seed: int = 0) -> Own:
    """Read JSON lines of one task and deal them. Raises NotFound, ConfigError with `file:line`, InputError where a text has two labels."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", fix="name a file of JSON lines") from None
    rows = parse_rows(data, task, str(path))
    kept = distinct(rows)
    origin = Origin(name=path.name, licence=licence, rows=len(kept), sha256=sha256(data).hexdigest())
    return Own(deal(kept, seed), origin, len(rows) - len(kept))


def distinct(rows: Sequence[Row]) -> list[Row]:
    """Each text once. Raises InputError where one text has two labels: one of them is wrong."""
    seen: dict[str, Row] = {}
    for row in rows:
        before = seen.setdefault(text_of(row), row)
        if label_of(before) != label_of(row):
            raise InputError(
                f"`{before.id}` and `{row.id}` say the same and are labelled `{label_of(before)}` and `{label_of(row)}`",
                fix="keep the right one",
            )
    return list(seen.values())


def deal(rows: Sequence[Row], seed: int = 0) -> dict[Part, list[Row]]:
    """Whole groups to parts, by hash, label by label: the same rows and seed are always dealt alike. Raises InputError below three groups."""
    labels: dict[str, str] = {}
    for row in rows:
        labels.setdefault(row.group, label_of(row))
    if len(labels) < len(PARTS):
        raise InputError(f"{len(labels)} groups cannot be dealt to {', '.join(PARTS)}", fix="give rows of more sources; `group` names each")
    part_of: dict[str, Part] = {}
    for label in sorted(set(labels.values())):
        names = sorted((name for name in labels if labels[name] == label), key=lambda name: sha256(f"{seed}/{name}".encode()).digest())
        place = 0
        for part, share in SHARES.items():
            count = max(1, round(share * len(names))) if len(names) >= len(PARTS) else 0
            part_of |= dict.fromkeys(names[place : place + count], part)
            place += count
    found: dict[Part, list[Row]] = {part: [] for part in PARTS}
    for row in rows:
        found[part_of.get(row.group, "train")].append(row)
    return found
