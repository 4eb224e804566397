"""Looking up anything by its id: the record, lines that say it, and what stands before and behind it in the lineage."""

import contextlib
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar, cast

from groundwork.cli.terminal import bold, dim, moment
from groundwork.core.errors import InputError, NotFound
from groundwork.core.ids import KINDS, kind_of
from groundwork.core.record import Trace
from groundwork.core.text import shorten
from groundwork.evaluate.journal import read_run
from groundwork.store.folder import Folder
from groundwork.store.index_port import Index
from groundwork.store.traces import question_of

T = TypeVar("T")


class Shown(NamedTuple):
    """A record, how to say it, and its lineage: id → what that is."""

    kind: str
    record: Any
    lines: list[str]
    parents: dict[str, str]
    children: dict[str, str]


async def look_up(identifier: str, folder: Folder) -> Shown:
    """Anything by its id. Raises InputError for a prefix that is none of ours, NotFound for an id that is not here."""
    kind = kind_of(identifier)
    finder = _FINDERS.get(kind or "")
    if kind is None or finder is None:
        raise InputError(f"{identifier!r} is no id of groundwork", fix=f"ids begin with {', '.join(f'{prefix}_' for prefix in KINDS)}")
    shown = await finder(identifier, folder)
    parents = shown.parents | {one: kind_of(one) or "" for one in await folder.lineage.parents(identifier) if one not in shown.parents}
    children = shown.children | {one: kind_of(one) or "" for one in await folder.lineage.children(identifier) if one not in shown.children}
    return shown._replace(parents=parents, children=children)


async def _trace(identifier: str, folder: Folder) -> Shown:
    trace = await folder.trace_store.get(identifier)
    if trace is None:
        raise NotFound(f"no trace {identifier!r} here", fix="see `groundwork traces`")
    opinions = await folder.feedback.of([identifier])
    versions = trace.versions
    parents = {versions.release: "release", versions.config: "configuration", versions.prompt: "prompt"}
    parents |= {hit["chunk"]["id"]: f"chunk of {hit['chunk']['source']}" for hit in (trace.found or {}).get("hits", [])}
    parents.pop("", None)
    children = {one.id: f"feedback: {one.opinion}" for one in opinions}
    return Shown("trace", trace, trace_lines(trace), parents, children)


def trace_lines(trace: Trace) -> list[str]:
    """A request from end to end: what was asked, found, rendered and answered, and the steps with their times."""
    reply: dict[str, Any] = trace.reply or {}
    hits: list[dict[str, Any]] = (trace.found or {}).get("hits", [])
    lines = [
        f"{moment(trace.start)}  {trace.status}  {trace.seconds * 1000:.0f} ms  route {trace.route or 'none'}  model {trace.versions.model or 'none'}",
        f"\n{bold('asked')}\n  {question_of(trace)}",
    ]
    if trace.error:
        lines.append(f"\n{bold('failed')}\n  {trace.error}")
    if reply:
        lines.append(f"\n{bold('answered')} ({reply.get('finish')})")
        lines += [f"  {row}" for row in str(reply.get("text", "")).splitlines()]
    citations: list[dict[str, Any]] = reply.get("citations", [])
    lines += [f"  [{one['number']}] {one['source']} {one['start']}-{one['end']}: {shorten(one['quote'], 120)}" for one in citations]
    verdicts: list[dict[str, Any]] = reply.get("verdicts", [])
    if verdicts:
        lines.append(f"\n{bold('verdicts')}")
        lines += [f"  {one['rail']}: {one['action']} {one.get('reason', '')} {one.get('count') or ''}".rstrip() for one in verdicts]
    if hits:
        lines.append(f"\n{bold('found')} in {trace.versions.index}")
        lines += [
            f"  {place}. {hit['chunk']['source']} {hit.get('ranks', {})} {shorten(hit['chunk']['text'], 100)}"
            for place, hit in enumerate(hits, 1)
        ]
    if trace.rendered:
        lines.append(f"\n{bold('sent to the model')}")
        for message in cast(list[dict[str, str]], trace.rendered):
            lines += [dim(f"  {message['role']}:"), *(f"    {row}" for row in message["text"].splitlines())]
    lines.append(f"\n{bold('steps')}")
    lines += [
        _step(span.name, span.start - trace.start, span.seconds, span.status, span.parent is not None)
        for span in sorted(trace.spans, key=lambda one: one.start)
    ]
    usage: dict[str, Any] = reply.get("usage", {})
    cost = "unknown" if reply.get("cost") is None else f"${reply['cost']:.6f}"
    lines.append(
        f"\ncost {cost}, {usage.get('input_tokens', 0)} tokens in, {usage.get('output_tokens', 0)} out, prices of {trace.versions.prices or 'no list'}"
    )
    return lines


def _step(name: str, at: float, seconds: float, status: str, nested: bool) -> str:
    return f"  {at * 1000:8.1f} ms  {seconds * 1000:8.1f} ms  {'  ' if nested else ''}{name}{'' if status == 'ok' else f' ({status})'}"


async def _feedback(identifier: str, folder: Folder) -> Shown:
    opinion = await folder.feedback.get(identifier)
    if opinion is None:
        raise NotFound(f"no feedback {identifier!r} here", fix="see `groundwork show TRACE`")
    return Shown("feedback", opinion, [f"{moment(opinion.at)}  {opinion.opinion}"], {opinion.trace: "trace"}, {})


def _found(folder: Folder, look: Callable[[Index], T]) -> tuple[T, Index]:
    """What one of the collections has, and which. Raises NotFound as `look` does where none has it."""
    *others, last = folder.collections().values() or [folder.index]
    for index in others:
        with contextlib.suppress(NotFound):
            return look(index), index
    return look(last), last


async def _document(identifier: str, folder: Folder) -> Shown:
    document, index = _found(folder, lambda index: index.document(identifier))
    lines = [f"{document.source}: {document.title} ({document.medium}, {len(document.text):,} characters)"]
    lines += [f"not read: {unread}" for unread in document.unread]
    lines += ["", shorten(document.text, 600)]
    chunks = index.chunk_ids(document.source)
    return Shown("document", document, lines, {}, dict.fromkeys(sorted(chunks)[:20], "chunk"))


async def _chunk(identifier: str, folder: Folder) -> Shown:
    chunk, _ = _found(folder, lambda index: index.chunk(identifier))
    lines = [f"{chunk.source} {chunk.start}-{chunk.end}: {chunk.prefix}", "", chunk.text]
    answers = {row.id: shorten(row.question, 80) for row in await folder.trace_store.using(identifier, limit=20)}
    return Shown("chunk", chunk, lines, {chunk.document: "document"}, answers)


async def _prompt(identifier: str, folder: Folder) -> Shown:
    prompt = await folder.versions.prompt(identifier)
    answers = {row.id: shorten(row.question, 80) for row in await folder.trace_store.list(prompt=identifier, limit=20)}
    return Shown("prompt", prompt._asdict(), [f"{prompt.name}", "", prompt.text], {}, answers)


async def _configuration(identifier: str, folder: Folder) -> Shown:
    values = await folder.versions.configuration(identifier)
    answers = {row.id: shorten(row.question, 80) for row in await folder.trace_store.list(config=identifier, limit=20)}
    return Shown("configuration", values, [f"  {path} = {value}" for path, value in values.items()], {}, answers)


async def _dataset(identifier: str, folder: Folder) -> Shown:
    dataset = await folder.manifests.get(identifier)
    lines = [f"{dataset.name}: {dataset.n} examples, {moment(dataset.made)}", f"made by `{dataset.how}`", f"sha256 {dataset.sha256}"]
    return Shown("dataset", dataset, lines, {}, {})


async def _run(identifier: str, folder: Folder) -> Shown:
    run = read_run(folder.run_files, identifier)
    lines = [f"{run.suite}, split {run.split or 'all'}: {run.n} cases, {run.errors} errors, {moment(run.started)}"]
    lines += [f"  {name}: {one.value:.4g} [{one.low:.4g}, {one.high:.4g}] (n = {one.n}, {one.method})" for name, one in run.metrics.items()]
    return Shown("run", run, lines, {}, {})


async def _change(identifier: str, folder: Folder) -> Shown:
    change = await folder.changes.get(identifier)
    decision = await folder.gates.latest(identifier)
    lines = [
        f"{change.path}: {shorten(str(change.before), 200)} → {shorten(str(change.after), 200)}",
        f"why: {change.why}",
        moment(change.made),
    ]
    lines.append(f"gate: {decision.decision} ({decision.run} against {decision.current})" if decision else "gate: not asked yet")
    releases = {one.id: "release" for one in await folder.releases.list(limit=1_000) if identifier in one.changes}
    return Shown("change", change, lines, {}, releases)


async def _release(identifier: str, folder: Folder) -> Shown:
    release = await folder.releases.get(identifier)
    current = await folder.releases.current()
    serves = "serves now" if current and current.id == identifier else "does not serve now"
    lines = [f"{moment(release.at)}  {serves}", f"changes in force: {', '.join(release.changes) or 'none, the files as written'}"]
    if release.rollback_to:
        lines.append(f"a rollback to {release.rollback_to}")
    if release.note:
        lines.append(f"note: {release.note}")
    if release.evidence:
        lines.append(f"gate: {release.evidence.decision} at a margin of {release.evidence.margin:g}")
        lines += [f"  {one.decision}  {one.requirement}: {one.sentence}" for one in release.evidence.rulings]
    answers = {row.id: shorten(row.question, 80) for row in await folder.trace_store.list(release=identifier, limit=20)}
    return Shown("release", release, lines, {}, answers)


async def _key(identifier: str, folder: Folder) -> Shown:
    found = next((one for one in await folder.keys.list() if one.id == identifier), None)
    if found is None:
        raise NotFound(f"no key {identifier!r} here", fix="see `groundwork keys list`")
    state = f"revoked {moment(found.revoked)}" if found.revoked else "in force"
    return Shown("key", found, [f"{found.name}, tenant {found.principal.tenant}, made {moment(found.made)}, {state}"], {}, {})


async def _review(identifier: str, folder: Folder) -> Shown:
    review = await folder.reviews.get(identifier)
    notes = await folder.reviews.notes(identifier)
    modes = sorted({mode for note in notes for mode in note.modes})
    lines = [
        f"{moment(review.made)}  {len(notes)} of {len(review.items)} read, drawn by {review.by} from {sum(review.strata.values())} of {review.source}",
        f"failure modes: {', '.join(modes) or 'none named yet'}",
    ]
    parents = {review.source: "run"} if kind_of(review.source) == "run" else {}
    return Shown("review", {"review": review, "notes": notes}, lines, parents, {})


async def _example(identifier: str, folder: Folder) -> Shown:
    from groundwork.datasets.dataset import list_datasets, read_dataset

    for dataset in list_datasets(folder.dataset_files):
        for example in read_dataset(folder.dataset_files, dataset.id)[1]:
            if example.id == identifier:
                lines = [
                    example.question,
                    f"expected: {example.reference or [fact.accepted for fact in example.facts]}",
                    f"split {example.split}",
                ]
                came = {one: kind_of(one) or "" for one in (example.lineage.trace, *example.lineage.feedback) if one}
                return Shown("example", example, lines, came, {dataset.id: "dataset"})
    raise NotFound(f"no example {identifier!r} in any dataset", fix="see `groundwork list datasets`")


_FINDERS: dict[str, Callable[[str, Folder], Awaitable[Shown]]] = {
    "trace": _trace,
    "feedback": _feedback,
    "document": _document,
    "chunk": _chunk,
    "prompt": _prompt,
    "configuration": _configuration,
    "dataset": _dataset,
    "example": _example,
    "run": _run,
    "change": _change,
    "release": _release,
    "key": _key,
    "review": _review,
}
