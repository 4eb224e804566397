"""Parameters counted from a configuration equal what the models hold: published counts here, the reference implementation where it is there."""

import json
from pathlib import Path
from typing import Any

import pytest

from groundwork.core.errors import ConfigError, InputError, NotFound
from groundwork.tuning.shape import MINILM, lora_parameters, parameters, read_shape, shape_of

BERT = {
    "model_type": "bert", "vocab_size": 30522, "hidden_size": 768, "num_hidden_layers": 12, "intermediate_size": 3072,
    "num_attention_heads": 12, "max_position_embeddings": 512, "type_vocab_size": 2,
}  # fmt: skip
LLAMA = {"model_type": "llama", "tie_word_embeddings": False}
KNOWN: dict[str, tuple[dict[str, Any], int]] = {
    "BERT base": (BERT, 109_482_240),
    "MiniLM, as its safetensors header says, less 512 position numbers": (
        BERT | {"hidden_size": 384, "num_hidden_layers": 6, "intermediate_size": 1536}, 22_713_728 - 512,
    ),
    "GPT-2": ({"model_type": "gpt2", "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": None, "vocab_size": 50257, "n_positions": 1024}, 124_439_808),
    "Llama 2 7B": (
        LLAMA | {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 11008, "num_attention_heads": 32, "vocab_size": 32000},
        6_738_415_616,
    ),
    "Llama 2 13B": (
        LLAMA | {"hidden_size": 5120, "num_hidden_layers": 40, "intermediate_size": 13824, "num_attention_heads": 40, "vocab_size": 32000},
        13_015_864_320,
    ),
    "Llama 3 8B": (
        LLAMA
        | {"hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "num_attention_heads": 32, "num_key_value_heads": 8}
        | {"vocab_size": 128256},
        8_030_261_248,
    ),
    "Mistral 7B": (
        {"model_type": "mistral", "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "num_attention_heads": 32}
        | {"num_key_value_heads": 8, "vocab_size": 32000, "tie_word_embeddings": False},
        7_241_732_096,
    ),
    "Qwen2 0.5B": (
        {"model_type": "qwen2", "hidden_size": 896, "num_hidden_layers": 24, "intermediate_size": 4864, "num_attention_heads": 14}
        | {"num_key_value_heads": 2, "vocab_size": 151936, "tie_word_embeddings": True},
        494_032_768,
    ),
}  # fmt: skip
MIXTRAL = {
    "model_type": "mixtral", "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 32000, "num_local_experts": 8, "num_experts_per_tok": 2, "tie_word_embeddings": False,
}  # fmt: skip


@pytest.mark.parametrize("name", KNOWN)
def test_the_count_is_the_published_one(name: str) -> None:
    config, count = KNOWN[name]
    found = parameters(shape_of(config, name))
    assert found.total == count
    assert found.active == count


def test_experts_count_in_full_and_the_chosen_ones_as_active() -> None:
    found = parameters(shape_of(MIXTRAL, "config.json"))
    assert found.total == 46_702_792_704
    assert found.active == 46_702_792_704 - 32 * 6 * 3 * 4096 * 14336
    assert round(found.active / 1e9, 1) == 12.9


def test_our_own_base_is_the_one_of_its_configuration(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(KNOWN["MiniLM, as its safetensors header says, less 512 position numbers"][0]))
    assert read_shape(path) == MINILM


def test_adapters_take_rank_times_both_sides_of_each_matrix() -> None:
    assert lora_parameters(MINILM, 16, ("query", "value")) == 6 * 2 * 16 * (384 + 384)
    assert lora_parameters(MINILM, 8, ("intermediate", "output")) == 6 * 2 * 8 * (384 + 1536)
    llama = shape_of(KNOWN["Llama 3 8B"][0], "x")
    assert lora_parameters(llama, 16, ("query", "value")) == 32 * 16 * (4096 + 4096 + 4096 + 1024)
    with pytest.raises(InputError, match="no target `colour`"):
        lora_parameters(MINILM, 8, ("colour",))


def test_an_unknown_kind_is_counted_like_llama_and_says_so() -> None:
    config = KNOWN["Llama 2 7B"][0] | {"model_type": "newthing"}
    found = shape_of(config, "x")
    assert parameters(found).total == 6_738_415_616
    assert "newthing" in found.note
    assert shape_of({"text_config": KNOWN["Llama 2 7B"][0], "model_type": "pictures"}, "x").note == ""


@pytest.mark.parametrize(
    ("config", "kind", "what"),
    [
        ({}, ConfigError, "hidden_size` is missing"),
        (BERT | {"num_attention_heads": 7}, ConfigError, "cannot be dealt to 7 heads"),
        (BERT | {"vocab_size": "many"}, ConfigError, "vocabulary"),
        (BERT | {"num_hidden_layers": 0}, ConfigError, "layers"),
        (BERT | {"kv_lora_rank": 512}, InputError, "not counted here"),
    ],
)
def test_what_cannot_be_counted_is_refused(config: dict[str, Any], kind: type[Exception], what: str) -> None:
    with pytest.raises(kind, match=what):
        shape_of(config, "config.json")


def test_a_file_that_is_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_shape(tmp_path / "config.json")
    (tmp_path / "config.json").write_text("[1]")
    with pytest.raises(ConfigError, match="no JSON object"):
        read_shape(tmp_path / "config.json")


SMALL = {"hidden_size": 64, "num_hidden_layers": 3, "intermediate_size": 160, "num_attention_heads": 8, "vocab_size": 300}
GROUPED = SMALL | {"num_key_value_heads": 2}
EXPERTS = {"num_experts_per_tok": 2}


@pytest.mark.torch
@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("BertConfig", SMALL),
        ("RobertaConfig", SMALL | {"type_vocab_size": 1}),
        (
            "GPT2Config",
            {"n_embd": 64, "n_layer": 3, "n_head": 8, "vocab_size": 300, "n_positions": 100, "bos_token_id": 1, "eos_token_id": 1},
        ),
        ("LlamaConfig", GROUPED),
        ("LlamaConfig", GROUPED | {"attention_bias": True}),
        ("LlamaConfig", GROUPED | {"mlp_bias": True, "tie_word_embeddings": True}),
        ("MistralConfig", GROUPED | {"head_dim": 16}),
        ("MixtralConfig", GROUPED | EXPERTS | {"num_local_experts": 4}),
        ("Qwen2Config", GROUPED),
        ("Qwen3Config", GROUPED | {"head_dim": 16}),
        ("Qwen3MoeConfig", GROUPED | EXPERTS | {"head_dim": 16, "num_experts": 4, "moe_intermediate_size": 48}),
        ("GemmaConfig", GROUPED | {"head_dim": 16}),
        ("Phi3Config", GROUPED | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}),
        ("GraniteConfig", GROUPED),
        ("SmolLM3Config", GROUPED | {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 1}),
    ],
)
def test_the_count_is_the_reference_implementations(kind: str, settings: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: run `make test-all`")
    import transformers

    config = getattr(transformers, kind)(**settings)
    family = transformers.AutoModel if kind in {"BertConfig", "RobertaConfig"} else transformers.AutoModelForCausalLM
    with torch.device("meta"):
        model = family.from_config(config)
    assert parameters(shape_of(json.loads(config.to_json_string(use_diff=False)), kind)).total == sum(
        value.numel() for value in model.parameters()
    )
