"""Reviews over an application's folder: what may be read, how an item is shown, and the dataset and suite of a failure mode."""

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from groundwork.core.errors import InputError, NotFound
from groundwork.core.ids import content_id, event_id, kind_of
from groundwork.core.measure import Dataset, Example, Lineage, Result
from groundwork.core.record import Feedback, Thumb, Trace
from groundwork.core.reply import Reply
from groundwork.core.request import Request
from groundwork.core.review import Drawn, Note, Review
from groundwork.datasets.dataset import write_dataset
from groundwork.datasets.examples import UNLABELLED
from groundwork.evaluate.asking import reply_of
from groundwork.evaluate.audit.sensitivity import QUALITY
from groundwork.evaluate.registry import all_scorers
from groundwork.evaluate.report import Evaluated, load_evaluated
from groundwork.evaluate.review.rules import Read
from groundwork.evaluate.review.sampling import Candidate, draw
from groundwork.evaluate.scorers.facts import facts_of
from groundwork.loop.harvest import SPLITS, asker_of
from groundwork.loop.stored import suite_of_run
from groundwork.store.files import write_whole
from groundwork.store.folder import Folder

TRACES = "traces"
_GROUP_FILES = "reviews"


class Shown(NamedTuple):
    """An item as a reader sees it."""

    item: str
    question: str
    expected: str
    """What is known of the right answer; empty where nothing is."""
    answer: str
    passages: tuple[tuple[str, str], ...]
    """Title or source of what was retrieved, and its text, best first."""
    citations: tuple[str, ...]
    scores: dict[str, float]
    remarks: tuple[str, ...]
    """Status, feedback, and whatever else is known of it."""
    rendered: str
    trace: str


async def start_review(folder: Folder, *, run: str, n: int, by: str, since: float, seed: int) -> Review:
    """Draw and keep a sample: of a run's answers, or of the application's traces since a moment (evaluations left out)."""
    if run:
        population = _of_run(load_evaluated(folder.run_files, run))
    else:
        population = await _of_traces(folder, since)
    review = draw(population, n, by=by, seed=seed, identifier=event_id("rv"), made=time.time(), source=run or TRACES)
    await folder.reviews.put(review)
    return review


async def latest_review(folder: Folder, identifier: str = "") -> Review:
    """The review named, else the latest. Raises NotFound where there is none."""
    if identifier:
        return await folder.reviews.get(identifier)
    known = await folder.reviews.list(limit=1)
    if not known:
        raise NotFound("no review was started here", fix="draw a sample to read: `groundwork review start`")
    return known[0]


def _of_run(evaluated: Evaluated) -> list[Candidate]:
    """Every answer of a run, each repeat and turn by itself. Failed: it broke, or a metric that judges answers gives it its worst value."""
    worst = {
        one.name: (one.bounds or (0.0, 1.0))[0 if one.better == "higher" else 1]
        for one in all_scorers()
        if one.unit in QUALITY and one.bounds
    }
    found: list[Candidate] = []
    for result in evaluated.results:
        failed = result.status == "error" or any(
            score.value is not None and score.value == worst.get(score.metric) for score in result.scores
        )
        facets = {key: str(value) for key, value in result.metadata.items()} | {"status": result.status, "split": result.split}
        found.append(Candidate(item_of(result), failed, {key: value for key, value in facets.items() if value}, result.trace))
    return found


def item_of(result: Result) -> str:
    """An answer of a run by name: the case, and the repeat and turn after the first."""
    return result.example + (f"~{result.repeat + 1}" if result.repeat else "") + (f".{result.turn + 1}" if result.turn else "")


async def _of_traces(folder: Folder, since: float) -> list[Candidate]:
    """What people asked. Failed: it broke or was blocked, or somebody put a thumb down."""
    await folder.traces.flush()
    down = {one.trace for one in await folder.feedback.since(0.0) if one.opinion == Thumb(value=False)}
    return [
        Candidate(
            row.id,
            row.status != "ok" or row.id in down,
            {key: value for key, value in {"route": row.route, "release": row.release or "written", "status": row.status}.items() if value},
            row.id,
        )
        for row in await folder.trace_store.outlines(since=since)
        if kind_of(row.episode) != "run"
    ]


# -- showing


class Source(NamedTuple):
    """What a review of a run rests on, by item; empty for one of traces. Cases are missing where their suite is not there any more."""

    results: Mapping[str, Result]
    examples: Mapping[str, Example]


def read_source(root: Path, folder: Folder, review: Review) -> Source:
    """The results and cases behind a review."""
    if review.source == TRACES:
        return Source({}, {})
    evaluated = load_evaluated(folder.run_files, review.source)
    results = {item_of(one): one for one in evaluated.results}
    try:
        cases = {one.id: one for one in suite_of_run(root, folder, evaluated).examples}
    except InputError:
        cases = {}
    return Source(results, {item: cases[one.example] for item, one in results.items() if one.example in cases})


async def show_item(folder: Folder, source: Source, drawn: Drawn) -> Shown:
    """Everything that is known of an item: its trace where that is kept, else what the run's file says."""
    result, example = source.results.get(drawn.item), source.examples.get(drawn.item)
    trace = await folder.trace_store.get(drawn.trace) if drawn.trace else None
    opinions = await folder.feedback.of([drawn.trace]) if drawn.trace else []
    question = _question(trace) or (example.question if example else drawn.item)
    return Shown(
        item=drawn.item,
        question=question,
        expected=_expected(example) if example else "",
        answer=result.answer if result else _reply(trace).text or (trace.error if trace else ""),
        passages=_passages(trace),
        citations=tuple(f"[{one.number}] {one.source}: “{one.quote}”" for one in _reply(trace).citations),
        scores={score.metric: score.value for score in result.scores if score.value is not None} if result else {},
        remarks=tuple(_remarks(trace, result, opinions)),
        rendered="\n\n".join(f"{one.get('role', '')}: {one.get('text', '')}" for one in (trace.rendered or () if trace else ())),
        trace=drawn.trace,
    )


def _remarks(trace: Trace | None, result: Result | None, opinions: Sequence[Feedback]) -> list[str]:
    found = [f"status {trace.status}"] if trace and trace.status != "ok" else []
    if _reply(trace).abstained or (result and result.abstained):
        found.append("declined")
    if result and result.error:
        found.append(f"error: {result.error}")
    return found + [f"feedback: {one.opinion.value}" for one in opinions]


def _expected(example: Example) -> str:
    if not example.expects_answer:
        return "to be declined"
    return example.reference or "; ".join(fact.accepted[0] for fact in facts_of(example)) or str(example.expected or "")


def _question(trace: Trace | None) -> str:
    request = _request(trace)
    return request.question if request else ""


def _request(trace: Trace | None) -> Request | None:
    try:
        return msgspec.convert(trace.request, Request) if trace and trace.request else None
    except msgspec.ValidationError:
        return None  # written by another version: it is read by what else is known of it


def _reply(trace: Trace | None) -> Reply:
    try:
        return msgspec.convert(trace.reply, Reply) if trace and trace.reply else Reply(text="", finish="stop")
    except msgspec.ValidationError:
        return Reply(text="", finish="stop")


def _passages(trace: Trace | None) -> tuple[tuple[str, str], ...]:
    hits: list[dict[str, Any]] = (trace.found or {}).get("hits", []) if trace else []
    return tuple((hit["chunk"].get("source", ""), hit["chunk"]["text"]) for hit in hits)


# -- groups, as they were shown last: a person names them by number


def save_groups(folder: Folder, review: str, groups: Sequence[Sequence[str]]) -> None:
    """Keep the groups' items, so that numbers mean what was shown."""
    place = folder.path / _GROUP_FILES
    place.mkdir(parents=True, exist_ok=True)
    write_whole(place / f"{review}.groups.json", msgspec.json.encode(groups))


def read_groups(folder: Folder, review: str) -> list[list[str]]:
    """The groups shown last. Raises NotFound where none were."""
    try:
        return msgspec.json.decode((folder.path / _GROUP_FILES / f"{review}.groups.json").read_bytes(), type=list[list[str]])
    except FileNotFoundError:
        raise NotFound(f"no notes of {review} were grouped yet", fix="group them: `groundwork review group`") from None


# -- what a mode becomes


async def read_rows(folder: Folder, source: Source, review: Review, notes: Sequence[Note], mode: str) -> list[Read]:
    """Every answer that was read, with whether it shows the mode."""
    drawn = {one.item: one for one in review.items}
    rows: list[Read] = []
    for note in notes:
        if note.item not in drawn:
            continue
        shown = await show_item(folder, source, drawn[note.item])
        trace = await folder.trace_store.get(shown.trace) if shown.trace else None
        result = source.results.get(note.item)
        reply = reply_of(result) if result else _reply(trace)
        rows.append(Read(note.item, shown.question, reply, mode in note.modes))
    return rows


async def make_slice(
    root: Path, folder: Folder, source: Source, review: Review, items: Sequence[str], mode: str, use: str, *, overwrite: bool = False
) -> tuple[Dataset, Path]:
    """Keep the answers that show a mode as a dataset, and write `suites/MODE.toml` over it, measured by the mode's scorer.

    Cases of a run keep what is known of their right answer; of traces nobody has said it, so that only the mode's scorer measures them.
    Raises InputError where the suite stands there.
    """
    file = root / "suites" / f"{mode}.toml"
    if file.exists() and not overwrite:
        raise InputError(f"suites/{file.name} stands there already", fix="keep it, or write it anew with --overwrite")
    examples = await _examples(folder, source, review, items, mode)
    dataset = write_dataset(
        examples,
        folder=folder.dataset_files,
        identifier=event_id("ds"),
        name=mode,
        made=time.time(),
        parents=(review.id, *(one.lineage.trace for one in examples if one.lineage.trace)),
        how=f"groundwork review make {mode}",
    )
    await folder.manifests.put(dataset)
    file.parent.mkdir(exist_ok=True)
    metrics = '"answer.correct", ' if any(UNLABELLED not in one.tags for one in examples) else ""
    file.write_text(
        f'# Answers that showed the failure mode "{mode}" when they were read ({review.id}).\nname = "{mode}"\ncases = "{dataset.id}"\n'
        f'metrics = [{metrics}"{use}"]\n',
        encoding="utf-8",
    )
    return dataset, file


async def _examples(folder: Folder, source: Source, review: Review, items: Sequence[str], mode: str) -> list[Example]:
    drawn = {one.item: one for one in review.items}
    found: dict[str, Example] = {}
    for item in items:
        example = source.examples.get(item) or await _from_trace(folder, drawn[item])
        if example is not None:
            tags = tuple(dict.fromkeys([*example.tags, f"mode:{mode}"]))
            found[example.id] = msgspec.structs.replace(example, tags=tags)
    return list(found.values())


async def _from_trace(folder: Folder, drawn: Drawn) -> Example | None:
    """The structured input of a trace as a case whose right answer nobody has said yet."""
    request = _request(await folder.trace_store.get(drawn.trace)) if drawn.trace else None
    if request is None or not request.question.strip():
        return None
    identifier = content_id("ex", drawn.trace)
    return Example(
        id=identifier,
        question=request.question,
        history=request.history,
        variables=request.variables,
        asker=asker_of(request.principal),
        where=request.where,
        tags=(UNLABELLED,),
        split=SPLITS[int(identifier[-1], 16) % len(SPLITS)],
        lineage=Lineage(trace=drawn.trace),
    )
