"""ONNX graphs of the encoder, written out node by node: BERT (Devlin et al., 2019) without torch. onnx is imported here only.

Two kinds. The *encoder's graph* embeds texts; it is what groundwork ships as its embedding model. A *task graph* is the same layers with the
weights of one task and its head on top; word vectors are its input, because the word table lies in the encoder's file already.

How they are quantised, and why. Weights are int8 with one scale per output channel (symmetric). Activations are quantised at run time with
one scale per *token* (Dettmers et al., LLM.int8(), 2022, "vector-wise"). The usual dynamic quantisation takes one scale over the whole
batch, so a text's vector depends on the texts that happened to share its batch (measured: cosine down to 0.985 between two batches).
With a scale per token the vector is the same in every batch, and closer to fp32 as well. The word table is int8 with one scale per word.
Heads stay in fp32: they are a few kilobytes.

Same inputs, same bytes: nothing here depends on time, order of files or random numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto, helper, numpy_helper

from groundwork.core.errors import InputError
from groundwork.datasets.rows import Task

Array = npt.NDArray[np.generic]
Floats = npt.NDArray[np.float32]
Weights = Mapping[str, Floats]

EPSILON = 1e-12
CONTRIB = "com.microsoft"  # onnxruntime's own operators: fused attention and the int8 product with a float result
LOW = -1e4
"""The logit of a place that is no part of the passage."""
JOINED = ("attention.self.query", "attention.self.key", "attention.self.value")
LINEAR = ("attention.self.query", "attention.output.dense", "intermediate.dense", "output.dense")
"""The products of a layer, by their first part: the first stands for query, key and value together."""


@dataclass(frozen=True)
class Shape:
    """What the weights' own shapes say, and the heads, which they do not say."""

    layers: int
    width: int
    inner: int
    heads: int
    positions: int


def shape_of(weights: Weights, heads: int) -> Shape:
    """Raises InputError where the weights are none of this architecture."""
    try:
        positions, width = weights["embeddings.position_embeddings.weight"].shape
        inner = weights["encoder.layer.0.intermediate.dense.weight"].shape[0]
    except KeyError as error:
        raise InputError(f"the weights lack {error}: they are none of a BERT encoder", fix="take those that the fit wrote") from None
    if width % heads:
        raise InputError(f"{heads} heads do not divide a width of {width}", fix="take the number of heads of the base's config.json")
    layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("encoder.layer."))
    return Shape(layers=layers, width=width, inner=inner, heads=heads, positions=positions)


@dataclass
class Graph:
    """An ONNX graph in the making: nodes in the order of computing, constants by name (each stored once)."""

    nodes: list[Any] = field(default_factory=list[Any])
    constants: dict[str, Any] = field(default_factory=dict[str, Any])

    def constant(self, name: str, value: Array | np.generic) -> str:
        self.constants[name] = numpy_helper.from_array(np.asarray(value, order="C"), name)
        return name

    def ints(self, *values: int) -> str:
        return self.constant("ints_" + "_".join(map(str, values)), np.array(values, dtype=np.int64))

    def add(self, operator: str, *inputs: str, output: str | None = None, domain: str = "", **attributes: Any) -> str:
        name = output or f"{operator}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, list(inputs), [name], name=name, domain=domain, **attributes))
        return name

    def split(self, value: str, parts: int) -> list[str]:
        names = [f"Split_{len(self.nodes)}_{part}" for part in range(parts)]
        self.nodes.append(helper.make_node("Split", [value], names, name=names[0], axis=-1, num_outputs=parts))
        return names

    def whole(self, name: str, inputs: Mapping[str, tuple[int, Sequence[str | int]]], outputs: Mapping[str, Sequence[str | int]]) -> bytes:
        """The graph's file. Inputs by name with type and shape, outputs (float32) by name with shape; letters stand for free sizes."""
        takes = [helper.make_tensor_value_info(each, kind, shape) for each, (kind, shape) in inputs.items()]
        gives = [helper.make_tensor_value_info(each, TensorProto.FLOAT, shape) for each, shape in outputs.items()]
        graph = helper.make_graph(self.nodes, name, takes, gives, list(self.constants.values()))
        operators = [helper.make_opsetid("", 20), helper.make_opsetid(CONTRIB, 1)]
        model: onnx.ModelProto = helper.make_model(graph, opset_imports=operators, ir_version=9)
        return bytes(model.SerializeToString(deterministic=True))


def quantise_rows(matrix: Floats) -> tuple[npt.NDArray[np.int8], Floats]:
    """One symmetric scale per row: `matrix` is about `values * scales`, values in -127..127, scales of shape [rows, 1]."""
    scales = (np.abs(matrix).max(axis=1, keepdims=True) / np.float32(127)).astype(np.float32)
    return np.rint(matrix / np.where(scales > 0, scales, np.float32(1))).astype(np.int8), scales


class Fp32:
    """The graph as it was trained: a yardstick."""

    def prepare(self, graph: Graph, like: str) -> None:
        """Nothing is needed."""

    def words(self, graph: Graph, table: Floats) -> str:
        return graph.add("Gather", graph.constant("words", table), "ids")

    def linear(self, graph: Graph, value: str, name: str, weight: Floats, bias: Floats) -> str:
        product = graph.add("MatMul", value, graph.constant(name + ".weight", weight.T))
        return graph.add("Add", product, graph.constant(name + ".bias", bias))


class Int8:
    """Weights by output channel, activations by token; sums, attention, normalisation and activation functions stay in fp32."""

    def prepare(self, graph: Graph, like: str) -> None:
        """A middle for each of the batch's tokens; `like` has one element for each."""
        graph.add("Expand", graph.constant("middles", np.array([128], dtype=np.uint8)), graph.add("Shape", like), output="zeros")

    def words(self, graph: Graph, table: Floats) -> str:
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


Precision = Fp32 | Int8
PRECISIONS: dict[Literal["fp32", "int8"], Precision] = {"fp32": Fp32(), "int8": Int8()}


@dataclass(frozen=True)
class Writer:
    """Writes one graph: where its nodes go, the weights they take, in which precision."""

    graph: Graph
    weights: Weights
    precision: Precision
    shape: Shape
    adapters: bool = False
    """Low-rank adapters (Hu et al., 2021) are inputs, added to every product: see `adapter_inputs`."""

    def normalised(self, value: str, name: str) -> str:
        gain, shift = (self.graph.constant(f"{name}.{part}", self.weights[f"{name}.{part}"]) for part in ("weight", "bias"))
        return self.graph.add("LayerNormalization", value, gain, shift, axis=-1, epsilon=EPSILON)

    def linear(self, value: str, layer: str, *parts: str) -> str:
        weight, bias = (np.concatenate([self.weights[f"{layer}{part}.{kind}"] for part in parts]) for kind in ("weight", "bias"))
        product = self.precision.linear(self.graph, value, layer + parts[0], weight, bias)
        if not self.adapters:
            return product
        low = self.graph.add("MatMul", value, f"{layer}{parts[0]}.A")
        return self.graph.add("Add", product, self.graph.add("MatMul", low, f"{layer}{parts[0]}.B"))

    def layer(self, value: str, name: str) -> str:
        """Attention over the real tokens, then the feed-forward part; each adds to its input and normalises."""
        graph = self.graph
        joined = self.linear(value, name, *JOINED)  # one product instead of three
        query, key, content = (graph.add("Reshape", part, "three") for part in graph.split(joined, 3))
        context = graph.add("MultiHeadAttention", query, key, content, "", "mask", domain=CONTRIB, num_heads=self.shape.heads)
        context = self.linear(graph.add("Reshape", context, graph.ints(-1, self.shape.width)), name, "attention.output.dense")
        value = self.normalised(graph.add("Add", value, context), name + "attention.output.LayerNorm")
        inner = graph.add("Gelu", self.linear(value, name, "intermediate.dense"))
        return self.normalised(graph.add("Add", value, self.linear(inner, name, "output.dense")), name + "output.LayerNorm")

    def layers(self, value: str) -> str:
        for layer in range(self.shape.layers):
            value = self.layer(value, f"encoder.layer.{layer}.")
        return self.graph.add("Reshape", value, "three", output="tokens")

    def head(self, value: str, name: str) -> str:
        """A linear head, always in fp32."""
        product = self.graph.add("MatMul", value, self.graph.constant(name + ".weight", self.weights[name + ".weight"].T))
        return self.graph.add("Add", product, self.graph.constant(name + ".bias", self.weights[name + ".bias"]))

    def floats(self, value: str) -> str:
        """A mask [batch, sequence] as floats [batch, sequence, 1]."""
        return self.graph.add("Unsqueeze", self.graph.add("Cast", value, to=TensorProto.FLOAT), self.graph.ints(-1))

    def mean(self, tokens: str, mask: str) -> str:
        """Mean of the tokens' vectors where `mask` [batch, sequence, 1] is 1: [batch, width]."""
        total = self.graph.add("ReduceSum", self.graph.add("Mul", tokens, mask), self.graph.ints(1), keepdims=0)
        return self.graph.add("Div", total, self.graph.add("ReduceSum", mask, self.graph.ints(1), keepdims=0))


def encoder_graph(name: str, weights: Weights, precision: Precision, heads: int = 12) -> bytes:
    """The encoder: `input_ids`, `attention_mask` [batch, sequence] -> `embedding` [batch, width], `tokens` [batch, sequence, width].

    `embedding` is the mean of the real tokens' vectors, scaled to length 1. Inside, all tokens of a batch lie in one [batch*sequence, width].
    """
    writer = Writer(Graph(), weights, precision, shape_of(weights, heads))
    graph, width = writer.graph, writer.shape.width
    graph.add("Reshape", "input_ids", graph.ints(-1), output="ids")
    graph.add("Shape", "input_ids", output="shape")
    graph.add("Concat", "shape", graph.ints(-1), axis=0, output="three")
    graph.add("Cast", "attention_mask", to=TensorProto.INT32, output="mask")
    # The segment vector is always the first one, so it is added to the positions beforehand.
    places = weights["embeddings.position_embeddings.weight"] + weights["embeddings.token_type_embeddings.weight"][0]
    length = graph.add("Shape", "input_ids", start=1, end=2)
    rows = graph.add("Slice", graph.constant("places", places), graph.ints(0), length, graph.ints(0))
    precision.prepare(graph, "ids")
    words = graph.add("Reshape", precision.words(graph, weights["embeddings.word_embeddings.weight"]), "three")
    summed = graph.add("Reshape", graph.add("Add", words, rows), graph.ints(-1, width))
    tokens = writer.layers(writer.normalised(summed, "embeddings.LayerNorm"))
    real = graph.add("Unsqueeze", graph.add("Cast", "attention_mask", to=TensorProto.FLOAT), graph.ints(-1))
    total = graph.add("ReduceSum", graph.add("Mul", tokens, real), graph.ints(1), keepdims=0)
    graph.add("LpNormalization", total, axis=-1, p=2, output="embedding")  # the length of a mean is lost here, so a sum serves
    texts = (TensorProto.INT64, ("batch", "sequence"))
    return graph.whole(
        name,
        {"input_ids": texts, "attention_mask": texts},
        {"embedding": ("batch", width), "tokens": ("batch", "sequence", width)},
    )


def task_graph(
    name: str, weights: Weights, task: Task, precision: Precision, heads: int = 12, *, adapters: bool = False, tokens: bool = False
) -> bytes:
    """The layers and the head of one task.

    Inputs: `rows` float32 [batch, sequence, width], the tokens' word vectors; `token_type_ids`, `attention_mask` int64 [batch, sequence]; for
    `span` also `passage_mask`, which marks the passage's tokens; with `adapters` those of `adapter_inputs`.
    Outputs: span: `span` [batch, sequence, 2], logits of start and end, unmasked, and `answerable` [batch]; classify: `logits`
    [batch, labels]; pair: `score` [batch]; with `tokens` also the tokens' vectors, [batch, sequence, width].
    Raises InputError where weights of the layers or of the head are missing.
    """
    writer = Writer(Graph(), weights, precision, shape_of(weights, heads), adapters)
    graph, shape = writer.graph, writer.shape
    graph.add("Shape", "rows", output="three")
    graph.add("Cast", "attention_mask", to=TensorProto.INT32, output="mask")
    try:
        embedded = _embedded(writer)
        precision.prepare(graph, graph.add("Reshape", "attention_mask", graph.ints(-1)))
        outputs = _HEADS[task](writer, writer.layers(embedded))
    except KeyError as error:
        raise InputError(f"the weights lack {error}", fix=f"take those of a fit whose task is `{task}`") from None
    texts = (TensorProto.INT64, ("batch", "sequence"))
    inputs: dict[str, tuple[int, Sequence[str | int]]] = {"rows": (TensorProto.FLOAT, ("batch", "sequence", shape.width))}
    inputs |= {"token_type_ids": texts, "attention_mask": texts} | ({"passage_mask": texts} if task == "span" else {})
    if adapters:
        inputs |= {each: (TensorProto.FLOAT, sizes) for each, sizes in adapter_inputs(shape).items()}
    if tokens:
        outputs |= {"tokens": ("batch", "sequence", shape.width)}
    return graph.whole(name, inputs, outputs)


def constants_of(content: bytes, names: Sequence[str]) -> dict[str, bytes]:
    """The raw bytes of a graph's constants, by name; those that it lacks are left out."""
    model: Any = onnx.load_model_from_string(content)
    return {tensor.name: bytes(tensor.raw_data) for tensor in model.graph.initializer if tensor.name in names}


def adapter_inputs(shape: Shape) -> dict[str, tuple[str | int, str | int]]:
    """Names and shapes of adapters as inputs: the product of a token's vector with A [in, rank], then with B [rank, out], is added.

    Query, key and value are one product, so theirs are joined: A side by side, B along the diagonal, three ranks together.
    """
    width, inner = shape.width, shape.inner
    sizes = dict(zip(LINEAR, ((width, 3 * width), (width, width), (width, inner), (inner, width)), strict=True))
    found: dict[str, tuple[str | int, str | int]] = {}
    for layer in range(shape.layers):
        for part, (into, out) in sizes.items():
            rank = f"rank_{layer}_{part}"
            found[f"encoder.layer.{layer}.{part}.A"] = (into, rank)
            found[f"encoder.layer.{layer}.{part}.B"] = (rank, out)
    return found


def _embedded(writer: Writer) -> str:
    """Word vectors, which come as input, plus those of position and segment: [batch*sequence, width], normalised."""
    graph, weights = writer.graph, writer.weights
    length = graph.add("Shape", "rows", start=1, end=2)
    table = graph.constant("places", weights["embeddings.position_embeddings.weight"])
    places = graph.add("Slice", table, graph.ints(0), length, graph.ints(0))
    segments = graph.add("Gather", graph.constant("segments", weights["embeddings.token_type_embeddings.weight"]), "token_type_ids")
    summed = graph.add("Add", graph.add("Add", "rows", places), segments)
    flat = graph.add("Reshape", summed, graph.ints(-1, writer.shape.width))
    return writer.normalised(flat, "embeddings.LayerNorm")


Outputs = dict[str, Sequence[str | int]]


def _first(graph: Graph, tokens: str) -> str:
    return graph.add("Gather", tokens, graph.constant("first", np.int64(0)), axis=1)


def _span_head(writer: Writer, tokens: str) -> Outputs:
    """Start and end of a span, and whether the passage answers at all.

    The latter is read from the first token, the question's mean, and the passage's tokens weighed by how likely a span starts, and ends, there.
    """
    graph = writer.graph
    logits = writer.head(tokens, "span")
    graph.add("Identity", logits, output="span")
    asked = graph.add("And", graph.add("Cast", "mask", to=TensorProto.BOOL), graph.add("Equal", "token_type_ids", graph.ints(0)))
    outside = graph.add("Not", graph.add("Cast", "passage_mask", to=TensorProto.BOOL))
    lows = graph.add("Where", graph.add("Unsqueeze", outside, graph.ints(-1)), graph.constant("low", np.float32(LOW)), logits)
    shares = graph.add("Transpose", graph.add("Softmax", lows, axis=1), perm=[0, 2, 1])  # [batch, 2, sequence]
    weighed = graph.add("Reshape", graph.add("MatMul", shares, tokens), graph.ints(-1, 2 * writer.shape.width))
    seen = graph.add("Concat", _first(graph, tokens), writer.mean(tokens, writer.floats(asked)), weighed, axis=-1)
    graph.add("Squeeze", writer.head(seen, "answerable"), graph.ints(-1), output="answerable")
    return {"span": ("batch", "sequence", 2), "answerable": ("batch",)}


def _classify_head(writer: Writer, tokens: str) -> Outputs:
    graph = writer.graph
    graph.add("Identity", writer.head(writer.mean(tokens, writer.floats("attention_mask")), "label"), output="logits")
    return {"logits": ("batch", writer.weights["label.weight"].shape[0])}


def _pair_head(writer: Writer, tokens: str) -> Outputs:
    graph = writer.graph
    seen = graph.add("Concat", _first(graph, tokens), writer.mean(tokens, writer.floats("attention_mask")), axis=-1)
    graph.add("Squeeze", writer.head(seen, "score"), graph.ints(-1), output="score")
    return {"score": ("batch",)}


_HEADS = {"span": _span_head, "classify": _classify_head, "pair": _pair_head}
