"""Evaluating an evaluation: would this suite notice a bad answer, and are its figures more than chance, leakage and noise?

Each probe is a function over plain values that gives findings; `audit` runs them all over one suite and settles what is left of them once
every test is counted. Source of the questions: C. Huyen, AI Engineering (2025), chapter 4, "Evaluate your evaluation pipeline".
"""

from groundwork.evaluate.audit.audit import Audit, Material, audit
from groundwork.evaluate.audit.finding import Finding, LeftOut, Severity, settle

__all__ = ["Audit", "Finding", "LeftOut", "Material", "Severity", "audit", "settle"]
