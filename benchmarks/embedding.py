"""How fast, how small and how exact the embedded encoder is, on one thread.

    python -m benchmarks.embedding [--quick] [--data FOLDER] [--exact FILE]

`--data` (or $GROUNDWORK_DATA) names a folder that holds the Cranfield collection somewhere below it (cran.all.1400, cran.qry,
cranqrel.graded: code 1 best to 4, 5 irrelevant); without it the texts are the documents of examples/sqlite-helpdesk, or a short built-in
list. The cosine to fp32 is taken over the stored reference vectors of tests/data/engine, because the fp32 weights are not shipped. With
`--exact`, the fp32 graph that `scripts/build_encoder.py --fp32 FILE` writes, it is taken over the data's texts, and the change of nDCG@10
from fp32 to int8 is measured on Cranfield.
"""

import argparse
import html
import json
import math
import os
import re
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from benchmarks.report import begin, machine, report
from groundwork.engine.encoder import WEIGHTS, Encoder, Vectors, session

ROOT = Path(__file__).resolve().parent.parent
REFERENCE = ROOT / "tests" / "data" / "engine" / "reference.json"
EXAMPLE = ROOT / "examples" / "sqlite-helpdesk" / "docs"
BUILT_IN = ("The index is rebuilt when a document changes, and only its changed parts are embedded again.",) * 32
PASSAGE = 254

Judgements = dict[int, dict[int, int]]


class Exact(Encoder):
    """The same encoder with another graph."""

    def __init__(self, graph: Path) -> None:
        super().__init__()
        self._session = session(graph)


def passages(text: str, encoder: Encoder) -> list[str]:
    """`text` cut into passages that fill the window."""
    pieces = encoder.pieces(text)
    return [text[part[0][0] : part[-1][1]] for start in range(0, len(pieces), PASSAGE) if (part := pieces[start : start + PASSAGE])]


def records(path: Path) -> dict[int, str]:
    """Cranfield's `.I number` ... `.W` text, by number; numbering follows the file's order (its queries' own numbers have gaps)."""
    bodies = re.split(r"^\.I \d+\s*$", path.read_text(encoding="utf-8", errors="replace"), flags=re.MULTILINE)[1:]
    return {number: " ".join(body.partition(".W")[2].split()) for number, body in enumerate(bodies, start=1)}


def judged(path: Path) -> Judgements:
    """Gains by query and document: code 1 (a complete answer) gains 4, code 4 gains 1, the rest nothing."""
    gains: Judgements = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        query, _, document, code = (int(part) for part in line.split())
        if 1 <= code <= 4:
            gains.setdefault(query, {})[document] = 5 - code
    return gains


def ndcg(ranked: Sequence[int], gains: dict[int, int], *, depth: int = 10) -> float:
    """Normalised discounted cumulative gain at `depth` (Jarvelin and Kekalainen, 2002), linear gains."""

    def discounted(values: Sequence[int]) -> float:
        return sum(gain / math.log2(place + 2) for place, gain in enumerate(values[:depth]))

    best = discounted(sorted(gains.values(), reverse=True))
    return discounted([gains.get(document, 0) for document in ranked]) / best if best else 0.0


def ranking_quality(encoder: Encoder, cranfield: Path) -> tuple[list[float], Vectors]:
    """nDCG@10 of each judged query, and the documents' vectors (their first window)."""
    documents, queries = records(cranfield / "cran.all.1400"), records(cranfield / "cran.qry")
    judgements = judged(cranfield / "cranqrel.graded")
    vectors = encoder.encode([(passages(text, encoder) or [""])[0] for text in documents.values()])
    numbers = list(documents)
    asked = {number: text for number, text in queries.items() if number in judgements}
    scores = encoder.encode(list(asked.values())) @ vectors.T
    ranked = [[numbers[place] for place in np.argsort(-row, kind="stable")[:10]] for row in scores]
    return [ndcg(row, judgements[number]) for number, row in zip(asked, ranked, strict=True)], vectors


def paired_interval(differences: Sequence[float], *, draws: int = 10_000, seed: int = 0) -> list[float]:
    """95 % percentile bootstrap interval of a mean of paired differences."""
    values = np.asarray(differences)
    draw = np.random.default_rng(seed).integers(0, len(values), (draws, len(values)))
    return [round(float(bound), 4) for bound in np.quantile(values[draw].mean(axis=1), [0.025, 0.975])]


def rate(work: Callable[[], object], count: int, *, repeats: int) -> tuple[float, list[float]]:
    """Units of work per CPU second: the median of the repeats, and the range they span."""
    found: list[float] = []
    for _ in range(repeats):
        started = time.process_time()
        work()
        found.append(count / (time.process_time() - started))
    return float(np.median(found)), [round(min(found), 2), round(max(found), 2)]


def resident_mb() -> float | None:
    """This process's memory now, in MB (Linux only)."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return round(next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024 / 1e6, 1)


def corpus(data: Path | None, encoder: Encoder) -> tuple[list[str], str, Path | None]:
    """Passages to embed, the data's name, and Cranfield's folder where it is there."""
    found = sorted(data.rglob("cran.all.1400")) if data else []
    if found:
        texts = [passage for text in records(found[0]).values() for passage in passages(text, encoder)[:1]]
        return texts, "cranfield", found[0].parent
    pages = sorted(EXAMPLE.glob("*.html"))[:8]
    plain = [html.unescape(re.sub(r"(?s)<(script|style).*?</\1>|<[^>]+>", " ", page.read_text(encoding="utf-8"))) for page in pages]
    texts = [passage for text in plain for passage in passages(" ".join(text.split()), encoder)]
    return (texts, "examples/sqlite-helpdesk", None) if texts else (list(BUILT_IN), "built-in list", None)


def stored_cosines(encoder: Encoder) -> list[float]:
    """int8 to fp32 over the reference sentences of the tests."""
    rows = json.loads(REFERENCE.read_text(encoding="utf-8"))
    exact = np.array([row["vector"] for row in rows], dtype=np.float32)
    return [float(value) for value in (encoder.encode([row["text"] for row in rows]) * exact).sum(axis=1)]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="The embedded encoder: speed, size, exactness.")
    parser.add_argument("--quick", action="store_true", help="fewer texts and repeats")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help="a folder that holds Cranfield")
    parser.add_argument("--exact", type=Path, help="the fp32 graph, to measure the change of nDCG")
    arguments = parser.parse_args()
    started = begin()
    encoder = Encoder()
    texts, data, cranfield = corpus(Path(arguments.data) if arguments.data else None, encoder)
    sample = texts[:: max(1, len(texts) // (48 if arguments.quick else 240))]
    sentences = [text[:120] for text in sample]
    encoder.encode(sample[:8])
    repeats = 3 if arguments.quick else 5
    speed, speed_range = rate(lambda: encoder.encode(sample), len(sample), repeats=repeats)
    single, single_range = rate(lambda: [encoder.encode([text]) for text in sentences], len(sentences), repeats=repeats)
    memory = resident_mb()
    pieces = sum(encoder.count(text) for text in sample) / len(sample)
    size = (WEIGHTS / "model.onnx").stat().st_size / 1e6
    print(f"{encoder.fingerprint}, {size:.1f} MB, one thread, {machine()}")
    print(
        f"passages of {pieces:.0f} pieces: {speed:.1f} per CPU second {speed_range}; one sentence: {1000 / single:.2f} ms CPU; {memory} MB"
    )
    cosines, cosine_data = stored_cosines(encoder), "stored reference vectors"
    change, intervals = (
        None,
        {"texts_per_cpu_s": speed_range, "sentence_cpu_ms": [round(1000 / bound, 2) for bound in reversed(single_range)]},
    )
    if arguments.exact and cranfield:
        (ours, vectors), (theirs, exact) = (ranking_quality(each, cranfield) for each in (encoder, Exact(arguments.exact)))
        differences = [mine - other for mine, other in zip(ours, theirs, strict=True)]
        change, intervals["ndcg_change"] = round(float(np.mean(differences)), 4), paired_interval(differences)
        cosines, cosine_data = [float(value) for value in (vectors * exact).sum(axis=1)], "Cranfield abstracts"
        print(
            f"nDCG@10 fp32 {np.mean(theirs):.4f}, int8 {np.mean(ours):.4f}: change {change} {intervals['ndcg_change']}, {len(ours)} queries"
        )
    print(f"cosine to fp32 over {len(cosines)} {cosine_data}: mean {np.mean(cosines):.4f}, lowest {min(cosines):.4f}")
    figures = {
        "texts_per_cpu_s": round(speed, 1),
        "cosine_mean": round(float(np.mean(cosines)), 5),
        "ndcg_change": change,
        "sentence_cpu_ms": round(1000 / single, 2),
        "rss_mb": memory,
    }
    report(
        benchmark="embedding",
        figures=figures,
        intervals=intervals,
        n=len(sample),
        rivals={},
        data=f"{data}; cosine over {cosine_data}",
        versions=("onnxruntime", "numpy", "tokenizers"),
        started=started,
    )


if __name__ == "__main__":
    main()
