"""Results of searches, kept in memory for the same question from the same readers on the same state of the index.

The key holds all that a result depends on: the index generation and the permissions that it was labelled under, who asks, the filter, the query with those searched beside it, how many
hits, and the day (recency counts days). The retrieval settings need no part in it, since a change of them makes another search with a memory of
its own. The generation is looked up before every use, so nothing outlives a change of documents, fields or permissions; a result is kept under
the generation that it was really found in. What a reranker was too late for, or failed at, is not kept.
"""

import datetime as dt
import sys
from collections import OrderedDict
from collections.abc import Mapping

from groundwork.core.access import Scope
from groundwork.core.document import Found
from groundwork.observe.recorder import span

Key = tuple[str, str, str, int, Scope, tuple[tuple[str, float], ...], dt.date]
_RECORD = 2_000
"""Bytes of a hit beside its text, about."""


class Results:
    """At most `limit` bytes of results, the least lately used forgotten first. For one event loop."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.size = 0
        self._kept: OrderedDict[Key, tuple[Found, int]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: Key) -> Found | None:
        """The result, if it is there; counted in the trace."""
        with span("cache retrieval") as attributes:
            kept = self._kept.get(key)
            attributes["groundwork.cache.hit"] = kept is not None
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: Key, found: Found) -> None:
        """Keep a result, unless it alone is larger than all there is."""
        size = _RECORD + sum(sys.getsizeof(hit.text) + _RECORD for hit in found.hits)
        if size > self.limit:
            return
        self._forget(key)
        self._kept[key] = (found, size)
        self.size += size
        while self.size > self.limit:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Key) -> None:
        kept = self._kept.pop(key, None)
        self.size -= kept[1] if kept else 0


def key_of(generation: str, access: str, query: str, keep: int, scope: Scope, also: Mapping[str, float], today: dt.date) -> Key:
    """What names a result."""
    return generation, access, query, keep, scope, tuple(also.items()), today
