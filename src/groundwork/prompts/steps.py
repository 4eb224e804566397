"""Time to think, as wrappers of a model that compose: reason first, break the question down, review the draft.

Each asks in words of ours and costs what it says: `think` more tokens, `decompose` a call for the plan and one for each part, `critique` a call
for each round. Only answers are worked on: a tool call, a refusal or something cut off passes as it is.
"""

import re
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from groundwork.core.message import Text
from groundwork.core.ports import Model
from groundwork.core.reply import Delta
from groundwork.core.request import Request
from groundwork.core.text import shorten
from groundwork.core.whole import Bill, together, told
from groundwork.observe.recorder import span
from groundwork.prompts.front_matter import Prompt
from groundwork.prompts.instruct import append, instruct
from groundwork.prompts.structured import Structured

OPEN, CLOSE = "<think>", "</think>"
_THINK = f"Reason step by step first, between {OPEN} and {CLOSE}. After {CLOSE} write the answer alone, without the reasoning."
_PLAN = (
    "Do not answer yet. If the question above is made of several smaller ones, write these, one a line, at most {most} lines, each complete in"
    " itself. If it is simple, write it as one line."
)
_REVIEW = (
    "Above is a draft of an answer to the question. Check it against the question and the sources: what is wrong, missing or not supported?"
    " Then write the whole answer again, without these faults and without speaking of the draft. If it has none, write it as it is."
)
_NUMBERING = re.compile(r"^\s*(?:[-*•]|\(?\d{1,2}[.)])\s+")


def shaped(model: Model, prompt: Prompt | None) -> Model:
    """The model as a prompt wants it asked: with its steps and the form of its answer; the model itself where it asks for neither."""
    if prompt is None:
        return model
    steps = prompt.steps
    plain = Thinking(model) if steps.think else model
    final = Structured(plain, prompt.output) if prompt.output is not None else plain
    made = Decomposed(final, plain, steps.decompose) if steps.decompose else final
    for _ in range(steps.critique):
        made = Critiqued(made, final)
    return made


@dataclass(frozen=True, slots=True)
class Thinking:
    """Chain of thought: the reasoning before the answer leaves as reasoning, never as text. Source: Wei et al., 2022, arXiv:2201.11903."""

    source: Model

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        parser = ThoughtParser()
        async with aclosing(self.source.stream(instruct(request, _THINK))) as deltas:
            async for delta in deltas:
                thought, text = parser.take(delta.text)
                if delta.finish is not None:
                    rest_thought, rest = parser.end(complete=delta.finish == "stop")
                    thought, text = thought + rest_thought, text + rest
                yield msgspec.structs.replace(delta, text=text, reasoning=delta.reasoning + thought, logprobs=())


class ThoughtParser:
    """Parts the text of a stream into reasoning and answer, however the tags are cut up; only a tag at the very beginning counts."""

    def __init__(self) -> None:
        self._held = ""
        self._state = "before"
        self._thought = ""

    def take(self, text: str) -> tuple[str, str]:
        """Reasoning and answer that are certain now; what may be the beginning of a tag is held back."""
        self._held += text
        if self._state == "before":
            start = self._held.lstrip()
            if start.startswith(OPEN):
                self._state, self._held = "inside", start[len(OPEN) :]
            elif not OPEN.startswith(start):
                self._state = "after"
        thought = self._inside() if self._state == "inside" else ""
        answer = ""
        if self._state == "behind":  # blank lines between reasoning and answer belong to neither
            self._held = self._held.lstrip()
            self._state = "after" if self._held else "behind"
        if self._state == "after":
            answer, self._held = self._held, ""
        return thought, answer

    def _inside(self) -> str:
        thought, closing, rest = self._held.partition(CLOSE)
        if closing:
            self._state, self._held = "behind", rest
        else:
            keep = next((size for size in range(len(CLOSE) - 1, 0, -1) if thought.endswith(CLOSE[:size])), 0)
            thought, self._held = thought[: len(thought) - keep], thought[len(thought) - keep :]
        self._thought += thought
        return thought

    def end(self, *, complete: bool) -> tuple[str, str]:
        """What is left. Reasoning that a complete answer never closed was the answer; one that was cut off is no answer at all."""
        rest, self._held = self._held, ""
        if self._state != "inside":
            return "", rest
        return rest, (self._thought + rest).strip() if complete else ""


@dataclass(frozen=True, slots=True)
class Critiqued:
    """Self-critique: a draft, then the same model reviews it and writes the answer again. Source: Madaan et al., 2023, arXiv:2303.17651.

    `reviewer` writes the second answer, which streams. A model is no judge of facts that it does not know: this finds slips, not ignorance.
    """

    source: Model
    reviewer: Model

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        bill = Bill()
        with span("self-critique draft") as attributes:
            draft = await bill.take(self.source, request)
            attributes["groundwork.draft"] = shorten(draft.text, 2000)
        if not draft.is_answer:
            for delta in told(draft, bill):
                yield delta
            return
        parts = (
            Text(text="\n\nDraft:\n", label="system"),
            Text(text=draft.text, label="model"),
            Text(text=f"\n\n{_REVIEW}", label="system"),
        )
        async with aclosing(bill.pass_on(self.reviewer, append(request, *parts))) as deltas:
            async for delta in deltas:
                yield delta


@dataclass(frozen=True, slots=True)
class Decomposed:
    """Least to most: the question in smaller ones, each answered by itself, then the whole. Source: Zhou et al., 2022, arXiv:2205.10625.

    All parts see the same sources, and they are answered side by side: a part cannot build on another one's answer. `source` writes the whole
    answer; `planner` is asked for the parts, in no form.
    """

    source: Model
    planner: Model
    most: int

    @property
    def name(self) -> str:
        return self.source.name

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        bill = Bill()
        if request.messages and request.messages[-1].role == "user":  # not again, after a tool's result
            with span("decompose question") as attributes:
                found = await self._answered(request, bill)
                attributes["groundwork.parts"] = [question for question, _ in found]
            if found:
                notes = "\n".join(f"- {question}: {answer}" for question, answer in found)
                ahead = Text(text="\n\nSmaller questions of it, and what was answered to each:\n", label="system")
                request = append(
                    request, ahead, Text(text=notes, label="model"), Text(text="\n\nAnswer the whole question now.", label="system")
                )
        async with aclosing(bill.pass_on(self.source, request)) as deltas:
            async for delta in deltas:
                yield delta

    async def _answered(self, request: Request, bill: Bill) -> list[tuple[str, str]]:
        """Each smaller question with its answer; none where the question is simple, or the model would not plan."""
        parameters = msgspec.structs.replace(request.parameters, tool_choice=None)
        bare = msgspec.structs.replace(request, tools=(), parameters=parameters)
        plan = await bill.take(self.planner, append(bare, Text(text=f"\n\n{_PLAN.format(most=self.most)}", label="system")))
        parts = parts_of(plan.text, self.most) if plan.is_answer else []
        if len(parts) < 2:
            return []
        answers = await together([bill.take(self.planner, _only(bare, part)) for part in parts])
        return [(part, answer.text) for part, answer in zip(parts, answers, strict=True) if answer.is_answer]


def parts_of(plan: str, most: int) -> list[str]:
    """The lines of a plan without their numbering, the same question once, at most so many."""
    lines = [_NUMBERING.sub("", line).strip() for line in plan.splitlines()]
    return list(dict.fromkeys(line for line in lines if line))[:most]


def _only(request: Request, part: str) -> Request:
    """The request with a smaller question in place of the whole one; sources and the prompt around it stay."""
    return append(
        request,
        Text(text="\n\nOf all this, answer only this smaller question, briefly: ", label="system"),
        Text(text=part, label="model"),
    )
