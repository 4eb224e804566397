"""`groundwork index`: bring the index in step with the files."""

import asyncio
import os
from pathlib import Path

import click

from groundwork.app.config import Settings
from groundwork.app.live import read_settings
from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bad, dim, json_option, out, out_json, progress, run, talk
from groundwork.context.indexing import PARTLY, Indexer, IndexReport
from groundwork.core.errors import ConfigError
from groundwork.store.folder import Folder
from groundwork.store.index import open_index

EPILOG = """\b
Example:
  groundwork index
  groundwork index --rebuild      # after a change of [context] chunk"""


@click.command(epilog=EPILOG)
@click.option("--rebuild", is_flag=True, help="Do every document again, under the present settings.")
@app_option
@json_option
def command(rebuild: bool, root: Path, as_json: bool) -> None:
    """Read, split and embed the documents of [context] sources. What has not changed is not touched; what is gone is never found again."""
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


async def index_documents(settings: Settings, folder: Folder, *, rebuild: bool = False, quiet: bool = False) -> IndexReport:
    """Index an application's documents in a thread of this process, with a progress bar. Raises ConfigError where it has none."""
    from groundwork.engine.encoder import Encoder

    section = settings.config.context
    if section is None:
        raise ConfigError("groundwork.toml has no [context]", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
    with progress("indexing") as update:
        report = await asyncio.to_thread(
            lambda: Indexer(section, settings.root, folder.index, Encoder(workers=processors())).run(update, rebuild=rebuild)
        )
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
    out(dim(f"generation {report.generation}") if report.generation else "nothing is indexed")
