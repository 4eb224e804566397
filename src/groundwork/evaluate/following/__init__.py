"""Instructions whose following can be checked without a judge: the 25 types of IFEval.

Each type has two modes. `official` gives the verdicts of the official checkers, their oddities included, so that figures can be held against
published ones; only the language guess is seeded, which theirs is not. `fixed` means what the instruction says; each check's docstring names
the difference. Source: Zhou et al., "Instruction-Following Evaluation for Large Language Models", arXiv 2311.07911.

    table.py        instruction types by name, and what a case asks
    verdict.py      strict and loose verdicts
    relation.py     at least, less than, at most, more than, exactly
    keywords.py, length.py, format.py, content.py, combination.py, ends.py, case.py, language.py, punctuation.py
                    the checks, by their family
    tokens.py       the official sentence and word counts
"""

from groundwork.evaluate.following import case, combination, content, ends, format, keywords, language, length, punctuation  # noqa: A004
from groundwork.evaluate.following.table import Instruction, Mode, Unclear, Verdict, Wanted, all_instructions, instruction, parse
from groundwork.evaluate.following.verdict import loose, strict

__all__ = [
    "Instruction",
    "Mode",
    "Unclear",
    "Verdict",
    "Wanted",
    "all_instructions",
    "case",
    "combination",
    "content",
    "ends",
    "format",
    "instruction",
    "keywords",
    "language",
    "length",
    "loose",
    "parse",
    "punctuation",
    "strict",
]
