"""Documents that fit the model's window are said to, with what that costs."""

from pathlib import Path

import pytest

from groundwork.app.config import load
from groundwork.app.whole_corpus import WholeCorpus, whole_corpus
from groundwork.store.index import open_index
from tests.apps import DOCS, PAGES, index_docs, write_docs

REMOTE = """
[models.far]
targets = ["openai/{model}"]
{more}
[providers.openai]
key = "env:OPENAI_API_KEY"
[routes]
default = "far"
"""


def said(root: Path, *, model: str = "gpt-4o", more: str = "", retrieve: str = "") -> WholeCorpus | None:
    write_docs(root)
    file = root / "groundwork.toml"
    file.write_text(DOCS + retrieve + REMOTE.format(model=model, more=more))
    store = open_index(root)
    try:
        return whole_corpus(load(root), {"": store})
    finally:
        store.close()


def test_what_fits_is_said_with_its_cost(tmp_path: Path) -> None:
    found = said(tmp_path / "app", retrieve="retrieve = { keep = 1 }\nchunk = { tokens = 64 }\n")
    assert found is not None
    assert (found.model, found.window, found.documents, found.retrieved) == ("far", 128_000, len(PAGES), 64)
    assert found.tokens > found.retrieved
    assert found.sentence.startswith(
        f"all 2 documents are {found.tokens} tokens and fit the window of far (128,000): given whole, a question sends"
    )
    assert "before prompt caching" in found.sentence


def test_where_retrieval_sends_as_much_it_gives_nothing(tmp_path: Path) -> None:
    found = said(tmp_path / "app", more='window = "20k tokens"')
    assert found is not None
    assert found.sentence.endswith(f"and retrieval sends as many: `keep = {found.chunks}` in [context.retrieve] gives them whole")


@pytest.mark.parametrize(("model", "more"), [("gpt-4o", 'window = "100 tokens"'), ("nobody-knows", "")])
def test_too_small_and_unknown_windows_say_nothing(tmp_path: Path, model: str, more: str) -> None:
    assert said(tmp_path / "app", model=model, more=more) is None


def test_the_offline_reader_has_no_window_to_fill(tmp_path: Path) -> None:
    root = tmp_path / "app"
    write_docs(root, index=False)
    index_docs(root)
    store = open_index(root)
    assert whole_corpus(load(root), {"": store}) is None
    store.close()
