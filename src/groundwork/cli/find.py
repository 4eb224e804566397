"""`groundwork find`: search the documents, and see why each hit is there and why another document is not."""

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from groundwork.app.application import Documents
from groundwork.app.live import Live, open_live
from groundwork.app.searching import searches_of
from groundwork.cli.found import say_absence, say_explanation, say_hits
from groundwork.cli.index import named
from groundwork.cli.terminal import app_option, json_option, out_json, run
from groundwork.context.absence import Absence, why_not
from groundwork.context.config import UNNAMED
from groundwork.context.explaining import Explanation, explain_trail
from groundwork.core.access import Scope, readers_of
from groundwork.core.document import Found
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.message import say
from groundwork.core.request import Principal, Request

EPILOG = """\b
Examples:
  groundwork find "checkpoint size of the write-ahead log"
  groundwork find "restore a backup" --where 'product = "db" and year >= 2024'
  groundwork find "salaries" --as anna --group hr              # what she would find
  groundwork find "checkpoint size" --explain                  # every candidate, stage by stage
  groundwork find "checkpoint size" --why-not docs/wal.md
  groundwork find "opening hours" --collection faq"""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One search, as the command line asks for it."""

    query: str
    where: str = ""
    after: str = ""
    user: str = ""
    groups: tuple[str, ...] = ()
    tenant: str = "local"
    keep: int | None = None
    collection: str | None = None


class Looked(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What came of it."""

    found: Found
    explanation: Explanation | None = None
    prompt: dict[str, str] = {}
    """What became of each hit (by its chunk's id) on its way into the prompt: whole, masked or withheld."""
    why_not: Absence | None = None


@click.command(epilog=EPILOG)
@click.argument("query")
@click.option("--where", default="", help="Only documents whose fields fulfil this.")
@click.option(
    "--as",
    "user",
    default="",
    metavar="USER",
    help="Search as this user would, with their permissions. Left out: as the operator, who sees all.",
)
@click.option("--group", "groups", multiple=True, help="With --as: a group of theirs; may be repeated.")
@click.option("--tenant", default="local", show_default=True, help="With --as: their tenant.")
@click.option("--collection", metavar="NAME", help="Search this one of [context.collections] alone; `index` is [context] itself.")
@click.option("--after", default="", metavar="QUESTION", help="The question before, for [context.retrieve] rewrite.")
@click.option("--keep", type=click.IntRange(1, 100), help="How many hits.  [default: as configured]")
@click.option("--explain", "explained", is_flag=True, help="Show every stage's candidates with scores and ranks.")
@click.option("--why-not", "absent", metavar="SOURCE", help="Say why this document is not among the hits.")
@app_option
@json_option
def command(
    query: str,
    where: str,
    user: str,
    groups: tuple[str, ...],
    tenant: str,
    collection: str | None,
    after: str,
    keep: int | None,
    explained: bool,
    absent: str | None,
    root: Path,
    as_json: bool,
) -> None:
    """Search the documents for QUERY and print the hits with their rank in each list."""
    if (groups or tenant != "local") and not user:
        raise InputError("`--group` and `--tenant` belong to somebody", fix="add `--as USER`")
    asked = Asked(query=query, where=where, after=after, user=user, groups=groups, tenant=tenant, keep=keep, collection=collection)
    looked = run(_find(root, asked, explained=explained, absent=absent))
    if as_json:
        out_json(looked if explained or absent else looked.found)
    elif looked.why_not is not None:
        say_absence(looked.why_not)
    elif looked.explanation is not None:
        say_explanation(looked.explanation, looked.prompt)
    else:
        say_hits(looked.found)


async def _find(root: Path, asked: Asked, *, explained: bool, absent: str | None) -> Looked:
    async with open_live(root) as live:
        context, section = live.app.context, live.app.settings.config.context
        if not isinstance(context, Documents) or section is None:
            raise ConfigError("this application has no documents", fix='add `[context]` with `sources = ["docs/**/*.md"]`')
        searches, scope, keep = searches_of(live.app), _scope(asked), asked.keep or context.keep
        chosen = named(section.parts, asked.collection)
        if len(chosen) > 1 and (explained or absent):
            raise InputError(
                "several collections are searched, each in its own way",
                fix=f"add --collection {'|'.join(name or UNNAMED for name in chosen)}",
            )
        name = chosen[0]
        history: Sequence[str] = [asked.after] if asked.after else []
        request = Request(messages=tuple(say("user", text) for text in (*history, asked.query)), principal=Principal(internal=True))
        if live.app.settings.config.context is not None and section.retrieve.rerank is not None:
            await live.warm()  # its budget is for reading, not for loading
        store, search = live.folder.collection(name), searches[name]
        query, also = await context.queries(request, scope, search if len(chosen) == 1 else context.retriever)
        explanation = prompt = absence = None
        if not explained and not absent:
            found = await (search if len(chosen) == 1 else context.retriever).find(query, keep=keep, scope=scope, also=also)
            return Looked(found=found, prompt={})
        trail = await search.trail(query, keep=keep, scope=scope, also=also)
        found = trail.found()
        if explained:
            explanation = await explain_trail(search, store, trail, keep=keep, asked=asked.query, also=tuple(also))
            prompt = await _prompt(live, found)
        if absent:
            absence = await why_not(search, store, section.parts[name], root.resolve(), absent, query, keep=keep, scope=scope, also=also)
        return Looked(found=found, explanation=explanation, prompt=prompt or {}, why_not=absence)


def _scope(asked: Asked) -> Scope:
    """Whoever runs the command line sees all, unless they want to see what somebody else does."""
    if not asked.user:
        return Scope(where=asked.where, operator=True)
    return Scope(where=asked.where, readers=readers_of(Principal(tenant=asked.tenant, user=asked.user, groups=asked.groups)))


async def _prompt(live: Live, found: Found) -> dict[str, str]:
    """What the rails on reading leave of each hit."""
    read, _ = await live.app.guard_in.inspector.passages(found)
    left = {hit.chunk.id: hit.text for hit in read.hits}
    return {
        hit.chunk.id: "withheld" if hit.chunk.id not in left else "whole" if left[hit.chunk.id] == hit.text else "masked"
        for hit in found.hits
    }
