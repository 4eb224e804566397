"""What a site asks robots not to fetch: its robots.txt. Source: RFC 9309 (groups by agent, the longest matching rule, `*` and `$`)."""

from typing import NamedTuple
from urllib.parse import unquote

_MOST_LINES = 20_000
_LONGEST_RULE = 2_000


class Rule(NamedTuple):
    """Paths that match `path` may be fetched, or may not."""

    allow: bool
    path: str


def rules_for(text: str, agent: str) -> list[Rule]:
    """The rules of the groups that name the agent, else of those for everybody."""
    groups: dict[str, list[Rule]] = {}
    named: list[str] = []
    reading_agents = False
    for line in text.splitlines()[:_MOST_LINES]:
        key, colon, value = line.split("#", 1)[0].partition(":")
        key, value = key.strip().casefold(), value.strip()
        if not colon:
            continue
        if key == "user-agent":
            named = [*named, value.casefold()] if reading_agents else [value.casefold()]
            reading_agents = True
            groups.setdefault(value.casefold(), [])
        elif key in {"allow", "disallow"}:
            reading_agents = False
            if value and len(value) <= _LONGEST_RULE:
                for name in named:
                    groups[name].append(Rule(key == "allow", value))
    ours = [rule for name, rules in groups.items() if name == agent.casefold() for rule in rules]
    return ours if agent.casefold() in groups else groups.get("*", [])


def may_fetch(rules: list[Rule], path: str) -> bool:
    """Whether a path (with its query) may be fetched: by the longest rule that matches it, and the kinder of two that are equal."""
    path = unquote(path or "/")
    matching = [(len(rule.path), rule.allow) for rule in rules if matches(unquote(rule.path), path)]
    return max(matching)[1] if matching else True


def matches(pattern: str, path: str) -> bool:
    """Whether a path begins as a pattern says: `*` stands for anything, a `$` at its end for the path's end."""
    ends = pattern.endswith("$")
    first, *rest = pattern.removesuffix("$").split("*")
    if not path.startswith(first):
        return False
    if not rest:
        return not ends or path == first
    at = len(first)
    for piece in rest[:-1]:
        found = path.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    if ends:
        return path.endswith(rest[-1]) and len(path) - len(rest[-1]) >= at
    return path.find(rest[-1], at) >= 0
