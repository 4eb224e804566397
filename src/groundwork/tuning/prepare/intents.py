"""Examples of intents: a person's own, from a TOML file or JSON lines, and CLINC150's.

    [intents]
    refund = ["I want my money back", "how do I return these shoes"]
    parcel = ["where is my parcel", "has my order been sent"]

    out_of_scope = ["tell me a joke"]      # optional, at the top of the file

or lines {"id", "text", "label", "group"}, where the label `out_of_scope` belongs to no intent. CLINC150: S. Larson et al., An Evaluation
Dataset for Intent Classification and Out-of-Scope Prediction, EMNLP 2019.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.core.config import Section, Written, decode, parse_toml
from groundwork.core.errors import ConfigError, InputError, NotFound
from groundwork.core.text import fold, words
from groundwork.datasets.rows import Row, TextRow, parse_rows
from groundwork.datasets.training import Origin, Part
from groundwork.engine.intents import OUT_OF_SCOPE

FEWEST = 5
"""Examples that an intent needs: with fewer, held folds say nothing about it."""
HOW = "CLINC150's own split: 90 of its 100 training rows of each intent to learn from, 10 to choose on; its validation part is held"
_DEV = 10
_OUTSIDE = "oos"


class Examples(NamedTuple):
    """Rows to learn intents from, and what stands for them in a record."""

    rows: tuple[TextRow, ...]
    repeated: int
    """Examples that said the same as another one of their intent, and were left out."""
    sha256: str
    """Of the file."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The intents, sorted."""
        return tuple(sorted({row.label for row in self.rows} - {OUT_OF_SCOPE}))


class IntentsFile(Section, frozen=True, kw_only=True):
    """A file of intents as people write it."""

    intents: dict[str, tuple[str, ...]]
    out_of_scope: tuple[str, ...] = ()


def read_intents(path: Path, *, fewest: int = FEWEST, least: int = 2) -> Examples:
    """Read a `.toml` file, or JSON lines. `fewest` examples an intent and `least` intents are asked for.

    Raises NotFound, and ConfigError with the line for what cannot be learned from: one intent only, an intent of too few examples, an empty
    example, the same text in two intents.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise NotFound(f"{path} does not exist", fix="name a file of intents: `groundwork tune router --help` shows one") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}", fix="name a file of intents") from None
    found = _from_toml(data, path) if path.suffix == ".toml" else _from_lines(data, path)
    rows, repeated = _distinct(found)
    _check(rows, path, fewest, least)
    return Examples(tuple(row for row, _ in rows), repeated, hashlib.sha256(data).hexdigest())


_Placed = tuple[TextRow, str]
"""A row, and `file:line`."""


def _from_toml(data: bytes, path: Path) -> list[_Placed]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8 (byte {error.start})", fix="save it as UTF-8") from None
    written = parse_toml(text, str(path))
    file = decode(written, IntentsFile)
    if OUT_OF_SCOPE in file.intents:
        where = written.where(("intents", OUT_OF_SCOPE))
        raise ConfigError(f"`{OUT_OF_SCOPE}` is no intent", where=where, fix=f"write `{OUT_OF_SCOPE} = […]` at the top of the file")
    placed = [row for name, texts in file.intents.items() for row in _listed(name, texts, ("intents", name), written)]
    return placed + _listed(OUT_OF_SCOPE, file.out_of_scope, (OUT_OF_SCOPE,), written)


def _listed(label: str, texts: Sequence[str], path: tuple[str, ...], written: Written) -> list[_Placed]:
    placed: list[_Placed] = []
    if not label.strip():
        raise ConfigError("an intent has no name", where=written.where(path), fix="give it one")
    for place, text in enumerate(texts):
        where = written.where((*path, place))
        if not text.strip():
            raise ConfigError(f"an example of `{label}` is empty", where=where, fix="fill it in, or remove it")
        placed.append((TextRow(id=f"{label}/{place + 1}", text=text, label=label, group=f"{label}/{place + 1}"), where))
    return placed


def _from_lines(data: bytes, path: Path) -> list[_Placed]:
    rows = [row for row in parse_rows(data, "classify", str(path)) if isinstance(row, TextRow)]
    numbers = [number for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1) if line.strip()]
    return [(row, f"{path}:{number}") for row, number in zip(rows, numbers, strict=True)]


def key_of(text: str) -> str:
    """What two examples share that say the same: their words, or all of them where there are none."""
    return " ".join(words(text)) or fold(text)


def _distinct(placed: Iterable[_Placed]) -> tuple[list[_Placed], int]:
    """Rows that say different things. Raises ConfigError where two intents claim the same text."""
    first: dict[str, _Placed] = {}
    repeated = 0
    for row, where in placed:
        before, at = first.setdefault(key_of(row.text), (row, where))
        if before.label != row.label:
            raise ConfigError(
                f"{row.text!r} stands for `{row.label}` here and for `{before.label}` at {at}",
                where=where,
                fix="decide which, and remove the other",
            )
        repeated += before is not row
    return list(first.values()), repeated


def _check(placed: Sequence[_Placed], path: Path, fewest: int, least: int) -> None:
    counts = Counter(row.label for row, _ in placed if row.label != OUT_OF_SCOPE)
    if len(counts) < least:
        raise ConfigError(
            f"there is {len(counts)} intent, and a router chooses between {least} or more" if counts else "there is no intent in it",
            where=str(path),
            fix="add the intents that your messages have",
        )
    for label, count in counts.items():
        if count < fewest:
            where = next(where for row, where in placed if row.label == label)
            raise ConfigError(
                f"the intent `{label}` has {count} different examples, and needs {fewest}",
                where=where,
                fix="add some in other words; 10 to 20 are good",
            )


class _Clinc(msgspec.Struct, frozen=True):
    split: str
    text: str
    intent: str


def read_clinc(folder: Path) -> tuple[dict[str, tuple[TextRow, ...]], tuple[Origin, ...]]:
    """The rows of each split (`train`, `val`, `oos_train` …), and where they come from.

    Any file `*.jsonl` or `*.jsonl.gz` of lines {"split", "text", "intent"} is read, in `folder`/routing or, where there is no such folder, in
    `folder` itself. Raises NotFound, InputError.
    """
    place = folder / "routing" if (folder / "routing").is_dir() else folder
    paths = sorted(path for path in place.glob("*.jsonl*") if path.name.endswith((".jsonl", ".jsonl.gz")))
    if not paths:
        raise NotFound(f"no utterances in {place}", fix='it should hold JSON lines {"split", "text", "intent"}')
    splits: dict[str, list[TextRow]] = {}
    origins: list[Origin] = []
    decoder = msgspec.json.Decoder(_Clinc)
    for path in paths:
        data = path.read_bytes()
        try:
            lines = (gzip.decompress(data) if path.suffix == ".gz" else data).split(b"\n")
            found = [decoder.decode(line) for line in lines if line.strip()]
        except (OSError, EOFError, msgspec.MsgspecError) as error:
            raise InputError(f"{path} cannot be read: {error}", fix='write JSON lines {"split", "text", "intent"}') from None
        for line in found:
            rows = splits.setdefault(line.split, [])
            name = f"{line.split}-{len(rows)}"
            rows.append(TextRow(id=name, text=line.text, label=OUT_OF_SCOPE if line.intent == _OUTSIDE else line.intent, group=name))
        origins.append(Origin(name=path.name, licence="CC BY 3.0", rows=len(found), sha256=hashlib.sha256(data).hexdigest()))
    return {split: tuple(rows) for split, rows in splits.items()}, tuple(origins)


def prepare_intents(folder: Path, seed: int = 0) -> tuple[dict[Part, list[Row]], tuple[Origin, ...]]:
    """CLINC150 as a training set: rows by part, and where they come from. Texts that stand in two parts stay in the later one only."""
    splits, origins = read_clinc(folder)
    order = sorted(splits.get("train", ()), key=lambda row: hashlib.sha256(f"{seed} {row.text}".encode()).digest())
    taken: Counter[str] = Counter()
    parts: dict[Part, list[Row]] = {"train": list(splits.get("oos_train", ())), "dev": [], "held": []}
    for row in order:
        parts["dev" if taken[row.label] < _DEV else "train"].append(row)
        taken[row.label] += 1
    parts["held"] = [*splits.get("val", ()), *splits.get("oos_val", ())]
    seen: set[str] = set()
    for part in ("held", "dev", "train"):
        kept = [row for row in parts[part] if isinstance(row, TextRow) and key_of(row.text) not in seen]
        seen |= {key_of(row.text) for row in kept}
        parts[part] = list(kept)
    return parts, origins
