"""Regular expressions of other people's, matched where they can be stopped.

Python's `re` backtracks: `(a+)+$` takes longer than anybody waits, and it holds the interpreter's lock all the while, so that no thread can
end it. One warm process of its own does the matching; past its deadline it is killed, and the next match starts another.
"""

import asyncio
import json
import re
import subprocess
import sys
import threading
import weakref

from groundwork.core.errors import InputError

_INSIDE = """
import json, re, sys
for line in sys.stdin:
    pattern, text, flags, whole = json.loads(line)
    found = re.compile(pattern, flags)
    print(int(bool((found.fullmatch if whole else found.search)(text))), flush=True)
"""


class Matcher:
    """Matches one pattern at a time. Its process starts with the first match and ends with ours."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._turn = threading.Lock()

    async def matches(self, pattern: str, text: str, *, flags: int = 0, whole: bool = False, seconds: float = 2.0) -> bool:
        """Whether the pattern matches somewhere in the text, or all of it. Raises InputError for a pattern that is none, or that takes too long."""
        try:
            re.compile(pattern, flags)
        except (re.error, RecursionError, OverflowError) as error:
            raise InputError(
                f"{pattern!r} is no regular expression: {error}", fix="correct it; `\\` starts an escape, so write `\\.` for a dot"
            ) from None
        return await asyncio.to_thread(self._match, pattern, text, flags, whole, seconds)

    def _match(self, pattern: str, text: str, flags: int, whole: bool, seconds: float) -> bool:
        with self._turn:
            process = self._running()
            deadline = threading.Timer(seconds, process.kill)
            deadline.start()
            try:
                print(json.dumps([pattern, text, flags, whole]), file=process.stdin, flush=True)
                said = process.stdout.readline() if process.stdout else ""
            except BrokenPipeError:
                said = ""
            finally:
                deadline.cancel()
            if not said:
                _end(process)
                self._process = None
                raise InputError(
                    f"{pattern!r} did not match a text of {len(text)} characters within {seconds:g} s",
                    fix="avoid a repetition inside a repetition, such as (a+)+",
                )
            return said.strip() == "1"

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None or self._process.poll() is not None:
            command = [sys.executable, "-I", "-S", "-c", _INSIDE]
            self._process = subprocess.Popen(  # noqa: S603  our own interpreter, running what stands above
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, encoding="utf-8"
            )
            weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: "subprocess.Popen[str]") -> None:
    """Kill a process and let go of its pipes."""
    process.kill()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None and not pipe.closed:
            try:
                pipe.close()
            except BrokenPipeError:
                continue
    process.wait()


matcher = Matcher()
"""One for the process: matches are short, and one warm interpreter is enough."""
