"""The encoder with a head for one task, as it is trained. torch and transformers are imported here.

Every head reads what the exported graph computes too (`graph`), under the same names. The word table stays as it is served (int8, one scale a
word) and is never trained: all models of one base share it.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from groundwork.core.errors import InputError, StoreError
from groundwork.datasets.rows import Task
from groundwork.tuning.recipe import LoraSection, Recipe

Arrays = dict[str, np.ndarray]
LOW = -1e4
"""The logit of a place that cannot be chosen; fits bf16 too."""
_LAYERS = ("embeddings.", "encoder.")
"""What the names of the base's own weights begin with; the others are a head's."""
_PLACES = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attention.output": "attention.output.dense",
    "intermediate": "intermediate.dense",
    "output": r"(?<!attention\.)output.dense",
}


class Batch(NamedTuple):
    """Windows of one forward pass; int64 [batch, sequence], `passage` and `mask` are 1 where a token counts."""

    ids: Tensor
    types: Tensor
    mask: Tensor
    passage: Tensor


class SpanLogits(NamedTuple):
    """What the span head says; float32."""

    start: Tensor
    """[batch, sequence]; `LOW` everywhere but on the passage and the first token, which stands for no answer."""
    end: Tensor
    answerable: Tensor
    """[batch]; the logit of the passage holding the answer."""


class Network(nn.Module):
    """The base and one head. `labels` counts the classes of `classify`."""

    def __init__(self, bert: BertModel, task: Task, labels: int = 0) -> None:
        super().__init__()
        self.bert = bert
        self.task = task
        width = bert.config.hidden_size
        self.dropout = nn.Dropout(bert.config.hidden_dropout_prob)
        if task == "span":
            self.span = nn.Linear(width, 2)
            self.answerable = nn.Linear(4 * width, 1)
        elif task == "classify":
            self.label = nn.Linear(width, labels)
        else:
            self.score = nn.Linear(2 * width, 1)
        for head in self.children():
            if isinstance(head, nn.Linear):
                nn.init.normal_(head.weight, std=0.02)
                nn.init.zeros_(head.bias)

    def tokens(self, batch: Batch) -> Tensor:
        """Token vectors, float32 [batch, sequence, width]."""
        out = self.bert(input_ids=batch.ids, token_type_ids=batch.types, attention_mask=batch.mask).last_hidden_state
        return self.dropout(out.float())

    def spans(self, batch: Batch) -> SpanLogits:
        """Logits of a span's ends, and of there being one."""
        tokens = self.tokens(batch)
        logits = self.span(tokens)
        start, end = logits[..., 0], logits[..., 1]
        passage = batch.passage.bool()
        question = (batch.mask.bool() & (batch.types == 0)).unsqueeze(-1).float()
        asked = (tokens * question).sum(1) / question.sum(1)
        begins, ends = (
            (torch.softmax(row.masked_fill(~passage, LOW), dim=1).unsqueeze(-1) * tokens).sum(1) for row in (start.detach(), end.detach())
        )
        answerable = self.answerable(torch.cat([tokens[:, 0], asked, begins, ends], dim=1)).squeeze(-1)
        allowed = passage.clone()
        allowed[:, 0] = True
        return SpanLogits(start.masked_fill(~allowed, LOW), end.masked_fill(~allowed, LOW), answerable)

    def classes(self, batch: Batch) -> Tensor:
        """Logits of the classes, [batch, labels]."""
        return self.label(_mean(self.tokens(batch), batch.mask))

    def scores(self, batch: Batch) -> Tensor:
        """The logit of the second text answering or supporting the first, [batch]."""
        tokens = self.tokens(batch)
        return self.score(torch.cat([tokens[:, 0], _mean(tokens, batch.mask)], dim=1)).squeeze(-1)


def _mean(tokens: Tensor, mask: Tensor) -> Tensor:
    real = mask.unsqueeze(-1).float()
    return (tokens * real).sum(1) / real.sum(1)


def served_words(table: Tensor) -> Tensor:
    """The word table as the int8 encoder holds it: one symmetric scale a word."""
    scales = table.abs().amax(dim=1, keepdim=True).clamp_min(1e-12) / 127
    return torch.round(table / scales) * scales


def build(recipe: Recipe, base: Path, labels: int = 0, start: Path | None = None) -> Network:
    """The network of a recipe on the base's weights, or on those of an earlier fit (`start`, a file), with what is not trained frozen.

    Raises StoreError where the base or the file is not there or damaged, InputError where the task lacks classes or the file is of another base.
    """
    if recipe.task == "classify" and labels < 2:
        raise InputError(f"the training set has {labels} class", fix="a classifier needs rows of two classes or more")
    try:
        config = BertConfig.from_json_file(str(base / "config.json"))
        config.hidden_dropout_prob = recipe.train.dropout
        config.attention_probs_dropout_prob = 0.0  # drawing it takes a fifth of a step's time on a CPU
        config._attn_implementation = "eager"  # faster than the fused one on CPUs in training, and without a second code path
        bert = BertModel(config, add_pooling_layer=False)
        from safetensors.torch import load_file

        weights = load_file(str(base / "model.safetensors"))
    except OSError as error:
        raise StoreError(f"the base in {base} cannot be read: {error}", fix="fetch it: `groundwork tune base`") from None
    weights = {name: value for name, value in weights.items() if not name.startswith("pooler.") and not name.endswith("position_ids")}
    bert.load_state_dict(weights)
    words = bert.embeddings.word_embeddings
    words.weight.data = served_words(words.weight.data)
    words.weight.requires_grad = False
    network = Network(bert, recipe.task, labels)
    if start is not None:
        _begin_with(network, start)
    if recipe.train.method != "full":
        for parameter in bert.parameters():
            parameter.requires_grad = False
    if recipe.train.method == "lora":
        adapt(network, recipe.lora)
    return network


def _begin_with(network: Network, file: Path) -> None:
    """Take over an earlier fit's weights: all of them, or the layers alone where its head is for another task or other classes."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        weights = load_file(str(file))
    except (OSError, SafetensorError) as error:
        raise StoreError(f"the earlier fit's {file} cannot be read: {error}", fix="name the folder of a fit that ended") from None
    own = {name.removeprefix("bert."): value for name, value in network.state_dict(keep_vars=True).items()}
    own.pop("embeddings.word_embeddings.weight")
    layers = {name for name in own if name.startswith(_LAYERS)}
    if {name: own[name].shape for name in layers} != {name: value.shape for name, value in weights.items() if name.startswith(_LAYERS)}:
        raise InputError(f"{file} is not of this base", fix="begin with a fit of the same base")
    same_head = {name: value.shape for name, value in own.items()} == {name: value.shape for name, value in weights.items()}
    for name in own if same_head else layers:
        own[name].data.copy_(weights[name])


def adapt(network: Network, lora: LoraSection) -> None:
    """Lay LoRA's adapters over the base's linear parts, in place."""
    from peft import LoraConfig, inject_adapter_in_model

    places = "|".join(_PLACES[target] for target in lora.targets)
    scaling: Any = lora.alpha  # declared as int, and any number serves
    config = LoraConfig(
        r=lora.rank, lora_alpha=scaling, lora_dropout=lora.dropout, target_modules=rf".*encoder\.layer\.\d+\.(?:{places})$", bias="none"
    )
    inject_adapter_in_model(config, network.bert)


def trained(network: Network) -> dict[str, Tensor]:
    """What training changes, by name: the weights of a checkpoint."""
    return {name: value for name, value in network.named_parameters() if value.requires_grad}


def arrays(network: Network) -> Arrays:
    """All weights for the export, float32: the base's names without a prefix, adapters merged, the head under its own names."""
    from peft.tuners.lora import LoraLayer

    merged: Arrays = {}
    for name, module in network.named_modules():
        if isinstance(module, LoraLayer):
            layer: Any = module  # peft's methods are not all declared on the class that all its layers share
            plain = layer.get_base_layer()
            merged[f"{name}.weight"] = (plain.weight.data + layer.get_delta_weight("default")).detach().float().numpy()
            merged[f"{name}.bias"] = plain.bias.detach().float().numpy()
    for name, value in network.state_dict().items():
        if "lora_" in name or ".base_layer." in name:
            continue
        merged.setdefault(name, value.detach().float().numpy())
    return {name.removeprefix("bert."): value for name, value in merged.items()}
