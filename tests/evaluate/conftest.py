from collections.abc import Sequence
from pathlib import Path

import pytest

from groundwork.core.measure import Example
from groundwork.datasets.examples import format_examples
from groundwork.evaluate.suite import Suite, load_suite
from tests.evaluate.builders import MakeSuite


@pytest.fixture
def make_suite(tmp_path: Path) -> MakeSuite:
    """Writes a suite of these examples and loads it."""

    def make(examples: Sequence[Example], lines: str = "") -> Suite:
        (tmp_path / "cases.jsonl").write_bytes(format_examples(examples))
        path = tmp_path / "suite.toml"
        path.write_text(f'name = "small"\ncases = "cases.jsonl"\n{lines}\n')
        return load_suite(path, root=tmp_path)

    return make
