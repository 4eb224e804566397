"""Asking one scorer about one answer, as a run does."""

from pathlib import Path
from typing import Any

from groundwork.core.measure import Example, Score
from groundwork.core.reply import Reply
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.scorers import Answered, find_scorers
from tests.evaluate.builders import reply

NO_INSTRUMENTS = Instruments()


async def ask(
    name: str,
    answer: str | Reply,
    *,
    reference: str | None = None,
    instruments: Instruments = NO_INSTRUMENTS,
    settings: dict[str, Any] | None = None,
    case: Example | None = None,
    **expected: Any,
) -> Score:
    """The score of `answer` on a case with this reference and these keys of `expected`."""
    found = find_scorers([{"use": name, **(settings or {})}], root=Path())[0]
    example = case or Example(id="one", question="What is it?", reference=reference, expected=expected)
    return await found.score(Answered(example, answer if isinstance(answer, Reply) else reply(answer), 0.5, instruments=instruments))
