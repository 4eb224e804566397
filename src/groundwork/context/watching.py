"""Watching the sources: again and again the files are looked at, and once they have stood still for a moment, something is run.

By looking rather than by notices of the operating system, so that it works on network folders, in containers and for files behind links.
Pages on the web and functions are not looked at; each run asks them anew.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from groundwork.context.sources import find_files

State = dict[str, tuple[int, int]]
"""When each file was changed last, and its size."""


def state_of(root: Path, patterns: Sequence[str], *, also: Sequence[str] = ()) -> State:
    """How the sources stand now, and the files named in `also`. What vanishes while it is looked at is left out."""
    files = {**{name: root / name for name in also}, **find_files(root, patterns)}
    found: State = {}
    for name, path in files.items():
        try:
            status = path.stat()
        except OSError:
            continue
        found[name] = (status.st_mtime_ns, status.st_size)
    return found


async def watch(look: Callable[[], State], work: Callable[[], Awaitable[None]], *, every: float = 1.0, still: float = 0.3) -> None:
    """Run `work` now, and after every change once the files have stood still for `still` seconds. Ends by being cancelled.

    What changes while `work` runs is seen afterwards: the state is taken before it begins.
    """
    while True:
        seen = await asyncio.to_thread(look)
        await work()
        now = await asyncio.to_thread(look)
        before = seen
        while now == seen or now != before:
            await asyncio.sleep(every if now == seen else still)
            before, now = now, await asyncio.to_thread(look)
