"""Models that say what a test wrote down, and note what they were asked."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any

from groundwork.core.message import say
from groundwork.core.reply import Delta, Usage
from groundwork.core.request import Request

NOTHING = Delta()
REQUEST = Request(messages=(say("system", "Be brief."), say("user", "Why?")))


@dataclass
class Says:
    """Answers with its texts one after the other (the last one for ever), in pieces of three characters; each costs a dollar."""

    texts: tuple[str, ...]
    finish: Any = "stop"
    last: Delta = NOTHING
    cost: float | None = 1.0
    name: str = "says"
    asked: list[Request] = field(default_factory=list)
    closed: int = 0

    async def stream(self, request: Request, /) -> AsyncGenerator[Delta, None]:
        text = self.texts[min(len(self.asked), len(self.texts) - 1)]
        self.asked.append(request)
        try:
            for place in range(0, len(text), 3):
                yield Delta(text=text[place : place + 3], model=self.name if place == 0 else None)
            yield Delta(
                finish=self.finish,
                calls=self.last.calls,
                refusal=self.last.refusal,
                usage=Usage(input_tokens=10, output_tokens=len(text)),
                cost=self.cost,
                priced=self.cost is not None,
            )
        finally:
            self.closed += 1
