"""Indexing and searching with another encoder than the embedded one: a service on this machine, and a model of sentence-transformers."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import numpy as np
import pytest

from groundwork.context.config import ChunkSection, ContextSection
from groundwork.context.encoder_config import MARGIN, EncoderSection
from groundwork.context.encoders import Estimate, SentenceEmbedder, ServiceEncoder, chunk_encoder, fingerprint, query_embedder
from groundwork.context.indexing import Indexer, IndexReport
from groundwork.context.search import Search
from groundwork.core.errors import ConfigError, InputError, Overloaded, StoreError, UpstreamError
from groundwork.core.units import Secret
from groundwork.engine.encoder import Encoder
from groundwork.gateway.transport import Transport
from groundwork.store.index import IndexStore, open_index
from groundwork.tuning.base_weights import base_folder
from tests.apps import PAGES
from tests.context.embedding_server import KEY, Service, serving
from tests.context.fake_encoder import FakeEncoder

PAGE = "# Tea\n\nGreen tea wants {degrees} degrees.\n\n## Black\n\nBlack tea boils."


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(FakeEncoder()) as made:
        yield made


class Shelf:
    """A folder whose documents are embedded by a service."""

    def __init__(self, root: Path, service: Service) -> None:
        self.root = root
        self.service = service
        self.store: IndexStore = open_index(root)
        self.transport = Transport()

    def write(self, name: str, text: str) -> None:
        (self.root / "docs").mkdir(exist_ok=True)
        (self.root / "docs" / name).write_text(text)

    def section(self, **encoder: object) -> ContextSection:
        return ContextSection(sources=("docs",), encoder=EncoderSection(**{"url": self.service.url, "model": "m", **encoder}))  # type: ignore[arg-type]

    def index(self, *, rebuild: bool = False, **encoder: object) -> IndexReport:
        section = self.section(**encoder)
        made = chunk_encoder(section.encoder, self.root)
        try:
            return Indexer(section, self.root, self.store, made).run(rebuild=rebuild)
        finally:
            made.close()

    async def find(self, query: str, **encoder: object) -> list[str]:
        section = self.section(**encoder)
        assert isinstance(section.encoder, EncoderSection)
        search = Search(self.store, query_embedder(section.encoder, self.root, self.transport), section)
        return [hit.text for hit in (await search.find(query, keep=3)).hits]


@pytest.fixture
async def shelf(tmp_path: Path, service: Service) -> AsyncIterator[Shelf]:
    made = Shelf(tmp_path, service)
    yield made
    await made.transport.close()
    made.store.close()


async def test_documents_and_questions_go_to_the_service_with_their_prefixes(shelf: Shelf) -> None:
    shelf.write("tea.md", PAGE.format(degrees=70))
    prefixes = {"query_prefix": "query: ", "document_prefix": "passage: "}
    report = shelf.index(**prefixes)
    assert (report.added, report.embedded) == (1, 2)
    assert all(text.startswith("passage: ") for text in shelf.service.texts)
    shelf.service.asked.clear()
    assert "Black tea boils" in (await shelf.find("black tea boils", **prefixes))[0]
    assert shelf.service.texts == ["query: black tea boils"]


async def test_small_documents_share_calls_and_only_new_text_is_sent(shelf: Shelf) -> None:
    for number in range(30):
        shelf.write(f"{number:02}.md", f"Document number {number} speaks of matter {number * 7}.")
    report = shelf.index(batch=10)
    assert (report.added, report.embedded) == (30, 30)
    assert len(shelf.service.asked) == 3
    shelf.service.asked.clear()
    shelf.write("03.md", "Something else now.")
    assert shelf.index(batch=10).embedded == 1
    assert len(shelf.service.texts) == 1


def test_a_run_that_was_cut_goes_on_where_it_was(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.gateway.providers.embeddings._FIRST_PAUSE", 0.01)
    for number in range(40):
        shelf.write(f"{number:02}.md", f"Document number {number}.")
    shelf.service.fails_after = 6
    with pytest.raises(UpstreamError, match="503"):
        shelf.index(batch=5)
    held = {entry.source for entry in shelf.store.documents()}
    assert held == {f"docs/{number:02}.md" for number in range(20)}, "what was embedded with all beside it is stored, and stays"
    shelf.service.fails_after, sent = 1_000_000, set(shelf.service.texts[:20])
    shelf.service.asked.clear()
    report = shelf.index(batch=5)
    assert (report.added, report.unchanged) == (20, 20)
    assert sent.isdisjoint(shelf.service.texts), "what is stored is never sent again"


def test_a_text_that_is_too_long_costs_its_own_document_alone(shelf: Shelf) -> None:
    for number in range(6):
        shelf.write(f"{number}.md", f"Short document number {number}.")
    shelf.write("3.md", "long " * 60)
    shelf.service.most_words = 40
    report = shelf.index()
    assert report.added == 5
    ((source, reason),) = report.skipped
    assert source == "docs/3.md"
    assert "its chunk at 0-299, line 1 is longer than the encoder reads" in reason


@pytest.mark.parametrize(
    "other",
    [{"model": "other"}, {"dimensions": 16}, {"query_prefix": "q: "}, {"document_prefix": "d: "}],
)
async def test_vectors_that_cannot_be_compared_are_refused(shelf: Shelf, other: dict[str, object]) -> None:
    shelf.write("tea.md", PAGE.format(degrees=70))
    shelf.index()
    with pytest.raises(StoreError, match="another encoder"):
        shelf.index(**other)
    with pytest.raises(StoreError, match="another encoder"):
        await shelf.find("tea", **other)
    assert shelf.index(rebuild=True, **other).added == 1
    assert await shelf.find("tea", **other)


def test_what_does_not_change_vectors_does_not_change_the_fingerprint() -> None:
    plain = EncoderSection(url="http://HOST:1/v1", model="m")
    same = EncoderSection(url="http://host:1/v1/", model="m", key=Secret("KEY"), batch=3, format="base64", window=900)
    assert fingerprint(plain) == fingerprint(same)
    assert fingerprint(plain) != fingerprint(EncoderSection(url="http://host:2/v1", model="m"))


async def test_a_service_that_changes_its_model_without_a_word_is_noticed_by_its_length(shelf: Shelf) -> None:
    shelf.write("tea.md", PAGE.format(degrees=70))
    shelf.index()
    shelf.service.twist = lambda items: [item | {"embedding": item["embedding"][:10]} for item in items]
    shelf.write("soup.md", "Soup needs salt.")
    with pytest.raises(StoreError, match="vectors of 10 numbers now, and the index holds such of 48"):
        shelf.index()
    with pytest.raises(StoreError, match="another length"):
        await shelf.find("soup")
    report = shelf.index(rebuild=True)
    assert (report.added + report.changed, shelf.store.dimensions()) == (2, 10)
    assert await shelf.find("soup")


async def test_a_question_fails_loudly_where_the_service_is_down(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("groundwork.gateway.providers.embeddings._FIRST_PAUSE", 0.01)
    shelf.write("tea.md", PAGE.format(degrees=70))
    shelf.index()
    shelf.service.fails_after = 0
    with pytest.raises(UpstreamError, match="503"):
        await shelf.find("tea")


def test_an_unset_key_is_said_before_anything_is_sent(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_SUCH_KEY", raising=False)
    with pytest.raises(ConfigError, match="NO_SUCH_KEY is not set"):
        shelf.index(key=Secret("NO_SUCH_KEY"))
    monkeypatch.setenv("NO_SUCH_KEY", KEY)
    shelf.write("tea.md", "Tea.")
    shelf.index(key=Secret("NO_SUCH_KEY"))
    assert shelf.service.keys == [f"Bearer {KEY}"]
    assert KEY not in shelf.store.made_with()["fingerprint"]


def test_closing_ends_a_call_that_hangs(shelf: Shelf) -> None:
    arrived, release = threading.Event(), threading.Event()

    async def hang(_: object) -> None:
        arrived.set()
        await asyncio.to_thread(release.wait)

    shelf.service.faults = [hang]
    encoder = ServiceEncoder(EncoderSection(url=shelf.service.url, model="m"), None)
    failed: list[Exception] = []

    def work() -> None:
        try:
            encoder.encode(["text"])
        except Overloaded as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert arrived.wait(10)
    encoder.close()
    release.set()
    thread.join(10)
    assert len(failed) == 1
    with pytest.raises(Overloaded):
        encoder.encode(["text"])


@pytest.mark.parametrize(
    "text", ["", "plain words", "x" * 500, "東京は日本の首都です。", "a b\n\nc 🙂🙂", "ประเทศไทย " * 20, "don't-stop.me_now"]
)
def test_an_estimate_counts_what_it_cuts(text: str) -> None:
    measure = Estimate()
    pieces = measure.pieces(text)
    assert len(pieces) == measure.count(text)
    assert all(0 <= start < end <= len(text) for start, end in pieces)
    assert [start for start, _ in pieces] == sorted(start for start, _ in pieces)
    assert "".join(text.split()) == "" or pieces


def test_an_estimate_is_cautious_where_our_encoder_knows_little() -> None:
    measure = Estimate()
    assert measure.count("x" * 500) >= 200, "one unknown word to us, hundreds of tokens to others"
    assert measure.count("東京") >= 2
    assert measure.count("The lighthouse is high.") == 5


def test_chunks_stay_within_the_margin_of_a_service(shelf: Shelf) -> None:
    shelf.service.encoder.window = 10_000
    shelf.write("long.md", " ".join(f"Lamp {number} stands in the wind and the rain of the coast." for number in range(400)))
    section = ContextSection(
        sources=("docs",), encoder=EncoderSection(url=shelf.service.url, model="m", window=1_000), chunk=ChunkSection(tokens=800)
    )
    encoder = chunk_encoder(section.encoder, shelf.root)
    Indexer(section, shelf.root, shelf.store, encoder).run()
    encoder.close()
    sizes = [Estimate().count(text) for text in shelf.service.texts]
    assert len(sizes) > 2
    assert 600 < max(sizes) <= 1_000 * MARGIN


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded encoder's own base as a model of sentence-transformers: fp32, in torch."""
    pytest.importorskip("sentence_transformers", reason="install groundwork-ai[sentence-transformers]")
    base = base_folder()
    if not (base / "model.safetensors").is_file():
        pytest.skip("fetch the base: groundwork tune base")
    folder = tmp_path_factory.mktemp("model")
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (folder / name).symlink_to(base / name)
    parts = (("0", "", "Transformer"), ("1", "1_Pooling", "Pooling"), ("2", "2_Normalize", "Normalize"))
    modules = [{"idx": int(at), "name": at, "path": path, "type": f"sentence_transformers.models.{kind}"} for at, path, kind in parts]
    (folder / "modules.json").write_text(json.dumps(modules))
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"word_embedding_dimension": 384, "pooling_mode_mean_tokens": True}))
    (folder / "2_Normalize").mkdir()
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 256, "do_lower_case": False}))
    (folder / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": "BertTokenizer", "do_lower_case": True}))
    return folder


@pytest.mark.torch
async def test_a_model_of_sentence_transformers_agrees_with_the_embedded_encoder(model: Path, tmp_path: Path) -> None:
    texts = [line for line in PAGES["backups.md"].splitlines() + PAGES["lighthouse.md"].splitlines() if line]
    section = EncoderSection(sentence_transformers=str(model))
    encoder, own = chunk_encoder(section, tmp_path), Encoder()
    cosines = np.vecdot(encoder.encode(texts), own.encode(texts))
    assert cosines.min() >= 0.99, "int8 against fp32"
    assert [encoder.pieces(text) for text in texts] == [own.pieces(text) for text in texts]
    assert encoder.window == own.window
    embedder = query_embedder(section, tmp_path, Transport())
    assert isinstance(embedder, SentenceEmbedder)
    assert embedder.fingerprint == encoder.fingerprint
    assert np.allclose(await embedder.embed(texts[:2]), encoder.encode(texts[:2]), atol=1e-5)
    await embedder.close()
    prefixed = chunk_encoder(EncoderSection(sentence_transformers=str(model), document_prefix="passage: "), tmp_path)
    assert prefixed.fingerprint != encoder.fingerprint
    assert prefixed.window < encoder.window
    with pytest.raises(InputError, match="text 2 is longer than the"):
        prefixed.encode(["short", "word " * 254])


@pytest.mark.torch
async def test_documents_are_indexed_and_found_by_a_model_of_sentence_transformers(model: Path, shelf: Shelf) -> None:
    for name, text in PAGES.items():
        shelf.write(name, text)
    section = ContextSection(sources=("docs",), encoder=EncoderSection(sentence_transformers=str(model)))
    assert isinstance(section.encoder, EncoderSection)
    report = Indexer(section, shelf.root, shelf.store, chunk_encoder(section.encoder, shelf.root)).run()
    assert report.added == 2
    embedder = query_embedder(section.encoder, shelf.root, shelf.transport)
    found = await Search(shelf.store, embedder, section).find("how tall is the lighthouse", keep=1)
    assert "47 metres" in found.hits[0].text
    with pytest.raises(StoreError, match="another encoder"):
        Indexer(ContextSection(sources=("docs",)), shelf.root, shelf.store, Encoder()).run()
    small = ContextSection(sources=("docs",), encoder=section.encoder, chunk=ChunkSection(tokens=300))
    with pytest.raises(ConfigError, match="reads at most 254"):
        Indexer(small, shelf.root, shelf.store, chunk_encoder(small.encoder, shelf.root)).run(rebuild=True)
    await embedder.close()  # type: ignore[attr-defined]


def test_a_model_that_is_not_there_is_named_and_nothing_is_downloaded(tmp_path: Path) -> None:
    pytest.importorskip("huggingface_hub", reason="install groundwork-ai[sentence-transformers]")
    with pytest.raises(ConfigError, match="holds no model of that name") as error:
        chunk_encoder(EncoderSection(sentence_transformers="no-such/model"), tmp_path)
    assert "hf download no-such/model" in error.value.fix
