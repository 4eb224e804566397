"""Judges as scorers: `judge:NAME` in a suite's metrics asks the judge of that name, packaged or in the application's `judges/`.

    metrics = ["judge:relevance", { use = "judge:groundedness", model = "strong", sample = 0.1 }]

The figure is the mean worth of the verdicts, from 0 to 1; each verdict, its reason and its cost stand in the score's evidence.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.document import Found
from groundwork.evaluate.judges.ask import Opinion, Pair, ask, ask_both
from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.library import find_judge
from groundwork.evaluate.judges.verdict import worth
from groundwork.evaluate.registry import Answered, Graded, Scorer, Unparseable, Unscored, Value, family
from groundwork.evaluate.scorers.facts import declined

FAMILY = "judge"


@dataclass(frozen=True, slots=True)
class Judging:
    """A judge that scores answers."""

    judge: Judge

    async def score(
        self,
        answered: Answered,
        *,
        model: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        seed: int | None = None,
    ) -> Value:
        """The judge's verdict on an answer. Settings stand before those of its file, and make another judge of it."""
        judge = self.varied(model=model, temperature=temperature, max_tokens=max_tokens, seed=seed)
        if declined(answered.reply) and not answered.reply.text:
            return Unscored("declined")
        inputs = await _inputs(judge, answered)
        missing = [name for name in judge.inputs if name not in inputs]
        if missing:
            return Unscored(_WHERE.get(missing[0], f"the case has no {missing[0]}"))
        source = answered.instruments.model(judge.model)
        if judge.is_pairwise:
            return _graded_pair(judge, await ask_both(judge, source, inputs))
        return _graded(judge, await ask(judge, source, inputs))

    def varied(self, *, model: str = "", **sampling: Any) -> Judge:
        """The judge with a suite's settings."""
        given = {name: value for name, value in sampling.items() if value is not None}
        hints = msgspec.structs.replace(self.judge.prompt.model, **given) if given else None
        return self.judge.with_model(model, hints) if model or given else self.judge


_WHERE = {
    "context": "no context is known: the case has no `expected.context`, and the answer left no sources",
    "reference": "the case has no reference",
    "answer_b": "nothing to compare with: the case has no `expected.baseline` and no reference",
}


def judges_of(scorers: Iterable[Scorer]) -> tuple[Judge, ...]:
    """The judges among scorers, with their settings: what a gate holds against their floors."""
    owners = [(getattr(one.function, "__self__", None), one.settings) for one in scorers]
    return tuple(owner.varied(**settings) for owner, settings in owners if isinstance(owner, Judging))


def with_judges(metrics: Iterable[str | Mapping[str, Any]], judges: Mapping[str, Mapping[str, Any]]) -> list[str | Mapping[str, Any]]:
    """A suite's metrics, those that name one of its own `[judges.NAME]` tables spelled out.

    `[judges.strict]` with `rubric = "groundedness"` and settings is what `judge:strict` then means.
    """
    found: list[str | Mapping[str, Any]] = []
    for metric in metrics:
        use = metric if isinstance(metric, str) else metric.get("use")
        name = use.removeprefix(f"{FAMILY}:") if isinstance(use, str) and use.startswith(f"{FAMILY}:") else ""
        if name not in judges:
            found.append(metric)
            continue
        settings = dict(judges[name])
        rubric = settings.pop("rubric", name)
        found.append({"name": use} | settings | ({} if isinstance(metric, str) else dict(metric)) | {"use": f"{FAMILY}:{rubric}"})
    return found


async def _inputs(judge: Judge, answered: Answered) -> dict[str, str]:
    """The texts that the judge looks at, as far as they are known."""
    example, reply = answered.example, answered.reply
    held_against = {"reference": example.reference, "answer_b": example.expected.get("baseline") or example.reference}
    inputs = {"question": example.question, "answer": reply.text, "answer_a": reply.text}
    inputs |= {name: text for name, text in held_against.items() if isinstance(text, str) and text}
    if "context" in judge.inputs:
        context = await _context(answered)
        if context:
            inputs["context"] = context
    return inputs


async def _context(answered: Answered) -> str:
    """What the answer must rest on: what the case says, else what was found for it, else what it quotes."""
    given = answered.example.expected.get("context")
    if isinstance(given, str):
        return given
    if isinstance(given, list):
        return "\n\n".join(str(one) for one in given)
    trace = await answered.instruments.trace(answered.reply.trace)
    hits = msgspec.convert(trace.found, Found).hits if trace is not None and trace.found is not None else ()
    found = [f"[{number}] {hit.chunk.title}\n{hit.text}" for number, hit in enumerate(hits, start=1)]
    return "\n\n".join(found or [f"[{one.number}] {one.title}\n{one.quote}" for one in answered.reply.citations])


def _graded(judge: Judge, opinion: Opinion) -> Graded | Unparseable:
    evidence = {"judge": judge.id, "model": opinion.model, "attempts": opinion.attempts}
    if opinion.verdict is None:
        return Unparseable(opinion.problem, opinion.cost, evidence | {"said": opinion.said})
    return Graded(worth(judge, opinion.verdict), opinion.reason, evidence | {"verdict": opinion.verdict}, opinion.cost)


def _graded_pair(judge: Judge, pair: Pair) -> Graded | Unparseable:
    cost = None if pair.first.cost is None or pair.swapped.cost is None else pair.first.cost + pair.swapped.cost
    evidence: dict[str, Any] = {
        "judge": judge.id,
        "model": pair.first.model,
        "attempts": pair.first.attempts + pair.swapped.attempts,
        "verdicts": [pair.first.verdict, pair.swapped.verdict],
        "reasons": [pair.first.reason, pair.swapped.reason],
    }
    if pair.outcome is None:
        return Unparseable(pair.first.problem or pair.swapped.problem, cost, evidence | {"said": [pair.first.said, pair.swapped.said]})
    value = worth(judge, "tie" if pair.outcome == "inconsistent" else pair.outcome)
    return Graded(value, pair.outcome if pair.outcome == "inconsistent" else pair.first.reason, evidence | {"outcome": pair.outcome}, cost)


def _scorer(name: str, root: Path, where: str) -> Scorer:
    judge = find_judge(name, root, where)
    return Scorer(
        name=f"{FAMILY}:{name}",
        use=f"{FAMILY}:{name}",
        better=judge.better,
        unit="share",
        bounds=(0.0, 1.0),
        quantiles=(),
        needs="",
        version=judge.id,
        function=Judging(judge).score,
        origin=judge.origin,
        summary=judge.description,
    )


family(FAMILY, _scorer)
