"""How much memory a model takes to serve and to train, item by item, from its shape: before anything is loaded.

Rules of thumb (Huyen, AI Engineering, chapter 7): inference takes parameters · bytes · 1.2; training takes weights + activations + gradients +
optimizer states, and Adam keeps two numbers for each that is trained, so that gradients and states of 13 billion parameters in two bytes take
13e9 · 3 · 2 = 78 GB. What the items add is where the rule of thumb fails: long contexts, large batches, adapters, experts, packed weights.

Not covered: what the libraries themselves take, fragmentation, and memory split over several devices.
"""

from collections.abc import Callable
from typing import Literal, NamedTuple

import msgspec

from groundwork.core.errors import InputError
from groundwork.tuning.recipe import TARGETS, Recipe
from groundwork.tuning.shape import MINILM, Parameters, Shape, lora_parameters, parameters

Format = Literal["fp32", "bf16", "fp16", "fp8", "int8", "fp4", "int4"]
BYTES: dict[Format, float] = {"fp32": 4, "bf16": 2, "fp16": 2, "fp8": 1, "int8": 1, "fp4": 0.5, "int4": 0.5}
Method = Literal["full", "lora", "qlora", "head"]
Optimizer = Literal["adamw", "adamw8bit", "sgd", "momentum"]
STATES: dict[Optimizer, tuple[int, float | None]] = {"adamw": (2, None), "adamw8bit": (2, 1.0), "sgd": (0, None), "momentum": (1, None)}
"""Numbers kept for each trained parameter, and their bytes where the optimizer packs them."""

QLORA_BITS = 4.127
"""NF4 with its scales packed too: 4 bits and 0.127 for the scales. Source: T. Dettmers et al., QLoRA (2023), section 3."""
OVERHEAD = 1.2
"""Of inference, over the weights: the rule of thumb for activations and keys and values together."""
_MOMENT = "the two largest tensors that live together for a moment"


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the memory."""

    name: str
    bytes: int
    formula: str
    source: str = ""


class Memory(msgspec.Struct, frozen=True, kw_only=True):
    """What is taken in all. `rule`: the rule of thumb's figure for the same."""

    items: tuple[Item, ...]
    total: int
    rule: int
    rule_said: str


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """How a model is trained."""

    method: Method = "full"
    format: Format = "bf16"
    """Of weights, gradients and activations."""
    compute: Format | None = None
    """Of activations, where it differs from that of the weights (autocast)."""
    optimizer: Optimizer = "adamw"
    states: Format | None = None
    """Of the optimizer's states; None: that of the weights."""
    has_master: bool = False
    """A second copy of the trained weights in fp32, as mixed precision keeps it."""
    rank: int = 16
    targets: tuple[str, ...] = TARGETS
    batch: int = 8
    """Sequences in one pass; accumulating passes takes nothing more."""
    length: int = 512
    checkpointing: bool = False
    """Keep the layers' inputs only and compute the rest again."""
    fused_attention: bool = False
    """Attention that never writes its scores down."""
    attention_dropout: bool = True
    """Of an encoder: dropout on attention's scores too. Decoders like Llama have none anywhere."""
    wide_masks: bool = False
    """A dropout mask takes a number and not a byte, as on CPUs."""
    frozen_words: bool = False
    """The word table is not trained."""


def training_memory(shape: Shape, plan: Plan) -> Memory:
    """Weights, gradients, optimizer states and activations of one training step at its peak. Raises InputError for a plan that cannot be."""
    _check(shape, plan)
    count = parameters(shape)
    trained = trained_parameters(shape, plan, count)
    size, states = BYTES[plan.format], STATES[plan.optimizer]
    packed = states[1] or BYTES[plan.states or plan.format]
    items = [
        _weights(count, plan.format, plan.method),
        Item(name="gradients", bytes=round(trained * size), formula=f"{trained:,} trained · {size:g}", source="one number each"),
        Item(
            name="optimizer states",
            bytes=round(trained * states[0] * packed),
            formula=f"{trained:,} trained · {states[0]} · {packed:g}",
            source="D. P. Kingma and J. Ba, Adam (2015): first and second moment" if states[0] == 2 else plan.optimizer,
        ),
    ]
    if plan.method in {"lora", "qlora"}:
        items.insert(
            1, Item(name="adapters", bytes=round(trained * size), formula=f"{trained:,} · {size:g}", source="E. Hu et al., LoRA (2021)")
        )
    if plan.has_master:
        items.append(
            Item(
                name="master weights",
                bytes=4 * trained,
                formula=f"{trained:,} · 4",
                source="P. Micikevicius et al., Mixed Precision (2018)",
            )
        )
    if BYTES[plan.compute or plan.format] != size:
        cast = BYTES[plan.compute or plan.format]
        items.append(
            Item(
                name="cast weights", bytes=round(count.linear * cast), formula=f"{count.linear:,} in matrices · {cast:g}", source="autocast"
            )
        )
    items += _activations(shape, plan)
    return _memory(
        items,
        rule=round(count.total * size + trained * (1 + states[0]) * size),
        said="weights + trained · (1 gradient + optimizer states) · bytes, without activations",
    )


def trained_parameters(shape: Shape, plan: Plan, count: Parameters | None = None) -> int:
    """How many parameters a plan trains; a task's own head (a few thousand) is not counted."""
    count = count or parameters(shape)
    match plan.method:
        case "full":
            return count.total - (shape.vocabulary * shape.hidden if plan.frozen_words else 0)
        case "lora" | "qlora":
            return lora_parameters(shape, plan.rank, plan.targets)
        case "head":
            return 0


def inference_memory(shape: Shape, format: Format, *, batch: int = 1, context: int = 0, cache: Format | None = None) -> Memory:  # noqa: A002
    """Weights, keys and values of `batch` sequences of `context` tokens, and the largest activations of one pass over them."""
    count = parameters(shape)
    _check_sizes(shape, batch, context)
    items = [_weights(count, format, "full")]
    width = BYTES[cache or ("fp16" if BYTES[format] < 2 else format)]
    if context and shape.family != "encoder":
        items.append(_cache(shape, batch, context, width))
    elif context:
        each = _moment(shape, context, width) + 4 * shape.hidden * width
        said = f"{batch * context:,} tokens · {each:,.0f}"
        items.append(
            Item(name="activations", bytes=round(batch * context * each), formula=said, source=f"{_MOMENT}, and four of the width")
        )
    weights = items[0].bytes
    return _memory(items, rule=round(weights * OVERHEAD), said=f"{_short(count.total)} parameters · {BYTES[format]:g} bytes · {OVERHEAD}")


def recipe_memory(recipe: Recipe, shape: Shape = MINILM) -> Memory:
    """What a fit of a recipe takes on our own trainer: fp32 weights and states, the word table frozen, the best weights kept beside."""
    train, shape = recipe.train, msgspec.structs.replace(shape, has_pooler=False)
    plan = Plan(
        method=train.method,
        format="fp32",
        compute="bf16" if train.precision == "bf16" else "fp32",
        rank=recipe.lora.rank,
        targets=recipe.lora.targets,
        batch=train.batch,
        length=recipe.data.window,
        attention_dropout=False,
        wide_masks=True,
        frozen_words=True,
    )
    found = training_memory(shape, plan)
    trained = trained_parameters(shape, plan)
    best = Item(name="best weights", bytes=4 * trained, formula=f"{trained:,} trained · 4", source="kept until the end")
    return _memory([*found.items, best], rule=found.rule, said=found.rule_said)


# -- items


def _weights(count: Parameters, format: Format, method: Method) -> Item:  # noqa: A002
    if method == "qlora":
        rest = count.total - count.linear
        size = round(count.linear * QLORA_BITS / 8 + rest * 2)
        said = f"{count.linear:,} in matrices · {QLORA_BITS} bits + {rest:,} others · 2 bytes"
        return Item(name="weights", bytes=size, formula=said, source="T. Dettmers et al., QLoRA (2023)")
    size = BYTES[format]
    return Item(name="weights", bytes=round(count.total * size), formula=f"{count.total:,} parameters · {size:g}", source=format)


def _cache(shape: Shape, batch: int, context: int, size: float) -> Item:
    """Keys and values: 2 · layers · kv heads · width of a head for each token. Source: Huyen, AI Engineering, chapter 9."""
    numbers = 2 * shape.layers * shape.kv_heads * shape.head_dim * batch * context
    said = f"2 · {shape.layers} layers · {shape.kv_heads} · {shape.head_dim} · {batch} sequences · {context:,} tokens · {size:g}"
    return Item(name="keys and values", bytes=round(numbers * size), formula=said, source="Huyen, AI Engineering, chapter 9")


class _Layer(NamedTuple):
    """What one layer keeps for its gradients, in bytes for each token."""

    linear: float
    scores: float


def _activations(shape: Shape, plan: Plan) -> list[Item]:
    """What the backward pass needs again, and what a pass needs for a moment.

    Source: V. Korthikanti et al., Reducing Activation Recomputation in Large Transformer Models (2022), equation 1: s·b·h·(34 + 5·a·s/h) bytes a
    layer in two-byte numbers; the same sum here with the model's own inner width, heads and number format.
    """
    places, size = plan.batch * plan.length, BYTES[plan.compute or plan.format]
    moment = _moment(shape, plan.length, size, fused=plan.fused_attention)
    layer = _layer(shape, plan)
    whole = layer.linear + layer.scores
    items: list[Item] = []
    if plan.method == "head":
        pass  # nothing is kept: the frozen layers are passed without gradients
    elif plan.checkpointing:
        kept = shape.layers * shape.hidden * size + whole
        said = f"{places:,} tokens · ({shape.layers} layers · {shape.hidden} · {size:g} + {whole:,.0f} of one layer)"
        items.append(
            Item(name="activations", bytes=round(places * kept), formula=said, source="T. Chen et al., Sublinear Memory Cost (2016)")
        )
    else:
        said = f"{places:,} tokens · {shape.layers} layers · ({layer.linear:,.0f} + {layer.scores:,.0f} of attention scores)"
        source = "V. Korthikanti et al. (2022), equation 1"
        items.append(Item(name="activations", bytes=round(places * shape.layers * whole), formula=said, source=source))
    items.append(Item(name="working copies", bytes=round(places * moment), formula=f"{places:,} tokens · {moment:,.0f}", source=_MOMENT))
    if shape.family != "encoder":
        said = f"{places:,} tokens · {shape.vocabulary:,} words · (4 + 4)"
        items.append(Item(name="logits", bytes=places * shape.vocabulary * 8, formula=said, source="fp32 logits and their gradients"))
    return items


def _moment(shape: Shape, length: int, size: float, *, fused: bool = False) -> float:
    """Bytes a token of the two largest tensors that live together for a moment: scores before and after softmax, or the inner vectors."""
    return 2 * size * max(0 if fused else shape.heads * length, max(1, shape.active_experts) * shape.inner)


def _layer(shape: Shape, plan: Plan) -> _Layer:
    """In Korthikanti's order: attention 11·h + 5·a·s, feed-forward 19·h, normalisation 4·h, for two-byte numbers and an inner width of 4·h.

    A frozen matrix does not need its input again; an adapter needs its own, after dropout.
    """
    size, norm = BYTES[plan.compute or plan.format], BYTES[plan.format]
    hidden, attention, keys = shape.hidden, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    mask = 0.0 if shape.is_gated else size if plan.wide_masks else 1.0  # decoders like Llama train without dropout
    active = max(1, shape.active_experts)
    linear = 2 * norm * hidden + size * (attention + 2 * keys) + 2 * mask * hidden
    linear += active * size * shape.inner * (3 if shape.is_gated else 1)
    if plan.method == "full":
        linear += size * (hidden + attention + hidden + active * shape.inner)
    elif plan.method in {"lora", "qlora"}:
        inputs = {"attention.output": attention, "output": active * shape.inner}
        dropped = size + (norm if plan.wide_masks else 1.0)
        linear += sum(dropped * inputs.get(target, hidden) + size * plan.rank for target in plan.targets)
    scores = 0.0 if plan.fused_attention else shape.heads * plan.length * (size + (size + mask if mask and plan.attention_dropout else 0))
    return _Layer(linear, scores)


def _memory(items: list[Item], *, rule: int, said: str) -> Memory:
    return Memory(items=tuple(items), total=sum(item.bytes for item in items), rule=rule, rule_said=said)


def _short(count: int) -> str:
    return next((f"{count / scale:.3g}{unit}" for scale, unit in ((1e9, "B"), (1e6, "M"), (1e3, "k")) if count >= scale), str(count))


def _check(shape: Shape, plan: Plan) -> None:
    _check_sizes(shape, plan.batch, plan.length)
    rules: tuple[tuple[Callable[[], bool], str, str], ...] = (
        (lambda: plan.method not in {"lora", "qlora"} or plan.rank >= 1, f"the rank is {plan.rank}", "4 to 64 are usual"),
        (
            lambda: BYTES[plan.format] >= 2 or plan.method == "head",
            f"nothing trains in {plan.format}",
            "bf16, or method qlora for packed weights",
        ),
        (lambda: plan.method not in {"lora", "qlora"} or bool(plan.targets), "LoRA has no targets", f"any of {', '.join(TARGETS)}"),
    )
    for is_fine, what, fix in rules:
        if not is_fine():
            raise InputError(what, fix=fix)


def _check_sizes(shape: Shape, batch: int, length: int) -> None:
    if batch < 1 or length < 0:
        raise InputError(f"a batch of {batch} and a length of {length}", fix="1 or more of each")
    if shape.positions and length > shape.positions:
        raise InputError(f"{length} tokens, and the model knows {shape.positions} positions", fix=f"at most {shape.positions}")
