"""Who may see a document: readers, as rules name them and as whoever asks is one.

    everyone                          whoever is admitted
    tenant:acme                       whoever has a key of this tenant
    user:anna      user:acme/anna     one user; without a tenant, of the tenant `local`
    group:legal    group:acme/legal   the members of a group

A rule lists readers. Where several rules name a document, each of them has to allow: a rule can only narrow what another one opens.
"""

import re
from collections.abc import Collection, Sequence

import msgspec

from groundwork.core.request import Principal

EVERYONE = "everyone"
_READER = re.compile(r"(user|group|tenant):([^\s,]+)")
_HOME = "local"


class Scope(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Within which documents a search looks. The default is the narrowest: what everybody may see."""

    where: str = ""
    """A filter over the documents' fields, see `core/where.py`."""
    readers: tuple[str, ...] = (EVERYONE,)
    operator: bool = False
    """Whoever runs the command line in the application's folder, and could read its files anyway: permissions do not bind them."""


PUBLIC = Scope()
"""What everybody may see, unfiltered."""


def reader(text: str) -> str:
    """The full form of a reader: `user:anna` is `user:local/anna`. Raises ValueError for what names none."""
    if text == EVERYONE:
        return text
    match = _READER.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} names no reader: write `everyone`, `user:NAME`, `group:NAME` or `tenant:NAME`")
    kind, name = match.groups()
    return text if kind == "tenant" or "/" in name else f"{kind}:{_HOME}/{name}"


def readers_of(principal: Principal) -> tuple[str, ...]:
    """Everything that this principal is, in full form. Users and groups of one name in two tenants are strangers."""
    tenant = principal.tenant.replace("/", "%2F")  # the first slash of a reader ends its tenant
    found = [EVERYONE, f"tenant:{tenant}"]
    if principal.user:
        found.append(f"user:{tenant}/{principal.user}")
    found += [f"group:{tenant}/{group}" for group in sorted(set(principal.groups))]
    return tuple(found)


def allows(rules: Sequence[Collection[str]], readers: Collection[str]) -> bool:
    """Whether every rule names one of the readers. Where there is no rule, nobody is allowed."""
    return bool(rules) and all(not set(readers).isdisjoint(rule) for rule in rules)
