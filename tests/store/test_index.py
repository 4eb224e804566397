"""What the index on SQLite does beside the port."""

from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import StoreBusy, StoreError
from groundwork.store.lock import holding
from groundwork.store.vectors import from_blob, to_blob


def test_vectors_lose_less_than_a_thousandth() -> None:
    vectors = np.random.default_rng(7).normal(size=(200, 384)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    back = from_blob([to_blob(vector) for vector in vectors], 384)
    assert np.abs(back @ vectors.T - vectors @ vectors.T).max() < 1e-3
    with pytest.raises(StoreError, match="length"):
        from_blob([b"1234"], 384)


def test_a_lock_has_one_holder_and_is_free_again(tmp_path: Path) -> None:
    path = tmp_path / "some" / "lock"
    with holding(path, what="at work"), pytest.raises(StoreBusy, match="at work"), holding(path, what="at work"):
        pass
    with holding(path, what="at work"):
        pass
