"""From who asks, and what they filter by, to the documents that a search looks at; and how much each of those counts."""

import datetime as dt
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Any, Generic, NamedTuple, TypeVar

from groundwork.context.config import ContextSection
from groundwork.context.labels import Labeller
from groundwork.context.ranking.preferring import recency
from groundwork.core.access import Scope
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.core.where import Every, Kind, Where, fitted, parse_where
from groundwork.store.index_port import Snapshot
from groundwork.store.labels import EVERYTHING, Selection

Fields = dict[str, set[Kind]]
_REMEMBERED = 64
K = TypeVar("K")
V = TypeVar("V")


class Memory(Generic[K, V]):
    """What was found out lately, for the threads that read the index."""

    def __init__(self) -> None:
        self._kept: OrderedDict[K, V] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            return self._kept.get(key)

    def put(self, key: K, value: V) -> None:
        with self._lock:
            self._kept[key] = value
            self._kept.move_to_end(key)
            if len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)


class Known(NamedTuple):
    """Fields of documents beside those of one index: what whoever asks may see of the other collections, and what these have at all."""

    seen: Mapping[str, AbstractSet[Kind]] = {}
    had: Mapping[str, AbstractSet[Kind]] = {}


NO_OTHERS = Known()


class Scoping:
    """Resolves scopes for one application. What it remembers of an index goes by its state (see `Snapshot.state`), and by who asks."""

    def __init__(self, config: ContextSection, today: Callable[[], dt.date]) -> None:
        self._labeller = Labeller(config)
        self._config = config.retrieve
        self._today = today
        self._always = parse_where(config.retrieve.where)
        self._fields: Memory[tuple[str, tuple[str, ...] | None], Fields] = Memory()
        self._chunks: Memory[tuple[str, Selection], Any] = Memory()
        self._preferred: tuple[str, list[tuple[AbstractSet[int], float]]] = ("", [])

    def known(self, snapshot: Snapshot, state: str, scope: Scope) -> Known:
        """The fields of this index, for the other collections' sake. Raises StoreError as `selection` does."""
        return Known(self._fields_of(snapshot, state, self._readers(snapshot, scope)), self._fields_of(snapshot, state, None))

    def selection(self, snapshot: Snapshot, state: str, scope: Scope, others: Known = NO_OTHERS) -> Selection:
        """The documents of a scope; `others` are fields that may be named although no document here has them. Raises StoreError where
        the index was labelled under other permissions than the configured ones, InputError for a filter that cannot be read or fits no field
        that this reader may see, ConfigError where the configured filter does not fit.
        """
        readers = self._readers(snapshot, scope)
        asked = parse_where(scope.where)
        parts: list[Where] = []
        if self._always is not None:
            parts.append(self._configured(snapshot, state, self._always, "context.retrieve.where", others))
        if asked is not None:
            parts.append(fitted(asked, _both(self._fields_of(snapshot, state, readers), others.seen)))
        return Selection(readers, None if not parts else parts[0] if len(parts) == 1 else Every(parts=tuple(parts)))

    def _readers(self, snapshot: Snapshot, scope: Scope) -> tuple[str, ...] | None:
        if not self._labeller.restricts or scope.operator:
            return None
        if snapshot.access() != self._labeller.fingerprint:
            raise StoreError(
                "the index was made under other permissions than groundwork.toml says now, so nothing is shown",
                fix="run `groundwork index`, and restart a server that still has the old groundwork.toml",
            )
        return scope.readers

    def _fields_of(self, snapshot: Snapshot, state: str, readers: tuple[str, ...] | None) -> Fields:
        key = (state, readers)
        known = self._fields.get(key)
        if known is None:
            known = snapshot.fields(Selection(readers))
            if not known and not snapshot.fields(EVERYTHING):
                raise StoreError("the index was made before documents had fields", fix="run `groundwork index`")
            self._fields.put(key, known)
        return known

    def chunks(self, snapshot: Snapshot, state: str, selection: Selection) -> Any:
        """The chunks that are looked at, as the store's lists take them; None for all. Remembered: for 30,000 documents SQLite needs 40 ms."""
        if selection.is_everything:
            return None
        key = (state, selection)
        known = self._chunks.get(key)
        if known is None:
            known = snapshot.looked_at(selection)
            self._chunks.put(key, known)
        return known

    def _configured(self, snapshot: Snapshot, state: str, where: Where, name: str, others: Known) -> Where:
        try:
            return fitted(where, _both(self._fields_of(snapshot, state, None), others.had))
        except InputError as error:
            raise ConfigError(f"`{name}`: {error.what}", where="groundwork.toml", fix=error.fix) from None

    def factors(self, snapshot: Snapshot, state: str, numbers: Sequence[int], others: Known = NO_OTHERS) -> dict[int, float]:
        """By how much the score of each chunk is multiplied; empty where nothing is configured."""
        if not numbers or (not self._config.boost and self._config.recency is None):
            return {}
        document = snapshot.documents_of(numbers)
        factor = dict.fromkeys(document.values(), 1.0)
        for members, by in self._boosts(snapshot, state, others):
            for one in factor.keys() & members:
                factor[one] *= by
        if self._config.recency is not None:
            values = snapshot.values(list(factor))
            for one in factor:
                factor[one] *= recency(self._config.recency, values.get(one, {}), self._today())
        return {number: factor[document[number]] for number in numbers}

    def _boosts(self, snapshot: Snapshot, state: str, others: Known) -> list[tuple[AbstractSet[int], float]]:
        if self._preferred[0] != state:
            made: list[tuple[AbstractSet[int], float]] = []
            for place, boost in enumerate(self._config.boost):
                where = parse_where(boost.where)
                if where is not None:
                    where = self._configured(snapshot, state, where, f"context.retrieve.boost[{place}].where", others)
                made.append((frozenset(snapshot.select_documents(Selection(None, where))), boost.by))
            self._preferred = (state, made)
        return self._preferred[1]


def _both(own: Fields, others: Mapping[str, AbstractSet[Kind]]) -> Mapping[str, AbstractSet[Kind]]:
    return {name: own.get(name, set[Kind]()) | others.get(name, set[Kind]()) for name in own.keys() | others.keys()} if others else own
