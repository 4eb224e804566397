"""`groundwork demo`: the sample application at work, over its own HTTP API, on the embedded default."""

import asyncio
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import click

from groundwork.app.live import open_live
from groundwork.cli.measured import interval, measure_change, number
from groundwork.cli.sample import NAME, WORKPLACE, copy_sample, index_sample
from groundwork.cli.terminal import bad, bold, dim, out, program_name, run
from groundwork.core.errors import ConfigError
from groundwork.core.text import shorten
from groundwork.evaluate.measured import Measured
from groundwork.evaluate.report import wrong_answers
from groundwork.store.folder import Folder
from groundwork.store.traces import question_of

EPILOG = """\b
Example:
  groundwork demo            # in a terminal it keeps serving until Ctrl-C; elsewhere it stops its server itself"""

PLANTED = "sk-proj-A1b2C3d4E5f6G7h8I9j0K1l2M3n4"
"""Not a key of anybody's."""


class Question(NamedTuple):
    """What is asked, and what it shows."""

    shows: str
    text: str


QUESTIONS = (
    Question("an answer, quoted and cited", "After how many pages does SQLite checkpoint the WAL automatically?"),
    Question("an answer, quoted and cited", "What is the maximum size of a database file?"),
    Question("an answer, quoted and cited", "Which isolation level do transactions have?"),
    Question("not in the documents: it abstains", "Which port does PostgreSQL listen on?"),
    Question("not for a quoting reader: it says so and lists passages", "Why does the database file not shrink after a DELETE?"),
    Question("a secret: masked before anything is written or sent", f"My key is {PLANTED}. What is the default page size?"),
)


@click.command(epilog=EPILOG)
@click.option(
    "--folder", type=click.Path(path_type=Path), default=WORKPLACE / NAME, show_default=True, help="Where the sample is copied to."
)
@click.option("--port", default=8321, show_default=True, help="Port of the page; a free one is taken where it is in use.")
def command(folder: Path, port: int) -> None:
    """Copy the sample application, index it, serve it, ask it six questions over HTTP and measure it on its suite."""
    run(demo(folder, port, stay=sys.stdout.isatty() and sys.stdin.isatty()))


async def demo(place: Path, port: int, *, stay: bool) -> None:
    """The whole demonstration. `stay` keeps the server until it is interrupted."""
    root = copy_sample(place).resolve()
    folder = Folder(root)
    try:
        out(f"{bold('groundwork')}: questions about SQLite over pages of its documentation; no key, no GPU, no network.\n")
        await index_sample(folder)
        entries = folder.index.documents()
        out(f"{len(entries)} pages in {sum(one.chunks for one in entries)} chunks are indexed in {place}/.groundwork\n")
        stop = asyncio.Event()
        async with _serving(root, folder, port, stop) as address:
            for place_in_line, question in enumerate(QUESTIONS, start=1):
                await _say(place_in_line, question, await _ask(address, question.text), folder)
            await _measure(root, folder)
            _next(address, place)
            if stay:
                out(f"\nThe page is open at {bold(address)} until you press Ctrl-C.")
                await stop.wait()
    finally:
        folder.close()


@asynccontextmanager
async def _serving(root: Path, folder: Folder, port: int, stop: asyncio.Event) -> AsyncGenerator[str]:
    """The sample's server beside this coroutine; yields its address."""
    async with open_live(root, folder=folder) as live:
        try:
            async with _served(live, port, stop) as address:
                yield address
        except ConfigError:
            async with _served(live, 0, stop) as address:
                yield address


@asynccontextmanager
async def _served(live: Any, port: int, stop: asyncio.Event) -> AsyncGenerator[str]:
    from groundwork.server.run import serve

    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    server = asyncio.create_task(serve(live, "127.0.0.1", port, ready=lambda address, _: ready.set_result(address), stop=stop))
    server.add_done_callback(lambda _: stop.set())
    await asyncio.wait([server, ready], return_when=asyncio.FIRST_COMPLETED)
    if not ready.done():
        ready.cancel()
        await server  # raises what kept it from serving
        return
    try:
        yield ready.result()
    finally:
        stop.set()
        await server


async def _ask(address: str, question: str) -> dict[str, Any]:
    """One question over the wire, as any OpenAI client would ask it."""
    import aiohttp

    body = {"model": NAME, "messages": [{"role": "user", "content": question}]}
    async with aiohttp.ClientSession() as session, session.post(f"{address}/v1/chat/completions", json=body) as response:
        response.raise_for_status()
        return await response.json()


async def _say(place: int, question: Question, answer: dict[str, Any], folder: Folder) -> None:
    content, _, footer = answer["choices"][0]["message"]["content"].partition("\n\n_From ")
    extra: dict[str, Any] = answer["groundwork"]
    out(f"{bold(f'{place}. {question.text}')}  {dim(f'({question.shows})')}")
    for line in content.splitlines():
        out(f"   {shorten(line, 300)}" if line else "")
    places = {(one["number"], one["source"] + (f"#{one['element']}" if one.get("element") else "")) for one in extra["citations"]}
    for cited, source in sorted(places):
        out(f"   [{cited}] {dim(source)}")
    for verdict in extra["verdicts"]:
        out(f"   guard: {verdict['rail']}:{verdict['action']} ({verdict.get('reason', '')})")
    if PLANTED in question.text:
        await folder.traces.flush()
        trace = await folder.trace_store.get(extra["trace"])
        out(f"   {dim('as its trace keeps it: ' + (question_of(trace) if trace else ''))}")
    if place == 1 and footer:
        out(f"   {dim('From ' + footer.rstrip('_'))}")
    out()


async def _measure(root: Path, folder: Folder) -> None:
    """The suite's reporting split, with an interval and one failure."""
    measured: Measured = await measure_change(root, folder, None)
    figures = measured.run.metrics
    out(f"{bold('On its suite')} (split 'report', never used for choosing anything; 95 % intervals):")
    for name, sentence in (
        ("answer.correct", "right: all expected facts stated, or rightly declined"),
        ("citation.correct", "cited span holds the fact"),
        ("abstention.right", "unanswerable questions declined"),
        ("abstention.wrong", "answerable questions declined"),
    ):
        out(f"   {name:17} {interval(figures[name])}  {dim(sentence)}")
    out(f"   latency.p50       {number(figures['latency.p50'].value, 'latency.p50')}, four questions at a time")
    for wrong in wrong_answers(measured.results(), measured.suite, limit=1):
        said = wrong.result.answer.split("\n\n_From", 1)[0]
        out(f"   {bad('one that went wrong')} ({wrong.fault}): {wrong.example.question}")
        out(f"      said: {shorten(said, 160)}\n      expected: {shorten(wrong.expected, 120)}  {dim(wrong.result.trace)}")


def _next(address: str, place: Path) -> None:
    program = program_name()
    out(f"\nThe page with answers, sources and steps: {bold(address)}  (while `groundwork up` runs)")
    out("Next:")
    for command_line, why in (
        (f"{program} up --app {place}", "serve it: page and OpenAI-compatible API"),
        (f"{program} tour", "one lap of the loop in two minutes"),
        (f"{program} new app --docs ./docs", "an application over your own documents"),
    ):
        out(f"   {command_line}  {dim('# ' + why)}")
