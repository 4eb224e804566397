"""Judges and models for tests: small rubrics, and models that say what a test wants."""

import json
import re
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass, field
from typing import Any

from groundwork.core.reply import Delta, Usage
from groundwork.core.request import Request
from groundwork.evaluate.judges.file import parse_judge
from groundwork.evaluate.judges.judge import Judge

FRONT = {
    "pointwise": 'inputs = ["question", "answer"]\n[scale]\n1 = "bad"\n3 = "so"\n5 = "good"',
    "labels": 'inputs = ["question", "answer"]\n[labels]\nyes = 1.0\npartly = 0.5\nno = 0.0',
    "reference": 'kind = "reference"\ninputs = ["question", "answer", "reference"]\n[labels]\nright = 1.0\nwrong = 0.0',
    "criteria": 'kind = "criteria"\ninputs = ["answer"]\n[criteria]\nshort = "Is it short?"\npolite = "Is it polite?"',
    "pairwise": 'kind = "pairwise"\ninputs = ["question", "answer_a", "answer_b"]',
}


def text_of(kind: str, *lines: str, body: str = "") -> str:
    """A judge's file of a kind, with more lines at the head of its front matter."""
    front = FRONT[kind]
    inputs = re.search(r"inputs = (\[.*?\])", front)
    assert inputs is not None
    shown = "\n".join("{{ " + name + " }}" for name in json.loads(inputs[1]))
    head = "\n".join(['description = "Is it so?"', *lines, front])
    return f"+++\n{head}\n+++\n# system\nJudge it.\n\n# user\n{body or shown}\n"


def judge_of(kind: str, *lines: str, body: str = "") -> Judge:
    return parse_judge(text_of(kind, *lines, body=body), kind, f"{kind}.judge.md")


Says = Callable[[Request], str]


@dataclass
class Saying:
    """A model that answers by a function of the request, and keeps what it was asked."""

    says: Says
    name: str = "judge"
    asked: list[Request] = field(default_factory=list)
    finish: Any = "stop"

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        self.asked.append(request)
        yield Delta(text=self.says(request), model="m-2026")
        yield Delta(finish=self.finish, usage=Usage(input_tokens=10, output_tokens=5), cost=0.001, priced=True)


def verdict(value: Any, reason: str = "because") -> str:
    return json.dumps({"reason": reason, "verdict": value})


def in_turn(*replies: str) -> Says:
    """One reply after the other; the last one stays."""
    left = list(replies)
    return lambda _: left.pop(0) if len(left) > 1 else left[0]


def shown_text(request: Request, name: str) -> str:
    """What stands between the fences of an input, in the last message that has it."""
    whole = "\n".join(message.text for message in request.messages if message.role == "user")
    return re.findall(rf"<{name} (\w+)>\n(.*?)\n</{name} \1>", whole, re.DOTALL)[-1][1]
