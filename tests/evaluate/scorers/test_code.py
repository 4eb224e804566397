from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from groundwork.core.errors import ConfigError
from groundwork.core.measure import Example
from groundwork.core.reply import Reply
from groundwork.evaluate.instruments import Instruments
from groundwork.evaluate.registry import Answered, Unparseable, all_scorers
from groundwork.evaluate.scorers.code import complete, extract
from groundwork.secure.sandbox import Sandbox

HUMAN_EVAL = {
    "prompt": "def add(x: int, y: int):\n    '''Add two numbers.'''\n",
    "test": "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(5, 7) == 12\n",
    "entry_point": "add",
}
PLAIN = {"tests": "assert add(2, 3) == 5"}
SCORER = next(one for one in all_scorers() if one.name == "code.passes")


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    try:
        async with Sandbox() as opened:
            yield opened
    except ConfigError as error:
        pytest.skip(f"{error.what}; {error.fix}")


def answered(text: str, code: Any, sandbox: Sandbox | None = None) -> Answered:
    async def get() -> Sandbox:
        assert sandbox is not None
        return sandbox

    example = Example(id="one", question="Write add.", expected={"code": code})
    return Answered(example, Reply(text=text, finish="stop"), 0.1, instruments=Instruments(sandbox=get))


@pytest.mark.parametrize(
    ("text", "code", "value"),
    [
        ("```python\ndef add(x, y):\n    return x + y\n```", PLAIN, 1.0),
        ("Here:\n```python\ndef add(x, y):\n    return x - y\n```\nDone.", PLAIN, 0.0),
        ("def add(x, y):\n    return x + y", HUMAN_EVAL, 1.0),
        ("    return x + y\n", HUMAN_EVAL, 1.0),
        ("```\n    return x + y\n```", HUMAN_EVAL, 1.0),
        ("    return None\n", HUMAN_EVAL, 0.0),
        ("import sys\nsys.exit(0)", HUMAN_EVAL, 0.0),
        ("```python\ndef add(x, y): return x + y", PLAIN, 1.0),
    ],
)
async def test_a_program_counts_where_it_passes(text: str, code: Any, value: float, sandbox: Sandbox) -> None:
    score = await SCORER.score(answered(text, code, sandbox))
    assert (score.status, score.value) == ("ok", value), score
    assert score.evidence["status"] == ("passed" if value else "failed")


@pytest.mark.parametrize("text", ["", "I cannot write that.", "```sql\nSELECT 1\n```"])
async def test_an_answer_without_code_is_unparseable(text: str) -> None:
    assert (await SCORER.score(answered(text, PLAIN))).status == "unparseable"


@pytest.mark.parametrize("code", [{}, {"tests": " "}, {"tests": 3}, "assert add(1, 1) == 2", {"tests": "assert f()", "tets": ""}])
async def test_a_case_without_tests_is_an_error_that_says_how_to_write_them(code: Any) -> None:
    score = await SCORER.score(answered("def add(x, y): return 1", code))
    assert score.status == "error"
    assert "expected.code" in score.detail


async def test_without_a_sandbox_nothing_is_run() -> None:
    example = Example(id="one", question="Write add.", expected={"code": PLAIN})
    score = await SCORER.score(Answered(example, Reply(text="def add(x, y): return x + y", finish="stop"), 0.1))
    assert score.status == "error"
    assert "sandbox" in score.detail


def test_fences_are_joined_and_other_languages_left_out() -> None:
    text = "```bash\nls\n```\n```python\na = 1\n```\nand\n```py\nb = 2\n```"
    assert extract(text) == "a = 1\n\nb = 2"
    assert isinstance(extract("```bash\nls\n```"), Unparseable)


def test_a_body_continues_its_prompt_and_a_definition_overrides_it() -> None:
    prompt = "def f(x):\n    '''Doc.'''\n"
    assert complete("    return x", prompt=prompt, entry_point="f") == prompt + "    return x"
    assert complete("def f(x): return x", prompt=prompt, entry_point="f").endswith("\n\ndef f(x): return x")
