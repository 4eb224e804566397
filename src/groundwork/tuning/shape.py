"""A transformer's shape from its `config.json`: how wide, how deep, and how many parameters, counted part by part.

Encoders like BERT, decoders like GPT-2, and decoders like Llama with grouped attention, gated feed-forward parts and experts. Not covered:
latent attention, state spaces, convolutions, vision parts; what names them is refused or said.
"""

from pathlib import Path
from typing import Any, Literal

import msgspec

from groundwork.core.errors import ConfigError, InputError, NotFound

Family = Literal["encoder", "gpt2", "llama"]
FAMILIES: dict[str, Family] = {
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert"), "encoder"),
    "gpt2": "gpt2",
    **dict.fromkeys(("llama", "mistral", "mixtral", "qwen2", "qwen3", "qwen3_moe", "gemma", "phi3", "granite", "smollm3"), "llama"),
}
NOT_COVERED = ("kv_lora_rank", "ssm_state_size", "state_size", "conv_kernel", "num_shared_experts", "shared_expert_intermediate_size")
"""Keys of parts that are not counted here."""
_KEYS = {
    "hidden": ("hidden_size", "n_embd", "d_model"),
    "layers": ("num_hidden_layers", "n_layer"),
    "inner": ("intermediate_size", "n_inner"),
    "heads": ("num_attention_heads", "n_head"),
    "vocabulary": ("vocab_size",),
    "positions": ("max_position_embeddings", "n_positions"),
    "experts": ("num_local_experts", "num_experts"),
}
_QKV_BIAS = {"qwen2"}
_TIED = {"gemma", "smollm3"}
_NORMED_HEADS = {"qwen3", "qwen3_moe"}


class Shape(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the sizes of all tensors follow from. `heads * head_dim` need not be `hidden`."""

    family: Family
    hidden: int
    layers: int
    inner: int
    heads: int
    kv_heads: int
    """Heads of keys and values: fewer than `heads` where groups share them."""
    head_dim: int
    vocabulary: int
    positions: int = 0
    """Learned position vectors; 0 where positions are rotated in."""
    segments: int = 0
    is_tied: bool = True
    """The output matrix is the word table."""
    has_pooler: bool = False
    qkv_bias: bool = False
    output_bias: bool = False
    """Of the attention's output matrix."""
    inner_bias: bool = False
    """Of the feed-forward part."""
    head_norms: bool = False
    experts: int = 0
    """Feed-forward parts beside each other in a layer; 0: one, and nothing chooses."""
    active_experts: int = 0
    note: str = ""
    """What was assumed."""

    @property
    def is_gated(self) -> bool:
        return self.family == "llama"


MINILM = Shape(
    family="encoder", hidden=384, layers=6, inner=1536, heads=12, kv_heads=12, head_dim=32, vocabulary=30522, positions=512, segments=2,
    has_pooler=True, qkv_bias=True, output_bias=True,
    inner_bias=True,
)  # fmt: skip
"""The base of our own models; what its `config.json` comes to."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """How many numbers a model has."""

    total: int
    active: int
    """That one token meets: all but the experts that were not chosen."""
    embeddings: int
    """Word, position and segment tables, and an output matrix of its own."""
    linear: int
    """Weights of the layers' matrices, without biases: what quantisation packs and LoRA adapts."""


def read_shape(path: Path) -> Shape:
    """The shape in a `config.json`. Raises NotFound, ConfigError for a file that is none, InputError for a model of another kind."""
    try:
        config = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except OSError as error:
        raise NotFound(f"{path} cannot be read: {error.strerror}", fix="name a model's config.json") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"no JSON object: {error}", where=str(path), fix="name a model's config.json") from None
    return shape_of(config, str(path))


def shape_of(config: dict[str, Any], where: str) -> Shape:
    """The shape that a configuration describes; `where` is what errors call it."""
    config = config["text_config"] if isinstance(config.get("text_config"), dict) else config
    for key in NOT_COVERED:
        if config.get(key):
            raise InputError(
                f"{where}: `{key}` names a part that is not counted here", fix="take the parameter count from the model's card"
            )
    kind = str(config.get("model_type", ""))
    family = FAMILIES.get(kind, "llama")
    hidden, heads = _number(config, "hidden", where), _number(config, "heads", where)
    if hidden % heads and not config.get("head_dim"):
        raise ConfigError(
            f"{hidden} columns cannot be dealt to {heads} heads", where=where, fix="correct hidden_size or num_attention_heads"
        )
    experts = _number(config, "experts", where, 0)
    inner = int(config.get("moe_intermediate_size") or 0) if experts else 0
    is_encoder = family == "encoder"
    return Shape(
        family=family,
        hidden=hidden,
        layers=_number(config, "layers", where),
        inner=inner or _number(config, "inner", where, 4 * hidden if family == "gpt2" else None),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or hidden // heads),
        vocabulary=_number(config, "vocabulary", where),
        positions=0 if family == "llama" else _number(config, "positions", where),
        segments=int(config.get("type_vocab_size", 0)) if is_encoder else 0,
        is_tied=bool(config.get("tie_word_embeddings", family != "llama" or kind in _TIED)),
        has_pooler=is_encoder,
        qkv_bias=family != "llama" or kind in _QKV_BIAS or bool(config.get("attention_bias")),
        output_bias=family != "llama" or bool(config.get("attention_bias")),
        inner_bias=family != "llama" or bool(config.get("mlp_bias")),
        head_norms=kind in _NORMED_HEADS,
        experts=experts,
        active_experts=int(config.get("num_experts_per_tok") or 0) if experts else 0,
        note="" if kind in FAMILIES else f"the model type {kind or 'is not named, and'!r} is not known: counted as a decoder like Llama",
    )


def _number(config: dict[str, Any], name: str, where: str, default: int | None = None) -> int:
    """The first of a quantity's names that the configuration has."""
    found = next((config[key] for key in _KEYS[name] if config.get(key) is not None), default)
    if found is None:
        raise ConfigError(f"`{_KEYS[name][0]}` is missing", where=where, fix="name a transformer's config.json")
    if not isinstance(found, int) or found < (0 if default == 0 else 1):
        raise ConfigError(f"`{name}` is {found!r}", where=where, fix="a whole number of 1 or more stands there")
    return found


def parameters(shape: Shape) -> Parameters:
    """Count them. Equal to what the reference implementations hold for the models in tests/tuning/test_shape.py."""
    hidden, attention, keys = shape.hidden, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    matrices = hidden * (attention + 2 * keys) + attention * hidden
    biases = (attention + 2 * keys if shape.qkv_bias else 0) + (hidden if shape.output_bias else 0)
    norm = hidden if shape.is_gated else 2 * hidden
    around = 2 * norm + (2 * shape.head_dim if shape.head_norms else 0)
    feed = (3 if shape.is_gated else 2) * hidden * shape.inner
    feed_biases = (shape.inner * (2 if shape.is_gated else 1) + hidden) if shape.inner_bias else 0
    router = hidden * shape.experts
    experts = max(1, shape.experts)
    tables = (shape.vocabulary + shape.positions + shape.segments) * hidden + (0 if shape.is_tied else shape.vocabulary * hidden)
    pooler = hidden * hidden + hidden if shape.has_pooler else 0
    layer = matrices + biases + around + router + experts * (feed + feed_biases)
    total = tables + norm + shape.layers * layer + pooler  # one norm stands after the tables of an encoder, or after the last layer
    idle = shape.layers * (experts - max(1, shape.active_experts)) * (feed + feed_biases)
    return Parameters(total=total, active=total - idle, embeddings=tables, linear=shape.layers * (matrices + experts * feed))


LORA_SIDES: dict[str, str] = {
    "query": "attention", "key": "keys", "value": "keys", "attention.output": "back", "intermediate": "up", "output": "down",
}  # fmt: skip


def lora_parameters(shape: Shape, rank: int, targets: tuple[str, ...]) -> int:
    """Adapter weights: rank · (inputs + outputs) for each target of each layer, and of each expert. Source: E. Hu et al., LoRA (2021).

    The targets are those of a recipe; `intermediate` of a gated part is two matrices.
    """
    hidden, attention, keys = shape.hidden, shape.heads * shape.head_dim, shape.kv_heads * shape.head_dim
    experts = max(1, shape.experts)
    sides = {
        "attention": hidden + attention,
        "keys": hidden + keys,
        "back": attention + hidden,
        "up": experts * (2 if shape.is_gated else 1) * (hidden + shape.inner),
        "down": experts * (shape.inner + hidden),
    }
    for target in targets:
        if target not in LORA_SIDES:
            raise InputError(f"LoRA has no target `{target}`", fix=f"any of {', '.join(LORA_SIDES)}")
    return shape.layers * rank * sum(sides[LORA_SIDES[target]] for target in targets)
