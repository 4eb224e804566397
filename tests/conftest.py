"""For all tests: no deadline for the examples of a property (cores are shared, and speed belongs in benchmarks), a PostgreSQL server, and the
files that take longest first: a worker that begins one at the end keeps the others waiting.
"""

import os

import pytest
from hypothesis import settings

from tests.postgres import postgres

__all__ = ["postgres"]

settings.register_profile("groundwork", deadline=None)
settings.register_profile("same", deadline=None, derandomize=True)  # for what is to be taken up: judged by itself, not by chance
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "groundwork"))

_LONGEST = (
    "tests/test_docs.py",
    "tests/test_benchmarks.py",
    "tests/cli/test_demo.py",
    "tests/tuning/test_memory.py",
    "tests/cli/test_tune.py",
    "tests/context/test_indexing.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the order but for the longest."""
    places = {name: place for place, name in enumerate(_LONGEST)}
    items.sort(key=lambda item: places.get(item.nodeid.partition("::")[0], len(places)))
