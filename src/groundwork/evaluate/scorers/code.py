"""Code by running it: the answer's program, against the case's tests, in the sandbox (functional correctness).

Tests are Python: assertions that use the program's functions (`{"tests": …}`), or a `check(candidate)` with the name of the function to be
given to it, as HumanEval has them (`{"prompt": …, "test": …, "entry_point": …}`). A program that starts with the prompt's signature or
defines the function itself stands alone; one that only continues the prompt is put behind it.
pass@k over repeats is the report's. Not covered: languages other than Python, programs that need packages, tests that need a program's classes.
Source of the measure: Chen et al., "Evaluating Large Language Models Trained on Code", 2021.
"""

import re
from typing import Any, cast

from groundwork.core.errors import InputError
from groundwork.core.units import Duration, Size
from groundwork.evaluate.registry import Answered, Graded, Unparseable, scorer
from groundwork.secure.sandbox import Limits, Program

_FENCE = re.compile(r"```[ \t]*([\w+-]*)[^\n]*\n(.*?)(?:\n?[ \t]*```|\Z)", re.DOTALL)
_PYTHON = {"python", "python3", "py", ""}
_STATEMENT = re.compile(r"^(?:def |async def |class |import |from \w|@|return\b|if |for |while |\w+ *=[^=])", re.MULTILINE)
_INDENTED = re.compile(r"^[ \t]+\S", re.MULTILINE)


@scorer("code.passes", better="higher", needs="code")
async def code_passes(
    answered: Answered, *, wall: str = "10s", cpu: str = "5s", memory: str = "512MB", output: str = "1MB"
) -> Graded | Unparseable:
    """1 where the answer's Python passes the tests of `expected.code`, run in the sandbox, else 0; how it ended is the evidence.

    A program that the sandbox itself lost is an error, not a wrong answer. Raises InputError for a case without tests, ConfigError where
    this system cannot isolate.
    """
    task = _task(answered.example.expected["code"])
    text = extract(answered.reply.text)
    if isinstance(text, Unparseable):
        return text
    limits = Limits(wall=Duration.parse(wall), cpu=Duration.parse(cpu), memory=Size.parse(memory), output=Size.parse(output))  # pyright: ignore[reportArgumentType]
    sandbox = await answered.instruments.sandbox()
    program = Program(text=complete(text, **_known(task, "prompt", "entry_point")), **_tests(task))
    outcome = await sandbox.run(program, limits=limits)
    if outcome.status == "lost":
        raise InputError(outcome.detail, fix="score the run again")
    evidence = {"status": outcome.status, "cpu_seconds": round(outcome.cpu_seconds, 4), "stderr": outcome.stderr[-1_000:]}
    return Graded(float(outcome.status == "passed"), outcome.detail, evidence)


def extract(text: str) -> str | Unparseable:
    """The program of an answer: its Python fences joined in their order, else the whole text where it reads like Python."""
    fences = [(match[1].casefold(), match[2]) for match in _FENCE.finditer(text)]
    bodies = [body for language, body in fences if language in _PYTHON - {""}] or [body for language, body in fences if not language]
    if any(body.strip() for body in bodies):
        return "\n\n".join(bodies)
    if fences or not (_STATEMENT.search(text) or _INDENTED.match(text)):
        return Unparseable("no Python code")
    return text


def complete(text: str, *, prompt: str = "", entry_point: str = "") -> str:
    """The program as it can be run: the prompt, then the answer; its own definition of the function overrides the prompt's stub.

    An answer that is only the body of the function continues the prompt.
    """
    if not prompt:
        return text
    defines = re.search(rf"^(?:async )?def {re.escape(entry_point)}\b", text, re.MULTILINE) if entry_point else None
    return f"{prompt}\n\n{text}" if defines else prompt + text


def _task(task: Any) -> dict[str, str]:
    """The case's tests. Raises InputError where there are none, or something is no text."""
    known = {"prompt", "test", "tests", "entry_point"}
    fix = 'write {"tests": "assert f(1) == 2"}, or {"prompt": …, "test": …, "entry_point": …}'
    if not isinstance(task, dict) or not all(isinstance(value, str) for value in cast(dict[str, Any], task).values()):
        raise InputError("`expected.code` is not a table of texts", fix=fix)
    table = cast(dict[str, str], task)
    if unknown := sorted(table.keys() - known):
        raise InputError(f"`expected.code` has an unknown key `{unknown[0]}`", fix=fix)
    if not (table.get("tests") or table.get("test") or "").strip():
        raise InputError("`expected.code` has no tests", fix=fix)
    return table


def _known(task: dict[str, str], *names: str) -> dict[str, str]:
    return {name: task[name] for name in names if name in task}


def _tests(task: dict[str, str]) -> dict[str, str]:
    return {"tests": task.get("tests") or task["test"], "preamble": task.get("prompt", ""), "entry_point": task.get("entry_point", "")}
