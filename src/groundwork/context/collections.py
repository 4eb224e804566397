"""Several collections searched as one. Each is searched by itself, with its own encoder, permissions and filters; their lists are merged by rank.

Scores of two encoders mean nothing beside each other, so only ranks count (reciprocal rank fusion, as within one search): a hit that is first
in a collection stands before all seconds. Not covered: near-duplicates and diversity across collections.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from groundwork.context.config import UNNAMED
from groundwork.context.ranking.fusion import RRF
from groundwork.context.scoping import NO_OTHERS, Known
from groundwork.context.search import Search
from groundwork.core.access import PUBLIC, Scope
from groundwork.core.document import Found, Hit
from groundwork.core.errors import ConfigError
from groundwork.core.ids import content_id
from groundwork.core.where import Kind
from groundwork.core.whole import together


class Collections:
    """Finds chunks in several collections, as `Search` does in one. One that holds nothing finds nothing."""

    def __init__(self, searches: Mapping[str, Search]) -> None:
        self.searches = dict(searches)

    def only(self, names: Sequence[str]) -> "Search | Collections":
        """The same of these collections alone. Raises KeyError for one that there is not."""
        chosen = {name: self.searches[name] for name in names}
        return next(iter(chosen.values())) if len(chosen) == 1 else Collections(chosen)

    async def generation(self) -> str:
        """Which state of all of them is current: another one exactly when one of theirs is another. Empty where they hold nothing."""
        return _whole({name: await search.generation() for name, search in self.searches.items()})

    async def find(self, query: str, /, *, keep: int, scope: Scope = PUBLIC, also: Mapping[str, float] = MappingProxyType({})) -> Found:
        """The best chunks of all collections; each hit's rank within its own stands in `ranks` beside those of its lists.

        Raises ConfigError where none of them is indexed yet, and otherwise as the search of any of them does: what one cannot answer is never
        left out silently.
        """
        filled = {name: search for name, search in self.searches.items() if await search.generation()}
        if not filled:
            raise ConfigError("nothing is indexed yet", fix="run `groundwork index`")
        others = await self._known(filled, scope)
        found = await together([search.find(query, keep=keep, scope=scope, also=also, others=others) for search in filled.values()])
        lists = dict(zip(filled, found, strict=True))
        generations = dict.fromkeys(self.searches, "") | {name: one.generation for name, one in lists.items()}
        surest = max(found, key=lambda one: (not one.doubtful, one.evidence or 0.0))
        return Found(
            hits=tuple(merged(lists)[:keep]),
            generation=_whole(generations),
            query=surest.query,
            evidence=surest.evidence,
            doubtful=surest.doubtful,
        )

    async def _known(self, searches: Mapping[str, Search], scope: Scope) -> Known:
        """The fields of all collections: what one has may be named in a filter although another has it not."""
        first = next(iter(searches.values()))
        if not scope.where.strip() and not first.config.where.strip() and not first.config.boost:
            return NO_OTHERS
        seen: dict[str, set[Kind]] = {}
        had: dict[str, set[Kind]] = {}
        for search in searches.values():
            known = await search.known(scope)
            for own, pooled in ((known.seen, seen), (known.had, had)):
                for name, kinds in own.items():
                    pooled.setdefault(name, set()).update(kinds)
        return Known(seen, had)


def merged(lists: Mapping[str, Found]) -> list[Hit]:
    """One ranking of several, by 1 / (60 + rank); a chunk that stands in two collections comes once. Equals: the earlier collection first."""
    scores: dict[str, float] = {}
    hits: dict[str, Hit] = {}
    for name, found in lists.items():
        for rank, hit in enumerate(found.hits, start=1):
            key = hit.chunk.id
            scores[key] = scores.get(key, 0.0) + 1 / (RRF + rank)
            ranks = (hits[key].ranks if key in hits else hit.ranks) | {f"collection {name or UNNAMED}": rank}
            hits[key] = msgspec.structs.replace(hits.get(key, hit), ranks=ranks)
    ordered = sorted(hits, key=lambda key: -scores[key])
    return [msgspec.structs.replace(hits[key], score=scores[key]) for key in ordered]


def _whole(generations: Mapping[str, str]) -> str:
    return content_id("ix", *(part for item in sorted(generations.items()) for part in item)) if any(generations.values()) else ""
