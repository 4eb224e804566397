"""How a search is shown in the terminal: its hits, its stages, and why a document is missing."""

from collections.abc import Sequence

from groundwork.cli.terminal import bad, bold, dim, good, out, table
from groundwork.context.absence import Absence
from groundwork.context.explaining import Candidate, Explanation, Place
from groundwork.core.document import Found
from groundwork.core.text import shorten

_MOST_LEFT = 20
"""Candidates that were no hits, at most."""


def say_hits(found: Found) -> None:
    """The hits with their rank in each list."""
    for place, hit in enumerate(found.hits, start=1):
        ranks = ", ".join(f"{name} #{rank}" for name, rank in sorted(hit.ranks.items()))
        similarity = "" if hit.similarity is None else f", cosine {hit.similarity:.2f}"
        out(f"{bold(f'{place}.')} {hit.chunk.prefix}  {dim(f'{hit.chunk.source}  {hit.score:.4f} ({ranks}{similarity})')}")
        out(f"   {shorten(hit.text, 220)}")
    if not found.hits:
        out("nothing found")


def say_explanation(explanation: Explanation, prompt: dict[str, str]) -> None:
    """Every stage of a search."""
    looked = explanation.looked
    out(f"{bold('looked up')}  {shorten(explanation.query, 200)}")
    if explanation.query != explanation.asked:
        out(f"{bold('asked')}      {shorten(explanation.asked, 200)}")
    for one in explanation.also:
        out(f"{bold('and')}        {shorten(one, 200)}")
    out(
        f"{bold('documents')}  {looked.documents} indexed, {looked.forbidden} forbidden, {looked.filtered} filtered out, "
        f"{looked.searched} searched ({looked.chunks} chunks)"
    )
    sizes = ", ".join(f"{name} {size}" for name, size in explanation.sizes.items()) or "none"
    out(f"{bold('lists')}      {sizes}; fused by {explanation.fuse}, {explanation.keep} kept")
    if explanation.dense:
        out(f"{bold('dense')}      {explanation.dense}")
    rerank = explanation.rerank
    if rerank is not None:
        why = f": {rerank.why}" if rerank.why else ""
        out(f"{bold('reranked')}   by {rerank.by}, {rerank.scored} of {rerank.passages} passages; {rerank.outcome}{why}")
    out("")
    shown = [one for one in explanation.candidates if one.place is not None or one.fused.rank <= explanation.keep + _MOST_LEFT]
    further = (name for name in explanation.sizes if name not in {"terms", "dense"})
    stages = ("terms", "dense", *further, "fused", "boosted", *(("reranked",) if rerank is not None else ()))
    table([_row(one, prompt, stages) for one in shown], ("hit", *stages, "prompt", "chunk"))
    left = len(explanation.candidates) - len(shown)
    if left:
        out(dim(f"and {left} more: --json shows them all"))


def _row(one: Candidate, prompt: dict[str, str], stages: Sequence[str]) -> tuple[str, ...]:
    fate = f"  near-duplicate of {one.duplicate_of}" if one.duplicate_of else f"  part of {one.part_of}" if one.part_of else ""
    cells = {name: _cell(place) for name, place in one.lists.items()} | {
        "fused": _cell(one.fused),
        "boosted": "-" if one.boosted is None else f"{_cell(one.boosted)} ×{one.factor or 1:.2f}",
        "reranked": _cell(one.reranked),
    }
    return (
        str(one.place or "-"),
        *(cells.get(stage, "-") for stage in stages),
        prompt.get(one.chunk, "-"),
        f"{one.source}  {shorten(one.prefix, 60)}{fate}",
    )


def _cell(place: Place | None) -> str:
    return "-" if place is None else f"#{place.rank} {place.score:.4g}"


def say_absence(absence: Absence) -> None:
    """Why a document is not there, or that it is."""
    mark = good("found") if absence.stage == "found" else bad(absence.stage.replace("_", " "))
    out(f"{bold(absence.source)}  {mark}: {absence.reason}")
