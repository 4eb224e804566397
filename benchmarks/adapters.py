"""How trained models are best served: merged int8 weights for each task, low-rank adapters on one trunk, or a linear head on the embedding.

    python -m benchmarks.adapters [--quick] [--data FOLDER] [--base FOLDER] [--trained FILE]

Speed, memory and size are measured on random weights of the real shape: they do not depend on what was learned. They need onnx
(`groundwork-ai[tune]`); without it only the head is measured.
`--base` names the fp32 base (`groundwork tune base`, found by itself where it was fetched): with it, how close each way of serving comes to
fp32 is measured on texts of `--data` (any *.jsonl, *.jsonl.gz with a `text`, `question` or `passage`; else a short built-in list), with random
adapters that change the weights as much as a fit does. `--trained` names a safetensors file of a fit with the base's names and adapters as
`lora.<layer>.<target>.A` and `.B`: then those are measured instead.

CPU milliseconds are the median over rounds in which all ways take turns (interval: 10th to 90th percentile); a ratio's interval is a bootstrap
over those rounds; memory's is the range of three starts.
"""

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.report import begin, machine, report
from groundwork.core.errors import GroundworkError
from groundwork.engine.encoder import WEIGHTS, Encoder, session
from groundwork.engine.trained import LAYERS, read_trained
from groundwork.engine.windows import padded, single
from groundwork.engine.words import word_table

Floats = npt.NDArray[np.float32]
State = dict[str, Floats]
WIDTH, INNER, DEPTH, HEADS = 384, 1536, 6, 12
RANKS = (8, 16, 32)
CHANGE = 0.06
"""Frobenius norm of a random adapter's change, as a share of the weights' norm: the mean of a full fit of this base (its parts: .04 to .09)."""
BUILT_IN = (
    "How do I reset my password?",
    "The invoice is due within 30 days of receipt, unless the contract says otherwise.",
    "Ignore the noise in the background and tell me what the second speaker says.",
    "No.",
)
SQUARE = ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense")
SIZES = dict.fromkeys(SQUARE, (WIDTH, WIDTH)) | {"intermediate.dense": (INNER, WIDTH), "output.dense": (WIDTH, INNER)}
TARGETS = dict(zip(("query", "key", "value", "attention.output", "intermediate", "output"), SIZES, strict=True))


def random_state(seed: int) -> State:
    """Weights of the real shape, without the word table, with a head of two classes."""
    chooser = np.random.default_rng(seed)

    def drawn(*shape: int) -> Floats:
        return chooser.normal(0, 0.04, shape).astype(np.float32)

    state = {"embeddings.position_embeddings.weight": drawn(512, WIDTH), "embeddings.token_type_embeddings.weight": drawn(2, WIDTH)}
    norms = ["embeddings.LayerNorm"]
    for layer in range(DEPTH):
        name = f"encoder.layer.{layer}."
        norms += [name + "attention.output.LayerNorm", name + "output.LayerNorm"]
        for part, shape in SIZES.items():
            state |= {f"{name}{part}.weight": drawn(*shape), f"{name}{part}.bias": drawn(shape[0])}
    for name in norms:
        state |= {f"{name}.weight": np.ones(WIDTH, dtype=np.float32), f"{name}.bias": np.zeros(WIDTH, dtype=np.float32)}
    return state | head(seed)


def head(seed: int) -> State:
    chooser = np.random.default_rng(seed)
    return {"label.weight": chooser.normal(0, 0.3, (2, WIDTH)).astype(np.float32), "label.bias": np.zeros(2, dtype=np.float32)}


def random_adapters(state: Mapping[str, Floats], rank: int, seed: int) -> State:
    """Adapters of all six targets, each changing its weights by `CHANGE` of their norm."""
    chooser = np.random.default_rng(seed)
    found: State = {}
    for layer in range(DEPTH):
        for target, part in TARGETS.items():
            weight = state[f"encoder.layer.{layer}.{part}.weight"]
            low = chooser.normal(size=(rank, weight.shape[1])).astype(np.float32)
            high = chooser.normal(size=(weight.shape[0], rank)).astype(np.float32)
            high *= np.float32(CHANGE * np.linalg.norm(weight) / np.linalg.norm(high @ low))
            found |= {f"lora.{layer}.{target}.A": low, f"lora.{layer}.{target}.B": high}
    return found


def as_inputs(adapters: Mapping[str, Floats]) -> State:
    """Adapters as the graph takes them: query, key and value joined, A [in, rank] and B [rank, out]."""
    found: State = {}
    for layer in range(DEPTH):
        own = {target: (adapters[f"lora.{layer}.{target}.A"].T, adapters[f"lora.{layer}.{target}.B"].T) for target in TARGETS}
        low = np.concatenate([own[target][0] for target in ("query", "key", "value")], axis=1)
        high = np.zeros((low.shape[1], 3 * WIDTH), dtype=np.float32)
        row = 0
        for place, target in enumerate(("query", "key", "value")):
            values = own[target][1]
            high[row : row + len(values), place * WIDTH : (place + 1) * WIDTH] = values
            row += len(values)
        found |= {f"encoder.layer.{layer}.attention.self.query.A": low, f"encoder.layer.{layer}.attention.self.query.B": high}
        for target in ("attention.output", "intermediate", "output"):
            for half, value in zip("AB", own[target], strict=True):
                found[f"encoder.layer.{layer}.{TARGETS[target]}.{half}"] = np.ascontiguousarray(value)
    return found


def feed_of(tokens: int, windows: int) -> dict[str, np.ndarray]:
    """Random word vectors of windows that are full."""
    ones = np.ones((windows, tokens), dtype=np.int64)
    rows = np.random.default_rng(0).normal(0, 0.05, (windows, tokens, WIDTH)).astype(np.float32)
    return {"rows": rows, "token_type_ids": 0 * ones, "attention_mask": ones}


def in_turns(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, npt.NDArray[np.float64]]:
    """CPU milliseconds of each way, round by round; all ways take turns, so that a busy machine disturbs them alike."""
    for work in ways.values():
        work()
    found = {name: np.empty(rounds) for name in ways}
    for number in range(rounds):
        for name, work in ways.items():
            started = time.process_time()
            work()
            found[name][number] = 1000 * (time.process_time() - started)
    return found


def ratio(over: npt.NDArray[np.float64], under: npt.NDArray[np.float64]) -> tuple[float, list[float]]:
    """Ratio of the medians, with a 95 % bootstrap interval over rounds."""
    places = np.random.default_rng(0).integers(0, len(over), (4000, len(over)))
    drawn = np.median(over[places], axis=1) / np.median(under[places], axis=1)
    return round(float(np.median(over) / np.median(under)), 3), [round(float(bound), 3) for bound in np.quantile(drawn, [0.025, 0.975])]


def head_figures(encoder: Encoder, rounds: int) -> tuple[dict[str, float | None], dict[str, list[float]]]:
    """What a linear head costs beside the embedding that is computed anyway."""
    text = ["How do I get my money back when the goods arrive damaged?"]
    vector, weights = encoder.encode(text)[0], np.random.default_rng(0).normal(size=(150, 384)).astype(np.float32)
    times = in_turns({"embedding": lambda: encoder.encode(text), "head": lambda: [weights @ vector for _ in range(100)]}, rounds)
    spans = {name: [round(float(bound), 4) for bound in np.quantile(values, [0.1, 0.9])] for name, values in times.items()}
    figures = {
        "head_cpu_ms": round(float(np.median(times["head"])) / 100, 5),
        "embedding_cpu_ms": round(float(np.median(times["embedding"])), 3),
    }
    return figures, {"embedding_cpu_ms": spans["embedding"], "head_cpu_ms": [round(bound / 100, 6) for bound in spans["head"]]}


def speed_figures(folder: Path, rounds: int) -> tuple[dict[str, float | None], dict[str, list[float]]]:
    """Milliseconds of a merged model, and what adapters as inputs cost beside it."""
    figures, intervals = dict[str, float | None](), dict[str, list[float]]()
    merged, trunk = session(folder / "merged" / LAYERS), session(folder / "trunk.onnx")
    state = random_state(0)
    given = {rank: as_inputs(random_adapters(state, rank, 1)) for rank in RANKS}
    for tokens, windows in ((32, 1), (256, 1), (256, 2), (256, 8)):
        feed = feed_of(tokens, windows)
        ways: dict[str, Callable[[], object]] = {"merged": lambda feed=feed: merged.run(["logits"], feed)}
        if windows == 1:
            ways |= {f"rank {rank}": lambda feed=feed, rank=rank: trunk.run(["logits"], feed | given[rank]) for rank in RANKS}
        times = in_turns(ways, rounds if tokens > 64 else 4 * rounds)
        name = f"merged_cpu_ms_{windows}x{tokens}"
        figures[name] = round(float(np.median(times["merged"])), 2)
        intervals[name] = [round(float(bound), 2) for bound in np.quantile(times["merged"], [0.1, 0.9])]
        print(f"merged, {windows} x {tokens} pieces: {figures[name]} ms CPU, {figures[name] / windows:.1f} a window")
        for rank in RANKS if windows == 1 else ():
            name = f"rank_{rank}_ratio_{tokens}"
            figures[name], intervals[name] = ratio(times[f"rank {rank}"], times["merged"])
            print(f"adapters of rank {rank}, 1 x {tokens} pieces: {figures[name]} of merged {intervals[name]}")
    return figures, intervals


def write_models(folder: Path) -> dict[str, float | None]:
    """Three merged models, a trunk with adapters as inputs, adapters; and their sizes."""
    from safetensors.numpy import save_file

    from groundwork.tuning.export import export
    from groundwork.tuning.graph import Int8, task_graph

    for number, name in enumerate(("merged", "merged2", "merged3")):
        settings = {
            "task": "classify",
            "name": name,
            "window": 256,
            "stride": 64,
            "labels": ("no", "yes"),
            "licence": "none",
            "made_by": "random",
        }
        export(random_state(number), folder / name, **settings)
    (folder / "trunk.onnx").write_bytes(task_graph("trunk", random_state(0), "classify", Int8(), HEADS, adapters=True))
    content = (folder / "merged" / LAYERS).read_bytes()
    figures: dict[str, float | None] = {
        "merged_mb": round(len(content) / 1e6, 2),
        "merged_mb_compressed": round(len(zlib.compress(content, 9)) / 1e6, 2),
        "trunk_mb": round((folder / "trunk.onnx").stat().st_size / 1e6, 2),
    }
    for rank in RANKS:
        save_file(random_adapters(random_state(0), rank, 1), folder / f"rank{rank}.safetensors")
        figures[f"rank_{rank}_mb"] = round((folder / f"rank{rank}.safetensors").stat().st_size / 1e6, 2)
    return figures


# -- memory, each way in a process of its own


def held(way: str, folder: Path, count: int) -> None:
    """Load the encoder and `count` models in one way, use each once, print what this process holds then (kB: resident, proportional)."""
    encoder = Encoder()
    encoder.encode(["one text"])
    kept: list[object] = []
    feed = feed_of(256, 1)
    if way == "merged":
        for name in ("merged", "merged2", "merged3")[:count]:
            running = session(folder / name / LAYERS)
            running.run(["logits"], feed)
            kept.append(running)
        if count:
            word_table(read_trained(folder / "merged").words).rows(np.arange(2000))
    elif count:
        from safetensors.numpy import load_file

        trunk = session(folder / "trunk.onnx")
        for _ in range(count):
            adapters = as_inputs(load_file(str(folder / f"rank{way}.safetensors")))
            trunk.run(["logits"], feed | adapters)
            kept.append(adapters)
    lines = Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()
    sizes = {line.split(":")[0]: int(line.split()[1]) for line in lines[1:]}
    print(json.dumps([sizes["Rss"], sizes["Pss"]]))


def memory_figures(folder: Path) -> tuple[dict[str, float | None], dict[str, list[float]]]:
    """Megabytes of memory that the first and each further model add: medians of three starts, and their range."""
    figures, intervals = dict[str, float | None](), dict[str, list[float]]()
    if not Path("/proc/self/smaps_rollup").exists():
        return figures, intervals

    def measured(way: str, count: int) -> npt.NDArray[np.float64]:
        command = [sys.executable, "-m", "benchmarks.adapters", "--held", way, str(folder), str(count)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return np.array(json.loads(done.stdout.splitlines()[-1])) * 1024 / 1e6

    for way, name in (("merged", "merged"), ("16", "rank_16")):
        starts = [(measured("merged", 0), measured(way, 1), measured(way, 3)) for _ in range(3)]
        added = {
            f"{name}_rss_mb_first": [one[0] - none[0] for none, one, _ in starts],
            f"{name}_rss_mb_each": [(three[0] - one[0]) / 2 for _, one, three in starts],
            f"{name}_pss_mb_each": [(three[1] - one[1]) / 2 for _, one, three in starts],
        }
        for figure, values in added.items():
            figures[figure] = round(float(np.median(values)), 1)
            intervals[figure] = [round(float(min(values)), 1), round(float(max(values)), 1)]
        print(f"memory, {name}: the first adds {figures[f'{name}_rss_mb_first']} MB, each further {figures[f'{name}_rss_mb_each']} MB")
    return figures, intervals


# -- fidelity


def texts_of(data: Path | None, most: int) -> tuple[list[str], str]:
    """Texts of the data, at most so many, from every file alike; else the built-in list."""
    files = sorted(path for path in data.rglob("*.jsonl*") if path.suffix in {".jsonl", ".gz"}) if data else []
    found: list[str] = []
    for path in files:
        content = path.read_bytes()
        rows = (gzip.decompress(content) if path.suffix == ".gz" else content).decode("utf-8").split("\n")
        for line in rows[:: max(1, len(rows) // 20)][:20]:
            row = json.loads(line) if line.strip() else {}
            text = next((row[key] for key in ("passage", "text", "question", "prompt") if isinstance(row, dict) and row.get(key)), None)
            found += [text[:800]] if isinstance(text, str) and text.strip() else []
    return (found[:: max(1, len(found) // most)][:most], "from --data") if found else (list(BUILT_IN), "a built-in list")


def fidelity_figures(base: Path, trained: Path | None, texts: Sequence[str]) -> tuple[dict[str, float | None], dict[str, list[float]]]:
    """How far int8 trunk plus fp32 adapters, and merged then quantised, lie from fp32: cosines of the mean token vector, and logits."""
    from groundwork.tuning.export import TABLE, merged, read_state

    state = {name: value for name, value in read_state(base / "model.safetensors").items() if name != TABLE and "position_ids" not in name}
    state |= head(0)
    rank = RANKS[1]
    adapters = random_adapters(state, rank, 1)
    if trained is not None:
        own = read_state(trained)
        adapters = {name: value for name, value in own.items() if name.startswith("lora.")}
        state |= {name: value for name, value in own.items() if name.startswith("label.")}
        print(f"adapters of {trained.name}")
    whole = merged(state | adapters)
    found: dict[str, list[Floats]] = {}
    with tempfile.TemporaryDirectory() as place:
        for way, (content, extra) in graphs_of(state, whole, adapters).items():
            path = Path(place) / "layers.onnx"
            path.write_bytes(content)
            found[way] = [np.concatenate(part) for part in zip(*outputs(path, texts, extra), strict=True)]
    figures: dict[str, float | None] = {}
    intervals: dict[str, list[float]] = {}
    for way in ("merged", "adapters"):
        cosines = cosine(found[way][0], found["exact"][0])
        away = np.abs(found[way][1] - found["exact"][1]).max(axis=1)
        figures |= {f"{way}_cosine": round(float(cosines.mean()), 5), f"{way}_logit_difference": round(float(away.mean()), 4)}
        places = np.random.default_rng(0).integers(0, len(texts), (4000, len(texts)))
        for name, values in ((f"{way}_cosine", cosines), (f"{way}_logit_difference", away)):
            intervals[name] = [round(float(bound), 5) for bound in np.quantile(values[places].mean(axis=1), [0.025, 0.975])]
        print(f"{way}: cosine to fp32 {figures[f'{way}_cosine']}, logits off by {figures[f'{way}_logit_difference']} on average")
    figures["adapters_moved_cosine"] = round(float(cosine(found["exact"][0], found["plain"][0]).mean()), 4)
    return figures, intervals


def graphs_of(state: State, whole: State, adapters: State) -> dict[str, tuple[bytes, State]]:
    """The ways: fp32 with and without the adapters' change, merged then quantised, and a quantised trunk with adapters as inputs."""
    from groundwork.tuning.graph import Fp32, Int8, task_graph

    return {
        "exact": (task_graph("x", whole, "classify", Fp32(), HEADS, tokens=True), {}),
        "plain": (task_graph("x", state, "classify", Fp32(), HEADS, tokens=True), {}),
        "merged": (task_graph("x", whole, "classify", Int8(), HEADS, tokens=True), {}),
        "adapters": (task_graph("x", state, "classify", Int8(), HEADS, adapters=True, tokens=True), as_inputs(adapters)),
    }


def outputs(path: Path, texts: Sequence[str], extra: State) -> list[tuple[Floats, Floats]]:
    """For each text the mean of its first window's token vectors, and its logits."""
    from groundwork.tuning.export import find_words

    running, table = session(path), word_table(find_words(WEIGHTS))
    windows = single(Encoder()._tokenizer, texts, window=256, stride=0)
    firsts = {window.source: window for window in reversed(windows)}
    found: list[tuple[Floats, Floats]] = []
    for source in range(len(texts)):
        batch = padded([firsts[source]])
        feed = {"rows": table.rows(batch.ids), "token_type_ids": batch.types, "attention_mask": batch.mask}
        tokens, logits = running.run(["tokens", "logits"], feed | extra)
        found.append((tokens.mean(axis=1), logits))
    return found


def cosine(one: Floats, other: Floats) -> npt.NDArray[np.float64]:
    product = (one.astype(np.float64) * other).sum(axis=1)
    return product / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)


def found_base(named: Path | None) -> Path | None:
    from groundwork.tuning.base_weights import find_base

    try:
        return named or find_base()
    except GroundworkError:
        return None


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description="Merged weights, adapters as inputs, or linear heads: speed, memory, size, fidelity.")
    parser.add_argument("--quick", action="store_true", help="fewer rounds, no fidelity")
    parser.add_argument("--data", type=Path, default=os.environ.get("GROUNDWORK_DATA"), help='JSON lines, such as {"text": "…"}')
    parser.add_argument("--base", type=Path, help="the folder of the fp32 base")
    parser.add_argument("--trained", type=Path, help="adapters of a fit, safetensors")
    parser.add_argument("--held", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.held:
        held(arguments.held[0], Path(arguments.held[1]), int(arguments.held[2]))
        return
    started = begin()
    rounds = 10 if arguments.quick else 60
    figures, intervals = head_figures(Encoder(), 5 * rounds)
    print(f"{machine()}; a head: {figures['head_cpu_ms']} ms CPU beside {figures['embedding_cpu_ms']} for the embedding")
    data, n = "random weights and vectors", rounds
    if find_spec("onnx") and find_spec("safetensors"):
        with tempfile.TemporaryDirectory() as place:
            figures |= write_models(Path(place))
            speeds, spans = speed_figures(Path(place), rounds)
            figures, intervals = figures | speeds, intervals | spans
            sizes, ranges = ({}, {}) if arguments.quick else memory_figures(Path(place))
            figures, intervals = figures | sizes, intervals | ranges
        base = None if arguments.quick else found_base(arguments.base)
        if base is not None:
            texts, named = texts_of(Path(arguments.data) if arguments.data else None, 200)
            near, bounds = fidelity_figures(base, arguments.trained, texts)
            figures, intervals = figures | near, intervals | bounds
            data, n = f"{data}; fidelity on {len(texts)} texts ({named})", len(texts)
    else:
        print("onnx is not installed: neither merged models nor adapters are measured (pip install 'groundwork-ai[tune]')")
        figures |= {"merged_mb": None, "merged_cpu_ms_1x256": None, "rank_16_ratio_256": None}
    report(
        benchmark="adapters",
        figures=figures,
        intervals=intervals,
        n=n,
        rivals={},
        data=data,
        versions=("onnxruntime", "numpy", "onnx"),
        started=started,
    )


if __name__ == "__main__":
    main()
