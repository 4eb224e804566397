"""`groundwork index`: bring the index in step with the files, once or for as long as they change."""

import asyncio
import contextlib
import os
import signal
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import click

from groundwork.app.config import FILE, Settings
from groundwork.app.live import read_settings
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bad, dim, json_option, out, out_json, progress, run, say_error, talk
from groundwork.context.indexing import PARTLY, Indexer, IndexReport, Stopped
from groundwork.context.refreshing import Approximation
from groundwork.context.watching import State, state_of, watch
from groundwork.core.errors import ConfigError, GroundworkError, InputError
from groundwork.store.folder import Folder
from groundwork.store.index import open_index

if TYPE_CHECKING:
    from groundwork.engine.encoder import Encoder

INSTALL = "pip install 'groundwork-ai[approximate]'"
EPILOG = """\b
Example:
  groundwork index
  groundwork index --rebuild      # after a change of [context] chunk
  groundwork index --watch        # and again whenever a document or groundwork.toml changes, until Ctrl-C"""


@click.command(epilog=EPILOG)
@click.option("--rebuild", is_flag=True, help="Do every document again, under the present settings.")
@click.option("--watch", "watched", is_flag=True, help="Go on, and index what changes, until Ctrl-C.")
@app_option
@json_option
def command(rebuild: bool, watched: bool, root: Path, as_json: bool) -> None:
    """Read, split and embed the documents of [context] sources. What has not changed is not touched; what is gone is never found again."""
    if rebuild and watched:
        raise InputError("`--rebuild` and `--watch` are two things", fix="run `groundwork index --rebuild` first")
    if watched:
        with contextlib.suppress(KeyboardInterrupt, asyncio.CancelledError):
            run(_watch(root.resolve(), as_json=as_json))
        talk("stopped; what was indexed is kept")
        return
    report = run(_index(root.resolve(), rebuild=rebuild))
    if as_json:
        out_json(report)
    else:
        say_report(report)


async def _index(root: Path, *, rebuild: bool) -> IndexReport:
    folder = open_folder(root)
    if rebuild:
        folder.index = open_index(root, rebuild=True)
    try:
        settings = await read_settings(root, folder)
        return await index_documents(settings, folder, rebuild=rebuild, quiet=True)
    finally:
        folder.close()


async def _watch(root: Path, *, as_json: bool) -> None:
    """Index, and again after every change, until SIGINT or SIGTERM. What goes wrong in one run is said, and the next change is waited for."""
    from groundwork.engine.encoder import Encoder

    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows has no such handlers; there Ctrl-C is a KeyboardInterrupt
            asyncio.get_running_loop().add_signal_handler(number, task.cancel if task else lambda: None)
    folder = open_folder(root)
    try:
        settings = await read_settings(root, folder)
        encoder = Encoder(workers=processors())

        def look() -> State:
            section = settings.config.context
            return state_of(root, section.sources if section else (), also=(FILE,))

        async def work() -> None:
            nonlocal settings
            try:
                settings = await read_settings(root, folder)
                report = await index_documents(settings, folder, quiet=True, encoder=encoder)
            except GroundworkError as error:
                say_error(error)
            else:
                out_json(report) if as_json else say_report(report)

        await watch(look, work)
    finally:
        folder.close()


async def index_documents(
    settings: Settings, folder: Folder, *, rebuild: bool = False, quiet: bool = False, encoder: "Encoder | None" = None
) -> IndexReport:
    """Index an application's documents in a thread of this process, with a progress bar. Raises ConfigError where it has none.

    Cancelled, it stops before the next batch of chunks; what was finished is kept.
    """
    from groundwork.engine.encoder import Encoder

    section = settings.config.context
    if section is None:
        raise ConfigError("groundwork.toml has no [context]", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
    leaving = threading.Event()
    with progress("indexing") as update:

        def step(done: int, total: int, source: str) -> None:
            if leaving.is_set():
                raise Stopped
            update(done, total, source)

        def work() -> IndexReport:
            used = encoder or Encoder(workers=processors())
            return Indexer(section, settings.root, folder.index, used).run(step, rebuild=rebuild)

        try:
            report = await asyncio.to_thread(work)
        finally:
            leaving.set()
    if not quiet and (report.added or report.changed or report.removed or report.skipped):
        say_report(report)
    return report


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def say_report(report: IndexReport) -> None:
    """What an indexing run did, and what it had to leave out."""
    counts = f"{report.added} added, {report.changed} changed, {report.removed} removed, {report.unchanged} unchanged"
    talk(f"documents: {counts}; {report.embedded} chunks embedded, {report.reused} kept, {report.seconds:.1f} s")
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
