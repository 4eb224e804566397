"""`groundwork list`: what is registered in the product, and what is stored for an application."""

from pathlib import Path
from typing import Any

import click

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, json_option, moment, out, out_json, run, table
from groundwork.context.config import UNNAMED
from groundwork.store.folder import Folder
from groundwork.store.index_port import Entry

KINDS = ("scorers", "providers", "rails", "routes", "documents", "runs", "datasets", "changes", "releases")


@click.command(epilog="\b\nExample:\n  groundwork list scorers\n  groundwork list runs")
@click.argument("kind", type=click.Choice(KINDS))
@app_option
@json_option
def command(kind: str, root: Path, as_json: bool) -> None:
    """List what is registered (scorers, providers, rails) or stored (documents, runs, datasets, changes, releases)."""
    head, rows = _registered(kind) if kind in {"scorers", "providers", "rails"} else run(_stored(kind, root.resolve()))
    if as_json:
        out_json([dict(zip(head, row, strict=True)) for row in rows])
    elif rows:
        table(rows, head)
    else:
        out(f"no {kind} yet")


Listing = tuple[tuple[str, ...], list[tuple[str, ...]]]


def _registered(kind: str) -> Listing:
    if kind == "scorers":
        from groundwork.evaluate.scorers import all_scorers

        return ("name", "better", "origin", "what it scores"), [(one.name, one.better, one.origin, one.summary) for one in all_scorers()]
    if kind == "providers":
        return ("name", "what it is"), [
            ("embedded", "the offline quoting reader: no key, no network"),
            ("auto", "a local server that answers, else embedded; never a remote provider"),
            ("openai", "any server that speaks OpenAI's chat completions"),
            ("scripted", "answers from a file: for tests and demonstrations"),
        ]
    from groundwork.guard.config import INPUT_RAILS, OUTPUT_RAILS, READING_RAILS

    rows = [
        (name, side, ", ".join(actions))
        for side, rails in (("input", INPUT_RAILS), ("reading", READING_RAILS), ("output", OUTPUT_RAILS))
        for name, actions in rails.items()
    ]
    return ("rail", "side", "actions"), [*rows, ("module:function", "input, output", "block, flag")]


async def _stored(kind: str, root: Path) -> Listing:
    folder = open_folder(root)
    try:
        return await _rows(kind, root, folder)
    finally:
        folder.close()


async def _rows(kind: str, root: Path, folder: Folder) -> Listing:
    match kind:
        case "routes":
            return _routes(root)
        case "documents":
            indexes = folder.collections() or {"": folder.index}
            if list(indexes) == [""]:
                return ("id", "chunks", "source", "title"), [_document(one) for one in indexes[""].documents()]
            rows = [(name or UNNAMED, *_document(one)) for name, index in indexes.items() for one in index.documents()]
            return ("collection", "id", "chunks", "source", "title"), rows
        case "runs":
            runs = await folder.runs.list()
            return ("id", "when", "suite", "split", "n", "change or release"), [
                (one.id, moment(one.started), one.suite, one.split or "all", str(one.n), one.change or one.release or "as written")
                for one in runs
            ]
        case "datasets":
            kept = await folder.manifests.list()
            return ("id", "when", "n", "name"), [(one.id, moment(one.made), str(one.n), one.name) for one in kept]
        case "changes":
            changes = await folder.changes.list()
            return ("id", "when", "what", "why"), [
                (one.id, moment(one.made), _difference(one.path, one.before, one.after), one.why) for one in changes
            ]
        case _:
            current = await folder.releases.current()
            serving = current.id if current else ""
            return ("id", "when", "serves", "changes", "note"), [
                (one.id, moment(one.at), "now" if one.id == serving else "", ", ".join(one.changes) or "none", one.note)
                for one in await folder.releases.list()
            ]


def _document(entry: Entry) -> tuple[str, ...]:
    return entry.id, str(entry.chunks), entry.source, entry.title


def _difference(path: str, before: Any, after: Any) -> str:
    return f"{path} (text)" if path.startswith("prompts.") else f"{path}: {before} → {after}"


def _routes(root: Path) -> Listing:
    from groundwork.app.config import load

    settings = load(root)
    routes = settings.config.routes
    rows = [(settings.config.app.name, settings.default_model, ", ".join(routes.tools))]
    rows += [(f"{settings.config.app.name}/{name}", one.to, ", ".join(one.tools)) for name, one in routes.named.items()]
    rows += [(alias, ", ".join(model.targets), "(gateway only)") for alias, model in settings.config.models.items()]
    return ("model on the wire", "answers with", "tools"), rows
