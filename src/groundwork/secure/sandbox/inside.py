"""What the zygote's children do: one runs a program, another runs its tests and makes the verdict.

The two share a socket and nothing else. The tests never meet the program's objects, frames or interpreter: a call goes over as plain
data and comes back as plain data (wire.py). So a program that ends early, patches builtins, compares equal to everything or writes what
it likes to the socket has returned a wrong value at most.
Standard library only: this runs inside the sandbox.
"""

import atexit
import builtins
import json
import linecache
import os
import socket
import sys
import threading
import traceback
import types
from collections.abc import Callable
from typing import Any, NoReturn, cast

from groundwork.secure.sandbox import wire

PROGRAM, TESTS = "program.py", "tests.py"
_TIMES = 16
"""Enough for bytecode to be specialised."""
STATED = 2_000
"""Characters of a message that are kept."""


class Ended(BaseException):
    """The program is gone, or speaks no sense. No `except Exception` of a test may swallow it."""


_REHEARSED = """from typing import List


def answer(values: List[int]) -> List[int]:
    return [value + 1 for value in values if isinstance(value, int)]
"""


def rehearse() -> None:
    """Do once, in the zygote and with a text of our own, what its children do with foreign ones.

    What Python makes at first use and keeps (caches of attributes, specialised bytecode, constants) is there before the fork then, and no
    child has to copy the pages it lies on.
    """
    ours, theirs = socket.socketpair()
    with ours, theirs:
        for _ in range(_TIMES):
            names: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
            _execute(_REHEARSED, PROGRAM, names)
            wire.send(theirs.fileno(), _attempt(lambda: None))
            tests = _Program(ours.fileno())
            tests.hear()
            values = wire.pack([[1, 2]])
            wire.send(ours.fileno(), {"name": "answer", "arguments": values, "named": wire.pack({})})
            wire.send(theirs.fileno(), _answer(wire.receive(theirs.fileno()) or {}, names))
            tests.hear(([1, 2],))
    linecache.clearcache()


# -- the program


def run_program() -> NoReturn:
    """Run a whole program as `python program.py` would, and end with its exit status. Its text is file 3."""
    text = _read(3)
    status = 0
    try:
        _execute(text, PROGRAM, vars(_main_module()))
        threading._shutdown()  # pyright: ignore[reportAttributeAccessIssue]  wait for its threads, as the interpreter does at its end
    except SystemExit as error:
        status = _exit_status(error)
    except BaseException as error:  # noqa: BLE001  a program may raise anything
        _print_traceback(error)
        status = 1
    atexit._run_exitfuncs()
    _leave(status)


def serve_program() -> NoReturn:
    """Define what the program defines, then answer the tests' calls until they leave. Its text is file 3, the tests' socket file 4.

    `sys.exit` ends the process, and is no answer.
    """
    text, link = _read(3), 4
    names = vars(_main_module())
    loaded = _attempt(lambda: _execute(text, PROGRAM, names))
    wire.send(link, loaded)
    while "raised" not in loaded and (asked := wire.receive(link)) is not None:
        said = _answer(asked, names)
        try:
            wire.send(link, said)
        except wire.Unfit as error:
            wire.send(link, {"raised": "Unfit", "said": str(error)})
    _leave(0)


def _answer(asked: dict[str, Any], names: dict[str, Any]) -> dict[str, Any]:
    """Call one function. Its arguments go back too: it may have changed them, as a function may."""
    arguments: list[Any] = wire.unpack(asked["arguments"])
    named: dict[str, Any] = wire.unpack(asked["named"])

    def call() -> Any:
        if asked["name"] not in names:
            raise NameError(f"name '{asked['name']}' is not defined")
        return wire.pack(names[asked["name"]](*arguments, **named))

    said = _attempt(call)
    if any(isinstance(one, list | dict | set | bytearray) for one in arguments):
        after = _attempt(lambda: wire.pack(arguments))
        said["after"] = after.get("value")
    return said


def _attempt(work: Callable[[], Any]) -> dict[str, Any]:
    """The value of some of the program's work, or what it raised."""
    try:
        return {"value": work()}
    except SystemExit as error:
        _leave(_exit_status(error))
    except BaseException as error:  # noqa: BLE001  a program may raise anything
        _print_traceback(error)
        return {"raised": type(error).__name__, "said": _text_of(error)}


def _read(descriptor: int) -> str:
    """The whole file, read at once: it lies in memory."""
    return os.read(descriptor, os.fstat(descriptor).st_size).decode()


def _main_module() -> types.ModuleType:
    """A fresh `__main__`: what stands in ours is no business of a program."""
    main = types.ModuleType("__main__")
    main.__dict__["__builtins__"] = builtins
    sys.modules["__main__"] = main
    sys.argv = [PROGRAM]
    return main


def _execute(text: str, name: str, names: dict[str, Any]) -> None:
    linecache.cache[name] = (len(text), None, text.splitlines(keepends=True), name)
    exec(compile(text, name, "exec", dont_inherit=True), names)  # noqa: S102  running it is what the sandbox is for


def _exit_status(error: SystemExit) -> int:
    if error.code is None or isinstance(error.code, int):
        return (error.code or 0) & 0xFF
    print(error.code, file=sys.stderr)
    return 1


def _print_traceback(error: BaseException) -> None:
    """As the interpreter prints it, without our frames."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename not in {PROGRAM, TESTS}:
        trace = trace.tb_next
    try:
        traceback.print_exception(error.with_traceback(trace))
    except BaseException:  # noqa: BLE001  the program's own exceptions and streams may raise in turn
        os.write(2, b"an exception that cannot be printed\n")


def _text_of(error: BaseException) -> str:
    try:
        return str(error)[:STATED]
    except BaseException:  # noqa: BLE001  as above
        return ""


def _leave(status: int) -> NoReturn:
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:  # noqa: BLE001, S112  the program may have closed or replaced it
            continue
    os._exit(status)


# -- the tests


class _Names(dict[str, Any]):
    """The tests' names; one that they do not define is looked for in the program, when it is called."""

    def __init__(self, program: "_Program") -> None:
        super().__init__(__name__="__main__")
        self._program = program

    def __missing__(self, name: str) -> Any:
        if name.startswith("__") or hasattr(builtins, name):
            raise KeyError(name)
        return self._program.function(name)


class _Program:
    """The other side of the socket, as the tests see it."""

    def __init__(self, link: int) -> None:
        self._link = link
        self.calls = 0
        self.lost = ""
        """Why no call can be believed any more."""
        self.raised = ""
        """The kind of the last exception of the program."""

    def function(self, name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            return self._call(name, arguments, named)

        return call

    def hear(self, arguments: tuple[Any, ...] = ()) -> Any:
        """What the program says next: a value, or an exception of the same name; `arguments` become what the call has left in them."""
        said = self._receive()
        if said.get("after") is not None:
            _change(arguments, self._unpack(said["after"]))
        if "raised" in said:
            self.raised = str(said["raised"])
            raise _exception(self.raised, str(said.get("said", "")))
        return self._unpack(said.get("value"))

    def _call(self, name: str, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        if self.lost:
            raise Ended(self.lost)
        self.calls += 1
        wire.send(self._link, {"name": name, "arguments": wire.pack(list(arguments)), "named": wire.pack(named)})
        return self.hear(arguments)

    def _receive(self) -> dict[str, Any]:
        try:
            said = wire.receive(self._link)
        except (wire.Unfit, RecursionError, OSError) as error:
            raise self._end(f"it sent what cannot be read: {error}") from None
        if said is None:
            raise self._end("it ended before the tests did")
        return said

    def _unpack(self, form: Any) -> Any:
        try:
            return wire.unpack(form)
        except (wire.Unfit, RecursionError) as error:
            raise self._end(f"it sent what cannot be read: {error}") from None

    def _end(self, why: str) -> Ended:
        self.lost = why
        return Ended(why)


def _change(arguments: tuple[Any, ...], after: Any) -> None:
    """Give the tests' own lists, tables and sets what the call has left in them."""
    if not isinstance(after, list) or len(cast(list[Any], after)) != len(arguments):
        return
    for mine, theirs in zip(arguments, cast(list[Any], after), strict=True):
        if type(mine) is not type(theirs):
            continue
        if isinstance(mine, list | bytearray):
            mine[:] = theirs
        elif isinstance(mine, dict | set):
            cast(set[Any], mine).clear()
            cast(set[Any], mine).update(theirs)


def _exception(name: str, said: str) -> Exception:
    """The builtin exception of that name, or a RuntimeError that names it."""
    kind = getattr(builtins, name, None)
    if isinstance(kind, type) and issubclass(kind, Exception) and not issubclass(kind, UnicodeError | ExceptionGroup):
        return kind(said)
    return RuntimeError(f"{name}: {said}")


def run_tests() -> NoReturn:
    """Run the tests, and write the verdict: passed only where they ran to their end.

    Files: 3 the tests, their preamble and entry point as JSON, 4 where the verdict goes, 5 the socket to the program.
    """
    job = json.loads(_read(3))
    program = _Program(5)
    passed, why = False, ""
    try:
        program.hear()
        _test(job, program)
        passed = bool(program.calls) and not program.lost
        why = "" if passed else program.lost or "the tests never called the program"
    except BaseException as error:  # noqa: BLE001  tests may raise anything, and whatever they raise is no pass
        why = _describe(error)
    said = {"passed": passed, "why": why[:STATED], "lost": bool(program.lost), "raised": program.raised}
    os.write(4, json.dumps(said).encode())
    os._exit(0)


def _test(job: dict[str, Any], program: _Program) -> None:
    names = _Names(program)
    if job["preamble"]:
        _execute_if_whole(job["preamble"], names)
    entry = job["entry_point"]
    if entry:
        names[entry] = program.function(entry)
    _execute(job["tests"], TESTS, names)
    if entry and "check" in names:
        names["check"](names[entry])


def _execute_if_whole(text: str, names: dict[str, Any]) -> None:
    """A prompt that ends in the middle of a definition defines nothing for the tests."""
    try:
        code = compile(text, "preamble.py", "exec", dont_inherit=True)
    except SyntaxError:
        return
    exec(code, names)  # noqa: S102  the data set's own words, in a process that is locked in like any other


def _describe(error: BaseException) -> str:
    """`AssertionError in line 4: assert candidate(2) == 3`, or what the program raised."""
    if isinstance(error, Ended):
        return str(error)
    lines = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == TESTS]
    place = f" in line {lines[-1].lineno} of the tests: {lines[-1].line}" if lines else ""
    said = _text_of(error)
    return f"{type(error).__name__}{f' ({said})' if said else ''}{place}"
