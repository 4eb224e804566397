"""Secrets in text: keys, tokens, private keys, passwords in URLs and assignments.

Patterns with literal prefixes only (no entropy guesses: they fire on plain English). Every pattern is bounded, and its literal is looked
for first, so a long harmless text costs a few substring searches. What this does not cover: a secret without a known shape.
"""

import re
from typing import Any, NamedTuple, cast

from groundwork.secure.finding import Finding, mask


class _Shape(NamedTuple):
    kind: str
    literals: tuple[str, ...]
    pattern: re.Pattern[str]


def _shape(kind: str, literals: tuple[str, ...], pattern: str) -> _Shape:
    return _Shape(f"secret:{kind}", literals, re.compile(pattern))


_SHAPES = (
    _shape(
        "private_key",
        ("-----BEGIN",),
        r"-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----[\s\S]{0,8000}?(?:-----END [A-Z ]{0,30}PRIVATE KEY-----|\Z)",
    ),
    _shape("openai_key", ("sk-",), r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{2,8}-)?[A-Za-z0-9_-]{20,200}"),
    _shape("aws_key", ("AKIA", "ASIA"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _shape("github_token", ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{22,255})"),
    _shape("gitlab_token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,100}"),
    _shape("slack_token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,250}"),
    _shape("google_key", ("AIza",), r"\bAIza[A-Za-z0-9_-]{35}"),
    _shape("stripe_key", ("_live_", "_test_"), r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,200}"),
    _shape("huggingface_token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,100}"),
    _shape("groundwork_key", ("gw-",), r"\bgw-[A-Za-z0-9_-]{32,100}"),
    _shape("jwt", ("eyJ",), r"\beyJ[A-Za-z0-9_-]{10,2000}\.eyJ[A-Za-z0-9_-]{10,4000}\.[A-Za-z0-9_-]{10,1000}"),
    _shape("url_password", ("://",), r"(?<=://)[^\s/:@]{1,100}:[^\s/@]{1,200}(?=@)"),
    _shape("bearer", ("earer ",), r"(?<=[Bb]earer )[A-Za-z0-9._~+/=-]{20,2000}"),
    _shape(
        "assignment",
        ("assw", "ecret", "oken", "api_key", "apikey", "api-key", "ASSW", "ECRET", "OKEN", "API_KEY"),
        r"(?i)\b(?:password|passwd|secret|token|api[_-]?key)[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\s\"',;]{8,200})",
    ),
)


def find_secrets(text: str) -> list[Finding]:
    """Every secret of a known shape, as spans of the text."""
    found: list[Finding] = []
    for kind, literals, pattern in _SHAPES:
        if not any(literal in text for literal in literals):
            continue
        for match in pattern.finditer(text):
            group = "value" if pattern.groupindex else 0
            if kind == "secret:assignment" and not any(character.isdigit() for character in match.group(group)):
                continue  # `token = something` in prose or code names a thing; a credential nearly always holds a digit
            found.append(Finding(kind, *match.span(group)))
    return found


def mask_secrets(text: str) -> str:
    """The text with every known secret replaced by its kind in brackets."""
    found = find_secrets(text)
    return mask(text, found) if found else text


def mask_all(value: Any) -> Any:
    """The same for every text inside a JSON value: what stands before each write of a trace."""
    if isinstance(value, str):
        return mask_secrets(value)
    if isinstance(value, dict):
        return {mask_secrets(str(key)): mask_all(item) for key, item in cast(dict[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [mask_all(item) for item in cast(list[Any], value)]
    return value
