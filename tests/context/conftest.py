from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.store.config import Address
from tests.context.folder import Application

DATA = Path(__file__).parent.parent / "data" / "context"


@pytest.fixture
def address() -> None:
    """Where the index stands: in the folder. A module that imports `address` from `tests/postgres.py` runs on both stores."""


@pytest.fixture
def application(tmp_path: Path, address: Address | None) -> Iterator[Application]:
    made = Application(tmp_path, address)
    yield made
    made.store.close()


@pytest.fixture
def data() -> Path:
    return DATA
