"""A router's card: what it is for, what to expect of it, what to look at. Every number stands in its record."""

from groundwork.core.measure import Estimate
from groundwork.tuning.router.record import RouterRecord

_LIMITS = (
    "It reads the last message alone: a follow-up such as “and tomorrow?” is out of scope by itself.",
    "A message with two intents gets one of them.",
    "English: the encoder's word pieces and what it learned from are English.",
    "Messages of real users differ from examples that one person wrote: measure on some of theirs (`groundwork tune router FILE --held MESSAGES`).",
)


def render_card(record: RouterRecord) -> str:
    """The card as Markdown."""
    counts = list(record.examples.values())
    each = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
    facts = [
        ("fingerprint", f"`{record.fingerprint}`"),
        ("base", f"`{record.base}` (Apache-2.0), frozen"),
        ("method", "logistic regression on the embedding and runs of words and letters, drawn to the intents' prototypes"),
        ("intents", f"{len(counts)}, with {each} examples each, {sum(counts)} in all"),
        ("out of scope", f"{record.outside} examples" if record.outside else "no examples; recognised by low energy alone"),
        ("examples' sha256", f"`{record.source_sha256}`"),
        ("licence", record.licence),
        ("size", f"{record.bytes / 1000:.0f} kB"),
        ("cost", f"{record.cpu_seconds:.1f} CPU seconds, folds included; seed {record.seed}"),
    ]
    parts = [
        f"# {record.name}\n\nIt reads a message and names its intent, or says that it has none of those it knows.",
        _table(("", ""), facts),
        f"## What to expect\n\nEach example was scored by a head that was fitted without it ({record.folds}).\n\n{_table(('figure', 'value'), figures(record))}",
    ]
    if record.confusions:
        rows = [(f"`{one.intent}`", f"`{one.taken_for}`", str(one.count)) for one in record.confusions]
        parts.append(f"## What it confuses\n\n{_table(('intent', 'taken for', 'examples'), rows)}")
    if record.doubtful:
        rows = [
            (one.text.replace("|", "\\|"), f"`{one.intent}`", f"`{one.taken_for}`", f"{one.probability:.2f}") for one in record.doubtful
        ]
        head = ("example", "its intent", "taken for", "probability")
        parts.append(f"## Examples to look at\n\nPerhaps a wrong intent, perhaps two intents that are one.\n\n{_table(head, rows)}")
    parts.append("## Limits\n\n" + "\n".join(f"- {limit}" for limit in _LIMITS))
    return "\n\n".join(parts) + "\n"


def figures(record: RouterRecord) -> list[tuple[str, str]]:
    """The figures as people read them: name and value."""
    rows: list[tuple[str, Estimate | None]] = [
        ("right intent", record.accuracy),
        ("right intent and accepted", record.accepted),
        ("rejected though in scope", record.false_rejection),
        ("AUC against an intent it does not know", record.unseen_auc),
        ("AUC against examples out of scope", record.outside_auc),
        ("examples out of scope that are rejected", record.outside_rejected),
    ]
    shown = [(name, show(value)) for name, value in rows if value is not None]
    threshold = f"{record.threshold:.2f}, chosen to reject {record.asked_false_rejection:.0%} of what is in scope"
    return [*shown, ("calibration error", f"{record.calibration_error:.3f}"), ("threshold of the energy", threshold)]


def show(value: Estimate) -> str:
    """An estimate as people read it."""
    return f"{value.value:.3f} [{value.low:.3f}, {value.high:.3f}]"


def _table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
