"""Rails on what goes out: an outlet around the caller's outlet, that holds back what a rail still has to read.

The strictest rail decides: `flag` lets deltas through and judges the whole afterwards; `block` and `redact` hold the answer until it is
whole. Nothing at all leaves before the admission of the request.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Protocol, cast

import msgspec

from groundwork.core.claims import claims_of
from groundwork.core.document import Found
from groundwork.core.message import ToolResult
from groundwork.core.ports import Outlet
from groundwork.core.reply import CallPiece, Delta, Reply, Verdict
from groundwork.guard.config import GuardSection, RailName
from groundwork.guard.incoming import Admission, map_json
from groundwork.observe.recorder import current, span
from groundwork.secure.finding import Finding, mask
from groundwork.secure.personal import find_personal
from groundwork.secure.secrets import find_secrets

_FINDERS: dict[str, Callable[[str], list[Finding]]] = {"secrets": find_secrets, "pii": find_personal}
_SORRY = "No answer that passes this application's rules could be given."


class Reviewer(Protocol):
    """A rail that judges the whole answer: a user's function, or a trained model."""

    name: RailName

    async def review(self, reply: Reply, found: Found, seconds: float, /) -> Verdict: ...

    def stops(self, verdict: Verdict, /) -> bool: ...


class GuardOut:
    """The output rails of an application: called for each request, it wraps the caller's outlet."""

    def __init__(self, section: GuardSection, rails: Sequence[RailName], judges: Sequence[Reviewer]) -> None:
        self.section = section
        self.rails = [rail for rail in rails if not rail.is_beside]
        self.judges = list(judges)
        actions = {rail.action for rail in self.rails if rail.name != "empty"} | {judge.name.action for judge in self.judges}
        self.holds = bool(actions & {"block", "redact"})

    def __call__(self, out: Outlet, found: Found, *, after: Admission) -> "Cleared":
        return Cleared(self, out, found, after)


async def refuse(admission: Admission, out: Outlet) -> Reply:
    """The reply to a request that the input rails did not admit: an outcome, not an error."""
    recorder = current()
    trace = recorder.trace if recorder else ""
    reply = Reply(text=admission.refusal, finish="blocked", verdicts=tuple(admission.verdicts), cost=0.0, steps=0, trace=trace)
    await end(reply, out, body=True)
    return reply


async def end(reply: Reply, out: Outlet, *, body: bool) -> None:
    """Send what is left of a reply: its text where that was held back, calls, and the last delta."""
    pieces = tuple(CallPiece(index=place, id=call.id, name=call.name, arguments=call.arguments) for place, call in enumerate(reply.calls))
    if (body and (reply.text or reply.refusal)) or pieces:
        await out.send(Delta(text=reply.text if body else "", refusal=reply.refusal if body else "", calls=pieces, model=reply.model))
    await out.send(
        Delta(
            finish=reply.finish,
            usage=reply.usage,
            citations=reply.citations,
            verdicts=reply.verdicts,
            trace=reply.trace,
            model=reply.model,
            abstained=reply.abstained,
        )
    )


class Cleared:
    """The outlet of one request behind the rails. `finish` judges the whole, sends what was held back and the last delta."""

    def __init__(self, guard: GuardOut, out: Outlet, found: Found, admission: Admission) -> None:
        self.guard = guard
        self.out = out
        self.found = found
        self.admission = admission
        self.sent = False

    async def send(self, delta: Delta) -> None:
        """Pass a delta on once the request is admitted; hold its content back where a rail needs the whole."""
        await self.admission.agreed()
        if not self.guard.holds and delta.has_content:
            self.sent = True
            await self.out.send(delta)

    async def agreed(self) -> None:
        """Wait until the request is admitted: what acts on the world asks this first."""
        await self.admission.agreed()

    async def inspect(self, results: Sequence[ToolResult]) -> list[ToolResult]:
        """Results of tools, as the model may read them."""
        return await self.admission.inspect_results(results)

    async def replay(self, reply: Reply) -> Reply:
        """A kept answer, through the present rails."""
        await self.send(Delta(text=reply.text, model=reply.model))
        return await self.finish(msgspec.structs.replace(reply, cached=True, cost=0.0))

    async def finish(self, reply: Reply) -> Reply:
        """Judge the whole reply, send what is left of it, and return it as it left."""
        await self.admission.agreed()
        with span("guard output") as attributes:
            judged, verdicts = await self._judge(reply)
            attributes["groundwork.verdicts"] = [f"{verdict.rail}:{verdict.action}" for verdict in verdicts]
        recorder = current()
        final = msgspec.structs.replace(judged, verdicts=(*self.admission.verdicts, *verdicts), trace=recorder.trace if recorder else "")
        await end(final, self.out, body=not self.sent or final.text != reply.text)
        return final

    async def _judge(self, reply: Reply) -> tuple[Reply, list[Verdict]]:
        verdicts: list[Verdict] = []
        for rail in self.guard.rails:
            reply, verdict = self._apply(rail, reply)
            if verdict is not None:
                verdicts.append(verdict)
        judges = self.guard.judges if reply.finish != "blocked" else []
        answers = await asyncio.gather(*(judge.review(reply, self.found, self.guard.section.timeout.seconds) for judge in judges))
        for judge, verdict in zip(judges, answers, strict=True):
            if verdict.action != "allow":
                verdicts.append(verdict)
            if judge.stops(verdict):
                reply = _blocked(reply)
        return reply, verdicts

    def _apply(self, rail: RailName, reply: Reply) -> tuple[Reply, Verdict | None]:
        match rail.name:
            case "empty":
                fires = not (reply.text.strip() or reply.calls or reply.refusal) and reply.finish != "blocked"
                reason, count = "the model gave no text", 1
            case "uncited":
                count = uncited(reply, self.found)
                fires, reason = count > 0, "sentences without a citation"
            case _:
                return self._sweep(rail, reply)
        if not fires:
            return reply, None
        verdict = Verdict(rail=rail.name, action=cast(Any, rail.action), reason=reason, count=count)
        return (_blocked(reply) if rail.action == "block" else reply), verdict

    def _sweep(self, rail: RailName, reply: Reply) -> tuple[Reply, Verdict | None]:
        found: list[Finding] = []

        def change(text: str) -> str:
            here = _FINDERS[rail.name](text)
            found.extend(here)
            return mask(text, here)

        masked = msgspec.structs.replace(
            reply,
            text=change(reply.text),
            refusal=change(reply.refusal),
            calls=tuple(msgspec.structs.replace(call, arguments=map_json(call.arguments, change)) for call in reply.calls),
        )
        if not found:
            return reply, None
        kinds = ", ".join(sorted({finding.kind for finding in found}))
        verdict = Verdict(rail=rail.name, action=cast(Any, rail.action), reason=kinds, count=len(found))
        if rail.action == "block":
            return _blocked(reply), verdict
        if rail.action == "redact":
            citations = tuple(msgspec.structs.replace(citation, quote=change(citation.quote)) for citation in reply.citations)
            reply = msgspec.structs.replace(masked, citations=citations)
        return reply, verdict


def uncited(reply: Reply, found: Found) -> int:
    """How many sentences of an answer over sources carry no `[n]`. Not judged: refusals, answers without sources or from tools, short phrases."""
    if not found.hits or reply.abstained or reply.live or reply.finish == "blocked":
        return 0
    return sum(not claim.cited for claim in claims_of(reply.text))


def _blocked(reply: Reply) -> Reply:
    return msgspec.structs.replace(reply, text=_SORRY, finish="blocked", citations=(), calls=(), refusal="")
