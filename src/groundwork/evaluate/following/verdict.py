"""Whether an instruction was followed: to the letter, or once the answer's wrapping is left aside."""

from collections.abc import Iterator

from groundwork.evaluate.following.table import Mode, Unclear, Verdict, Wanted


def strict(answer: str, wanted: Wanted, mode: Mode) -> Verdict:
    """Whether the answer as it is follows the instruction. A blank answer follows none."""
    return bool(answer.strip()) and wanted.instruction.check(answer, wanted.arguments, mode)


def loose(answer: str, wanted: Wanted, mode: Mode) -> Verdict:
    """Whether the answer, or the answer without its first line, its last line or both, each also without asterisks, follows the instruction.

    An upper bound: it forgives "Sure, here is…" and Markdown, and now and then an answer that is wrong. Unclear only where the whole answer is.
    """
    first = strict(answer, wanted, mode)
    if isinstance(first, Unclear):
        return first
    return first or any(strict(variant, wanted, mode) is True for variant in _variants(answer))


def _variants(answer: str) -> Iterator[str]:
    """The answer's seven other forms."""
    lines = answer.split("\n")
    cut = [answer, *("\n".join(part).strip() for part in (lines[1:], lines[:-1], lines[1:-1]))]
    yield from cut[1:]
    yield from (variant.replace("*", "") for variant in cut)
