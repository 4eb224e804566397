"""`groundwork find`: search the documents, and see why each hit is there."""

from pathlib import Path

import click

from groundwork.app.application import NoContext
from groundwork.app.live import open_live
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run
from groundwork.core.document import Found
from groundwork.core.errors import ConfigError
from groundwork.core.message import say
from groundwork.core.request import Request
from groundwork.core.text import shorten

EPILOG = """\b
Example:
  groundwork find "checkpoint size of the write-ahead log" """


@click.command(epilog=EPILOG)
@click.argument("query")
@app_option
@json_option
def command(query: str, root: Path, as_json: bool) -> None:
    """Search the documents for QUERY and print the hits with their rank in each list."""
    found = run(_find(root, query))
    if as_json:
        out_json(found)
        return
    for place, hit in enumerate(found.hits, start=1):
        ranks = ", ".join(f"{name} #{rank}" for name, rank in sorted(hit.ranks.items()))
        similarity = "" if hit.similarity is None else f", cosine {hit.similarity:.2f}"
        out(f"{bold(f'{place}.')} {hit.chunk.prefix}  {dim(f'{hit.chunk.source}  {hit.score:.4f} ({ranks}{similarity})')}")
        out(f"   {shorten(hit.text, 220)}")
    if not found.hits:
        out("nothing found")


async def _find(root: Path, query: str) -> Found:
    async with open_live(root) as live:
        if isinstance(live.app.context, NoContext):
            raise ConfigError("this application has no documents", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
        return await live.app.context.gather(Request(messages=(say("user", query),)))
