"""groundwork's own scorers, one kind a file. Importing the package registers them all; heavy libraries are imported when they are asked.

A suite that names no metrics is measured by `DEFAULT`.
"""

from groundwork.evaluate.registry import Answered, Graded, Unparseable, Unscored, all_scorers, find_scorers, metrics_of, scorer
from groundwork.evaluate.scorers import (
    choice,
    citations,
    code,
    conversation,
    criteria,
    facts,
    following,
    judged,
    lexical,
    likelihood,
    numbers,
    retrieval,
    semantic,
    spending,
    sql,
    structure,
    text,
)

DEFAULT = (
    "answer.correct",
    "facts.found",
    "abstention.right",
    "abstention.wrong",
    "citation.correct",
    "latency",
    "cost",
)

__all__ = [
    "DEFAULT",
    "Answered",
    "Graded",
    "Unparseable",
    "Unscored",
    "all_scorers",
    "choice",
    "citations",
    "code",
    "conversation",
    "criteria",
    "facts",
    "find_scorers",
    "following",
    "judged",
    "lexical",
    "likelihood",
    "metrics_of",
    "numbers",
    "retrieval",
    "scorer",
    "semantic",
    "spending",
    "sql",
    "structure",
    "text",
]
