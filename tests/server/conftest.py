from collections.abc import Iterator
from pathlib import Path

import pytest
from openai import OpenAI

from tests.apps import write_docs, write_play
from tests.serving import Served, serving

SHOP = '''
def stock(item: str) -> dict:
    """How many of an item there are."""
    return {"item": item, "count": 7}
'''

LINES = [
    {"after_tool": "stock", "answer": "There are {{ result.count }} of them."},
    {"after_tool": "weather", "answer": "It is {{ result.sky }}."},
    {"match": "how many", "tool": {"name": "stock", "arguments": {"item": "cups"}}},
    {"match": "weather", "tool": {"name": "weather", "arguments": {"town": "Orrin"}}},
    {"match": "broken", "answer": "This will never come to its end.", "cut_after": 3},
    {"match": "overloaded", "error": "overload"},
    {"match": "refused", "error": "auth"},
    {"match": "empty", "answer": ""},
    {"match": "slow", "answer": "one two three four five six seven eight nine ten", "delay_ms": 150},
    {"match": "forever", "answer": "word " * 400, "delay_ms": 100},
    {"match": ".*", "answer": "Hello, this is the answer."},
]

MORE = """
[models.other]
targets = ["stage/two"]
[routes]
default = "quick"
tools = ["stock"]
[routes.named.short]
to = "other"
[tools.stock]
run = "shop:stock"
[server]
drain = "3s"
max_body = "200kB"
"""


@pytest.fixture
def play(tmp_path: Path) -> Path:
    """A scripted application with a tool, a second model and a route."""
    root = write_play(tmp_path / "play", LINES, more=MORE)
    (root / "shop.py").write_text(SHOP)
    return root


@pytest.fixture
def server(play: Path) -> Iterator[Served]:
    with serving(play) as served:
        yield served


@pytest.fixture
def client(server: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0, timeout=20) as made:
        yield made


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server over two real documents, answered by the embedded reader."""
    with serving(write_docs(tmp_path_factory.mktemp("docs") / "handbook")) as served:
        yield served
