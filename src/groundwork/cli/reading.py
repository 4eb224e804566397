"""Reading answers in the terminal: one at a time, a line for each note, nothing but lines; so that it works over any connection."""

import sys
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import click

from groundwork.cli.terminal import bold, dim, out, run, talk
from groundwork.core.errors import InputError
from groundwork.core.review import Drawn, Note, Review
from groundwork.core.text import shorten
from groundwork.evaluate.review.modes import tagged
from groundwork.loop.review import Shown, Source, show_item
from groundwork.store.folder import Folder

HELP = """\
A line is a note: say what is wrong, as you would to a colleague. Words with a hash name a failure mode: "#wrong-page cites the index".
An empty line: nothing is wrong.   :context  the passages in full   :prompt  what the model was sent   :again  show it once more
:back  to the one before           :skip     leave it for later      :quit    stop here; go on with `groundwork review read`"""
_PASSAGE, _ANSWER = 160, 4_000


class _Step(NamedTuple):
    """Where to go from an item: so many places on or back; `note` is what was said of it."""

    by: int
    note: Note | None = None
    ends: bool = False


def read_items(folder: Folder, source: Source, review: Review, left: Sequence[Drawn], *, reader: str, done: int) -> int:
    """Show the items that are left, one after the other, and keep each note before the next; how many were noted."""
    talk(dim(HELP))
    place, noted = 0, 0
    while 0 <= place < len(left):
        shown = run(show_item(folder, source, left[place]))
        _say_item(shown, done + place + 1, len(review.items))
        step = _answer(shown, review, reader)
        if step.note is not None:
            run(folder.reviews.add([step.note]))
            noted += 1
        if step.ends:
            break
        place = max(0, place + step.by)
    return noted


def _answer(shown: Shown, review: Review, reader: str) -> _Step:
    """One line from the reader, asked again where it is a wish to see more."""
    more: dict[str, Callable[[], str]] = {
        ":context": lambda: (
            "\n\n".join(f"{bold(visible(source))}\n{visible(text)}" for source, text in shown.passages) or "no passage was retrieved"
        ),
        ":prompt": lambda: visible(shown.rendered) or "what was sent is not kept",
        ":again": lambda: visible(shown.answer),
        ":help": lambda: HELP,
    }
    while True:
        line = _line()
        if line is None or line == ":quit":
            return _Step(0, ends=True)
        if line in {":skip", ":back"}:
            return _Step(1 if line == ":skip" else -1)
        if line in more:
            out(more[line]())
            continue
        if line.startswith(":"):
            talk(f"{line} is no command; a note begins otherwise\n{HELP}")
            continue
        try:
            text, modes = tagged(line)
        except InputError as error:
            talk(f"{error.what}: {error.fix}")
            continue
        return _Step(1, Note(review=review.id, item=shown.item, at=time.time(), text=text, modes=modes, reader=reader))


def _line() -> str | None:
    """The next line of the standard input; None at its end."""
    click.echo("note> ", nl=False, err=True)
    line = sys.stdin.readline()
    return line.strip() if line else None


def _say_item(shown: Shown, number: int, total: int) -> None:
    out(f"\n{bold(f'{number} of {total}')}  {dim(shown.trace or shown.item)}")
    out(f"{bold('question')}  {visible(shown.question)}")
    out(f"{bold('answer')}    {visible(shorten_lines(shown.answer))}")
    if shown.expected:
        out(f"{bold('expected')}  {visible(shown.expected)}")
    for citation in shown.citations:
        out(dim(f"  {visible(shorten(citation, _PASSAGE))}"))
    if shown.passages:
        out(dim(f"  retrieved: {', '.join(visible(source) for source, _ in shown.passages)}"))
    if shown.scores:
        out(dim("  scores: " + ", ".join(f"{name} {value:g}" for name, value in shown.scores.items())))
    for remark in shown.remarks:
        out(f"  {visible(remark)}")


def shorten_lines(text: str) -> str:
    return text if len(text) <= _ANSWER else f"{text[:_ANSWER]}… ({len(text)} characters)"


def visible(text: str) -> str:
    """Text of a model as a terminal may show it: control characters, which could move the cursor or rewrite a line, are spelled out."""
    return "".join(one if one in "\n\t" or one.isprintable() else f"\\x{ord(one):02x}" for one in text)
