"""`groundwork ask`: one question from the terminal, through the same path as the server's."""

from pathlib import Path

import click

from groundwork.app.live import Live, open_live
from groundwork.app.outlets import Discard
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, talk
from groundwork.core.document import Citation
from groundwork.core.errors import InputError
from groundwork.core.message import say
from groundwork.core.reply import Reply
from groundwork.core.request import Principal, Request
from groundwork.gateway.build import uses_auto
from groundwork.gateway.providers.auto import advice

_INTERNAL = Principal(internal=True)

EPILOG = """\b
Example:
  groundwork ask "When is WAL mode not available?"
  groundwork ask --route tickets "How many open tickets are there?" """


@click.command(epilog=EPILOG)
@click.argument("question")
@click.option("--route", default="", help="A named route instead of the default one.")
@click.option("--where", default="", help="Only from documents whose fields fulfil this.")
@click.option("--as", "user", metavar="USER", help="As this user, with their permissions on documents. Left out: as nobody in particular.")
@click.option("--group", "groups", multiple=True, help="With --as: a group of theirs; may be repeated.")
@app_option
@json_option
def command(question: str, route: str, where: str, user: str | None, groups: tuple[str, ...], root: Path, as_json: bool) -> None:
    """Ask a question and print the answer with its citations."""
    if groups and not user:
        raise InputError("`--group` belongs to somebody", fix="add `--as USER`")
    reply = run(_ask(root, question, route, where, Principal(user=user, groups=groups, internal=True)))
    if as_json:
        out_json(reply)
        return
    print_reply(reply)


async def _ask(root: Path, question: str, route: str, where: str, principal: Principal) -> Reply:
    async with open_live(root) as live:
        if uses_auto(live.app.settings.config.models) and advice():
            talk(dim(advice()))
        return await ask_live(live, question, route, where=where, principal=principal)


async def ask_live(live: Live, question: str, route: str = "", *, where: str = "", principal: Principal = _INTERNAL) -> Reply:
    """Ask an open application, as an internal user of this machine unless told otherwise."""
    model = f"{live.app.name}/{route}" if route else live.app.name
    request = Request(messages=(say("user", question),), model=model, where=where, principal=principal)
    return await live.reply(request, Discard())


def print_reply(reply: Reply) -> None:
    """The answer, its citations with where they stand, and one line on what it took."""
    out(reply.text)
    if reply.citations:
        out()
    for citation in reply.citations:
        out(f"{bold(f'[{citation.number}]')} {citation.title}  {dim(citation.source + _anchor(citation))}")
    verdicts = ", ".join(
        f"{verdict.rail}:{verdict.action}" + (f" ({verdict.reason})" if verdict.reason else "") for verdict in reply.verdicts
    )
    cost = "cost unknown" if reply.cost is None else f"${reply.cost:.4f}"
    talk(dim(" · ".join(part for part in (reply.model, cost, "from the cache" if reply.cached else "", verdicts, reply.trace) if part)))


def _anchor(citation: Citation) -> str:
    """Where in its source a quote stands, as a link to it would end."""
    if citation.page:
        return f"#page={citation.page}"
    return f"#{citation.element}" if citation.element else f":{citation.line}" if citation.line else ""
