"""Rails on what comes in. The cheap ones run before anything is written or sent; functions of the user's and trained models run beside the answer.

A block cancels the answer that is being made; nothing has left by then, since the outlet waits for the admission.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Protocol, cast

import msgspec

from groundwork.core import functions
from groundwork.core.document import Found
from groundwork.core.errors import PermissionDenied
from groundwork.core.message import AnyPart, Message, Reasoning, Refusal, Text, ToolCall, ToolResult
from groundwork.core.reply import Reply, Verdict
from groundwork.core.request import Request
from groundwork.guard.config import GuardSection, RailName
from groundwork.guard.detecting import Inspector
from groundwork.observe.recorder import span
from groundwork.secure.finding import Finding, mask
from groundwork.secure.personal import find_personal
from groundwork.secure.secrets import find_secrets

_FINDERS: dict[str, Callable[[str], list[Finding]]] = {"secrets": find_secrets, "pii": find_personal}
_SAID = {"secrets": "a secret", "pii": "personal data"}


class Judge(Protocol):
    """A rail that runs beside the answer."""

    name: RailName

    async def judge(self, request: Request, seconds: float, /) -> Verdict: ...

    def stops(self, verdict: Verdict, /) -> bool: ...


class Rail:
    """A user's function on text: it returns nothing where all is well, or a reason (or True) where it fires."""

    def __init__(self, name: RailName, function: Callable[..., Any]) -> None:
        self.name = name
        self.function = function

    async def judge(self, request: Request, seconds: float) -> Verdict:
        """Ask the function about the question."""
        return await self.check(request.question, seconds)

    async def review(self, reply: Reply, _found: Found, seconds: float) -> Verdict:
        """Ask the function about an answer."""
        return await self.check(reply.text, seconds)

    async def check(self, text: str, seconds: float) -> Verdict:
        """Ask the function. One that raises or is late blocks where its action is to block: it fails closed."""
        with span(f"guard {self.name.name}") as attributes:
            try:
                answer = await functions.call(self.function, text, seconds=seconds)
            except asyncio.CancelledError as error:
                task = asyncio.current_task()
                if task is None or task.cancelling():
                    raise
                return self._failed(error, attributes)  # its own: nobody has cancelled us
            except Exception as error:  # noqa: BLE001  a rail may raise anything: not answering is not allowing
                return self._failed(error, attributes)
        if not answer:
            return Verdict(rail=self.name.name, action="allow")
        return Verdict(rail=self.name.name, action=cast(Any, self.name.action), reason=answer if isinstance(answer, str) else "")

    def _failed(self, error: BaseException, attributes: dict[str, Any]) -> Verdict:
        """What it said stays in the trace: a verdict goes out to the caller."""
        attributes["groundwork.error"] = str(error)
        return Verdict(rail=self.name.name, action="error", reason=type(error).__name__)

    def stops(self, verdict: Verdict) -> bool:
        return verdict.action == "block" or (verdict.action == "error" and self.name.action == "block")


class Admission:
    """What the rails have said of one request so far, and whether it may pass."""

    def __init__(self, inspector: Inspector | None = None) -> None:
        self.verdicts: list[Verdict] = []
        self.refusal: str = ""
        self._agreed = asyncio.Event()
        self._inspector = inspector or Inspector()

    def refuse(self, verdict: Verdict, sentence: str) -> None:
        self.verdicts.append(verdict)
        self.refusal = self.refusal or sentence

    def agree(self) -> None:
        self._agreed.set()

    async def inspect(self, found: Found) -> Found:
        """What was found, as the model may read it."""
        found, verdicts = await self._inspector.passages(found)
        self.verdicts += verdicts
        return found

    async def inspect_results(self, results: Sequence[ToolResult]) -> list[ToolResult]:
        """Results of tools, as the model may read them."""
        read, verdicts = await self._inspector.results(results)
        self.verdicts += verdicts
        return read

    async def agreed(self) -> None:
        """Wait until every rail has answered. Nothing may leave or act before."""
        await self._agreed.wait()


class GuardIn:
    """The input rails of an application."""

    def __init__(
        self, section: GuardSection, rails: Sequence[RailName], judges: Sequence[Judge], inspector: Inspector | None = None
    ) -> None:
        self.section = section
        self.rails = [rail for rail in rails if not rail.is_beside]
        self.judges = list(judges)
        self.inspector = inspector or Inspector()

    def clean(self, request: Request) -> tuple[Request, Admission]:
        """Mask what must not be written and refuse what is cheap to refuse."""
        admission = Admission(self.inspector)
        with span("guard input") as attributes:
            for rail in self.rails:
                if rail.name == "size":
                    self._check_size(request, admission)
                else:
                    request = _sweep(rail, request, admission)
            attributes["groundwork.verdicts"] = [f"{verdict.rail}:{verdict.action}" for verdict in admission.verdicts]
        return request, admission

    def _check_size(self, request: Request, admission: Admission) -> None:
        size = sum(len(message.text.encode()) for message in request.messages) + _size(request.variables)
        if size > self.section.max_input.bytes:
            reason = f"{size:,} bytes, and {self.section.max_input.bytes:,} are allowed"
            admission.refuse(Verdict(rail="size", action="block", reason=reason), f"The message is too long: {reason}. Please shorten it.")

    def judging(self, request: Request, admission: Admission) -> "Judging":
        return Judging(self, request, admission)


def _size(value: Any) -> int:
    """Bytes of all texts in a JSON value."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, dict):
        return sum(len(key.encode()) + _size(item) for key, item in cast(dict[str, Any], value).items())
    return sum(_size(item) for item in cast(list[Any], value)) if isinstance(value, list) else 0


class Judging:
    """Runs the slower rails beside the body of an `async with`; a block cancels the body and is noted in the admission.

    A body that ends by itself without having asked for the admission waits for it here, and a block is raised as PermissionDenied.
    """

    def __init__(self, guard: GuardIn, request: Request, admission: Admission) -> None:
        self.guard = guard
        self.request = request
        self.admission = admission
        self._task: asyncio.Task[None] | None = None
        self._body: asyncio.Task[Any] | None = None
        self._cancelled = False
        self._before = 0
        """Cancellations of the body that had been asked for when it began."""

    async def __aenter__(self) -> Admission:
        if not self.guard.judges:
            self.admission.agree()
            return self.admission
        self._body = asyncio.current_task()
        self._before = self._body.cancelling() if self._body else 0
        self._task = asyncio.create_task(self._judge())
        return self.admission

    async def _judge(self) -> None:
        seconds = self.guard.section.timeout.seconds
        verdicts = await asyncio.gather(*(rail.judge(self.request, seconds) for rail in self.guard.judges))
        for rail, verdict in zip(self.guard.judges, verdicts, strict=True):
            if rail.stops(verdict):
                self.admission.refuse(verdict, "This request was refused by a rule of this application.")
            elif verdict.action != "allow":
                self.admission.verdicts.append(verdict)
        if not self.admission.refusal:
            self.admission.agree()
        elif self._body is not None:
            self._cancelled = True
            self._body.cancel()

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> bool:
        if self._task is None:
            return False
        if kind is None and not self._cancelled:
            self._body = None  # it has ended: there is nothing left to cancel
            await self._task
        elif not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        if self._cancelled and self._body is not None:
            alone = self._body.uncancel() <= self._before
            if alone and kind is asyncio.CancelledError:
                return True  # ours, and nobody else's: the caller goes on after the block with the refusal
        if kind is None and self.admission.refusal:
            raise PermissionDenied(self.admission.refusal, fix="ask for something else", code="blocked")
        return False


def _sweep(rail: RailName, request: Request, admission: Admission) -> Request:
    """Look for secrets or personal data in everything the caller wrote, and mask, flag or refuse it."""
    finder = _FINDERS[rail.name]
    count = 0
    kinds: set[str] = set()

    def clean(text: str) -> str:
        nonlocal count
        found = finder(text)
        count += len(found)
        kinds.update(finding.kind for finding in found)
        return mask(text, found) if found and rail.action == "redact" else text

    messages = tuple(_map_message(message, clean) for message in request.messages)
    variables = _map_value(request.variables, clean)
    if not count:
        return request
    verdict = Verdict(rail=rail.name, action=cast(Any, rail.action), reason=", ".join(sorted(kinds)), count=count)
    if rail.action == "block":
        admission.refuse(verdict, f"The message holds {_SAID[rail.name]}. Please send it again without.")
        # What is refused is still written to the trace: never in clear.
        return _sweep(RailName(rail.name, "redact"), request, Admission())
    admission.verdicts.append(verdict)
    return msgspec.structs.replace(request, messages=messages, variables=variables) if rail.action == "redact" else request


def _map_message(message: Message, change: Callable[[str], str]) -> Message:
    parts = tuple(_map_part(part, change) for part in message.parts)
    return msgspec.structs.replace(message, parts=parts, extra=_map_value(message.extra, change))


def _map_part(part: AnyPart, change: Callable[[str], str]) -> AnyPart:
    """What the caller wrote or brought along, whatever role it has: a system message of a caller's is not ours."""
    match part:
        case Text() if part.label != "system":
            return msgspec.structs.replace(part, text=change(part.text))
        case Refusal() | Reasoning():
            return msgspec.structs.replace(part, text=change(part.text))
        case ToolCall():
            return msgspec.structs.replace(part, arguments=map_json(part.arguments, change))
        case ToolResult():
            return msgspec.structs.replace(part, content=change(part.content))
        case _:
            return part


def map_json(text: str, change: Callable[[str], str]) -> str:
    """JSON text with its strings and numbers changed; what is no JSON is changed as it stands."""
    try:
        value = json.loads(text)
    except ValueError:
        return change(text)
    changed = _map_value(value, change)
    return text if changed == value else json.dumps(changed, ensure_ascii=False)


def _map_value(value: Any, change: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {change(key): _map_value(item, change) for key, item in cast(dict[str, Any], value).items()}
    if isinstance(value, list):
        return [_map_value(item, change) for item in cast(list[Any], value)]
    if isinstance(value, int) and not isinstance(value, bool):  # a card's number need not be text
        written = str(value)
        changed = change(written)
        return value if changed == written else changed
    return value
