"""The form of a verdict: the JSON Schema that is asked for, how a reply is read strictly, and what a verdict is worth.

Nothing is guessed: a number in running text, a verdict out of the scale or one more key is unread, and the judge is told so once.
"""

import re
from typing import Any, Literal, NamedTuple, cast

import msgspec

from groundwork.evaluate.judges.judge import Judge

Verdict = int | str | dict[str, str]
"""A point, a label (`A`, `B`, `tie` for a pair), or yes and no by criterion."""

_FENCED = re.compile(r"```(?:json)?[ \t]*\n(.*)\n[ \t]*```", re.DOTALL)
_LAST_LINE = re.compile(r"[*_`]*verdict[*_`]*\s*:\s*[*_`]*\s*(-?[\w-]+)[*_`]*\s*\.?", re.IGNORECASE)
_SHOWN = 160


class Read(NamedTuple):
    """A verdict with the judge's reason."""

    verdict: Verdict
    reason: str


class Unread(NamedTuple):
    """What was wrong with a reply, as the judge is told."""

    problem: str


def choices(judge: Judge) -> tuple[int | str, ...]:
    """The verdicts that a judge may give; empty for criteria, whose verdicts are several."""
    if judge.is_pairwise:
        return ("A", "B", "tie") if judge.ties else ("A", "B")
    return tuple(judge.points) or tuple(judge.labels)


def schema(judge: Judge) -> dict[str, Any]:
    """JSON Schema of the verdict, the reason first: what is explained before it is decided is decided better."""
    verdict: dict[str, Any]
    if judge.criteria:
        answers = {"type": "string", "enum": ["yes", "no"]}
        names = list(judge.criteria)
        verdict = {"type": "object", "properties": dict.fromkeys(names, answers), "required": names, "additionalProperties": False}
    else:
        verdict = {"type": "integer" if judge.points else "string", "enum": list(choices(judge))}
    return {
        "type": "object",
        "properties": {"reason": {"type": "string"}, "verdict": verdict},
        "required": ["reason", "verdict"],
        "additionalProperties": False,
    }


def read(judge: Judge, text: str) -> Read | Unread:
    """Read a reply. JSON may stand in one code fence, and nothing else beside it; a last line must be `Verdict: X`."""
    return _last_line(judge, text) if judge.form == "last_line" else _json(judge, text)


def check(judge: Judge, verdict: Any) -> Verdict | None:
    """A verdict as recorded somewhere (a label, a point, `"4"` for 4), or None where the judge could not have given it."""
    if judge.criteria:
        if not isinstance(verdict, dict):
            return None
        answers = cast(dict[str, str], verdict)
        return answers if answers.keys() == judge.criteria.keys() and set(answers.values()) <= {"yes", "no"} else None
    if isinstance(verdict, bool) or not isinstance(verdict, int | str):
        return None
    return next((choice for choice in choices(judge) if str(choice).casefold() == str(verdict).strip().casefold()), None)


def worth(judge: Judge, verdict: Verdict) -> float:
    """A verdict as a number from 0 to 1: its place on the scale, its label's worth, the share of criteria met, 1 where A wins."""
    if isinstance(verdict, dict):
        return sum(answer == "yes" for answer in verdict.values()) / len(verdict)
    if judge.is_pairwise:
        return {"A": 1.0, "tie": 0.5, "B": 0.0}[str(verdict)]
    if isinstance(verdict, int):
        low, high = min(judge.points), max(judge.points)
        return (verdict - low) / (high - low)
    return judge.labels[verdict]


def _json(judge: Judge, text: str) -> Read | Unread:
    stripped = text.strip()
    fenced = _FENCED.fullmatch(stripped)
    try:
        found = msgspec.json.decode(fenced[1] if fenced else stripped, type=_form(judge))
    except msgspec.ValidationError as error:
        return Unread(f"the JSON does not fit the schema: {error}")
    except msgspec.DecodeError:
        return Unread(f"this is not one JSON object and nothing else: {stripped[:_SHOWN]!r}")
    verdict: Any = msgspec.to_builtins(found.verdict)
    if not judge.criteria and verdict not in choices(judge):
        return Unread(f"the verdict {verdict!r} is none of {', '.join(str(choice) for choice in choices(judge))}")
    return Read(verdict, found.reason)


def _form(judge: Judge) -> Any:
    """The Struct that a reply is decoded as: no key more or less, and numbers are never taken from text."""
    kind: Any = int if judge.points else str
    if judge.criteria:
        fields = [(f"c{place}", Literal["yes", "no"], msgspec.field(name=name)) for place, name in enumerate(judge.criteria)]
        kind = msgspec.defstruct("Criteria", fields, forbid_unknown_fields=True)
    return msgspec.defstruct("Verdict", [("reason", str), ("verdict", kind)], forbid_unknown_fields=True)


def _last_line(judge: Judge, text: str) -> Read | Unread:
    *before, last = text.strip().splitlines() or [""]
    found = _LAST_LINE.fullmatch(last.strip())
    if found is None:
        return Unread(f"the last line is not `Verdict: X`: {last[:_SHOWN]!r}")
    verdict = check(judge, found[1])
    if verdict is None:
        return Unread(f"{found[1]!r} is none of {', '.join(str(choice) for choice in choices(judge))}")
    return Read(verdict, "\n".join(before).strip())
