import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError, InputError, Overloaded
from groundwork.core.units import Duration, Size
from groundwork.secure.sandbox import Limits, Outcome, Program, Sandbox, wire
from groundwork.secure.sandbox.filter import allowed, call_filter
from groundwork.secure.sandbox.isolation import Refusal, not_linux, refused

TIGHT = Limits(wall=Duration(2.0, "2s"), cpu=Duration(1.0, "1s"), output=Size(10_000, "10kB"))


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    try:
        async with Sandbox(limits=TIGHT, at_once=4) as opened:
            yield opened
    except ConfigError as error:
        pytest.skip(f"{error.what}; {error.fix}")


async def run(sandbox: Sandbox, text: str, **more: str) -> Outcome:
    return await sandbox.run(Program(text=text, **more))


def living(pid: int) -> list[int]:
    """The processes below one."""
    file = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(word) for word in file.read_text().split()] if file.exists() else []
    return found + [below for one in found for below in living(one)]


async def gone(pid: int) -> bool:
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists() or "\nState:\tZ" in Path(f"/proc/{pid}/status").read_text():
            return True
        await asyncio.sleep(0.05)
    return False


# -- programs


async def test_a_program_runs_to_its_end_with_its_input_and_output(sandbox: Sandbox) -> None:
    text = "import sys\nname = input()\nprint('hello', name)\nprint('aside', file=sys.stderr)"
    outcome = await run(sandbox, text, stdin="Ada\n")
    assert (outcome.status, outcome.stdout, outcome.stderr, outcome.exit_code) == ("finished", "hello Ada\n", "aside\n", 0)
    assert 0 < outcome.cpu_seconds < 1


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        ("", "finished", ""),
        ("raise SystemExit", "finished", ""),
        ("import sys; sys.exit(3)", "failed", "exit status 3"),
        ("import sys; sys.exit('why')", "failed", "exit status 1"),
        ("1 / 0", "failed", "exit status 1"),
        ("def", "failed", "exit status 1"),
        ("raise KeyboardInterrupt", "failed", "exit status 1"),
        ("class E(Exception):\n    def __str__(self): raise self\nraise E", "failed", "exit status 1"),
        ("import sys; sys.stdout = sys.stderr = None; 1 / 0", "failed", "exit status 1"),
        ("import ctypes; ctypes.string_at(0)", "crashed", "SIGSEGV"),
        ("import os; os.abort()", "crashed", "SIG"),
        ("import sys\nsys.setrecursionlimit(10**9)\nclass A:\n    def __repr__(s): return repr(s)\nrepr(A())", "crashed", "SIGSEGV"),
        ("while True: pass", "timeout", ""),
        ("import time; time.sleep(100)", "timeout", "2s"),
        ("import signal\nfor n in range(1, 32):\n    try: signal.signal(n, signal.SIG_IGN)\n    except OSError: pass\nwhile True: pass", "timeout", ""),
        ("import threading\nthreading.Thread(target=__import__('time').sleep, args=(100,)).start()", "timeout", "2s"),
        ("print('x' * 10**7)", "output", "10kB"),
        ("import os\nwhile True: os.write(2, b'x' * 4096)", "output", "10kB"),
    ],
)  # fmt: skip
async def test_every_end_has_its_name(text: str, status: str, said: str, sandbox: Sandbox) -> None:
    outcome = await run(sandbox, text)
    assert outcome.status == status, outcome
    assert said in outcome.detail
    assert len(outcome.stdout) + len(outcome.stderr) <= 10_000


async def test_the_limit_of_cpu_time_holds_where_wall_time_is_left(sandbox: Sandbox) -> None:
    limits = Limits(wall=Duration(60.0, "60s"), cpu=Duration(1.0, "1s"))
    outcome = await sandbox.run(Program(text="while True: pass"), limits=limits)
    assert (outcome.status, outcome.detail) == ("timeout", "it used more than 1s of CPU time")


async def test_a_traceback_shows_the_program_and_nothing_of_ours(sandbox: Sandbox) -> None:
    outcome = await run(sandbox, "def f():\n    return 1 / 0\nf()")
    assert outcome.stderr.splitlines()[:3] == ["Traceback (most recent call last):", '  File "program.py", line 3, in <module>', "    f()"]
    assert "groundwork" not in outcome.stderr


@pytest.mark.parametrize(
    "text",
    [
        "x = [0] * 10**9",
        "x = []\nwhile True: x.append(bytearray(10**8))",
        "import mmap\nwhole = [mmap.mmap(-1, 10**8) for _ in range(100)]",
        "with open('big', 'wb') as f:\n    while True: f.write(b'x' * 10**6)",
        "for n in range(100_000): open(f'{n}', 'w').close()",
        "import threading, time\nfor _ in range(1000): threading.Thread(target=time.sleep, args=(1,), daemon=True).start()",
        "import os\nopened = [os.open('/dev/null', 0) for _ in range(1000)]",
        "import zlib\nx = zlib.decompress(zlib.compress(bytes(10**8)) * 1) * 20",
    ],
)
async def test_what_is_unbounded_ends_at_its_limit(text: str, sandbox: Sandbox) -> None:
    outcome = await run(sandbox, f"{text}\nprint('unbounded')")
    assert "unbounded" not in outcome.stdout
    assert outcome.status == "failed"
    assert outcome.memory < 600e6


async def test_common_modules_work_inside(sandbox: Sandbox) -> None:
    text = """
import asyncio, dataclasses, hashlib, json, random, sqlite3, ssl, tempfile, threading
with tempfile.TemporaryFile() as f: f.write(b'x')
asyncio.run(asyncio.sleep(0))
print(sqlite3.connect(':memory:').execute('select 1').fetchone()[0], hashlib.sha256(b'').hexdigest()[:4])
thread = threading.Thread(target=print, args=('thread',)); thread.start()
"""
    assert (await run(sandbox, text)).stdout == "1 e3b0\nthread\n"


async def test_nothing_of_one_program_reaches_another(sandbox: Sandbox) -> None:
    first = "import builtins, math, os\nbuiltins.seen = math.seen = 1\nopen('left', 'w').write('x')\nos.environ['seen'] = '1'"
    await run(sandbox, first)
    second = "import builtins, math, os\nprint(hasattr(builtins, 'seen'), hasattr(math, 'seen'), os.listdir('.'), 'seen' in os.environ)"
    assert (await run(sandbox, second)).stdout == "False False [] False\n"


async def test_two_programs_do_not_draw_the_same_numbers(sandbox: Sandbox) -> None:
    drawn = [(await run(sandbox, "import random; print(random.random())")).stdout for _ in range(2)]
    assert drawn[0] != drawn[1]


async def test_a_program_is_told_no_number_of_a_process_outside(sandbox: Sandbox) -> None:
    outcome = await run(sandbox, "import os, threading; print(os.getpid(), os.getppid(), threading.main_thread().native_id)")
    assert outcome.stdout == "1 0 1\n"


# -- tests of programs


@pytest.mark.parametrize(
    ("text", "tests", "status", "said"),
    [
        ("def f(x): return x + 1", "assert f(1) == 2", "passed", ""),
        ("def f(x): return x", "assert f(1) == 2", "failed", "assert f(1) == 2"),
        ("def f(x): return x", "pass", "failed", "never called"),
        ("def f(x): return x", "assert f(1) ==", "failed", "SyntaxError"),
        ("def f(x): return x", "assert g(1) == 1", "failed", "name 'g' is not defined"),
        ("def f(", "assert f(1) == 1", "failed", "SyntaxError"),
        ("def f(x): raise ValueError(x)", "try: f(1)\nexcept ValueError: pass\nelse: assert False", "passed", ""),
        ("class Own(Exception): pass\ndef f(x): raise Own('so')", "f(1)", "failed", "Own: so"),
        ("def f(x): x.append(2)", "x = [1]; f(x); assert x == [1, 2]", "passed", ""),
        ("def f(x): x.append(2); return 1", "x = [1]; assert f(x) == 1; assert x == [1]", "failed", "x == [1]"),
        ("def f(n): yield from range(n)", "assert list(f(3)) == [0, 1, 2]", "passed", ""),
        ("def f(n): yield from range(n)", "assert f(3) == [0, 1, 2]", "failed", ""),
        ("def f(n): return (1, 2)", "assert f(3) == [1, 2]", "failed", ""),
        ("def f(n): return [1] * 10**9", "assert f(3)", "memory", "MemoryError"),
        ("def f(n):\n    while True: pass", "assert f(3)", "timeout", ""),
        ("def f(n): return f(n)", "f(3)", "failed", "RecursionError"),
        ("import ctypes\ndef f(n): ctypes.string_at(0)", "try: f(3)\nexcept BaseException: pass", "crashed", "SIGSEGV"),
        ("import os\ndef f(n): os._exit(0)", "try: f(3)\nexcept BaseException: pass", "failed", "ended before"),
        ("def f(n): return n", "while True: f(1)", "timeout", ""),
        ("def f(n): return n", "import sys; f(1); sys.exit(0)", "failed", "SystemExit"),
        ("def f(n): return n", "import os; f(1); os._exit(0)", "failed", "its tests"),
    ],
)
async def test_the_verdict_is_that_of_the_tests(text: str, tests: str, status: str, said: str, sandbox: Sandbox) -> None:
    outcome = await run(sandbox, text, tests=tests)
    assert outcome.status == status, outcome
    assert said in outcome.detail


async def test_a_check_gets_the_function_and_the_tasks_own_definitions(sandbox: Sandbox) -> None:
    preamble = "def twice(x):\n    return 2 * x\ndef f(x):\n    '''Four times x.'''\n"
    tests = "def check(candidate):\n    assert candidate(1) == twice(twice(1))\n"
    right = Program(text="def f(x): return 4 * x", tests=tests, preamble=preamble, entry_point="f")
    assert (await sandbox.run(right)).status == "passed"
    wrong = Program(text="def twice(x): return x\ndef f(x): return x", tests=tests, preamble=preamble, entry_point="f")
    assert (await sandbox.run(wrong)).status == "failed"


plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary() | st.complex_numbers(allow_nan=False),
    lambda inner: st.lists(inner) | st.lists(inner).map(tuple) | st.dictionaries(st.text() | st.integers(), inner)
    | st.sets(st.integers() | st.text()) | st.frozensets(st.text()) | st.fractions() | st.decimals(allow_nan=False),
)  # fmt: skip


@given(plain)
def test_plain_data_arrives_as_it_was(value: object) -> None:
    ours, theirs = os.pipe()
    try:
        if len(repr(value)) < 10_000:
            wire.send(theirs, {"value": wire.pack(value)})
            said = wire.receive(ours)
            assert said is not None
            arrived = wire.unpack(said["value"])
            assert arrived == value
            assert type(arrived) is type(value)
    finally:
        os.close(ours)
        os.close(theirs)


@given(st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=2), inner)))
def test_what_is_no_value_of_ours_is_refused_and_nothing_else(form: object) -> None:
    with contextlib.suppress(wire.Unfit):
        wire.unpack(form)


# -- the sandbox's life


async def test_many_programs_run_beside_each_other(sandbox: Sandbox) -> None:
    outcomes = await asyncio.gather(*(run(sandbox, f"def f(): return {n}", tests=f"assert f() == {n}") for n in range(40)))
    assert {outcome.status for outcome in outcomes} == {"passed"}


async def test_whoever_is_cancelled_leaves_no_process(sandbox: Sandbox) -> None:
    task = asyncio.create_task(run(sandbox, "while True: pass"))
    await asyncio.sleep(0.3)
    assert sandbox._zygote is not None
    assert len(living(sandbox._zygote.pid)) == 2
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    for _ in range(100):
        if len(living(sandbox._zygote.pid)) == 1:
            break
        await asyncio.sleep(0.02)
    assert len(living(sandbox._zygote.pid)) == 1
    assert (await run(sandbox, "print(1)")).stdout == "1\n"


async def test_a_zygote_that_dies_is_replaced_and_its_program_runs_again(sandbox: Sandbox) -> None:
    task = asyncio.create_task(run(sandbox, "import time; time.sleep(0.5); print(1)"))
    await asyncio.sleep(0.2)
    assert sandbox._zygote is not None
    before = sandbox._zygote.pid
    os.kill(before, signal.SIGKILL)
    assert (await task).stdout == "1\n"
    assert sandbox._zygote.pid != before


async def test_a_program_whose_zygotes_die_is_lost(sandbox: Sandbox) -> None:
    task = asyncio.create_task(run(sandbox, "import time; time.sleep(1)"))
    for _ in range(2):
        await asyncio.sleep(0.3)
        assert sandbox._zygote is not None
        os.kill(sandbox._zygote.pid, signal.SIGKILL)
    assert (await task).status == "lost"


async def test_after_close_nothing_is_left_and_nothing_runs(sandbox: Sandbox) -> None:
    assert sandbox._zygote is not None
    pid = sandbox._zygote.pid
    below = living(pid)
    assert below
    await sandbox.close()
    assert all([await gone(one) for one in [pid, *below]])
    with pytest.raises(Overloaded):
        await run(sandbox, "")


async def test_a_parent_that_is_killed_leaves_no_process(sandbox: Sandbox) -> None:
    text = """
import asyncio
from groundwork.secure.sandbox import Program, Sandbox
async def main():
    async with Sandbox() as sandbox:
        task = asyncio.create_task(sandbox.run(Program(text="while True: pass")))
        await asyncio.sleep(0.3)
        print(sandbox._zygote.pid, flush=True)
        await task
asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220  we kill it ourselves
        [sys.executable, "-c", text], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    pid = int(await asyncio.to_thread(parent.stdout.readline))
    below = living(pid)
    assert len(below) == 2
    parent.kill()
    parent.communicate()
    assert all([await gone(one) for one in [pid, *below]])


async def test_the_event_loop_goes_on_meanwhile(sandbox: Sandbox) -> None:
    turns = 0
    task = asyncio.create_task(run(sandbox, "while True: pass"))
    started = time.monotonic()
    while not task.done():
        await asyncio.sleep(0.01)
        turns += 1
    assert turns > (time.monotonic() - started) * 20


async def test_a_program_that_is_too_long_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(InputError):
        await run(sandbox, "#" * 5_000_000)


@pytest.mark.parametrize("limits", [{"memory": Size(1e6, "1MB")}, {"threads": 0}, {"wall": Duration(0, "0s")}])
def test_limits_that_let_nothing_run_are_refused(limits: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"allow 64MB|above 0"):
        Limits(**limits)  # type: ignore[arg-type]


# -- where it does not work


def test_another_system_is_refused_with_what_to_do() -> None:
    unfit = not_linux("darwin")
    assert unfit is not None
    assert "Linux" in unfit.error().fix
    other = not_linux("linux", "riscv64")
    assert other is not None
    assert "aarch64" in other.fix


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("proc/sys/user/max_user_namespaces", "0\n", "user.max_user_namespaces"),
        ("proc/sys/kernel/unprivileged_userns_clone", "0\n", "unprivileged_userns_clone=1"),
        ("proc/sys/kernel/apparmor_restrict_unprivileged_userns", "1\n", "apparmor_restrict"),
        (".dockerenv", "", "docker run"),
        ("other", "", "unshare"),
    ],
)
def test_a_refusal_names_the_switch_that_is_off(file: str, text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text(text)
    assert said in refused(Refusal("namespaces", 1, "Operation not permitted"), tmp_path).fix


def test_a_system_without_user_namespaces_runs_nothing() -> None:
    """With a filter that refuses `unshare`, as a container's does."""
    text = """
import asyncio, struct
from groundwork.core.errors import ConfigError
from groundwork.secure.sandbox import Program, Sandbox, kernel
import platform
number = {"x86_64": 272, "aarch64": 97}[platform.machine()]
refusing = ((0x20, 0, 0, 0), (0x15, 0, 1, number), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000))
kernel._control("no new privileges", 38, 1)
kernel.filter_calls(kernel.prepare_filter(b"".join(struct.pack("HBBI", *one) for one in refusing)))
async def main():
    await Sandbox().run(Program(text="print('ran')"))
try:
    asyncio.run(main())
except ConfigError as error:
    print("refused:", error.what, error.fix)
"""
    if not_linux() is not None:
        pytest.skip("no Linux, no filter")
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout.startswith("refused: programs cannot be isolated"), done.stderr


# -- the filter


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_filter_allows_the_list_and_nothing_else(machine: str) -> None:
    filtered = {number for number in range(500) if judged(call_filter(machine), machine, number) == 0x7FFF0000}
    assert filtered == allowed(machine)


@pytest.mark.parametrize(("flags", "may"), [(0x003D0F00, True), (0x01200011, False), (0x003D0F00 | 0x10000000, False)])
def test_a_clone_may_make_threads_only(flags: int, may: bool) -> None:
    assert (judged(call_filter("x86_64"), "x86_64", 56, flags) == 0x7FFF0000) is may


def judged(program: bytes, machine: str, number: int, *arguments: int) -> int:
    """What the kernel would make of a call: classic BPF, as far as the filter uses it."""
    import struct

    data = struct.pack("IIQ6Q", number, {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}[machine], 0, *(*arguments, 0, 0, 0, 0, 0, 0)[:6])
    at = accumulator = 0
    while True:
        code, yes, no, operand = struct.unpack_from("HBBI", program, 8 * at)
        at += 1
        if code == 0x20:
            accumulator = struct.unpack_from("I", data, operand)[0]
        elif code == 0x54:
            accumulator &= operand
        elif code == 0x06:
            return operand
        else:
            holds = {
                0x15: accumulator == operand,
                0x25: accumulator > operand,
                0x35: accumulator >= operand,
                0x45: bool(accumulator & operand),
            }
            at += yes if holds[code] else no
