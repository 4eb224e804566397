"""The same generator, documents and questions behind three pipelines: ours, LlamaIndex's and Haystack's, each with its own defaults.

    python -m benchmarks.answers [--quick] [--data FOLDER] [--peers PYTHON] [--most N] [--only NAME] [--keep FOLDER] [--pipeline NAME] [--choose] [--vary]

Each pipeline splits, embeds, stores and retrieves as it does when it is told nothing; all embed with the same encoder (all-MiniLM-L6-v2: the
peers by HTTP from a server on 127.0.0.1 that cuts at its window, as sentence-transformers does). What each retrieves goes, in its order and
with its scores, to one generator: groundwork's embedded reader, which is told the document's title with every passage. It quotes at most two
sentences, or abstains. So the comparison is of what is handed to a generator, not of prompts or language models.

The peers live in an environment of their own, named by `--peers` or $GROUNDWORK_PEERS; a peer that is missing there is reported as absent:

    python3 -m venv peers && peers/bin/pip install llama-index-core llama-index-readers-file haystack-ai
    GROUNDWORK_PEERS=peers/bin/python python -m benchmarks.answers

`--data` (or $GROUNDWORK_DATA) holds reader/squad2.jsonl.gz (see benchmarks.reader): whole articles, one Markdown file each, in one index; without it
the sample's pages alone are asked. Figures of one pipeline and one set of documents:

    correct             the answer states every accepted fact; a question without an answer is declined
    answered, declined  the same, of questions with an answer, and of those without
    f1                  SQuAD 2.0's F1 of the reader's surest span, declining below its shipped threshold (`squad` alone)
    held                the passages hold the answer, of the questions with one
    cited               of the cited passages, the share that holds an accepted answer and is of the right document; questions with citations
    quoted              of the quoted sentences, the share that states it and stands in the question's own paragraph (or page)
    characters          of all passages handed over

`less_PEER` is ours less theirs on the same questions; `cited` and `quoted` on those where both cite. Whole articles are drawn for the intervals of `squad`;
five are few, and the bootstrap is too narrow by some: `cluster-robust` in the lines for people is the careful interval.
A question costs the generator 0.2 to 0.6 s of CPU for each pipeline. `--keep` writes each pipeline's answers into a folder and takes what is there, so that an
interrupted run goes on, and pipelines can be run side by side (`--pipeline NAME` runs one, and reports nothing).
`--choose` asks the choosing parts instead (articles the reader was calibrated on, the suite's split `choose`); `--vary` tries other settings
of each pipeline on it, to see where a difference comes from.
"""

import argparse
import asyncio
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks import answers_peer
from benchmarks.answers_generator import Generator, Passage, Said
from benchmarks.answers_server import serving
from benchmarks.answers_sets import Case, Collection, questions, sample, squad, write
from benchmarks.report import Number, Rival, begin, report
from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.context.indexing import Indexer
from groundwork.context.search import Search
from groundwork.core.measure import Estimate
from groundwork.core.statistics import bootstrap, clustered_difference
from groundwork.core.text import fold
from groundwork.engine.batching import Batcher
from groundwork.engine.encoder import Encoder
from groundwork.evaluate.scorers.facts import holds
from groundwork.store.index import open_index
from groundwork.store.index_reading import read_numbers
from groundwork.tuning.outcomes import token_f1


class Ours(NamedTuple):
    """How our own pipeline is set."""

    chunk: ChunkSection = ChunkSection()
    retrieve: RetrieveSection = RetrieveSection()


class Theirs(NamedTuple):
    """How a peer's is set; 0: as it does by itself."""

    size: int = 0
    """Of a chunk, in what it counts by default: tokens (LlamaIndex), words (Haystack)."""
    keep: int = 0


OURS = "groundwork"
METRICS = ("correct", "answered", "declined", "f1", "held", "cited", "quoted", "characters")
SETTINGS: dict[str, Ours] = {
    **{f"keep {keep}": Ours(retrieve=RetrieveSection(keep=keep)) for keep in (2, 4, 10)},
    "terms": Ours(retrieve=RetrieveSection(fuse="terms")),
    "dense": Ours(retrieve=RetrieveSection(fuse="dense")),
    "tokens 100": Ours(chunk=ChunkSection(tokens=100, overlap=12)),
    "tokens 254": Ours(chunk=ChunkSection(tokens=254)),
    "recursive": Ours(chunk=ChunkSection(by="recursive")),
    "around 1500": Ours(retrieve=RetrieveSection(around=1_500)),
}
"""What `--vary` tries of ours."""
PEER_SETTINGS = {
    "llama-index": {"size 256": Theirs(256), "size 256, keep 6": Theirs(256, 6), "keep 6": Theirs(keep=6)},
    "haystack": {"keep 6": Theirs(keep=6), "size 100": Theirs(100)},
}


class Pipeline(NamedTuple):
    """What a pipeline retrieved for each question, and what it took."""

    name: str
    passages: list[list[Passage]]
    index_cpu_s: float
    ask_cpu_ms: float
    chunks: int
    versions: dict[str, str]


class Answered(NamedTuple):
    """A pipeline with its answers and their scores; None where a metric says nothing of a question."""

    pipeline: Pipeline
    said: list[Said]
    scores: dict[str, list[float | None]]

    @property
    def answer_cpu_ms(self) -> float:
        return 1000 * sum(one.cpu_s for one in self.said) / len(self.said)


# -- the pipelines


async def ours(collection: Collection, folder: Path, name: str, setting: Ours) -> Pipeline:
    """Our own: one process, no HTTP."""
    chunk, retrieve = setting
    section = ContextSection(sources=("docs",), chunk=chunk, retrieve=retrieve)
    store, embedder = open_index(folder), Batcher()
    try:
        started = time.process_time()
        Indexer(section, folder, store, Encoder()).run(rebuild=True)
        indexed = time.process_time() - started
        search = Search(store, embedder, section)
        await search.find("warm", keep=1)
        started = time.process_time()
        found = [await search.find(case.question, keep=section.retrieve.keep) for case in collection.cases]
        asked = time.process_time() - started
        passages = [[Passage(hit.text, Path(hit.chunk.source).name, hit.similarity, hit.chunk.prefix) for hit in one.hits] for one in found]
        chunks = len(store.database.read_now(read_numbers))
    finally:
        await embedder.close()
        store.close()
    return Pipeline(name, passages, indexed, 1000 * asked / len(collection.cases), chunks, {})


def theirs(collection: Collection, folder: Path, peer: str, name: str, setting: Theirs, python: str) -> Pipeline | str:
    """A peer in its own environment, or why it is not there."""
    asked, out = folder / "questions.jsonl", folder / "passages.jsonl"
    asked.write_text(questions(collection.cases), encoding="utf-8")
    with serving(Encoder()) as served:
        command = [
            python,
            answers_peer.__file__,
            peer,
            folder / "docs",
            asked,
            served.url,
            out,
            f"--size={setting.size}",
            f"--keep={setting.keep}",
        ]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | {"HAYSTACK_TELEMETRY_ENABLED": "False"}
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        return (done.stderr.strip().splitlines() or ["no reason given"])[-1]
    *rows, known = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    passages = [[Passage(one["text"], one["source"], one["score"], collection.titles[one["source"]]) for one in row] for row in rows]
    ask = known["ask_cpu_s"] + served.cpu["ask"]
    return Pipeline(name, passages, known["index_cpu_s"] + served.cpu["index"], 1000 * ask / len(rows), known["chunks"], known["versions"])


# -- their answers, and how good they are


async def answered(collection: Collection, pipeline: Pipeline, generator: Generator) -> Answered:
    """Let the generator answer from what the pipeline retrieved."""
    said = [await generator.answer(case.question, found) for case, found in zip(collection.cases, pipeline.passages, strict=True)]
    rows = [scored(case, found, one) for case, found, one in zip(collection.cases, pipeline.passages, said, strict=True)]
    return Answered(pipeline, said, {name: [row.get(name) for row in rows] for name in METRICS})


def scored(case: Case, passages: Sequence[Passage], said: Said) -> dict[str, float]:
    """What of METRICS says something of this question."""
    found: dict[str, float] = {"characters": float(sum(len(one.text) for one in passages))}
    if case.facts:
        found["correct"] = found["answered"] = float(not said.abstained and states(said.text, case, every=True))
        found["held"] = float(states("\n".join(one.text for one in passages if one.source in case.sources), case, every=True))
    else:
        found["correct"] = found["declined"] = float(said.abstained)
    if case.paragraph:
        right = token_f1(said.span, case.facts[0]) if case.facts and said.sure else 0.0
        found["f1"] = right if case.facts else float(not said.sure)
    if said.quotes:
        cited = {place: passages[place] for place, _ in said.quotes}.values()
        found["cited"] = sum(one.source in case.sources and states(one.text, case) for one in cited) / len(cited)
        found["quoted"] = sum(passages[place].source in case.sources and own(quote, case) for place, quote in said.quotes) / len(
            said.quotes
        )
    return found


def states(text: str, case: Case, *, every: bool = False) -> bool:
    """Whether a text states an accepted fact (or each)."""
    folded = fold(text)
    return bool(case.facts) and (all if every else any)(any(holds(folded, one) for one in accepted) for accepted in case.facts)


def own(quote: str, case: Case) -> bool:
    """Whether a quote states a fact, and stands in the question's own paragraph where that is known."""
    return states(quote, case) and (not case.paragraph or fold(quote) in fold(case.paragraph) or fold(case.paragraph) in fold(quote))


def over(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    return bootstrap(values, clusters=groups if len(set(groups)) < len(groups) else None, kind="percentile", draws=4_000)


def figures_of(collection: Collection, one: Answered) -> dict[str, Estimate]:
    """Every metric that says something of a question of this collection."""
    figures: dict[str, Estimate] = {}
    for name in METRICS:
        some = [(value, case.group) for value, case in zip(one.scores[name], collection.cases, strict=True) if value is not None]
        if some:
            figures[name] = over([value for value, _ in some], [group for _, group in some])
    return figures


def differences(collection: Collection, one: Answered, other: Answered) -> dict[str, Estimate]:
    """Ours less theirs, question by question; prints the careful interval beside it."""
    found: dict[str, Estimate] = {}
    for name in METRICS[:-1]:
        pairs = [
            (mine, its, case.group)
            for mine, its, case in zip(one.scores[name], other.scores[name], collection.cases, strict=True)
            if mine is not None and its is not None
        ]
        if not pairs:
            continue
        groups = [group for _, _, group in pairs]
        found[name] = over([mine - its for mine, its, _ in pairs], groups)
        careful = clustered_difference([its for _, its, _ in pairs], [mine for mine, _, _ in pairs], groups)
        shown = " ".join(f"{value:+.3f}" for value in (found[name].value, found[name].low, found[name].high, careful.low, careful.high))
        print(f"{collection.name}: {name}, {one.pipeline.name} less {other.pipeline.name}: {shown} (cluster-robust), n = {len(pairs)}")
    return found


def costs(one: Answered) -> dict[str, float]:
    pipeline = one.pipeline
    return {
        "index_cpu_s": round(pipeline.index_cpu_s, 2),
        "chunks": pipeline.chunks,
        "ask_cpu_ms": round(pipeline.ask_cpu_ms, 2),
        "answer_cpu_ms": round(one.answer_cpu_ms, 1),
    }


# -- the comparison


class Run(NamedTuple):
    """How pipelines are run: the peers' Python, where answers are kept, which one alone."""

    peers: str
    keep: Path | None
    pipeline: str
    vary: bool


def wanted(run: Run) -> list[tuple[str, str, Ours | Theirs]]:
    """The pipelines of a run: (kind, name, setting). Ours first, and each kind's defaults before its other settings."""
    settings: dict[str, tuple[Ours | Theirs, Mapping[str, Ours | Theirs]]] = {OURS: (Ours(), SETTINGS)}
    settings |= {peer: (Theirs(), PEER_SETTINGS[peer]) for peer in answers_peer.PEERS}
    found: list[tuple[str, str, Ours | Theirs]] = []
    for kind, (default, others) in settings.items():
        found.append((kind, kind, default))
        found += [(kind, f"{kind}, {name}", other) for name, other in others.items() if run.vary]
    return [one for one in found if run.pipeline in ("", one[1])]


async def compare(collection: Collection, run: Run) -> tuple[list[Answered], dict[str, str]]:
    """Every pipeline's answers, ours first, and which peers are absent and why."""
    absent: dict[str, str] = {}
    found: list[Answered] = []
    generator = Generator()
    with tempfile.TemporaryDirectory(prefix="groundwork-answers-") as temporary:
        folder = Path(temporary)
        write(collection, folder)
        try:
            for kind, name, setting in wanted(run):
                if kind in absent:
                    continue
                kept = run.keep / f"{collection.name}-{len(collection.cases)}-{name.replace(' ', '')}.json" if run.keep else None
                if kept is not None and kept.exists():
                    one = msgspec.json.decode(kept.read_bytes(), type=Answered)
                else:
                    pipeline = await retrieved(collection, folder, kind, name, setting, run.peers)
                    if isinstance(pipeline, str):
                        absent[kind] = f"{pipeline}: see `python -m benchmarks.answers --help`"
                        continue
                    one = await answered(collection, pipeline, generator)
                    if kept is not None:
                        kept.write_bytes(msgspec.json.encode(one))
                found.append(_shown(collection, one))
        finally:
            await generator.close()
    return found, absent


async def retrieved(collection: Collection, folder: Path, kind: str, name: str, setting: Ours | Theirs, peers: str) -> Pipeline | str:
    """What one pipeline finds, or why it is not there."""
    if isinstance(setting, Ours):
        return await ours(collection, folder, name, setting)
    return theirs(collection, folder, kind, name, setting, peers) if peers else "no environment of peers is named"


def _shown(collection: Collection, one: Answered) -> Answered:
    values = ", ".join(f"{name} {figure.value:.3f}" for name, figure in figures_of(collection, one).items())
    print(f"{collection.name}: {one.pipeline.name}: {values}; {costs(one)}", flush=True)
    return one


def collections_of(data: Path | None, only: str, *, quick: bool, choose: bool, most: int) -> list[Collection]:
    """SQuAD's articles where they are at hand, and the sample; or that one alone."""
    articles = squad(data, choose=choose, most=most) if data and not quick and only != "sample" else None
    pages = sample(choose=choose, quick=quick) if only != "squad" or quick else None
    found = [one for one in (articles, pages) if one is not None]
    if not found:
        raise SystemExit("no articles here: name a folder that holds reader/squad2.jsonl.gz by --data")
    return found


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="six pages of the sample and their questions")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"))
    parser.add_argument("--peers", default=os.environ.get("GROUNDWORK_PEERS", ""), help="the Python of an environment that holds the peers")
    parser.add_argument("--most", type=int, default=3_000, help="questions about articles that are asked, evenly spread")
    parser.add_argument("--only", choices=("squad", "sample"), default="", help="one set of documents")
    parser.add_argument("--keep", type=Path, help="a folder of answers that are taken, and written where they are missing")
    parser.add_argument("--pipeline", default="", help="run this one alone, for --keep")
    parser.add_argument("--choose", action="store_true", help="ask the choosing parts")
    parser.add_argument("--vary", action="store_true", help="try other settings, on the choosing parts")
    options = parser.parse_args()
    started = begin()
    data = Path(options.data) if options.data else None
    figures: dict[str, Number] = {}
    intervals: dict[str, list[float]] = {}
    rivals: dict[str, Rival] = {}
    versions: dict[str, str] = {}
    collections = collections_of(data, options.only, quick=options.quick, choose=options.choose or options.vary, most=options.most)
    run = Run(options.peers, options.keep, options.pipeline, options.vary)
    for collection in collections:
        found, absent = asyncio.run(compare(collection, run))
        if options.pipeline:
            continue
        mine, *others = found
        named = figures_of(collection, mine)
        for other in others:
            versions |= other.pipeline.versions
            known = figures_of(collection, other)
            rival = {name: round(value.value, 4) for name, value in known.items()} | costs(other)
            rivals[f"{other.pipeline.name}, {collection.name}"] = rival
            named |= {f"{name}_less_{other.pipeline.name}": value for name, value in differences(collection, mine, other).items()}
        rivals |= {f"{peer}, {collection.name}": {"absent": why} for peer, why in absent.items()}
        figures |= {f"{collection.name}.{name}": round(value.value, 4) for name, value in named.items()}
        figures |= {f"{collection.name}.{name}": value for name, value in costs(mine).items()}
        intervals |= {f"{collection.name}.{name}": [round(value.low, 4), round(value.high, 4)] for name, value in named.items()}
    if options.pipeline:
        return
    about = "; ".join(f"{one.about}, {len(one.cases)} questions" for one in collections)
    peers = ", ".join(f"{name} {number}" for name, number in versions.items()) or "none"
    report(
        benchmark="answers",
        figures=figures,
        intervals=intervals,
        n=sum(len(one.cases) for one in collections),
        rivals=rivals,
        data=f"{about}; peers: {peers}",
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
