"""A stream of deltas gathered into one value, and sums over several: for wrappers of `Model` that must see a whole answer, or draw several."""

import asyncio
from collections.abc import AsyncGenerator, Coroutine, Iterable, Sequence
from contextlib import aclosing
from typing import Any, TypeVar

import msgspec

from groundwork.core.document import Citation
from groundwork.core.ports import Model
from groundwork.core.reply import CallPiece, Delta, Finish, Usage
from groundwork.core.request import Request

T = TypeVar("T")


class Whole(msgspec.Struct, frozen=True, kw_only=True):
    """One model's answer to one request. `cost` is None where no price is known."""

    text: str
    finish: Finish | None
    reasoning: str = ""
    refusal: str = ""
    calls: tuple[CallPiece, ...] = ()
    usage: Usage = Usage()
    cost: float | None = None
    model: str | None = None
    citations: tuple[Citation, ...] = ()
    abstained: bool = False
    logprobs: tuple[float, ...] = ()
    extra: dict[str, Any] = {}

    @property
    def is_answer(self) -> bool:
        """Text that came to its end: no call, no refusal, nothing cut off or blocked."""
        return self.finish == "stop" and not self.calls and not self.refusal


async def gather(deltas: AsyncGenerator[Delta, None]) -> Whole:
    """Read a model's stream to its end and let go of it; whoever cancels this reaches the network."""
    async with aclosing(deltas):
        return join([delta async for delta in deltas])


def join(deltas: Iterable[Delta]) -> Whole:
    """Deltas as one answer: texts joined, usage added, the last cost that was said."""
    kept = tuple(deltas)
    return Whole(
        text="".join(delta.text for delta in kept),
        finish=next((delta.finish for delta in reversed(kept) if delta.finish), None),
        reasoning="".join(delta.reasoning for delta in kept),
        refusal="".join(delta.refusal for delta in kept),
        calls=tuple(call for delta in kept for call in delta.calls),
        usage=sum((delta.usage for delta in kept if delta.usage), Usage()),
        cost=next((delta.cost for delta in reversed(kept) if delta.priced), None),
        model=next((delta.model for delta in kept if delta.model), None),
        citations=next((delta.citations for delta in reversed(kept) if delta.citations), ()),
        abstained=any(delta.abstained for delta in kept),
        logprobs=tuple(value for delta in kept for value in delta.logprobs),
        extra={key: value for delta in kept for key, value in delta.extra.items()},
    )


def told(whole: Whole, spent: "Bill") -> tuple[Delta, Delta]:
    """An answer as deltas again, with the bill of everything that was asked for it."""
    content = Delta(text=whole.text, reasoning=whole.reasoning, refusal=whole.refusal, calls=whole.calls, model=whole.model)
    return content, Delta(finish=whole.finish, citations=whole.citations, abstained=whole.abstained, extra=whole.extra, **spent.fields())


async def together(works: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Run coroutines side by side; the first failure is raised as it is, after the others were cancelled and have let go."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        return list(await asyncio.gather(*tasks))
    finally:
        await let_go(tasks)


async def let_go(tasks: Sequence[asyncio.Future[Any]]) -> None:
    """Cancel what still runs and wait until it has closed what it held."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


class Bill:
    """What several calls took together. One call of unknown price makes the whole unknown: it is not free."""

    def __init__(self) -> None:
        self.usage = Usage()
        self.cost: float | None = 0.0
        self.calls = 0

    def add(self, usage: Usage, cost: float | None) -> None:
        self.calls += 1
        self.usage += usage
        self.cost = None if cost is None or self.cost is None else self.cost + cost

    async def take(self, model: Model, request: Request) -> Whole:
        """Ask a model, wait for its whole answer and put it on the bill."""
        whole = await gather(model.stream(request))
        self.add(whole.usage, whole.cost)
        return whole

    async def pass_on(self, model: Model, request: Request) -> AsyncGenerator[Delta, None]:
        """A model's stream as it comes, its usage and cost replaced at the end by those of everything on the bill."""
        usage, cost, last = Usage(), None, Delta()
        async with aclosing(model.stream(request)) as deltas:
            async for delta in deltas:
                usage = usage if delta.usage is None else usage + delta.usage
                cost = delta.cost if delta.priced else cost
                bare = msgspec.structs.replace(delta, usage=None, cost=None, priced=False)
                if delta.finish is None:
                    yield bare
                else:
                    last = bare
        self.add(usage, cost)
        yield msgspec.structs.replace(last, **self.fields())

    def fields(self) -> dict[str, Any]:
        """The bill as a delta carries it."""
        return {"usage": self.usage, "cost": self.cost, "priced": self.cost is not None}
