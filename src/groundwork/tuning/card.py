"""A model's card (Mitchell et al., 2019), written from the record of its fit: what it is for, what it learned from, how well it does, what it cannot.

Every number in it stands in the record. What no program can know (who should not use it, what a figure means for them) is given in words.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from groundwork.core.measure import Estimate
from groundwork.datasets.rows import Task
from groundwork.datasets.training import PARTS, Origin
from groundwork.store.files import write_whole
from groundwork.tuning.curve import advice, sparkline
from groundwork.tuning.record import FitRecord

PURPOSES: dict[Task, str] = {
    "span": "It reads a question and a passage and marks the words of the passage that answer it, or says that none do.",
    "classify": "It reads a text and gives each class a score.",
    "pair": "It reads two texts and scores how well the second answers or supports the first.",
}
LIMITS: dict[Task, tuple[str, ...]] = {
    "span": (
        "It quotes: it cannot combine passages, count, compare, explain or converse.",
        "A passage that contradicts what is true is quoted like any other.",
    ),
    "classify": ("It knows the classes below and no others; a text of another kind still gets scores.",),
    "pair": ("It compares words in context. It does not look anything up and does not reason over several steps.",),
}
COMMON = (
    "English only: the word pieces of the base are English, and so is what it learned from.",
    "Texts longer than its window are read in several windows; a relation across two windows is not seen.",
)
ATTRIBUTION = "https://www.apache.org/licenses/LICENSE-2.0"
PARITY = {
    "n": "rows compared",
    "largest": "largest difference",
    "mean": "mean difference",
    "rank": "rank correlation",
    "equal": "share of equal decisions",
}
_FEW = 100
"""Rows below which a figure's n is named among the limits."""


def write_card(record: FitRecord, path: Path, *, purpose: str = "", limits: Sequence[str] = ()) -> str:
    """Write the card to `path`, whole or not at all, and return its text. Raises StoreError, StoreFull."""
    text = render_card(record, purpose=purpose, limits=limits)
    write_whole(path, text.encode())
    return text


def render_card(record: FitRecord, *, purpose: str = "", limits: Sequence[str] = ()) -> str:
    """The card as Markdown. `purpose` replaces the task's own sentence; `limits` come before the task's own ones."""
    parts = [
        f"# {record.name}\n\n{purpose or PURPOSES[record.recipe.task]}",
        *(["**A smoke run: a few steps on a few rows. Its figures say nothing.**"] if record.is_smoke else []),
        _facts(record),
        f"## How well it does\n\n{_figures(record)}",
        *([f"## Calibration\n\n{_calibration(record)}"] if record.calibration else []),
        f"## What it learned from\n\n{_origins(record)}\n\n{_split(record)}\n\n{_licences(record.training.origins)}",
        f"## How it was trained\n\n{_training(record)}",
        f"## What it costs\n\n{_cost(record)}",
        f"## Limits\n\n{_limits(record, limits)}",
    ]
    return "\n\n".join(parts) + "\n"


def _facts(record: FitRecord) -> str:
    recipe = record.recipe
    size = sum(file.bytes for file in record.files.values())
    rows = [
        ("task", recipe.task),
        ("base", f"{recipe.base} (Apache-2.0, {ATTRIBUTION})"),
        ("method", _method(record)),
        ("parameters", f"{record.trained_parameters:,} trained of {record.parameters:,}" if record.parameters else ""),
        ("window", f"{recipe.data.window} word pieces, {recipe.data.stride} of them shared with the next window"),
        (
            "files",
            ", ".join(f"{name} {_size(file.bytes)}" for name, file in record.files.items()) + f"; {_size(size)} in all" if size else "",
        ),
        ("seed", str(record.seed)),
        ("code", record.code),
    ]
    return _table(("", ""), [(name, value) for name, value in rows if value])


def _method(record: FitRecord) -> str:
    recipe = record.recipe
    if recipe.train.method == "full":
        return "all weights of the layers and the head; the word table stays as it is"
    if recipe.train.method == "head":
        return "the head alone, on the frozen base"
    lora = recipe.lora
    return f"low-rank adapters of rank {lora.rank} (alpha {lora.alpha:g}) on {', '.join(lora.targets)}"


# -- figures


def _figures(record: FitRecord) -> str:
    if not record.figures:
        return "Nothing was measured on the held part."
    rows = [
        (name, *_estimate(figure), *(_beside(figures.get(name)) for figures in record.baselines.values()))
        for name, figure in record.figures.items()
    ]
    level = next(iter(record.figures.values())).level
    table = _table(("figure", "value", f"{100 * level:.0f} % interval", "n", "interval by", *record.baselines), rows)
    held = record.training.groups["held"]
    said = f"On the held part ({record.training.counts['held']:,} rows of {held:,} groups that lie in no other part; nothing was chosen on it)."
    return f"{said}\n\n{table}"


def _estimate(figure: Estimate) -> tuple[str, str, str, str]:
    return _number(figure.value), f"[{_number(figure.low)}, {_number(figure.high)}]", f"{figure.n:,}", figure.method


def _beside(figure: Estimate | None) -> str:
    return "–" if figure is None else f"{_number(figure.value)} [{_number(figure.low)}, {_number(figure.high)}]"


def _calibration(record: FitRecord) -> str:
    rows = [(name, _value(value)) for name, value in _flat(record.calibration)]
    return (
        f"Fitted on the dev part ({record.training.counts['dev']:,} rows), never on the held one.\n\n{_table(('setting', 'value'), rows)}"
    )


def _flat(values: Mapping[str, object], above: str = "") -> list[tuple[str, object]]:
    found: list[tuple[str, object]] = []
    for name, value in values.items():
        found += _flat(value, f"{above}{name}.") if isinstance(value, Mapping) else [(f"{above}{name}", value)]
    return found


# -- data


def _origins(record: FitRecord) -> str:
    rows = [(one.name, one.licence, f"{one.rows:,}", one.note) for one in record.training.origins]
    made = f"Training set `{record.training.name}`, made by `{record.training.how}` (seed {record.training.seed}); "
    made += f"sha256 of its manifest {record.training_sha256[:16]}."
    return f"{made}\n\n{_table(('origin', 'licence', 'rows', 'note'), rows)}"


def _split(record: FitRecord) -> str:
    made = record.training
    labels = sorted({label for part in PARTS for label in made.labels[part]})
    shown = labels if len(labels) <= 6 else []
    rows = [
        (part, f"{made.counts[part]:,}", f"{made.groups[part]:,}", *(f"{made.labels[part].get(label, 0):,}" for label in shown))
        for part in PARTS
    ]
    said = "Split by group (article, source or author), never by row; `train` was learned from, `dev` chose, `held` was measured."
    if not shown:
        counts = [made.labels["train"].get(label, 0) for label in labels]
        said += f" {len(labels)} classes with {min(counts):,} to {max(counts):,} rows each in `train`."
    return f"{said}\n\n{_table(('part', 'rows', 'groups', *shown), rows)}"


def _licences(origins: Sequence[Origin]) -> str:
    """What the licences of the data ask of who passes the weights on. A licence's own text is what counts."""
    alike = [one.name for one in origins if _has(one.licence, "SA", "ShareAlike", "share-alike")]
    closed = [one.name for one in origins if _has(one.licence, "NC", "NonCommercial", "non-commercial")]
    said = ["The weights hold no text of these origins. The base is under Apache-2.0."]
    if alike:
        said.append(
            f"**Share-alike:** {', '.join(alike)}. Whether weights are an adaptation of the texts they were trained on is not settled; who "
            "passes them on names these origins, as here, and where weights count as an adaptation the same licence applies to them."
        )
    if closed:
        said.append(f"**Not for commercial use:** {', '.join(closed)} forbid it.")
    return " ".join(said)


def _has(licence: str, *marks: str) -> bool:
    pieces = licence.replace("-", " ").split()
    return any(mark in pieces or (len(mark) > 2 and mark in licence) for mark in marks)


# -- training


def _training(record: FitRecord) -> str:
    found = advice(record.losses, rate=record.recipe.train.learning_rate)
    stopped = f" It stopped early: {record.stopped}." if record.stopped else ""
    again = f" It was taken up again {record.resumed} times after a break." if record.resumed else ""
    said = f"{record.steps:,} steps ({record.epochs:.3g} epochs); the weights of step {record.best_step:,} were kept.{stopped}{again}"
    curve = f"Loss by step: `{sparkline(record.losses)}` {found.sentence}."
    figures = sorted({name for one in record.measurements for name in one.figures})
    rows = [
        (f"{one.step:,}", "not finite" if one.loss is None else _number(one.loss), *(_optional(one.figures.get(name)) for name in figures))
        for one in record.measurements
    ]
    measured = f"On the dev part:\n\n{_table(('step', 'loss of the step', *figures), rows)}\n\n" if rows else ""
    return f"{said}\n\n{curve}\n\n{measured}The recipe (sha256 {record.recipe_sha256[:16]}):\n\n```toml\n{record.recipe_text.strip()}\n```"


def _cost(record: FitRecord) -> str:
    memory = record.memory
    predicted = f"; predicted were {_size(memory.predicted)}" if memory.predicted else ""
    rows = [
        ("training", f"{record.cpu_seconds / 60:.1f} CPU minutes, {record.seconds / 60:.1f} minutes by the clock"),
        ("memory", f"{_size(memory.used)} at most, beside {_size(memory.before)} of libraries{predicted}"),
        ("machine", f"{record.machine.processor}, {record.machine.cores} cores; {record.machine.device}"),
        ("versions", ", ".join(f"{name} {number}" for name, number in record.versions.items())),
    ]
    parity = [(PARITY.get(name, name), _number(value)) for name, value in record.parity.items()]
    exported = f"\n\nThe exported model beside the trained one:\n\n{_table(('', ''), parity)}" if parity else ""
    return _table(("", ""), rows) + exported


def _limits(record: FitRecord, limits: Sequence[str]) -> str:
    own: list[str] = []
    widest = max(record.figures.items(), key=lambda one: one[1].high - one[1].low, default=None)
    if widest is not None and widest[1].n < _FEW:
        own.append(f"`{widest[0]}` rests on {widest[1].n} rows: its interval is wide.")
    if record.training.groups["held"] < 5:
        own.append(
            f"The held part has {record.training.groups['held']} groups: on other sources the figures may lie outside the intervals."
        )
    elif record.figures:
        own.append("The intervals speak of data of the same origins. On other texts (other subjects, other ways of asking) expect less.")
    return "\n".join(f"- {one}" for one in [*limits, *LIMITS[record.recipe.task], *own, *COMMON])


# -- text


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_cell(cell) for cell in line)} |" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())


def _optional(value: float | None) -> str:
    return "–" if value is None else _number(value)


def _number(value: float) -> str:
    return f"{value:.3f}" if abs(value) <= 1 else f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _value(value: object) -> str:
    return _number(value) if isinstance(value, float) else str(value)


def _size(count: int) -> str:
    return f"{count / 1e6:.1f} MB" if count >= 100_000 else f"{count / 1e3:.1f} kB"
