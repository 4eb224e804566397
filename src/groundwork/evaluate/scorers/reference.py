"""What an answer is held against: the texts that a case accepts."""

from typing import Any

from groundwork.core.errors import InputError
from groundwork.evaluate.registry import Answered, Unscored

NO_REFERENCE = Unscored("the case has neither `expected.text` nor a reference")


def accepted(answered: Answered, key: str = "text") -> tuple[str, ...]:
    """The texts of `expected[key]`, one or a list; without the key the case's reference; empty where there is neither.

    Raises InputError for anything but text, and for text that is blank.
    """
    example = answered.example
    if key not in example.expected:
        return (example.reference,) if example.reference else ()
    return texts(example.expected[key], f"expected.{key}")


def texts(value: Any, name: str) -> tuple[str, ...]:
    """One text or a list of them, as a tuple. `name` is what an error calls it."""
    found = [value] if isinstance(value, str) else value
    if not isinstance(found, list | tuple) or not found or not all(isinstance(text, str) and text.strip() for text in found):
        raise InputError(
            f"`{name}` is {value!r}, which is neither text nor a list of texts", fix=f'write {{"{name.rpartition(".")[2]}": "…"}}'
        )
    return tuple(found)
