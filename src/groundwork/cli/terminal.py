"""How commands talk: data on stdout, talk on stderr, `--json` on everything that prints data, colour only in a terminal."""

import asyncio
import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Coroutine, Generator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from groundwork.core.config import plain
from groundwork.core.errors import ConfigError, GroundworkError, InputError

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])

DONE, FAULT, USAGE, NOT_PASSED = 0, 1, 2, 3


def app_option(function: F) -> F:
    """The folder of the application."""
    return click.option(
        "--app", "root", type=click.Path(path_type=Path, file_okay=False), default=".", show_default=True, help="The application's folder."
    )(function)


def json_option(function: F) -> F:
    """Print data as JSON."""
    return click.option("--json", "as_json", is_flag=True, help="Print data as JSON.")(function)


def run(work: Coroutine[Any, Any, T], *, loop_factory: Callable[[], asyncio.AbstractEventLoop] | None = None) -> T:
    """Run a command's coroutine; Ctrl-C cancels it, so that everything closes in order."""
    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(work)


def out(text: str = "") -> None:
    """Data, on stdout."""
    click.echo(text)


def talk(text: str = "") -> None:
    """Talk, on stderr."""
    click.echo(text, err=True)


def out_json(value: Any) -> None:
    """Data as JSON, indented for people where a terminal reads it."""
    data = msgspec.json.encode(value, enc_hook=plain)
    click.echo((msgspec.json.format(data, indent=2) if sys.stdout.isatty() else data).decode())


def bold(text: str) -> str:
    return click.style(text, bold=True)


def dim(text: str) -> str:
    return click.style(text, dim=True)


def good(text: str) -> str:
    return click.style(text, fg="green")


def bad(text: str) -> str:
    return click.style(text, fg="red")


def say_error(error: GroundworkError) -> int:
    """Say what went wrong and what to do; the exit code. A secret pasted into the wrong place is not repeated."""
    from groundwork.secure.secrets import mask_secrets

    talk(f"{bad('error:')} {mask_secrets(error.what if not isinstance(error, ConfigError) else str(error))}")
    talk(f"  {dim('fix:')} {error.fix}")
    return USAGE if isinstance(error, ConfigError | InputError) else FAULT


def table(rows: Sequence[Sequence[str]], head: Sequence[str]) -> None:
    """Rows in aligned columns; the last column takes what is left of a terminal's width, and is cut there."""
    widths = [max([len(title), *(len(click.unstyle(row[place])) for row in rows)]) for place, title in enumerate(head)]
    room = _width()
    for row, style in [(head, bold), *((row, str) for row in rows)]:
        cells = [style(cell) + " " * (width - len(click.unstyle(cell))) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        used = sum(widths[:-1]) + 2 * len(widths[:-1])
        last = row[-1] if room is None or len(click.unstyle(row[-1])) <= room - used else f"{row[-1][: max(8, room - used - 1)]}…"
        out("  ".join([*cells, style(last)]).rstrip())


def _width() -> int | None:
    if not sys.stdout.isatty():
        return None
    with contextlib.suppress(OSError):
        return os.get_terminal_size().columns
    return None


def program_name() -> str:
    """How to call this program again from here: by its name where that is on the PATH, else by its path."""
    own = Path(sys.argv[0])
    if shutil.which("groundwork") or own.name != "groundwork":
        return "groundwork"
    return os.path.relpath(own) if own.is_relative_to(Path.cwd()) else str(own)


def moment(seconds: float) -> str:
    """A moment as people read it, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(seconds))


@contextlib.contextmanager
def progress(what: str, unit: str = "") -> Generator[Callable[[int, int, str], None]]:
    """A progress bar with rate and time left on stderr; where no terminal is there, a line now and then."""
    if not sys.stderr.isatty():
        yield _plain_progress(what)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[item]}"),
    )
    rate = Rate()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(what, total=None, item="", rate="")

        def update(done: int, total: int, item: str) -> None:
            rate.note(done)
            bar.update(task, completed=done, total=total, item=item[-40:], rate=rate.shown)

        yield update


class Rate:
    """How many a second since the first look: what was done before then (in an earlier start, say) does not count."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._start = clock()
        self._first: int | None = None
        self.a_second = 0.0

    def note(self, done: int) -> None:
        """`done` so far."""
        self._first = done if self._first is None else self._first
        passed = self._clock() - self._start
        self.a_second = (done - self._first) / passed if passed > 0 else 0.0

    @property
    def shown(self) -> str:
        """As people read it; empty before there is one."""
        return f"{self.a_second:.1f}/s" if 0 < self.a_second < 10 else f"{self.a_second:.0f}/s" if self.a_second else ""

    def left(self, rest: int) -> str:
        """The time that the rest takes at this rate."""
        if not self.a_second:
            return ""
        minutes, seconds = divmod(round(rest / self.a_second), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02} left"


def _plain_progress(what: str) -> Callable[[int, int, str], None]:
    last = time.monotonic()
    rate = Rate()

    def update(done: int, total: int, item: str) -> None:
        nonlocal last
        rate.note(done)
        if time.monotonic() - last > 5 and done < total:
            last = time.monotonic()
            told = [f"{what}: {done} of {total}", rate.shown, rate.left(total - done), item[-40:]]
            talk(", ".join(one for one in told if one))

    return update


@contextlib.contextmanager
def stoppable() -> Generator[None]:
    """Let SIGTERM end a command as Ctrl-C does, so that everything closes in order."""

    def stop(_number: int, _frame: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
