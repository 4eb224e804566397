from collections.abc import Iterator
from pathlib import Path

import pytest

from groundwork.store.database import Database
from tests.postgres import address

__all__ = ["address"]


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "state.db", schema="state", durable=True)
    yield database
    database.close()
