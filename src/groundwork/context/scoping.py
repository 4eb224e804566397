"""From who asks, and what they filter by, to the documents that a search looks at; and how much each of those counts."""

import datetime as dt
import sqlite3
from collections import OrderedDict
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet

from groundwork.context.config import ContextSection
from groundwork.context.labels import Labeller
from groundwork.context.preferring import recency
from groundwork.core.access import Scope
from groundwork.core.errors import ConfigError, InputError, StoreError
from groundwork.core.where import Every, Kind, Where, fitted, parse_where
from groundwork.store.index import read_access
from groundwork.store.labels import EVERYTHING, Selection, documents_of, read_fields, select_documents, values_by_document

Fields = dict[str, set[Kind]]
_REMEMBERED = 256


class Scoping:
    """Resolves scopes for one application. What it remembers of an index goes by generation, and by who asks."""

    def __init__(self, config: ContextSection, today: Callable[[], dt.date]) -> None:
        self._labeller = Labeller(config)
        self._config = config.retrieve
        self._today = today
        self._always = parse_where(config.retrieve.where)
        self._fields: OrderedDict[tuple[str, tuple[str, ...] | None], Fields] = OrderedDict()
        self._preferred: tuple[str, list[tuple[AbstractSet[int], float]]] = ("", [])

    def selection(self, connection: sqlite3.Connection, generation: str, scope: Scope) -> Selection:
        """The documents of a scope. Raises StoreError where the index was labelled under other permissions than the configured ones, InputError
        for a filter that cannot be read or fits no field that this reader may see, ConfigError where the configured filter does not fit.
        """
        readers = self._readers(connection, scope)
        asked = parse_where(scope.where)
        parts: list[Where] = []
        if self._always is not None:
            parts.append(self._configured(connection, generation, self._always, "context.retrieve.where"))
        if asked is not None:
            parts.append(fitted(asked, self._fields_of(connection, generation, readers)))
        return Selection(readers, None if not parts else parts[0] if len(parts) == 1 else Every(parts=tuple(parts)))

    def _readers(self, connection: sqlite3.Connection, scope: Scope) -> tuple[str, ...] | None:
        if not self._labeller.restricts or scope.operator:
            return None
        if read_access(connection) != self._labeller.fingerprint:
            raise StoreError(
                "the index was made under other permissions than groundwork.toml says now, so nothing is shown",
                fix="run `groundwork index`, and restart a server that still has the old groundwork.toml",
            )
        return scope.readers

    def _fields_of(self, connection: sqlite3.Connection, generation: str, readers: tuple[str, ...] | None) -> Fields:
        key = (generation, readers)
        known = self._fields.get(key)
        if known is None:
            known = read_fields(connection, Selection(readers))
            if not known and not read_fields(connection, EVERYTHING):
                raise StoreError("the index was made before documents had fields", fix="run `groundwork index`")
            self._fields[key] = known
            if len(self._fields) > _REMEMBERED:
                self._fields.popitem(last=False)
        return known

    def _configured(self, connection: sqlite3.Connection, generation: str, where: Where, name: str) -> Where:
        try:
            return fitted(where, self._fields_of(connection, generation, None))
        except InputError as error:
            raise ConfigError(f"`{name}`: {error.what}", where="groundwork.toml", fix=error.fix) from None

    def factors(self, connection: sqlite3.Connection, generation: str, numbers: Sequence[int]) -> dict[int, float]:
        """By how much the score of each chunk is multiplied; empty where nothing is configured."""
        if not numbers or (not self._config.boost and self._config.recency is None):
            return {}
        document = documents_of(connection, numbers)
        factor = dict.fromkeys(document.values(), 1.0)
        for members, by in self._boosts(connection, generation):
            for one in factor.keys() & members:
                factor[one] *= by
        if self._config.recency is not None:
            values = values_by_document(connection, list(factor))
            for one in factor:
                factor[one] *= recency(self._config.recency, values.get(one, {}), self._today())
        return {number: factor[document[number]] for number in numbers}

    def _boosts(self, connection: sqlite3.Connection, generation: str) -> list[tuple[AbstractSet[int], float]]:
        if self._preferred[0] != generation:
            made: list[tuple[AbstractSet[int], float]] = []
            for place, boost in enumerate(self._config.boost):
                where = parse_where(boost.where)
                if where is not None:
                    where = self._configured(connection, generation, where, f"context.retrieve.boost[{place}].where")
                made.append((frozenset(select_documents(connection, Selection(None, where))), boost.by))
            self._preferred = (generation, made)
        return self._preferred[1]
