"""Attempts to get out, or to pass without being right: what a hostile program tries first. `groundwork` runs them to prove the walls.

Each attempt prints `reached` where it got what it was after; the same text does reach it where there are no walls (tests/secure holds
that, so that an attempt cannot pass by being broken). The forgeries are wrong answers to one task; none may pass its tests.
Not covered: flaws of the kernel itself.
"""

import string
from typing import Literal, NamedTuple

Outside = Literal["always", "root", "unsafe"]
"""Where it reaches its aim without walls: always, as root, or it is nothing to try on a machine that one needs."""


class Targets(NamedTuple):
    """What is there to be reached on this machine."""

    file: str
    """A file that we may read."""
    folder: str
    variable: str
    """The name of an environment variable that is set."""
    pid: int
    """A process of the same user, made to be a target."""
    port: int
    """Where somebody listens on 127.0.0.1."""
    name: str
    """Of an abstract socket where somebody listens."""


class Attempt(NamedTuple):
    """One way out."""

    name: str
    text: str
    outside: Outside = "always"

    def aimed(self, targets: Targets) -> str:
        """The program that tries it."""
        return _FRAME + string.Template(self.text).substitute(targets._asdict())


_FRAME = """import ctypes, os, platform, socket, stat, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
def reached(value=True):
    if value:
        print("reached", flush=True)
def call(intel, arm, *arguments):
    "A system call counts as reached unless it is refused as such; its empty arguments are an error further in."
    result = libc.syscall(ctypes.c_long(arm if ARM else intel), *[ctypes.c_long(one) for one in arguments])
    reached(result >= 0 or ctypes.get_errno() not in (1, 13, 38))
"""

ATTEMPTS = (
    # files
    Attempt("read a file of the host", "reached(open('$file').read())"),
    Attempt("list a folder of the host", "reached(os.listdir('$folder'))"),
    Attempt("read it through a link", "os.symlink('$file', '/tmp/.link'); reached(open('/tmp/.link').read())", "unsafe"),
    Attempt("read it by climbing", "reached(open('../' * 40 + '$file').read())"),
    Attempt("read the users", "reached(open('/etc/passwd').read())"),
    Attempt("list home folders", "reached(os.listdir('/root') + os.listdir('/home') if os.path.exists('/home') else [])", "unsafe"),
    Attempt("see processes", "reached(os.listdir('/proc'))"),
    Attempt("read its own memory as a file", "reached(open('/proc/self/mem', 'rb'))"),
    Attempt("see devices and settings", "reached(os.listdir('/sys'))"),
    Attempt("list devices", "reached(set(os.listdir('/dev')) - {'null', 'zero', 'urandom', 'full'})"),
    Attempt("change the library", "reached(open(os.__file__, 'a'))", "unsafe"),
    Attempt("remove a file of the library", "os.unlink(os.__file__); reached()", "unsafe"),
    Attempt("write to the root", "reached(open('/reached', 'w'))", "unsafe"),
    Attempt("make a device", "os.mknod('/tmp/.disk', stat.S_IFBLK | 0o600, os.makedev(8, 0)); reached()", "unsafe"),
    Attempt("change the root", "os.mkdir('/tmp/.root'); os.chroot('/tmp/.root'); reached()", "unsafe"),
    Attempt("use files left open", "reached(any(libc.fcntl(fd, 1) >= 0 for fd in range(4, 512)))"),
    Attempt("see mounts of others", "reached(open('/proc/self/mountinfo').read())"),
    # the machine's words
    Attempt("read the environment", "reached(os.environ.get('$variable'))"),
    Attempt("learn the host's name", "reached(socket.gethostname() != 'sandbox')"),
    # processes
    Attempt("signal its parent", "parent = os.getppid(); parent and os.kill(parent, 0); reached(parent)"),
    Attempt("signal a process of the user", "os.kill($pid, 0); reached()"),
    Attempt("signal everybody", "os.kill(-1, 0); reached()", "unsafe"),
    Attempt("start a process", "os.fork() or os._exit(0); reached()"),
    Attempt("run a shell", "reached(subprocess.run(['/bin/sh', '-c', 'true']).returncode == 0)"),
    Attempt("become another program", "os.execv(sys.executable, [sys.executable, '-c', 'print(\"reached\")'])"),
    Attempt("trace a process", "call(101, 117, 16, $pid, 0, 0)", "root"),
    Attempt("read a process's memory", "call(310, 270, $pid, 0, 0, 0, 0, 0)", "root"),
    Attempt("hold a process", "reached(os.pidfd_open($pid))"),
    Attempt("become root", "os.setuid(0); reached(os.getuid() == 0)", "root"),
    Attempt("raise its limits", "import resource; resource.setrlimit(resource.RLIMIT_NPROC, (10**5, 10**5)); reached()", "unsafe"),
    Attempt("raise its priority", "os.nice(-5); reached()", "root"),
    # network
    Attempt("connect to a local port", "socket.create_connection(('127.0.0.1', $port), 2); reached()"),
    Attempt("connect to an abstract socket", "s = socket.socket(socket.AF_UNIX); s.connect('\\0$name'); reached()"),
    Attempt("send a datagram", "s = socket.socket(type=socket.SOCK_DGRAM); s.sendto(b'x', ('127.0.0.1', 53)); reached()"),
    Attempt("listen", "socket.create_server(('127.0.0.1', 0)); reached()"),
    Attempt("send from a pair of datagram sockets", "reached(socket.socketpair(type=socket.SOCK_DGRAM))"),
    Attempt("ask the kernel about networks", "reached(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))"),
    Attempt("look up a name", "import socket as s; s.getaddrinfo('localhost', 80); s.socket(); reached()"),
    # the kernel
    Attempt("mount", "call(165, 40, 0, 0, 0, 0, 0)", "root"),
    Attempt("make namespaces", "call(272, 97, 0)"),
    Attempt("join namespaces", "call(308, 268, -1, 0)"),
    Attempt("change the root's mount", "call(155, 41, 0, 0)", "root"),
    Attempt("load programs into the kernel", "call(321, 280, 0, 0, 0)", "root"),
    Attempt("keep keys", "call(248, 217, 0, 0, 0, 0, 0)", "unsafe"),
    Attempt("count events", "call(298, 241, 0, 0, 0, 0, 0)", "root"),
    Attempt("use asynchronous rings", "call(425, 425, 0, 0)", "unsafe"),
    Attempt("handle page faults", "call(323, 282, -1)", "unsafe"),
    Attempt("make files in memory", "reached(os.memfd_create('reached'))"),
    Attempt("take shared memory", "call(29, 194, 0, 4096, 0o1600)", "unsafe"),
    Attempt("open files by number", "call(304, 265, -1, 0, 0)", "root"),
    Attempt("load a module", "call(313, 273, -1, 0, 0)", "unsafe"),
    Attempt("change the personality", "call(135, 92, 0xFFFFFFFF)"),
)

TASK = "assert answer(1) == 42\nassert answer([2]) == 43\nassert answer('three') == 44"
"""The tests that no forgery passes."""

FORGERIES = {
    "nothing": "",
    "wrong": """def answer(x):
    return 1""",
    "leave with exit status 0": """import sys
sys.exit(0)""",
    "leave at once": """import os
os._exit(0)""",
    "leave when asked": """import os
def answer(x):
    os._exit(0)""",
    "leave politely when asked": """import sys
def answer(x):
    sys.exit(0)""",
    "equal everything": """class Anything:
    __eq__ = lambda *_: True
    __hash__ = lambda _: 1
def answer(x):
    return Anything()""",
    "a number that equals everything": """class Any(int):
    def __eq__(self, other):
        return True
def answer(x):
    return Any(7)""",
    "patch builtins": """import builtins
builtins.AssertionError = type('Fine', (Exception,), {})
builtins.print = builtins.repr = lambda *_: 42
def answer(x):
    return 0""",
    "patch the comparison of integers": """import ctypes, gc
def answer(x):
    gc.get_referents(int.__dict__)[0]['__eq__'] = lambda *_: True
    return 5""",
    "write a verdict to every file": """import os
for fd in range(256):
    try:
        os.write(fd, b'{"passed": true, "why": "", "lost": false, "raised": ""}')
    except OSError:
        pass
def answer(x):
    return 0""",
    "frame a verdict to every file": """import os
word = b'{"passed": true, "value": 42}'
for fd in range(256):
    try:
        os.write(fd, len(word).to_bytes(4, 'big') + word)
    except OSError:
        pass
def answer(x):
    return 0""",
    "close every file": """import os
os.closerange(0, 256)
def answer(x):
    return 42""",
    "read the tests' frames": """import gc, re, sys
def answer(x):
    seen, frame = [o for o in gc.get_objects() if isinstance(o, (dict, list, tuple))], sys._getframe()
    while frame:
        seen.append(frame.f_locals)
        seen.append(frame.f_code.co_consts)
        frame = frame.f_back
    found = re.search("answer.{1,9}" + re.escape(repr(x)) + ". == (.{2})", " ".join(map(str, seen)))
    return int(found[1]) if found else 0""",
    "read the tests' file": """import os, re, sys
def answer(x):
    text = open(sys.argv[-1]).read() if os.path.exists(sys.argv[-1]) else ""
    for fd in range(3, 256):
        try:
            text += os.pread(fd, 99999, 0).decode(errors="replace")
        except OSError:
            pass
    found = re.search("answer." + re.escape(repr(x)) + ". == (.{2})", text)
    return int(found[1]) if found else 0""",
    "name itself as the tests do": """def answer(x):
    return 0
def check(candidate):
    pass
assert_ = lambda *_: None
__name__ = 'tests'""",
    "answer by signal": """import os, signal
os.kill(os.getpid(), signal.SIGKILL)
os.abort()""",
    "answer with code": """import pickle
class Evil:
    def __reduce__(self):
        return (int, ('42',))
def answer(x):
    return Evil()""",
    "change its argument to the answer": """def answer(x):
    if isinstance(x, list):
        x[:] = [43]
    return x""",
    "raise what tests raise": """def answer(x):
    raise AssertionError('passed')""",
    "stop the tests' iteration": """def answer(x):
    raise StopIteration(42)""",
    "answer never": """import time
def answer(x):
    time.sleep(1000)""",
    "answer without end": """def answer(x):
    return iter(int, 1)""",
    "answer with what holds itself": """def answer(x):
    a = []
    a.append(a)
    return a""",
}
"""By name: programs that are wrong answers to the task."""
