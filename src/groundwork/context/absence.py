"""Why a document is not among the hits: the first stage at which it was lost, from the file on the disk to the last place of the list.

For whoever runs the command line: it says that a document exists, and who may see it.
"""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from groundwork.context.config import ContextSection
from groundwork.context.explaining import Place, places, ranking
from groundwork.context.search import EVERY, Search, Trail
from groundwork.context.sources import find_files
from groundwork.core.access import Scope
from groundwork.core.errors import NotFound
from groundwork.core.where import comparisons
from groundwork.store.index_port import Index, Snapshot
from groundwork.store.labels import Selection

Stage = Literal["found", "not_indexed", "skipped", "forbidden", "filtered", "lists", "duplicate", "fusion"]
_LISTS = {"terms": "terms", "dense": "meaning"}


class Absence(msgspec.Struct, frozen=True, kw_only=True):
    """Where a document was lost, in a word and in a sentence; `lists` has the place of its best chunk in each whole list."""

    source: str
    stage: Stage
    reason: str
    lists: dict[str, Place] = {}


async def why_not(
    search: Search, store: Index, config: ContextSection, root: Path, named: str, query: str, *, keep: int, scope: Scope
) -> Absence:
    """Say why the document that is named (by source, by its end, or by its id) is not among the hits. Raises NotFound for what names none."""
    entries = {entry.source: entry for entry in store.documents()}
    skipped = store.read_now(lambda snapshot: snapshot.skipped())
    source = _source(named, {entry.id: entry.source for entry in entries.values()}, skipped, root, config)
    if source not in entries:
        return _not_indexed(source, skipped)
    trail = await search.trail(query, keep=keep, scope=scope)
    whole = await search.trail(query, keep=keep, scope=scope, depth=EVERY)
    return await store.read(lambda snapshot: _lost(snapshot, search, source, trail, whole, keep))


def _source(named: str, ids: Mapping[str, str], skipped: Mapping[str, str], root: Path, config: ContextSection) -> str:
    """The source that somebody means."""
    if named in ids:
        return ids[named]
    known = [*ids.values(), *skipped, *find_files(root, config.sources)]
    plain = named.removeprefix("./")
    if plain in known or (root / plain).is_file():
        return plain
    ends = sorted({source for source in known if source.endswith(f"/{plain}")})
    if len(ends) == 1:
        return ends[0]
    near = ends[:3] or difflib.get_close_matches(plain, sorted(set(known)), n=1)
    fix = f"did you mean {' or '.join(f'`{one}`' for one in near)}?" if near else "see `groundwork list documents`"
    raise NotFound(f"{'several documents are' if ends else 'no document is'} called {named!r}", fix=fix)


def _not_indexed(source: str, skipped: Mapping[str, str]) -> Absence:
    if source in skipped:
        reason = skipped[source].removeprefix(f"{source}: ").removeprefix(f"{source} ")
        return Absence(source=source, stage="skipped", reason=f"the last run of `groundwork index` left it out: {reason}")
    return Absence(
        source=source,
        stage="not_indexed",
        reason="it is not in the index: `groundwork index` has not seen it, or no pattern of [context] sources names it",
    )


def _lost(snapshot: Snapshot, search: Search, source: str, trail: Trail, whole: Trail, keep: int) -> Absence:
    document = snapshot.number_of(source)
    if document is None:
        return _not_indexed(source, {})
    labels = snapshot.labels(source)
    readers = trail.selection.readers
    if readers is not None and document not in snapshot.select_documents(Selection(readers)):
        rules = "; ".join(", ".join(rule) or "nobody" for rule in labels.rules) or "nobody"
        return Absence(source=source, stage="forbidden", reason=f"it is for {rules}, and this search is for {', '.join(readers)}")
    if trail.selection.where is not None and document not in snapshot.select_documents(trail.selection):
        fields = dict.fromkeys(one.field for one in comparisons(trail.selection.where))
        held = ", ".join(f"{name} = {labels.values[name]!r}" if name in labels.values else f"no `{name}`" for name in fields)
        return Absence(source=source, stage="filtered", reason=f"the filter leaves it out: it has {held}")
    return _ranked(snapshot, search, source, list(snapshot.chunks_of(source)), trail, whole, keep)


def _ranked(snapshot: Snapshot, search: Search, source: str, chunks: Sequence[int], trail: Trail, whole: Trail, keep: int) -> Absence:
    """It was looked at: where its best chunk ended."""
    best = {name: place for name, entries in whole.lists.items() if (place := _best(places(entries), chunks))}
    hit = next((place for place, one in enumerate(trail.best, start=1) if one.number in chunks), None)
    if hit is not None:
        return Absence(source=source, stage="found", reason=f"it is there: number {hit} of {len(trail.best)} hits", lists=best)
    fused, boosted = _best(ranking(trail.fused), chunks), _best(ranking(trail.boosted), chunks)
    if fused is None or boosted is None:
        return Absence(source=source, stage="lists", reason=_below(search, whole, best), lists=best)
    twins = [trail.duplicates[number] for number in chunks if number in trail.duplicates]
    if twins:
        twin = snapshot.chunks("number", twins[:1])[twins[0]]
        return Absence(
            source=source, stage="duplicate", reason=f"it says nearly the same as {twin.source} ({twin.id}), which came first", lists=best
        )
    moved = f", {boosted.rank} after boosts" if trail.factors else ""
    where = ", ".join(f"{_LISTS[name]} #{place.rank}" for name, place in best.items())
    reason = f"it was lost in fusion at rank {fused.rank}{moved} of {len(trail.fused)}, and {keep} are kept ({where})"
    if search.config.diversity and boosted.rank <= keep:
        reason = f"others that are less alike took its place: rank {boosted.rank} of {len(trail.fused)} before diversity ({where})"
    return Absence(source=source, stage="fusion", reason=reason, lists=best)


def _best(found: Mapping[int, Place], chunks: Sequence[int]) -> Place | None:
    return min((found[number] for number in chunks if number in found), key=lambda place: place.rank, default=None)


def _below(search: Search, whole: Trail, best: Mapping[str, Place]) -> str:
    """In none of the lists as long as they are configured."""
    if not whole.lists:
        return "the query is empty"
    said: list[str] = []
    for name, entries in whole.lists.items():
        length = search.config.terms if name == "terms" else search.config.dense
        place = best.get(name)
        if place is None:
            said.append("no word of the query is in it" if name == "terms" else "it is not in the list of meaning")
        else:
            said.append(f"its best chunk is #{place.rank} of {len(entries)} by {_LISTS[name]}, and the list takes {length}")
    return "; ".join(said)
