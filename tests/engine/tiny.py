"""A tiny encoder and tiny trained models with random weights, made as the real ones are: 20 kB each, one layer of 16, words of letters.

    python -m tests.engine.tiny    # writes them into tests/data/engine/tiny (needs `groundwork-ai[tune]`)

`forward` computes the same in float64, step by step, from the same weights: what the graphs are held against.
"""

import hashlib
import json
import math
import string
from pathlib import Path

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent.parent / "data" / "engine" / "tiny"
ENCODER = FOLDER / "encoder"
WIDTH, INNER, HEADS, LAYERS, POSITIONS, WINDOW, STRIDE = 16, 32, 2, 1, 64, 48, 8
LABELS = ("harmless", "attack")
WORDS = ("who", "wrote", "it", "the", "letter", "was", "ada", "signed", "by", "reset", "password", "##er", "##ed")
TASKS = {"span": "tiny-reader", "classify": "tiny-classifier", "pair": "tiny-scorer"}

Floats = npt.NDArray[np.float32]


def vocabulary() -> dict[str, int]:
    """[PAD] is 0, [CLS] 101, [SEP] 102, as in the real one; every word of letters and digits can be spelled."""
    letters = string.ascii_lowercase + string.digits
    pieces = ["[PAD]", *letters, *(f"##{letter}" for letter in letters), *".,?!-'"]
    pieces += [f"[unused{number}]" for number in range(len(pieces), 100)]
    return {piece: number for number, piece in enumerate([*pieces, "[UNK]", "[CLS]", "[SEP]", *WORDS])}


def weights(task: str) -> dict[str, Floats]:
    """The state of a fit, from a seed; the word table included."""
    chooser = np.random.default_rng(7)

    def drawn(*shape: int, scale: float = 0.3) -> Floats:
        return chooser.normal(0, scale, shape).astype(np.float32)

    state = {
        "embeddings.word_embeddings.weight": drawn(len(vocabulary()), WIDTH, scale=1.0),
        "embeddings.position_embeddings.weight": drawn(POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": drawn(2, WIDTH),
        "embeddings.LayerNorm.weight": 1 + drawn(WIDTH, scale=0.1),
        "embeddings.LayerNorm.bias": drawn(WIDTH, scale=0.1),
    }
    for layer in range(LAYERS):
        sizes = {
            "attention.self.query": (WIDTH, WIDTH),
            "attention.self.key": (WIDTH, WIDTH),
            "attention.self.value": (WIDTH, WIDTH),
            "attention.output.dense": (WIDTH, WIDTH),
            "intermediate.dense": (INNER, WIDTH),
            "output.dense": (WIDTH, INNER),
        }
        for part, shape in sizes.items():
            state[f"encoder.layer.{layer}.{part}.weight"] = drawn(*shape)
            state[f"encoder.layer.{layer}.{part}.bias"] = drawn(shape[0], scale=0.1)
        for part in ("attention.output.LayerNorm", "output.LayerNorm"):
            state[f"encoder.layer.{layer}.{part}.weight"] = 1 + drawn(WIDTH, scale=0.1)
            state[f"encoder.layer.{layer}.{part}.bias"] = drawn(WIDTH, scale=0.1)
    heads = {
        "span": {"span": (2, WIDTH), "answerable": (1, 4 * WIDTH)},
        "classify": {"label": (2, WIDTH)},
        "pair": {"score": (1, 2 * WIDTH)},
    }
    for name, shape in heads[task].items():
        state[f"{name}.weight"], state[f"{name}.bias"] = drawn(*shape, scale=1.0), drawn(shape[0])
    return state


def served(table: Floats) -> Floats:
    """The word table as int8 keeps it."""
    scales = np.abs(table).max(axis=1, keepdims=True) / np.float32(127)
    return np.rint(table / scales) * scales


def forward(state: dict[str, Floats], ids: list[int], first: int) -> npt.NDArray[np.float64]:
    """Token vectors [sequence, width] of one window, in float64: BERT as its paper has it. `first`: how many tokens are of segment 0."""
    types = [0] * first + [1] * (len(ids) - first)
    value = served(state["embeddings.word_embeddings.weight"])[ids].astype(np.float64)
    value = value + state["embeddings.position_embeddings.weight"][: len(ids)] + state["embeddings.token_type_embeddings.weight"][types]
    value = _normal(state, value, "embeddings.LayerNorm")
    for layer in range(LAYERS):
        name = f"encoder.layer.{layer}."
        query, key, content = (_linear(state, value, f"{name}attention.self.{part}") for part in ("query", "key", "value"))
        size = WIDTH // HEADS
        parts = []
        for head in range(HEADS):
            own = slice(head * size, (head + 1) * size)
            scores = query[:, own] @ key[:, own].T / math.sqrt(size)
            parts.append(softmax(scores) @ content[:, own])
        value = _normal(
            state, value + _linear(state, np.hstack(parts), name + "attention.output.dense"), name + "attention.output.LayerNorm"
        )
        inner = _linear(state, value, name + "intermediate.dense")
        inner = inner * 0.5 * (1 + np.vectorize(math.erf)(inner / math.sqrt(2)))
        value = _normal(state, value + _linear(state, inner, name + "output.dense"), name + "output.LayerNorm")
    return value


def answers(state: dict[str, Floats], ids: list[int], first: int) -> tuple[npt.NDArray[np.float64], float]:
    """The span head: logits of start and end [sequence, 2], and the logit of there being an answer."""
    tokens = forward(state, ids, first)
    logits = _linear(state, tokens, "span")
    inside = np.arange(first, len(ids) - 1)
    begins, ends = (softmax(logits[inside, side]) @ tokens[inside] for side in (0, 1))
    seen = np.concatenate([tokens[0], tokens[:first].mean(axis=0), begins, ends])
    return logits, float(_linear(state, seen, "answerable")[0])


def softmax(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    raised = np.exp(values - values.max(axis=-1, keepdims=True))
    return raised / raised.sum(axis=-1, keepdims=True)


def _linear(state: dict[str, Floats], value: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    return value @ state[name + ".weight"].astype(np.float64).T + state[name + ".bias"]


def _normal(state: dict[str, Floats], value: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
    away = value - value.mean(axis=-1, keepdims=True)
    return away / np.sqrt((away**2).mean(axis=-1, keepdims=True) + 1e-12) * state[name + ".weight"] + state[name + ".bias"]


def write_encoder(folder: Path) -> None:
    """The encoder's folder: graph, tokenizer, manifest."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors

    from groundwork.tuning.graph import Int8, encoder_graph

    tokenizer = Tokenizer(models.WordPiece(vocabulary(), unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)])
    tokenizer.decoder = decoders.WordPiece()
    model = encoder_graph("tiny", weights("pair"), Int8(), HEADS)
    files = {"model.onnx": model, "tokenizer.json": tokenizer.to_str().encode()}
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in files.items()}
    together = hashlib.sha256("".join(hashes[name] for name in sorted(hashes)).encode()).hexdigest()
    manifest = {
        "fingerprint": f"tiny:{together[:12]}",
        "dimensions": WIDTH,
        "window": WINDOW,
        "files": {name: {"bytes": len(content), "sha256": hashes[name]} for name, content in files.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n", encoding="utf-8")


def write_model(task: str, folder: Path, encoder: Path, *, precision: str = "int8") -> None:
    """A trained model's folder."""
    from groundwork.tuning.export import export

    state = weights(task)
    state["embeddings.word_embeddings.weight"] = served(state["embeddings.word_embeddings.weight"])
    export(
        state,
        folder,
        task=task,  # type: ignore[arg-type]
        name=TASKS[task],
        window=WINDOW,
        stride=STRIDE,
        labels=LABELS if task == "classify" else (),
        licence="Apache-2.0",
        made_by="python -m tests.engine.tiny",
        precision=precision,  # type: ignore[arg-type]
        heads=HEADS,
        encoder=encoder,
    )


def write_all(folder: Path) -> None:
    """All of it."""
    write_encoder(folder / "encoder")
    for task, name in TASKS.items():
        write_model(task, folder / name, folder / "encoder")


if __name__ == "__main__":
    write_all(FOLDER)
