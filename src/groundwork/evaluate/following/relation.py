"""How a count is held against a number."""

from typing import Literal

from groundwork.core.errors import InputError
from groundwork.evaluate.following.table import Mode

Relation = Literal["less than", "at least", "at most", "more than", "exactly"]
_OFFICIAL = frozenset({"less than", "at least"})


def fits(count: int, relation: Relation, number: int, mode: Mode) -> bool:
    """Whether a count stands in the relation to a number. Raises InputError for a relation that the official checks do not know."""
    if mode == "official" and relation not in _OFFICIAL:
        raise InputError(f"the official checks do not know the relation `{relation}`", fix='score in the mode "fixed"')
    match relation:
        case "less than":
            return count < number
        case "at least":
            return count >= number
        case "at most":
            return count <= number
        case "more than":
            return count > number
        case "exactly":
            return count == number
