"""`groundwork prompts`: what is said to the model. Every version, where it is used, what it renders to, and how another one would answer."""

import difflib
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import click
import msgspec

from groundwork.app.application import App
from groundwork.app.cache import NoCache
from groundwork.app.catalog import Version, catalogue, find_prompt, with_prompt
from groundwork.app.live import Live, open_live, read_settings, remember
from groundwork.cli.opening import open_folder
from groundwork.cli.prompts_perturb import command as perturb
from groundwork.cli.terminal import NOT_PASSED, app_option, bad, bold, dim, good, json_option, moment, out, out_json, run, table, talk
from groundwork.core.errors import GroundworkError, InputError
from groundwork.core.message import Message, say, text_of
from groundwork.core.request import Principal, Request
from groundwork.core.text import fold, shorten
from groundwork.loop.measure import suite_of
from groundwork.observe.recorder import Recorder, recording
from groundwork.prompts.chat_template import find_difference, read_chat_template, render_chat
from groundwork.prompts.counting import BY, count_tokens
from groundwork.prompts.front_matter import Prompt
from groundwork.store.folder import Folder


@click.group(epilog='\b\nExample:\n  groundwork prompts list\n  groundwork prompts try new.prompt.md "When is WAL mode not available?"')
def command() -> None:
    """List, render, compare and try prompts.

    A prompt is named by its name (as in force), by a version's id (pr_…, its beginning is enough), or by a file.
    """


@command.command(name="list", epilog="\b\nExample:\n  groundwork prompts list --all")
@click.option("--all", "every", is_flag=True, help="Every version that ever answered here, not only those in force.")
@app_option
@json_option
def list_(every: bool, root: Path, as_json: bool) -> None:
    """List prompts and where each is used: settings, answers, runs, changes and releases."""

    async def work(folder: Folder) -> list[Version]:
        return await catalogue(await read_settings(root.resolve(), folder), folder, every=every)

    rows = _with_folder(root, work)
    if as_json:
        out_json(rows)
    elif not rows:
        out("no prompts yet")
    else:
        head = ("id", "name", "in force", "first answered", "answers", "runs", "changes", "releases", "named by")
        table([_row(one) for one in rows], head)


def _row(one: Version) -> tuple[str, ...]:
    counts = (str(one.answers), str(len(one.runs)), str(len(one.changes)), str(len(one.releases)))
    when = moment(one.first_seen) if one.first_seen else "not yet"
    return (one.id, one.name, "now" if one.current else "", when, *counts, ", ".join(one.settings))


class Rendered(NamedTuple):
    """A prompt rendered for a question, before any model sees it."""

    prompt: Prompt
    request: Request
    shots: list[str]

    def shown(self) -> dict[str, Any]:
        messages = [
            {"role": message.role, "parts": [{"label": part.label, "text": text_of(part)} for part in message.parts]}
            for message in self.request.messages
        ]
        return {"prompt": self.prompt.id, "messages": messages, "few_shot": self.shots, "tokens": self.tokens, "tokens_by": BY}

    @property
    def tokens(self) -> int:
        return sum(count_tokens(message.text) for message in self.request.messages)


@command.command(epilog='\b\nExample:\n  groundwork prompts render helpdesk "When did WAL come?" --template tokenizer_config.json')
@click.argument("prompt")
@click.argument("question")
@click.option("--variable", "variables", multiple=True, metavar="NAME=VALUE", help="An input of the prompt, beside the question.")
@click.option(
    "--template", type=click.Path(path_type=Path, exists=True), help="A model's tokenizer_config.json: show the text that it reads."
)
@click.option("--against", type=click.Path(path_type=Path, exists=True), help="A prompt sent by hand: say where it leaves the template.")
@app_option
@json_option
def render(
    prompt: str, question: str, variables: tuple[str, ...], template: Path | None, against: Path | None, root: Path, as_json: bool
) -> None:
    """Show what PROMPT renders to for QUESTION: messages with the label of each part, examples chosen, tokens. No model is asked."""
    if against is not None and template is None:
        raise InputError("there is nothing to hold it against", fix="name the model's template: --template tokenizer_config.json")
    rendered = run(_render(root.resolve(), prompt, question, _variables(variables)))
    if template is not None:
        _say_as_read(render_chat(read_chat_template(template), rendered.request.messages), against, as_json=as_json)
    elif as_json:
        out_json(rendered.shown())
    else:
        _say_rendered(rendered)


async def _render(root: Path, reference: str, question: str, variables: dict[str, Any]) -> Rendered:
    async with open_live(root) as live:
        prompt = await find_prompt(reference, live.app.settings, live.folder)
        return await rendered_by(live.app, prompt, Request(messages=(say("user", question),), variables=variables))


async def rendered_by(app: App, prompt: Prompt, request: Request) -> Rendered:
    """A request as this prompt renders it in this application, with the passages found and the examples chosen."""
    changed = with_prompt(app, prompt)
    routes = (changed.router.default, *changed.router.named.values())
    route = next(route for route in routes if route.prompt is prompt)
    recorder = Recorder("")
    with recording(recorder):
        found = await changed.context.gather(request, route)
        made = await changed.prompts.render(request, found, route)
    shots = [name for span in recorder.spans for name in span.attributes.get("groundwork.few_shot", ())]
    return Rendered(prompt, made, shots)


def _say_rendered(rendered: Rendered) -> None:
    for message in rendered.request.messages:
        out(bold(message.role))
        for part in message.parts:
            out("\n".join(f"  {dim(f'{part.label:>6}')} │ {line}" for line in text_of(part).splitlines() or [""]))
    if rendered.shots:
        talk(f"few-shot: {', '.join(rendered.shots)}")
    talk(dim(f"{rendered.prompt.id} · {rendered.tokens} tokens ({BY})"))


def _say_as_read(text: str, against: Path | None, *, as_json: bool) -> None:
    """The text that a model reads, or where another text leaves it; the exit code is 3 where it does."""
    if against is None:
        if as_json:
            out_json({"text": text})
        else:
            click.echo(text, nl=False)  # one newline more would be another text
        return
    difference = find_difference(text, against.read_bytes().decode(errors="replace"))
    if as_json:
        out_json({"same": difference is None, "difference": difference._asdict() if difference else None})
    elif difference is None:
        out(good(f"{against.name} is what the template makes of these messages"))
    else:
        out(f"{bad(f'line {difference.line}, character {difference.at}')}: {difference.what}")
        out(f"  template: {difference.expected}\n  {against.name}: {difference.found}")
    if difference is not None:
        sys.exit(NOT_PASSED)


@command.command(epilog='\b\nExample:\n  groundwork prompts diff pr_1f20 helpdesk --question "When did WAL come?"')
@click.argument("before")
@click.argument("after")
@click.option("--question", default="", help="Compare what both render to for this question, too.")
@app_option
@json_option
def diff(before: str, after: str, question: str, root: Path, as_json: bool) -> None:
    """Show the differences from prompt BEFORE to prompt AFTER: text, files that it names, and rendered messages."""
    lines = run(_diff(root.resolve(), before, after, question))
    if as_json:
        out_json(lines)
        return
    for title, rows in lines.items():
        out(bold(title) + ("" if rows else dim("  the same")))
        for row in rows:
            out(good(row) if row.startswith("+") else bad(row) if row.startswith("-") else row)


async def _diff(root: Path, before: str, after: str, question: str) -> dict[str, list[str]]:
    async with open_live(root) as live:
        one, two = [await find_prompt(name, live.app.settings, live.folder) for name in (before, after)]
        found = {"text": _unified(one.text, two.text, one.id, two.id)}
        for name in sorted({*one.files, *two.files}):
            found[name] = _unified(one.files.get(name, ""), two.files.get(name, ""), one.id, two.id)
        if question:
            request = Request(messages=(say("user", question),))
            left, right = [_plain((await rendered_by(live.app, prompt, request)).request.messages) for prompt in (one, two)]
            found["rendered"] = _unified(left, right, one.id, two.id)
        return found


def _unified(before: str, after: str, one: str, two: str) -> list[str]:
    return list(difflib.unified_diff(before.splitlines(), after.splitlines(), one, two, lineterm=""))


def _plain(messages: Sequence[Message]) -> str:
    return "\n".join(f"== {message.role}\n{message.text}" for message in messages)


class Tried(msgspec.Struct, frozen=True, kw_only=True):
    """One question, answered by the prompt in force and by another one. A side that failed says so in its answer."""

    question: str
    current: str
    tried: str
    same: bool
    traces: tuple[str, str]


@command.command(name="try", epilog='\b\nExample:\n  groundwork prompts try new.prompt.md "When is WAL mode not available?"')
@click.argument("prompt")
@click.argument("questions", nargs=-1)
@click.option("--suite", default=None, help="Take questions from this suite, instead of naming them.")
@click.option("--first", default=5, show_default=True, help="How many cases of the suite.")
@app_option
@json_option
def try_(prompt: str, questions: tuple[str, ...], suite: str | None, first: int, root: Path, as_json: bool) -> None:
    """Answer QUESTIONS with PROMPT and with the version in force, side by side. It shows, and measures nothing: see `groundwork gate`."""
    if bool(questions) == (suite is not None):
        raise InputError("name questions, or a suite to take them from", fix="see `groundwork prompts try --help`")
    rows = run(_try(root.resolve(), prompt, questions, suite, first))
    if as_json:
        out_json(rows)
        return
    for row in rows:
        out(f"{good('same') if row.same else bold('other')}  {row.question}  {dim(' → '.join(row.traces))}")
        out(f"  in force: {shorten(row.current, 400)}")
        if not row.same:
            out(f"  tried:    {shorten(row.tried, 400)}")
    talk(dim(f"{sum(row.same for row in rows)} of {len(rows)} answers are the same"))


async def _try(root: Path, reference: str, questions: Sequence[str], suite: str | None, first: int) -> list[Tried]:
    async with open_live(root) as live:
        app = replace(live.app, cache=NoCache())
        other = with_prompt(app, await find_prompt(reference, app.settings, live.folder))
        await remember(other, live.folder)
        if suite is not None:
            chosen = suite_of(root, live.folder, suite, app.settings.config.gate)
            questions = [case.question for case in chosen.examples][:first]
        return [await _side_by_side(live, app, other, question) for question in questions]


async def _side_by_side(live: Live, app: App, other: App, question: str) -> Tried:
    request = Request(messages=(say("user", question),), model=app.name, principal=Principal(internal=True), episode="prompts_try")
    answers: list[tuple[str, str]] = []
    for each in (app, other):
        live.app = each
        try:
            reply = await live.reply(request)
            answers.append((reply.text, reply.trace))
        except GroundworkError as error:
            answers.append((f"({error.what})", ""))
    (current, first), (tried, second) = answers
    return Tried(question=question, current=current, tried=tried, same=fold(current) == fold(tried), traces=(first, second))


def _variables(given: Sequence[str]) -> dict[str, Any]:
    for item in given:
        if "=" not in item:
            raise InputError(f"{item!r} gives no value", fix="write NAME=VALUE")
    return dict(item.split("=", 1) for item in given)


def _with_folder(root: Path, work: Any) -> Any:
    """Run a coroutine over the opened state folder, and close it."""
    folder = open_folder(root)
    try:
        return run(work(folder))
    finally:
        folder.close()


command.add_command(perturb, name="perturb")
