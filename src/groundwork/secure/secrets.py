"""Secrets in text: keys, tokens, private keys, passwords in URLs and assignments.

Patterns with literal prefixes only (no entropy guesses: they fire on plain English). A literal of each is looked for first, so a long
harmless text costs a few substring searches; no pattern backtracks further than its own match, so time grows with the text and not
faster. A key that holds no digit is taken for words (`sk-learn-compatible-estimators`): random ones nearly always hold one.
What this does not cover: a secret without a known shape.
"""

import re
from bisect import bisect_left
from typing import Any, NamedTuple, cast

from groundwork.secure.finding import Finding, Span, find_all, mask


class _Shape(NamedTuple):
    kind: str
    literals: tuple[str, ...]
    """In lower case."""
    pattern: re.Pattern[str]
    digit: bool


def _shape(kind: str, literals: tuple[str, ...], pattern: str, *, digit: bool = True) -> _Shape:
    return _Shape(f"secret:{kind}", literals, re.compile(pattern), digit)


_PEM = "[A-Z ]{0,30}PRIVATE KEY(?: BLOCK)?-----"
_SHAPES = (
    _shape(
        "private_key",
        ("-----begin",),
        # as far as its end; a key that was cut off, as far as its rows of base64 go
        rf"-----BEGIN {_PEM}(?:(?:[^-]|-(?!----))*+-----END {_PEM}|(?:(?:\\[rn]|\s){{0,8}}+[A-Za-z0-9+/]{{16,}}+={{0,2}})++)",
        digit=False,
    ),
    _shape("openai_key", ("sk-",), r"\bsk-(?:proj-|svcacct-|admin-|ant-[a-z0-9]{2,8}-)?[A-Za-z0-9_-]{20,}+"),
    _shape("aws_key", ("akia", "asia"), r"\b(?:AKIA|ASIA)[A-Z0-9]{16}\b"),
    _shape("github_token", ("gh", "github_pat_"), r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}+|github_pat_[A-Za-z0-9_]{22,}+)"),
    _shape("gitlab_token", ("glpat-",), r"\bglpat-[A-Za-z0-9_-]{20,}+"),
    _shape("slack_token", ("xox",), r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}+"),
    _shape("google_key", ("aiza",), r"\bAIza[A-Za-z0-9_-]{35}(?![A-Za-z0-9_-])"),
    _shape("stripe_key", ("_live_", "_test_"), r"\b[rsp]k_(?:live|test)_[A-Za-z0-9]{16,}+"),
    _shape("huggingface_token", ("hf_",), r"\bhf_[A-Za-z0-9]{30,}+"),
    _shape("groundwork_key", ("gw-",), r"\bgw-[A-Za-z0-9_-]{32,}+"),
    _shape("jwt", ("eyj",), r"(?<![A-Za-z0-9_-])eyJ[A-Za-z0-9_-]{10,}+\.eyJ[A-Za-z0-9_-]{10,}+\.[A-Za-z0-9_-]{10,}+"),
    _shape("url_password", ("://",), r"(?<=://)[^\s/:@]*+:[^\s/@]++(?=@)", digit=False),
    _shape("bearer", ("bearer ",), r"(?i)\bbearer {1,3}(?P<value>[A-Za-z0-9._~+/=-]{20,}+)"),
    _shape(
        "assignment",
        ("passw", "secret", "token", "api_key", "apikey", "api-key", "access_key"),
        # the name may be the end of a longer one (DB_PASSWORD, accessToken); the value is no placeholder and no call or index of code
        r"(?i)(?:password|passwd|secret|token|api[_-]?key|access_key)[\"']?\s{0,3}[:=]{1,2}>?\s{0,3}[\"']?"
        r"(?P<value>(?![$<{%]|env:|[a-z_][\w.]{0,100}+[(\[])[^\s\"',;]{8,}+)",
    ),
)
_MASK = re.compile(r"\[secret:[a-z_]{1,40}\]")


def find_secrets(text: str) -> list[Finding]:
    """Every secret of a known shape, as spans of the text. What was masked before is none."""
    return find_all(text, _look)


def _look(text: str, blanks: list[Span]) -> list[Finding]:
    found: list[Finding] = []
    lowered = text.lower()
    for shape in _SHAPES:
        if any(literal in lowered for literal in shape.literals):
            found += _find(shape, text)
    return _unmasked(found, text, blanks) if found and (blanks or "[secret:" in lowered) else found


def _unmasked(found: list[Finding], text: str, blanks: list[Span]) -> list[Finding]:
    """`[secret:kind]` reads like an assignment or a password of a URL itself: what runs into one is no finding."""
    masks = _merged([*blanks, *(match.span() for match in _MASK.finditer(text))])

    def is_free(one: Finding) -> bool:
        place = bisect_left(masks, (one.end, 0)) - 1
        return one.kind == "secret:private_key" or place < 0 or masks[place][1] <= one.start

    return [one for one in found if is_free(one)]


def _merged(spans: list[Span]) -> list[Span]:
    done: list[Span] = []
    for start, end in sorted(spans):
        if done and start < done[-1][1]:
            done[-1] = (done[-1][0], max(end, done[-1][1]))
        else:
            done.append((start, end))
    return done


def _find(shape: _Shape, text: str) -> list[Finding]:
    group = "value" if shape.pattern.groupindex else 0
    spans = [match.span(group) for match in shape.pattern.finditer(text)]
    return [Finding(shape.kind, start, end) for start, end in spans if not shape.digit or _DIGIT.search(text, start, end)]


_DIGIT = re.compile(r"\d")


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
