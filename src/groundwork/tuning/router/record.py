"""What is known of a router: every figure of held folds, with its interval, and what to look at in the examples."""

import msgspec

from groundwork.core.measure import Estimate


class Confusion(msgspec.Struct, frozen=True, kw_only=True):
    """How often, on held folds, one intent was taken for another."""

    intent: str
    taken_for: str
    count: int


class Doubtful(msgspec.Struct, frozen=True, kw_only=True):
    """An example that heads fitted without it take for another intent: perhaps a wrong label, perhaps two intents that are one."""

    id: str
    text: str
    intent: str
    taken_for: str
    probability: float


class RouterRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a router. All figures are of held folds: each row was scored by a head that was fitted without it."""

    name: str
    fingerprint: str
    base: str
    licence: str
    source_sha256: str
    """Of the file with the examples."""
    bytes: int
    """Of the weights."""
    examples: dict[str, int]
    repeated: int
    """Examples left out because another one says the same."""
    outside: int
    """Examples out of scope."""
    folds: str
    accuracy: Estimate
    """In scope, before the threshold."""
    accepted: Estimate
    """In scope: right, and not taken for out of scope; as below."""
    threshold: float
    asked_false_rejection: float
    false_rejection: Estimate
    """In scope, but taken for out of scope; each fold at a threshold that was chosen on the other folds."""
    unseen_auc: Estimate | None = None
    """A whole intent is left out of the fit: how often its messages have less energy than the others'. The hardest way to be out of scope."""
    outside_auc: Estimate | None = None
    """How often the examples out of scope have less energy than the others."""
    outside_rejected: Estimate | None = None
    """Share of the examples out of scope that the threshold catches."""
    temperature: float
    calibration_error: float
    confusions: tuple[Confusion, ...] = ()
    doubtful: tuple[Doubtful, ...] = ()
    cpu_seconds: float = 0.0
    """Of the fit and of the folds, embedding included."""
    seed: int = 0
