"""Floor 1: running programs that nobody trusts, each behind the system's own walls, or not at all.

`Sandbox` (box.py) starts one warm interpreter, the zygote, in namespaces of its own; it forks one child per program, and a second one for
the program's tests, so that no program can decide its own verdict. What runs inside imports the standard library only.

    program.py    what is run, its limits, what came out
    box.py        the sandbox as seen from outside
    process.py    the link to one zygote
    isolation.py  whether this system can isolate, and what to do where it cannot
    zygote.py     inside: forks and reaps
    walls.py      inside: the order in which a process is locked in
    filter.py     inside: the system calls that are left
    kernel.py     inside: calls of the kernel that Python does not offer
    inside.py     inside: running a program, running its tests
    wire.py       inside: values between a program and its tests
"""
