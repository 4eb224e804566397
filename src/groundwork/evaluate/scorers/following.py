"""Instruction following, checked without a judge: `expected.instructions`, in the 25 types of IFEval (`evaluate/following`).

IFEval's own figures are accuracies over prompts (`….all`), and over instructions; the latter weighs a prompt by its number of instructions,
which a mean of shares does not. Guessing a language takes milliseconds, so that all is done in a thread.
"""

import asyncio
from collections.abc import Callable

from groundwork.evaluate.following import Mode, Unclear, Verdict, Wanted, loose, parse, strict
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer


@scorer("following.strict", better="higher", needs="instructions")
async def following_strict(answered: Answered, *, mode: Mode = "fixed") -> Graded | Unparseable:
    """Share of the case's instructions that the answer follows to the letter. `mode`: "fixed", or "official" for IFEval's own verdicts."""
    return await asyncio.to_thread(_share, answered, mode, strict)


@scorer("following.loose", better="higher", needs="instructions")
async def following_loose(answered: Answered, *, mode: Mode = "fixed") -> Graded | Unparseable:
    """Share of the case's instructions that the answer follows, its first line, last line and asterisks left aside where that helps."""
    return await asyncio.to_thread(_share, answered, mode, loose)


@scorer("following.strict.all", better="higher", needs="instructions")
async def following_strict_all(answered: Answered, *, mode: Mode = "fixed") -> Graded | Unparseable:
    """1 where the answer follows every instruction of the case to the letter, else 0."""
    return _all(await asyncio.to_thread(_share, answered, mode, strict))


@scorer("following.loose.all", better="higher", needs="instructions")
async def following_loose_all(answered: Answered, *, mode: Mode = "fixed") -> Graded | Unparseable:
    """1 where the answer follows every instruction of the case, loosely, else 0."""
    return _all(await asyncio.to_thread(_share, answered, mode, loose))


def _share(answered: Answered, mode: Mode, follows: Callable[[str, Wanted, Mode], Verdict]) -> Graded | Unparseable:
    """The share that was followed; unparseable where that cannot be told of one of them."""
    wanted = parse(answered.example.expected["instructions"])
    verdicts = [(one.instruction.name, follows(answered.reply.text, one, mode)) for one in wanted]
    for name, verdict in verdicts:
        if isinstance(verdict, Unclear):
            return Unparseable(f"{name}: {verdict.reason}")
    failed = [name for name, verdict in verdicts if not verdict]
    return Graded(
        1 - len(failed) / len(verdicts), detail=f"not followed: {', '.join(failed)}" if failed else "", evidence={"failed": failed}
    )


def _all(found: Graded | Unparseable) -> Graded | Unparseable:
    return found if isinstance(found, Unparseable) else found._replace(value=float(found.value == 1.0))
