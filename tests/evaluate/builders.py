from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from groundwork.core.document import Citation
from groundwork.core.measure import Example, Fact, Result, Run, Score
from groundwork.core.reply import Reply
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.scorers import DEFAULT, find_scorers
from groundwork.evaluate.suite import Suite

MakeSuite = Callable[..., Suite]

OWN = find_scorers(DEFAULT, root=Path())


def example(number: int, *, split: str = "report", answerable: bool = True, **more: Any) -> Example:
    facts = (Fact(accepted=(f"fact {number}",), source=f"page{number}.html"),) if answerable else ()
    return Example(id=f"case-{number}", question=f"What is {number}?", facts=facts, split=split, **more)


def reply(text: str, **more: Any) -> Reply:
    return Reply(text=text, finish=more.pop("finish", "stop"), **more)


def cite(quote: str, source: str) -> Citation:
    return Citation(number=1, document="doc_1", chunk="ch_1", source=source, title=source, start=0, end=len(quote), quote=quote)


def evaluated(values: Sequence[float | None], *, metric: str = "answer.correct", **run: Any) -> Evaluated:
    """A finished run whose items have these values; None is an item that broke."""
    results = tuple(
        Result(example=f"case-{number}", status="error", error="broke")
        if value is None
        else Result(example=f"case-{number}", status="ok", scores=(Score(metric=metric, value=value),))
        for number, value in enumerate(values)
    )
    header = Run(
        id="run_a", suite="small", suite_sha256="same", split="report", target="helpdesk", started=1.0, finished=2.0, n=len(results)
    )
    return Evaluated(msgspec.structs.replace(header, **run), results)
