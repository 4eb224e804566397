"""`groundwork index`: bring the index in step with the files, once or for as long as they change."""

import asyncio
import contextlib
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import click

from groundwork.app.config import FILE, Settings
from groundwork.app.describing import Agree, Estimate, Writing
from groundwork.app.live import read_settings
from groundwork.app.whole_corpus import WholeCorpus, whole_corpus
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bad, bold, dim, json_option, out, out_json, progress, run, say_error, talk
from groundwork.context.config import UNNAMED, ContextSection
from groundwork.context.dense.refreshing import Approximation
from groundwork.context.encoders import ChunkEncoder, chunk_encoder
from groundwork.context.indexing import PARTLY, Indexer, IndexReport, Stopped
from groundwork.context.watching import State, state_of, watch
from groundwork.core.config import unknown
from groundwork.core.errors import ConfigError, GroundworkError, InputError
from groundwork.store.folder import Folder

Reports = dict[str, IndexReport]
"""What a run did, for each collection by its name; "" is the documents of `[context]` itself."""

INSTALL = "pip install 'groundwork-ai[approximate]'"
EPILOG = """\b
Example:
  groundwork index
  groundwork index --rebuild      # after a change of [context] chunk or encoder
  groundwork index --collection faq
  groundwork index --watch        # and again whenever a document or groundwork.toml changes, until Ctrl-C"""


@click.command(epilog=EPILOG)
@click.option("--rebuild", is_flag=True, help="Do every document again, under the present settings.")
@click.option("--watch", "watched", is_flag=True, help="Go on, and index what changes, until Ctrl-C.")
@click.option("--collection", metavar="NAME", help="This one of [context.collections] alone; `index` is [context] itself.")
@click.option("--yes", is_flag=True, help="Let [context.chunk] describe cost what it costs, without asking.")
@app_option
@json_option
def command(rebuild: bool, watched: bool, collection: str | None, yes: bool, root: Path, as_json: bool) -> None:
    """Read, split and embed the documents of [context] sources. What has not changed is not touched; what is gone is never found again."""
    if rebuild and watched:
        raise InputError("`--rebuild` and `--watch` are two things", fix="run `groundwork index --rebuild` first")
    if watched:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            run(_watch(root.resolve(), collection, as_json=as_json))
        talk("stopped; what was indexed is kept")
        return
    reports, whole = run(_index(root.resolve(), collection, rebuild=rebuild, agree=asking(yes=yes)))
    _say(reports, as_json=as_json)
    if whole is not None and not as_json:
        talk(whole.sentence)


async def _index(root: Path, collection: str | None, *, rebuild: bool, agree: Agree) -> tuple[Reports, WholeCorpus | None]:
    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        reports = await index_documents(settings, folder, collection=collection, rebuild=rebuild, quiet=True, agree=agree)
        parts = settings.config.context.parts if settings.config.context else {}
        return reports, await asyncio.to_thread(whole_corpus, settings, {name: folder.collection(name) for name in parts})
    finally:
        folder.close()


async def _watch(root: Path, collection: str | None, *, as_json: bool) -> None:
    """Index, and again after every change, until SIGINT or SIGTERM. What goes wrong in one run is said, and the next change is waited for."""
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; there Ctrl-C is a KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, task.cancel if task else lambda: None)
    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        encoder = chunk_encoder("embedded", root, workers=processors())

        def look() -> State:
            section = settings.config.context
            parts = section.parts.values() if section else ()
            return state_of(root, [source for part in parts for source in part.sources], also=(FILE,))

        async def work() -> None:
            nonlocal settings
            try:
                settings = await read_settings(root, folder)
                reports = await index_documents(settings, folder, collection=collection, quiet=True, encoder=encoder)
            except GroundworkError as error:
                say_error(error)
            else:
                _say(reports, as_json=as_json)

        await watch(look, work)
    finally:
        folder.close()


async def index_documents(
    settings: Settings,
    folder: Folder,
    *,
    collection: str | None = None,
    rebuild: bool = False,
    quiet: bool = False,
    encoder: ChunkEncoder | None = None,
    agree: Agree | None = None,
) -> Reports:
    """Index an application's documents, one collection after the other (or one alone), and say for each what was done. `encoder` is the
    embedded one, where it is loaded already; `agree` is asked before a model writes texts for chunks beyond the configured limit (left out:
    it writes none). Raises ConfigError where there are no documents, or no such collection.
    """
    section = settings.config.context
    if section is None:
        raise ConfigError("groundwork.toml has no [context]", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
    reports: Reports = {}
    for name in named(section.parts, collection):
        part = section.parts[name]
        store = folder.collection(name, rebuild=rebuild)
        where = settings.written.where(("context", "collections", name, "encoder") if name else ("context", "encoder"))
        used = encoder if encoder is not None and part.encoder == "embedded" else None
        used = used or chunk_encoder(part.encoder, settings.root, where, workers=processors())
        writing = Writing(settings, part.chunk, folder) if part.chunk.describe else None
        indexer = Indexer(part, settings.root, store, used, writing.describer if writing else None)
        try:
            if writing is not None:
                writing.settle(await asyncio.to_thread(indexer.outstanding), agree)
            reports[name] = await _index_one(indexer, name, rebuild=rebuild)
        finally:
            if writing is not None:
                writing.close()
            if part.encoder != "embedded":
                used.close()
    if not quiet and any(report.added or report.changed or report.removed or report.skipped for report in reports.values()):
        _say(reports, as_json=False)
    return reports


async def _index_one(indexer: Indexer, name: str, *, rebuild: bool) -> IndexReport:
    """Index one collection in a thread of this process, with a progress bar. Cancelled, it stops before the next batch of chunks; what was
    finished is kept.
    """
    leaving = threading.Event()
    with progress(f"indexing {name}".rstrip()) as update:

        def step(done: int, total: int, source: str) -> None:
            if leaving.is_set():
                raise Stopped
            update(done, total, source)

        try:
            return await asyncio.to_thread(indexer.run, step, rebuild=rebuild)
        finally:
            leaving.set()


def asking(*, yes: bool) -> Agree:
    """Says what a model's texts would cost, and asks. Raises InputError where nobody is there to be asked."""

    def agree(estimate: Estimate) -> bool:
        talk(str(estimate))
        if yes:
            return True
        if not sys.stdin.isatty():
            raise InputError(
                "a model would write texts for chunks, and there is no terminal to ask",
                fix="add --yes, or say what a run may cost: [context.chunk] describe_limit",
            )
        return click.confirm("Let it write? (no: these chunks are indexed without)", err=True)

    return agree


def named(parts: Mapping[str, ContextSection], collection: str | None) -> list[str]:
    """The collections that somebody means: all of them, or the one that is named. Raises InputError, with the nearest, for none of them."""
    if collection is None:
        return list(parts)
    name = "" if collection == UNNAMED else collection
    if name not in parts:
        error = unknown("collection", collection, [one or UNNAMED for one in parts])
        raise InputError(error.what, fix=error.fix)
    return [name]


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _say(reports: Reports, *, as_json: bool) -> None:
    """The reports of a run: one by itself where the application has no collections."""
    alone = list(reports) == [""]
    if as_json:
        out_json(reports[""] if alone else {name or UNNAMED: report for name, report in reports.items()})
        return
    for name, report in reports.items():
        if not alone:
            talk(bold(name or UNNAMED))
        say_report(report)


def say_report(report: IndexReport) -> None:
    """What an indexing run did, and what it had to leave out."""
    counts = f"{report.added} added, {report.changed} changed, {report.removed} removed, {report.unchanged} unchanged"
    talk(f"documents: {counts}; {report.embedded} chunks embedded, {report.reused} kept, {report.seconds:.1f} s")
    if report.described or report.undescribed:
        cost = "cost unknown" if report.cost is None else f"${report.cost:.4f}"
        talk(f"texts for chunks: {report.described} written ({cost}), {report.undescribed} without one")
    if report.undescribed:
        talk(f"  {dim(report.describing_failed or 'run `groundwork index` in a terminal, or with --yes, to have them written')}")
    for source, reason in report.skipped:
        partly = reason.startswith(PARTLY)
        talk(
            f"{dim('partly') if partly else bad('skipped')} {source}: {reason.removeprefix(PARTLY).removeprefix(f'{source} ').removeprefix(f'{source}: ')}"
        )
    said = approximation(report.approximate)
    if said:
        talk(said)
    out(dim(f"generation {report.generation}") if report.generation else "nothing is indexed")


def approximation(done: Approximation) -> str:
    """What became of the approximate index, in a sentence; nothing where there is nothing to say."""
    match done.outcome:
        case "made":
            return f"approximate search: made for {done.chunks} chunks in {done.seconds:.1f} s, recall@10 {done.recall:.3f} against comparing all"
        case "kept":
            return (
                f"approximate search: kept for {done.chunks} chunks, recall@10 {done.recall:.3f}; {done.newer} newer are compared beside it"
            )
        case "missing":
            return f"{done.chunks} chunks are compared one by one in each search: `{INSTALL}` makes that faster"
        case "poor":
            return f"approximate search: finds too little (recall@10 {done.recall:.3f}), so all chunks are compared"
        case "failed":
            return f"approximate search: not made, so all chunks are compared: {done.reason}"
        case "off" | "few":
            return ""
