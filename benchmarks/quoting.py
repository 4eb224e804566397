"""Which weights, threshold and number of sentences the offline quoting reader should have, and what the shipped ones reach.

    python -m benchmarks.quoting [--quick] [--data FOLDER]

Everything is chosen on the suite's split `choose`. The split `report` is looked at once, at the end, with the shipped defaults, through the
application's own path and scorers: nothing is ever chosen on it. `--data` names the folder of an application of the same shape (its
groundwork.toml with a [gate], the gate's suite with both splits):

    {"id": "a", "split": "choose", "question": "How many?", "facts": [{"accepted": ["7"], "source": "page.html"}], "tags": []}

Not covered: whether a quote reads well, and questions whose right answer is in other words than the accepted ones.
"""

import argparse
import asyncio
import itertools
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import begin, report
from benchmarks.sample import SAMPLE, copy_app
from groundwork.app.live import Live
from groundwork.core.measure import Estimate, Example
from groundwork.core.ports import Embedder
from groundwork.core.statistics import paired_difference, proportion
from groundwork.core.text import fold, shorten
from groundwork.engine import quoting
from groundwork.engine.questions import kind_of_question
from groundwork.engine.quoting import WITH_READER, Passage, Quoter, Weights
from groundwork.evaluate.asking import request_for
from groundwork.evaluate.scorers.facts import facts_of, holds
from groundwork.evaluate.suite import Suite
from groundwork.gateway.providers.embedded import _PASSAGE_SHOWN
from groundwork.loop.measure import Measured, gate_section, measure, open_candidate, suite_of
from groundwork.store.folder import Folder

SIZES = (6, 12, 24, 48, 96)
QUICK_SIZES = (12, 48)
GRID = {
    "words": (0.4, 0.8, 1.2),
    "heading": (0.15, 0.3),
    "passage": (0.5, 1.0),
    "answer": (0.0, 0.5, 1.0, 2.0, 3.0),
    "trust": (0.0, 0.25, 0.5, 1.0),
}
SECOND = (0.65, 0.7, 0.75, 0.8, 0.85)
SUPPORT = tuple(round(0.6 + 0.05 * step, 2) for step in range(22))
METRICS = ("answer.correct", "facts.found", "abstention.right", "abstention.wrong", "citation.correct")


class Prepared(NamedTuple):
    """A question with its candidate sentences, all that weights decide over. Facts are bits."""

    example: Example
    kind: str
    features: NDArray[np.float64]
    """[sentences, 6]: cosine, words, heading, number, passage, answer; in the order in which sentences are dropped."""
    support: NDArray[np.float64]
    stated: NDArray[np.int64]
    listed: int
    """Facts that stand in the passages as they are listed where a quote cannot serve."""
    everything: int

    def cut(self, sentences: int) -> "Prepared":
        """With fewer sentences embedded."""
        return self._replace(features=self.features[:sentences], support=self.support[:sentences], stated=self.stated[:sentences])


class Setting(NamedTuple):
    """What is chosen: weights of the features, and up to how many sentences are quoted."""

    weights: Weights
    most: int = 2


def shown(setting: Setting) -> str:
    one = setting.weights
    return (
        f"words {one.words:<4} heading {one.heading:<4} number {one.number:<4} passage {one.passage:<4} answer {one.answer:<4} "
        f"trust {one.trust:<4} support {one.support:<4} second {one.second:<4} most {setting.most}"
    )


async def prepare(live: Live, examples: Iterable[Example], sizes: Sequence[int]) -> tuple[list[Prepared], dict[int, list[float]]]:
    """Candidates of each question as the application finds them, and the CPU milliseconds of reading by number of sentences."""
    quoter = Quoter(live.resources.embedder, reader=live.resources.reader)
    rows: list[Prepared] = []
    costs: dict[int, list[float]] = {size: [] for size in sizes}
    shipped = quoting._SENTENCES
    try:
        for example in examples:
            found = await live.app.context.gather(request_for(example))
            passages = [Passage(hit.text, hit.chunk.prefix, hit.similarity) for hit in found.hits]
            for size in sizes:  # ascending: the features of the last are kept
                quoting._SENTENCES = size
                started = time.process_time()
                features = await quoter.features(example.question, passages)
                costs[size].append(1000 * (time.process_time() - started))
            rows.append(_prepared(example, passages, features))
    finally:
        quoting._SENTENCES = shipped
    return rows, costs


def _prepared(example: Example, passages: Sequence[Passage], features: Sequence[tuple[int, int, int, quoting.Features]]) -> Prepared:
    facts = facts_of(example) if example.expects_answer else ()

    def bits(text: str) -> int:
        folded = fold(text)
        return sum(1 << place for place, fact in enumerate(facts) if any(holds(folded, accepted) for accepted in fact.accepted))

    return Prepared(
        example,
        kind_of_question(example.question),
        np.array([(*row[3][:5], row[3].answer) for row in features], dtype=np.float64).reshape(-1, 6),
        np.array([row[3].support for row in features], dtype=np.float64),
        np.array([bits(passages[place].text[start:end]) for place, start, end, _ in features], dtype=np.int64),
        bits("\n".join(shorten(passage.text, _PASSAGE_SHOWN) for passage in passages[:3])),
        (1 << len(facts)) - 1,
    )


def read(one: Prepared, setting: Setting) -> tuple[float, list[int], int]:
    """Support of the best sentence, the places of those that would be quoted, and the facts in them. Follows `Quoter.read`."""
    weights = setting.weights
    scores = one.features @ np.array([weights.cosine, weights.words, weights.heading, weights.number, weights.passage, weights.answer])
    if not len(scores):
        return 0.0, [], 0
    order = np.argsort(-scores, kind="stable")[: setting.most]
    quoted = [int(place) for rank, place in enumerate(order) if not rank or scores[place] >= weights.second * scores[order[0]]]
    return float(one.support[order[0]] + weights.trust * one.features[order[0], 5]), quoted, int(np.bitwise_or.reduce(one.stated[quoted]))


def correct(one: Prepared, setting: Setting) -> bool:
    """Whether the question would be answered right: all its facts stated, or rightly declined."""
    support, _, facts = read(one, setting)
    declined = support < setting.weights.support and one.kind != "foreign"
    if not one.example.expects_answer:
        return declined
    return not declined and (facts if one.kind == "fact" else one.listed) == one.everything


def score(rows: Sequence[Prepared], setting: Setting) -> list[bool]:
    return [correct(row, setting) for row in rows]


def choose(rows: Sequence[Prepared], *, quick: bool) -> list[tuple[int, float, Setting]]:
    """Every setting of the grid: right answers, sentences quoted per question, the setting; best first, then the shortest answers."""
    grid = {name: values[::2] for name, values in GRID.items()} if quick else GRID
    found: list[tuple[int, float, Setting]] = []
    wanted = np.array([row.example.expects_answer for row in rows])
    foreign = np.array([row.kind == "foreign" for row in rows])
    for values in itertools.product(*grid.values()):
        for second in SECOND:
            weights = Weights(**dict(zip(grid, values, strict=True)), second=second)
            readings = [read(row, Setting(weights)) for row in rows]
            stated = np.array(
                [(facts if row.kind == "fact" else row.listed) == row.everything for row, (_, _, facts) in zip(rows, readings, strict=True)]
            )
            supports = np.array([support for support, _, _ in readings])
            length = float(np.mean([len(quoted) for _, quoted, _ in readings]))
            for support in SUPPORT:
                declined = (supports < support) & ~foreign
                right = int(np.where(wanted, stated & ~declined, declined).sum())
                found.append((right, length, Setting(Weights(**dict(zip(grid, values, strict=True)), second=second, support=support))))
    return sorted(found, key=lambda row: (-row[0], row[1]))


def say_choice(rows: Sequence[Prepared], ranking: Sequence[tuple[int, float, Setting]]) -> None:
    """The best settings of the grid, and the shipped one beside them."""
    n = len(rows)
    shipped = Setting(WITH_READER)
    mine = score(rows, shipped)
    print(f"choosing split, {n} questions; right answers by setting ({len(ranking)} tried):")
    for right, length, setting in ranking[:8]:
        print(f"  {right:3d}  {length:.2f} sentences  {shown(setting)}")
    print(f"  {sum(mine):3d}  shipped         {shown(shipped)}")
    best = score(rows, ranking[0][2])
    difference = paired_difference([float(one) for one in mine], [float(one) for one in best])
    print(f"best less shipped, on the data it was chosen on: {difference.value:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}]")


def say_variants(rows: Sequence[Prepared], costs: dict[int, list[float]]) -> dict[str, float]:
    """How many sentences to quote and how many to embed; right answers on the choosing split, and CPU."""
    figures: dict[str, float] = {}
    for most in (1, 2, 3):
        setting = Setting(WITH_READER, most)
        figures[f"choose_correct_quoting_{most}"] = round(sum(score(rows, setting)) / len(rows), 4)
        length = np.mean([len(read(row, setting)[1]) for row in rows])
        print(f"up to {most} sentences quoted: right {figures[f'choose_correct_quoting_{most}']:.3f}, {length:.2f} quoted on average")
    for size, cost in costs.items():
        figures[f"choose_correct_of_{size}"] = round(sum(score([row.cut(size) for row in rows], Setting(WITH_READER))) / len(rows), 4)
        figures[f"cpu_ms_of_{size}"] = round(float(np.median(cost)), 2)
        print(
            f"{size:2d} sentences embedded: right {figures[f'choose_correct_of_{size}']:.3f}, median {figures[f'cpu_ms_of_{size}']:.1f} ms CPU"
        )
    best = max(figures[f"choose_correct_of_{size}"] for size in costs)
    figures["smallest_that_loses_nothing"] = next(size for size in costs if figures[f"choose_correct_of_{size}"] == best)
    return figures


@contextmanager
def without_reader() -> Iterator[None]:
    """Applications that are opened meanwhile quote by similarity and words alone, as before there was a trained reader."""
    whole = Quoter.__init__

    def plain(self: Quoter, embedder: Embedder, weights: Weights | None = None, *, reader: object = None) -> None:  # noqa: ARG001 - the keyword callers use
        whole(self, embedder, weights)

    Quoter.__init__ = plain
    try:
        yield
    finally:
        Quoter.__init__ = whole


def by_case(measured: Measured, metric: str) -> dict[str, float]:
    """The metric of every case that it applies to."""
    return {
        result.example: one.value
        for result in measured.evaluated.results
        for one in result.scores
        if one.metric == metric and one.value is not None
    }


def say_beside(before: Measured, after: Measured) -> tuple[dict[str, float], dict[str, Estimate]]:
    """What the trained reader changes on the reporting split, paired by question."""
    one, other = (by_case(measured, "answer.correct") for measured in (before, after))
    shared = sorted(one.keys() & other.keys())
    found = paired_difference([one[name] for name in shared], [other[name] for name in shared])
    print(
        f"report split without the reader: right {sum(one.values()) / len(one):.3f}; with it less without: "
        f"{found.value:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    )
    return {"without_reader.answer.correct": round(sum(one.values()) / len(one), 4)}, {"reader_adds": found}


async def run(root: Path, *, quick: bool) -> tuple[dict[str, float], dict[str, Estimate], int]:
    """Choose on one split, then report on the other."""
    folder = Folder(root)
    try:
        async with open_candidate(root, folder) as live:
            suite: Suite = suite_of(root, folder, None, gate_section(live.app))
            rows, costs = await prepare(live, suite.split("choose"), QUICK_SIZES if quick else SIZES)
            shipped = [row.cut(quoting._SENTENCES) for row in rows]
            ranking = choose(shipped, quick=quick)
            say_choice(shipped, ranking)
            figures = {"choose_correct": round((await measure(live, suite, split="choose")).run.metrics["answer.correct"].value, 4)}
            print(f"the shipped setting through the application itself: {figures['choose_correct'] * len(rows):.0f}")
            figures["choose_correct_best"] = round(ranking[0][0] / len(rows), 4)
            figures |= say_variants(rows, costs)
            measured = await measure(live, suite, split="report")
        with without_reader():
            async with open_candidate(root, folder) as live:
                beside, added = say_beside(await measure(live, suite, split="report"), measured)
        figures |= beside
    finally:
        folder.close()
    reached: dict[str, Estimate] = dict(added)
    for metric in METRICS:
        values = [
            one.value for result in measured.evaluated.results for one in result.scores if one.metric == metric and one.value is not None
        ]
        whole = all(value in {0, 1} for value in values)
        reached[metric] = proportion(sum(values), len(values)) if whole else measured.run.metrics[metric]
    return figures, reached, measured.run.n


def main() -> None:
    """Choose, then report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six pages, fewer settings")
    parser.add_argument("--data", type=Path, default=SAMPLE, help="an application's folder")
    arguments = parser.parse_args()
    started = begin()
    with tempfile.TemporaryDirectory() as folder:
        root = copy_app(Path(folder) / "app", source=arguments.data, quick=arguments.quick)
        chosen, reached, n = asyncio.run(run(root, quick=arguments.quick))
    print(f"\nreport split, shipped defaults, {n} questions (nothing was chosen on it):")
    report(
        benchmark="quoting",
        figures={name: round(estimate.value, 4) for name, estimate in reached.items()} | chosen,
        intervals={name: [round(estimate.low, 4), round(estimate.high, 4)] for name, estimate in reached.items()},
        n=n,
        rivals={},
        data=f"{arguments.data.name}{', six pages' if arguments.quick else ''}: split report; choose_* and cpu_* on split choose",
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
