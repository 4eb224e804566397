"""The embedded sentence encoder: texts in, vectors of length 1 out. English; a text holds at most 256 word pieces.

The model is all-MiniLM-L6-v2 (Wang et al., MiniLM, 2020; Reimers and Gurevych, Sentence-BERT, 2019) in int8; its card lies beside the
weights. A text's vector does not depend on the texts it is computed with, so vectors of different runs may share one index.
Not covered: threads (one `Encoder` belongs to one thread at a time, see `batching`) and cutting long texts (they are refused).
"""

import functools
import hashlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime
from tokenizers import Tokenizer

from groundwork.core.errors import InputError, StoreError

Vectors = npt.NDArray[np.float32]

WEIGHTS = Path(__file__).parent / "weights" / "all-minilm-l6-v2-int8"
SPECIAL = 2  # [CLS] and [SEP] around every text
REINSTALL = "reinstall groundwork: its weights are part of the package"

# One batch's tokens, padding included. Larger batches leave the CPU's caches and take more memory for no speed (benchmarks/embedding.py).
BATCH_TOKENS = 512


class File(msgspec.Struct, frozen=True):
    """Size and hash of one file of the weights."""

    bytes: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True):
    """What the weights are, readable without loading them."""

    fingerprint: str
    """Names the exact weights; vectors of different fingerprints are not comparable."""
    dimensions: int
    window: int
    """Word pieces that a text may hold, the two special ones included."""
    files: dict[str, File]


def read_manifest(folder: Path = WEIGHTS) -> Manifest:
    """The manifest of a folder of weights. Raises `StoreError` where it is missing or broken."""
    try:
        return msgspec.json.decode((folder / "manifest.json").read_bytes(), type=Manifest)
    except (OSError, msgspec.MsgspecError) as error:
        raise StoreError(f"the encoder's manifest in {folder} cannot be read: {error}", fix=REINSTALL) from error


class Encoder:
    """One loaded model: about 0.1 s to load, 75 MB of memory, one CPU thread (or `workers` of them, for the long work of indexing).

    Loading checks the size and sha256 of every file, so a broken download is named as such and never answers with wrong vectors.
    Raises `StoreError` where a file is missing or differs from the manifest.
    """

    together = 1
    """Texts that are worth waiting for: it loses nothing by taking each as it comes."""

    def __init__(self, folder: Path = WEIGHTS, *, workers: int = 1) -> None:
        manifest = read_manifest(folder)
        for name, file in manifest.files.items():
            check(folder / name, file)
        self.fingerprint = manifest.fingerprint
        self.dimensions = manifest.dimensions
        self.window = manifest.window
        self._tokenizer = tokenizer_of(folder / "tokenizer.json", manifest.files["tokenizer.json"])
        self._session = session(folder / "model.onnx")
        self._workers = ThreadPoolExecutor(workers, thread_name_prefix="encode") if workers > 1 else None

    def count(self, text: str) -> int:
        """Word pieces of `text`, without the two special ones: it fits where this is at most `window` - 2."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def pieces(self, text: str) -> list[tuple[int, int]]:
        """Where each word piece of `text` starts and ends, in code points: `text[start:end]` is what the piece stands for.

        Characters that the model does not see (blanks, control characters) belong to no piece; several pieces may share one character.
        """
        return self._tokenizer.encode(text, add_special_tokens=False).offsets

    def tokens(self, texts: Sequence[str], *, before: int = 0) -> list[list[int]]:
        """Each text's piece numbers, special ones included. Raises `InputError` where a text is longer than the window.

        `before` is the number of texts that the caller's list holds before these, so that the error names the right one.
        """
        rows: list[list[int]] = [self._tokenizer.encode(text).ids for text in texts]
        for place, row in enumerate(rows):
            if len(row) > self.window:
                most = self.window - SPECIAL
                raise InputError(
                    f"text {before + place + 1} has {len(row) - SPECIAL} word pieces, and the encoder reads at most {most}",
                    fix=f"split it into chunks of at most {most} word pieces",
                )
        return rows

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return the texts' vectors, float32 of shape [len(texts), dimensions], in the order given, each of length 1.

        An empty text has a vector too (that of the special pieces alone). Raises `InputError` where a text is longer than the window:
        nothing is cut silently.
        """
        return self.encode_tokens(self.tokens(texts))

    def encode_tokens(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """The same, from what `tokens` returned."""
        vectors: Vectors = np.empty((len(rows), self.dimensions), dtype=np.float32)
        groups = list(batches([len(row) for row in rows]))
        compute = self._workers.map if self._workers else map
        for batch, found in zip(groups, compute(self._compute, ([rows[place] for place in batch] for batch in groups)), strict=True):
            vectors[batch] = found
        return vectors

    def close(self) -> None:
        """Let go of the threads."""
        if self._workers is not None:
            self._workers.shutdown()

    def _compute(self, rows: Sequence[Sequence[int]]) -> Vectors:
        """One batch. The session is safe to run from several threads, and a batch's vectors are the same whichever computes it."""
        ids = np.zeros((len(rows), max(len(row) for row in rows)), dtype=np.int64)
        mask = np.zeros_like(ids)
        for line, row in enumerate(rows):
            ids[line, : len(row)] = row
            mask[line, : len(row)] = 1
        return np.asarray(self._session.run(["embedding"], {"input_ids": ids, "attention_mask": mask})[0])


def batches(lengths: Sequence[int], *, most: int = BATCH_TOKENS) -> Iterator[list[int]]:
    """Places of texts that are computed together: of similar length, at most `most` tokens with padding (or one text alone)."""
    batch: list[int] = []
    for place in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batch and (len(batch) + 1) * lengths[place] > most:
            yield batch
            batch = []
        batch.append(place)
    if batch:
        yield batch


@functools.lru_cache(maxsize=4)
def tokenizer_of(path: Path, file: File) -> Tokenizer:
    """The tokenizer, one for all models of a process (8 MB); it neither cuts nor pads, and nobody may change that. Raises `StoreError`."""
    check(path, file)
    tokenizer: Tokenizer = Tokenizer.from_file(str(path))
    # The file asks to cut at 128 pieces and to pad every text to 128: the first would lose text silently, the second wastes work.
    tokenizer.no_truncation()
    tokenizer.no_padding()
    return tokenizer


def check(path: Path, file: File, *, fix: str = REINSTALL) -> None:
    """Raises `StoreError` where the file is not the one that the manifest names (18 ms for all of the encoder's)."""
    try:
        with path.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise StoreError(f"the model's file {path} cannot be read: {error.strerror}", fix=fix) from error
    if digest != file.sha256:
        size = path.stat().st_size
        raise StoreError(f"the model's file {path} is damaged: {size} bytes where {file.bytes} are expected, or other content", fix=fix)


def session(path: Path) -> onnxruntime.InferenceSession:
    """The graph, ready to run on the calling thread alone."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    _share_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.enable_mem_pattern = False  # every batch has another shape: a plan kept per shape is memory that is rarely used again
    options.log_severity_level = 3  # errors only: warnings about hardware would reach the user's terminal
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


@functools.cache
def _share_memory() -> None:
    """One pool of working memory for all sessions of the process: each further model then costs its weights alone (11 MB less, no slower)."""
    kind = onnxruntime.OrtMemoryInfo("Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT)
    onnxruntime.create_and_register_allocator(kind, None)
