"""`groundwork contamination`: which cases stand, word for word, in texts that a model or a setting was made with."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import msgspec

from groundwork.cli.opening import open_folder
from groundwork.cli.terminal import app_option, bold, dim, json_option, out, out_json, run, table, talk
from groundwork.core.config import reveal, unknown
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.ids import kind_of
from groundwork.core.measure import Estimate, Example
from groundwork.core.ngrams import Unit
from groundwork.core.units import Secret
from groundwork.datasets.dataset import read_dataset
from groundwork.datasets.examples import parse_example
from groundwork.evaluate.contamination import Contamination, Effect, effects, find_contamination, parts_of
from groundwork.evaluate.likelihood import Dialect, opened
from groundwork.evaluate.memorised import Memorised, order_test
from groundwork.evaluate.passages import Passage, files_of, read_passages, rows_of
from groundwork.evaluate.report import load_evaluated
from groundwork.evaluate.scorers import all_scorers, metrics_of
from groundwork.evaluate.suite import load_suite

EPILOG = """\b
Examples:
  groundwork contamination suites/helpdesk.toml --against corpus/ --against train.jsonl.gz
  groundwork contamination test.jsonl --field question --against train.jsonl --characters
  groundwork contamination suites/helpdesk.toml --against train.jsonl --run run_…"""


class _Cases(NamedTuple):
    """What is looked for: each case by its parts, and the file it comes from, where it is one."""

    parts: dict[str, dict[str, str]]
    path: Path | None


@click.command(epilog=EPILOG)
@click.argument("dataset")
@click.option("--against", multiple=True, required=True, metavar="PATH", help="A file, a folder, a suite or a dataset to look through.")
@click.option("--field", "fields", multiple=True, help="Of rows that are no cases of ours: the fields to look for. Default: every text.")
@click.option("--n", type=click.IntRange(2), help="Length of the runs to look for. Default: 13 words, or 50 characters.")
@click.option("--characters", is_flag=True, help="Compare letters and digits instead of words: finds copies with other spacing.")
@click.option("--over", default=0.0, show_default=True, help="The share of a case that must stand elsewhere for it to count.")
@click.option("--run", "identifier", default="", metavar="RUN", help="Show this run's figures with and without those cases.")
@click.option("--url", default="", help="Ask the server behind this address too whether its model has seen the file: an order test.")
@click.option("--model", default="", help="The model to ask there; its completions must return the prompt's log-probabilities.")
@click.option("--dialect", type=click.Choice(["echo", "prompt_logprobs"]), default="echo", show_default=True, help="How they return them.")
@click.option("--key", default="", help="An environment variable with its key: env:NAME.")
@click.option("--show", default=10, show_default=True, help="How many cases to show.")
@app_option
@json_option
def command(
    dataset: str,
    against: tuple[str, ...],
    fields: tuple[str, ...],
    n: int | None,
    characters: bool,
    over: float,
    identifier: str,
    url: str,
    model: str,
    dialect: Dialect,
    key: str,
    show: int,
    root: Path,
    as_json: bool,
) -> None:
    """Look for the cases of DATASET (a suite, a dataset's id, or a file of JSON lines) in other texts, by shared n-grams.

    Texts are read once and not held, so that they may be large. Finds copies, not paraphrases. With --url, a model is asked besides whether it
    finds the cases likelier in the file's own order than shuffled, as one that was trained on the file does.
    """
    root, unit = root.resolve(), _unit(characters)
    cases = _cases(root, dataset, fields)
    others = [path for name in against for path in _paths(root, name)]
    if cases.path is not None and cases.path.resolve() in {path.resolve() for path in others}:
        raise InputError(f"{dataset} is among the texts to look through", fix="leave it out: every case stands in its own file")
    found = find_contamination(cases.parts, _passages(others), n=n, unit=unit, least=over)
    changed: tuple[Effect, ...] = ()
    if identifier:
        folder = open_folder(root)
        try:
            changed = effects(found.contaminated, load_evaluated(folder.run_files, identifier), metrics_of(all_scorers()))
        finally:
            folder.close()
    order = run(_order(cases, url, model, dialect, key)) if url else None
    if as_json:
        out_json({**msgspec.structs.asdict(found), "effects": changed, "order": order})
        return
    say_contamination(found, show)
    if changed:
        say_effects(changed)
    if order:
        out(f"\n{bold(model)}: {order.sentence}  {dim(f'{order.calls} calls')}")


async def _order(cases: _Cases, url: str, model: str, dialect: Dialect, key: str) -> Memorised:
    """The order test over the cases as they stand in their file."""
    if not model:
        raise InputError("--url needs --model", fix="name the model as the server does")
    secret = reveal(Secret.parse(key), where="--key") if key else None
    async with opened(url, model, dialect=dialect, key=secret) as server:
        return await order_test(["\n".join(parts.values()) for parts in cases.parts.values()], server)


def _unit(characters: bool) -> Unit:
    return "characters" if characters else "words"


def _cases(root: Path, name: str, fields: tuple[str, ...]) -> _Cases:
    """The cases by id. Rows that are no cases of ours are named by their line."""
    if kind_of(name) == "dataset":
        return _Cases(_parts(read_dataset(root / ".groundwork" / "datasets", name)[1]), None)
    path = _find(root, name)
    if path.suffix == ".toml":
        return _Cases(_parts(load_suite(path, root=root).examples), _cases_file(path))
    if path.is_dir():
        raise InputError(f"{name} is a folder", fix="name a suite, a dataset's id, or a file of JSON lines")
    if not fields:
        ours = _ours(path)
        if ours:
            return _Cases(_parts(ours), path)
    return _Cases(dict(_rows(path, fields)), path)


def _parts(examples: Iterable[Example]) -> dict[str, dict[str, str]]:
    return {one.id: parts_of(one) for one in examples}


def _ours(path: Path) -> list[Example]:
    """The cases of a file of ours; empty where a line is none."""
    try:
        return [parse_example(msgspec.json.encode(row), f"{path}:{line}") for line, row in rows_of(path)]
    except ConfigError:
        return []


def _rows(path: Path, fields: tuple[str, ...]) -> Iterator[tuple[str, dict[str, str]]]:
    for line, row in rows_of(path):
        if not isinstance(row, dict):
            raise InputError(f"{path}:{line} is no JSON object", fix="write one object on each line")
        texts = {key: value for key, value in row.items() if isinstance(value, str)}
        for field in fields:
            if field not in texts:
                raise unknown("field", field, texts, f"{path}:{line}")
        yield f"line {line}", {key: texts[key] for key in fields or texts}


def _paths(root: Path, name: str) -> tuple[Path, ...]:
    """The files behind something to look through."""
    if kind_of(name) == "dataset":
        return (root / ".groundwork" / "datasets" / name / "examples.jsonl",)
    path = _find(root, name)
    return files_of([_cases_file(path)]) if path.suffix == ".toml" else files_of([path])


def _cases_file(suite: Path) -> Path:
    """The file of a suite's cases."""
    from groundwork.core.config import read_toml

    cases = str(read_toml(suite).table.get("cases", ""))
    if kind_of(cases) == "dataset":
        return suite.parent.parent / ".groundwork" / "datasets" / cases / "examples.jsonl"
    return suite.parent / cases


def _find(root: Path, name: str) -> Path:
    path = Path(name)
    return root / path if not path.is_absolute() and not path.exists() else path


def _passages(paths: list[Path]) -> Iterator[Passage]:
    for path in dict.fromkeys(paths):
        yield from read_passages(path)


def say_contamination(found: Contamination, show: int) -> None:
    """How many cases stand elsewhere, and the most covered ones."""
    what = f"{found.n} {found.unit}"
    read = sum(found.read.values())
    if found.share is not None:
        share = f"{found.share.value:.2%} [{found.share.low:.2%}, {found.share.high:.2%}]"
        over = f", more than {found.least:.0%} of them" if found.least else ""
        out(f"{bold(str(len(found.contaminated)))} of {found.share.n} cases share {what} in a row{over}: {share}")
    out(dim(f"read {read} {found.unit} of {len(found.read)} files"))
    rows = [(one.case, one.part, f"{one.share:.0%}", f"{one.source}:{one.place}", one.excerpt) for one in found.overlaps[:show]]
    if rows:
        table(rows, ("case", "part", "covered", "where", "what"))
    if len(found.overlaps) > show:
        talk(dim(f"and {len(found.overlaps) - show} more: --show {len(found.overlaps)}"))
    if found.too_short:
        talk(dim(f"{len(found.too_short)} cases are too short to be looked for: they count neither way"))


def say_effects(changed: tuple[Effect, ...]) -> None:
    """Figures over all cases, the clean ones and the others."""
    out(f"\n{bold('with and without them')}")
    rows = [(one.metric, _said(one.whole), _said(one.clean), _said(one.contaminated), _said(one.difference)) for one in changed]
    table(rows, ("metric", "all", "clean", "contaminated", "difference"))


def _said(figure: Estimate | None) -> str:
    return f"{figure.value:.3f} [{figure.low:.3f}, {figure.high:.3f}]" if figure else "–"
