"""A base small enough to be trained in a test: two layers of 32, random weights, the encoder's own words."""

import json
import shutil
from pathlib import Path

from groundwork.engine.encoder import WEIGHTS

CONFIG = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "intermediate_size": 64,
    "vocab_size": 30522,
    "max_position_embeddings": 512,
    "type_vocab_size": 2,
    "layer_norm_eps": 1e-12,
    "hidden_act": "gelu",
}


def make_base(folder: Path) -> Path:
    """Write the base into `folder`; needs torch."""
    import torch
    from safetensors.torch import save_file
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG))
    shutil.copy(WEIGHTS / "tokenizer.json", folder / "tokenizer.json")
    torch.manual_seed(7)
    save_file(
        {name: value.contiguous() for name, value in BertModel(BertConfig(**CONFIG)).state_dict().items()}, folder / "model.safetensors"
    )
    return folder
