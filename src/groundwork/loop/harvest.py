"""From what happened to what can be measured: traces and feedback become examples.

The structured input of a trace is taken, not the prompt it was rendered into: so the dataset survives a change of prompt. A demonstration
becomes the reference. Where nobody has said what the right answer is, the example is tagged `unlabelled`: it waits for a person and is never
scored.
"""

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Literal, NamedTuple

import msgspec

from groundwork.core.ids import canonical, content_id
from groundwork.core.measure import Asker, Example, Lineage
from groundwork.core.record import Demonstration, Feedback, Thumb, Trace
from groundwork.core.request import Principal, Request
from groundwork.core.text import fold
from groundwork.datasets.examples import UNLABELLED

Which = Literal["down", "demonstrated", "rated"]
"""`down`: a thumb down or a demonstration. `demonstrated`: a demonstration. `rated`: any feedback; an approved answer is its own reference."""

SPLITS = ("choose", "report")
"""Half of what is harvested is for choosing settings, half for reporting: by the question's hash, so that it stays where it is."""


class Harvest(NamedTuple):
    """What was gathered. `parents` are the ids of all traces and feedback that went into it; `left_out` counts traces by reason."""

    examples: tuple[Example, ...]
    parents: tuple[str, ...]
    left_out: dict[str, int]


def harvest(
    traces: Iterable[Trace], feedback: Iterable[Feedback], *, which: Which = "down", tags: Sequence[str] = ("harvested",)
) -> Harvest:
    """Make examples of the traces that feedback speaks of.

    Traces of one question (folded, with the same conversation and variables before it) become one example: the latest demonstration counts,
    else the latest trace. Feedback of another tenant than the trace's is not listened to.
    """
    opinions: dict[str, list[Feedback]] = {}
    for opinion in sorted(feedback, key=lambda one: one.at):
        opinions.setdefault(opinion.trace, []).append(opinion)
    left_out: dict[str, int] = {}
    found: dict[str, list[_Case]] = {}
    for trace in traces:
        case = _case(trace, opinions.get(trace.id, []), which)
        if isinstance(case, str):
            left_out[case] = left_out.get(case, 0) + 1
        else:
            found.setdefault(case.key, []).append(case)
    groups = [sorted(cases, key=lambda case: (case.demonstration is not None, case.at)) for cases in found.values()]
    examples = tuple(_example(cases, tuple(tags)) for cases in groups)
    parents = {identifier for cases in groups for case in cases for identifier in (case.trace.id, *(one.id for one in case.opinions))}
    return Harvest(examples, tuple(sorted(parents)), left_out)


class _Case(NamedTuple):
    """A trace with the opinions on it. `at`: when its demonstration was given, else when it was asked."""

    trace: Trace
    request: Request
    opinions: tuple[Feedback, ...]
    demonstration: Feedback | None
    at: float
    key: str


def _case(trace: Trace, opinions: Sequence[Feedback], which: Which) -> "_Case | str":
    """The case, or why the trace is left out."""
    own = tuple(one for one in opinions if one.tenant == trace.tenant)
    if not own:
        return "no feedback" if not opinions else "feedback of another tenant only"
    demonstrations = [one for one in own if isinstance(one.opinion, Demonstration) and one.opinion.value.strip()]
    is_down = any(one.opinion == Thumb(value=False) for one in own)
    if not demonstrations and (which == "demonstrated" or (which == "down" and not is_down)):
        return "no demonstration" if which == "demonstrated" else "no thumb down and no demonstration"
    try:
        request = msgspec.convert(trace.request, Request)
    except msgspec.ValidationError:
        return "its stored request cannot be read"
    if not request.question.strip():
        return "no question"
    last = demonstrations[-1] if demonstrations else None
    return _Case(trace, request, own, last, last.at if last else trace.start, _key(request))


def _example(cases: "list[_Case]", tags: tuple[str, ...]) -> Example:
    """One example of all cases of a question; the last one speaks."""
    case = cases[-1]
    request = case.request
    reference, answerable, generator = _right_answer(case)
    labels = (*tags, UNLABELLED) if reference is None and answerable is None else tags
    identifier = content_id("ex", case.key)
    return Example(
        id=identifier,
        question=request.question,
        history=request.history,
        variables=request.variables,
        asker=asker_of(request.principal),
        where=request.where,
        reference=reference,
        answerable=answerable,
        tags=labels,
        split=SPLITS[sha256(identifier.encode()).digest()[0] % len(SPLITS)],
        lineage=Lineage(trace=case.trace.id, feedback=tuple(one.id for each in cases for one in each.opinions), generator=generator),
    )


def _right_answer(case: "_Case") -> tuple[str | None, bool | None, str | None]:
    """Reference, whether there is an answer, and who wrote the reference where no person did; all None where nobody has said."""
    if case.demonstration is not None and isinstance(case.demonstration.opinion, Demonstration):
        return case.demonstration.opinion.value.strip(), True, None
    last_thumb = next((one.opinion for one in reversed(case.opinions) if isinstance(one.opinion, Thumb)), None)
    reply: dict[str, Any] = case.trace.reply if isinstance(case.trace.reply, dict) else {}
    if last_thumb != Thumb(value=True):
        return None, None, None
    if reply.get("abstained"):
        return None, False, None
    return reply.get("text") or None, True if reply.get("text") else None, case.trace.versions.model or "model"


def asker_of(principal: Principal) -> Asker | None:
    """For whom a request was asked, where its key named a user."""
    return Asker(user=principal.user, groups=principal.groups, tenant=principal.tenant) if principal.user else None


def _key(request: Request) -> str:
    """The same for requests that ask the same: folded texts of the conversation, the variables, and within which documents."""
    within = [asker_of(request.principal), request.where] if request.principal.user or request.where else []
    said = [[message.role, fold(message.text)] for message in request.history if message.role != "system"]
    return canonical([said, fold(request.question), request.variables, *within]).decode()
