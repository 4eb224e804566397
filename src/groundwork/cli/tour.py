"""`groundwork tour`: one lap of the loop on the sample application, each step said before it is done.

Answer → trace → feedback → dataset → evaluation → change → gate → release → rollback, with the same calls as the commands.
"""

import time
from pathlib import Path

import click
import msgspec

from groundwork.app.live import open_live
from groundwork.cli.ask import ask_live, print_reply
from groundwork.cli.gate import decide
from groundwork.cli.harvest import say_dataset
from groundwork.cli.measured import interval, measure_change, say_gate
from groundwork.cli.propose import say_change
from groundwork.cli.records import trace_lines
from groundwork.cli.release import say_release
from groundwork.cli.sample import NAME, WORKPLACE, copy_sample, index_sample
from groundwork.cli.terminal import bold, dim, out, program_name, run
from groundwork.core.ids import event_id
from groundwork.core.measure import GateResult
from groundwork.core.record import Demonstration, Feedback, Opinion, Thumb
from groundwork.core.reply import Reply
from groundwork.loop.lap import harvest_folder, propose, release_change, roll_back
from groundwork.store.folder import Folder

QUESTION = "first sqlite release that had write-ahead logging"
SHOULD_BE = "Version 3.7.0 (2010-07-21)."


@click.command(epilog="\b\nExample:\n  groundwork tour")
@click.option(
    "--folder", type=click.Path(path_type=Path), default=WORKPLACE / NAME, show_default=True, help="The copy of the sample to use."
)
def command(folder: Path) -> None:
    """Walk one lap of the loop in the terminal, in about two minutes, on the embedded default."""
    run(tour(folder))


async def tour(place: Path) -> None:
    """The lap. It leaves the sample as it found it: what it releases, it rolls back."""
    started = time.monotonic()
    root = copy_sample(place).resolve()
    folder = Folder(root)
    try:
        await index_sample(folder)
        reply = await _answer(root, folder)
        dataset = await _learn(folder, reply)
        await _evaluate(root, folder)
        passed = await _judge(root, folder, dataset)
        await _ship(root, folder, passed)
    finally:
        folder.close()
    _end(place, time.monotonic() - started)


async def _answer(root: Path, folder: Folder) -> Reply:
    _step(
        1,
        "An answer, and its trace",
        f'groundwork ask "{QUESTION}"',
        "Every request leaves a trace: what was asked, found, sent, answered, and how long each step took.",
    )
    async with open_live(root, folder=folder) as live:
        reply = await ask_live(live, QUESTION)
    print_reply(reply)
    await folder.traces.flush()
    trace = await folder.trace_store.get(reply.trace)
    lines = trace_lines(trace) if trace else []
    for line in lines[lines.index(f"\n{bold('steps')}") :] if trace else []:
        out(line)
    return reply


async def _learn(folder: Folder, reply: Reply) -> str:
    _step(
        2,
        "Feedback becomes a dataset",
        "groundwork harvest",
        "The answer quotes the wrong sentences. A thumb down and what it should have said are kept with its trace.",
    )
    opinions: tuple[Opinion, ...] = (Thumb(value=False), Demonstration(value=SHOULD_BE))
    for opinion in opinions:
        await folder.feedback.add(Feedback(id=event_id("fb"), trace=reply.trace, opinion=opinion, at=time.time()))
    out(f"thumb down, and: {SHOULD_BE}")
    dataset, gathered = await harvest_folder(folder, name="tour", which="down", since=0.0, how="groundwork tour")
    say_dataset(dataset, gathered, folder.dataset_files)
    out(dim("each example names the trace and the feedback it came from: groundwork show walks both ways"))
    return dataset.id


async def _evaluate(root: Path, folder: Folder) -> None:
    _step(3, "What serves now, measured", "groundwork eval", "A figure is never without its interval and its n.")
    measured = await measure_change(root, folder, None)
    for name in ("answer.correct", "citation.correct", "abstention.right"):
        out(f"   {name:17} {interval(measured.run.metrics[name])}")


async def _judge(root: Path, folder: Folder, dataset: str) -> GateResult:
    _step(
        4,
        "Two changes, and the gate",
        "groundwork propose … ; groundwork gate …",
        "The gate holds each change against what serves now, case by case. It passes only what is shown not to be worse by the margin.",
    )
    results: list[GateResult] = []
    for value, why in ((1, "one passage may be enough, and costs least"), (4, "fewer passages cost less, and may mislead less")):
        change = await propose(root, folder, "context.retrieve.keep", value, why=why, parents=(dataset,))
        say_change(change)
        results.append(await decide(root, folder, change.id))
        say_gate(results[-1])
        out()
    out("Undecided is an answer: too few cases to tell. It exits with 3, like a fail, and nothing ships on it.")
    return results[-1]


async def _ship(root: Path, folder: Folder, result: GateResult) -> None:
    _step(
        5,
        "Release and rollback",
        "groundwork release … ; groundwork rollback",
        "A release moves a pointer; the files stay. Every answer names the release that made it.",
    )
    if result.decision != "pass":
        out(f"The gate did not pass {result.change} this time, so it is not released.")
        return
    say_release(await release_change(root, folder, result.change, note="shown by the tour", force=False))
    async with open_live(root, folder=folder) as live:
        reply = await ask_live(live, "What is the maximum size of a database file?")
    await folder.traces.flush()
    trace = await folder.trace_store.get(reply.trace)
    versions = {name: value for name, value in msgspec.structs.asdict(trace.versions).items() if value} if trace else {}
    out(f"asked again: {reply.trace} was made by " + ", ".join(f"{name} {value}" for name, value in versions.items()))
    say_release(await roll_back(folder, to="", note="end of the tour"))


def _step(number: int, title: str, command_line: str, meaning: str) -> None:
    out(f"\n{bold(f'{number}. {title}')}   {dim('$ ' + command_line)}\n{meaning}\n")


def _end(place: Path, seconds: float) -> None:
    out(f"\n{bold('That was one lap')}, in {seconds:.0f} seconds. Now:")
    for command_line, why in (
        ("up", "the same over HTTP, with a page at /"),
        ("list releases", "the history that the tour left"),
        ("check", "every setting in force, and where it comes from"),
    ):
        out(f"   {program_name()} {command_line} --app {place}  {dim('# ' + why)}")
