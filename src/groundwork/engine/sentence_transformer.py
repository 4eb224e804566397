"""An encoder of the library sentence-transformers, from this machine: a folder, or a name that its cache holds. Nothing is downloaded.

Vectors are made in the calling thread (torch uses its own for one text too). Not covered: models that bring code of their own.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import ConfigError, InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

_INSTALL = "install groundwork-ai[sentence-transformers]"
_READ = frozenset({".json", ".txt", ".safetensors", ".bin", ".model"})
"""Endings of the files that make a model what it is; exports of it for other engines lie in folders of their own."""
_LEFT_OUT = frozenset({"onnx", "openvino"})


class SentenceEncoder:
    """A loaded model. `window` counts its own tokens, special ones included; so do `count` and `pieces` (without the special ones).

    Raises ConfigError where the library or the model is missing.
    """

    together = 1

    def __init__(self, name: str, root: Path, *, query_prefix: str = "", document_prefix: str = "", batch: int = 32) -> None:
        folder = folder_of(name, root)
        try:
            from sentence_transformers import SentenceTransformer  # pyright: ignore[reportMissingImports]  an extra
        except ImportError:
            raise ConfigError("encoders of sentence-transformers need that library", fix=_INSTALL) from None
        from transformers.utils.logging import disable_progress_bar

        disable_progress_bar()  # it would draw into the user's terminal
        try:
            self._model: Any = SentenceTransformer(str(folder), local_files_only=True, trust_remote_code=False)
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(f"{name} is no model of sentence-transformers: {error}", fix="name a folder that holds a whole one") from None
        self._tokenizer: Any = self._model.tokenizer
        self._query_prefix = query_prefix
        self._document_prefix = document_prefix
        self._batch = batch
        if not getattr(self._tokenizer, "is_fast", False):
            raise ConfigError(f"{name} has no tokenizer that says where its tokens stand", fix="name a model with a `tokenizer.json`")
        special = int(self._tokenizer.num_special_tokens_to_add())
        self.window = int(self._model.max_seq_length or 512) - special + 2 - len(self._spans(document_prefix))
        self.fingerprint = fingerprint_of(folder, query_prefix, document_prefix)
        self.dimensions = int(self.embed_queries(["x"]).shape[1])

    def count(self, text: str) -> int:
        return len(self._spans(text))

    def pieces(self, text: str) -> list[tuple[int, int]]:
        return self._spans(text)

    def _spans(self, text: str) -> list[tuple[int, int]]:
        found: Any = self._tokenizer(text, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
        return [(int(start), int(end)) for start, end in found["offset_mapping"]]

    def encode(self, texts: Sequence[str]) -> "Vectors":
        """The texts' vectors, float32 [len(texts), dimensions], each of length 1. Raises InputError where a text is longer than the window."""
        for place, text in enumerate(texts):
            if self.count(text) + 2 > self.window:
                raise InputError(
                    f"text {place + 1} is longer than the {self.window - 2} tokens that the encoder reads", fix="lower `chunk.tokens`"
                )
        return self._vectors(self._document_prefix, texts)

    def embed_queries(self, texts: Sequence[str]) -> "Vectors":
        """The same for questions, before which the model may want another prefix; a question that is too long is cut by the model."""
        return self._vectors(self._query_prefix, texts)

    def _vectors(self, prefix: str, texts: Sequence[str]) -> "Vectors":
        import numpy as np

        if not texts:
            return np.empty((0, self.dimensions), np.float32)
        made: Any = self._model.encode(
            [prefix + text for text in texts],
            batch_size=self._batch,
            normalize_embeddings=True,
            convert_to_numpy=True,
            show_progress_bar=False,
        )
        return np.asarray(made, dtype=np.float32)

    def close(self) -> None:
        """There is nothing to close."""


def folder_of(name: str, root: Path) -> Path:
    """Where a model's files lie: a folder (relative to `root`), or what the Hugging Face cache holds of that name."""
    if (root / name).is_dir():
        return (root / name).resolve()
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError
    except ImportError:
        raise ConfigError("encoders of sentence-transformers need that library", fix=_INSTALL) from None
    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError):
        raise ConfigError(
            f"there is no folder {name!r}, and this machine's cache holds no model of that name",
            fix=f"download it once with `hf download {name}`; groundwork downloads nothing by itself",
        ) from None


def fingerprint_of(folder: Path, query_prefix: str, document_prefix: str) -> str:
    """Names what makes vectors comparable: the model's files and what is put before texts."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if path.suffix not in _READ or _LEFT_OUT.intersection(parts) or not path.is_file():
            continue
        with path.open("rb") as stream:
            digest.update("/".join(parts).encode() + b"\0" + hashlib.file_digest(stream, "sha256").digest())
    for prefix in (query_prefix, document_prefix):
        digest.update(len(prefix).to_bytes(4, "big") + prefix.encode())
    return f"st-{digest.hexdigest()[:32]}"
