"""A peer's default pipeline over a folder of Markdown files, run by the Python of the peers' own environment.

    PYTHON benchmarks/answers_peer.py llama-index|haystack DOCS QUESTIONS URL OUT [--size N] [--keep N]

Nothing of groundwork is imported here. QUESTIONS holds one JSON text a line. Documents are embedded at `URL/index/v1`, questions at `URL/ask/v1`: an OpenAI-compatible
server. OUT gets one line a question (its passages: text, source, score) and a last one with versions and CPU seconds. Splitters, stores, retrievers and how many
passages are kept are what the framework does when it is told nothing; `--size` and `--keep` are for finding out what that costs it.
"""

import argparse
import json
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

MODEL = "all-MiniLM-L6-v2"
WAITING = 900.0
"""Seconds for one call: on a busy machine a client that gives up and asks again would be charged for both."""
Row = dict[str, Any]


class Peer(NamedTuple):
    """A built index: how a question is asked of it, and what it is made of."""

    ask: Callable[[str], list[Row]]
    chunks: int
    versions: dict[str, str]


def llama_index(docs: Path, url: str, size: int, keep: int) -> Peer:
    """Their starter tutorial: SimpleDirectoryReader, VectorStoreIndex, a query engine (here without the call of the language model)."""
    from llama_index.core import Settings, SimpleDirectoryReader, VectorStoreIndex
    from llama_index.core.base.embeddings.base import BaseEmbedding
    from openai import OpenAI

    class Served(BaseEmbedding):
        """What their OpenAI embedding does, without its list of permitted names."""

        def _embed(self, side: str, texts: list[str]) -> list[list[float]]:
            client = OpenAI(base_url=f"{url}/{side}/v1", api_key="none", timeout=WAITING)
            found = client.embeddings.create(model=MODEL, input=texts, encoding_format="float")
            return [one.embedding for one in found.data]

        def _get_text_embedding(self, text: str) -> list[float]:
            return self._embed("index", [text])[0]

        def _get_text_embeddings(self, texts: list[str]) -> list[list[float]]:
            return self._embed("index", texts)

        def _get_query_embedding(self, query: str) -> list[float]:
            return self._embed("ask", [query])[0]

        async def _aget_query_embedding(self, query: str) -> list[float]:
            return self._get_query_embedding(query)

    Settings.embed_model = Served(model_name=MODEL)
    Settings.llm = None
    if size:
        Settings.chunk_size = size
    index: Any = VectorStoreIndex.from_documents(SimpleDirectoryReader(str(docs)).load_data())
    engine: Any = index.as_query_engine(response_mode="no_text", **({"similarity_top_k": keep} if keep else {}))

    def ask(question: str) -> list[Row]:
        nodes = engine.query(question).source_nodes
        return [{"text": one.node.get_content(), "source": one.node.metadata["file_name"], "score": one.score} for one in nodes]

    names = ("llama-index-core", "llama-index-readers-file")
    return Peer(ask, len(index.docstore.docs), {name: version(name) for name in names})


def haystack(docs: Path, url: str, size: int, keep: int) -> Peer:
    """Their first tutorial: a converter, DocumentSplitter, embedders, InMemoryEmbeddingRetriever, as two pipelines."""
    from haystack import Pipeline
    from haystack.components.converters import TextFileToDocument
    from haystack.components.embedders import OpenAIDocumentEmbedder, OpenAITextEmbedder
    from haystack.components.preprocessors import DocumentSplitter
    from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
    from haystack.components.writers import DocumentWriter
    from haystack.document_stores.in_memory import InMemoryDocumentStore
    from haystack.utils import Secret

    key, store = Secret.from_token("none"), InMemoryDocumentStore()
    waiting: dict[str, Any] = {"api_key": key, "model": MODEL, "timeout": WAITING}
    indexing = Pipeline()
    indexing.add_component("converter", TextFileToDocument())
    indexing.add_component("splitter", DocumentSplitter(**({"split_length": size} if size else {})))
    embedder = OpenAIDocumentEmbedder(**waiting, api_base_url=f"{url}/index/v1", progress_bar=False, raise_on_failure=True)
    indexing.add_component("embedder", embedder)
    indexing.add_component("writer", DocumentWriter(store))
    for one, other in (("converter", "splitter"), ("splitter", "embedder"), ("embedder", "writer")):
        indexing.connect(one, other)
    indexing.run({"converter": {"sources": sorted(docs.glob("*.md"))}})
    asking = Pipeline()
    asking.add_component("embedder", OpenAITextEmbedder(**waiting, api_base_url=f"{url}/ask/v1"))
    asking.add_component("retriever", InMemoryEmbeddingRetriever(store, **({"top_k": keep} if keep else {})))
    asking.connect("embedder.embedding", "retriever.query_embedding")

    def ask(question: str) -> list[Row]:
        documents = asking.run({"embedder": {"text": question}})["retriever"]["documents"]
        return [{"text": one.content, "source": Path(one.meta["file_path"]).name, "score": one.score} for one in documents]

    return Peer(ask, store.count_documents(), {"haystack-ai": version("haystack-ai")})


PEERS = {"llama-index": llama_index, "haystack": haystack}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("peer", choices=PEERS)
    for name in ("docs", "questions"):
        parser.add_argument(name, type=Path)
    parser.add_argument("url")
    parser.add_argument("out", type=Path)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--keep", type=int, default=0)
    options = parser.parse_args()
    loaded = time.process_time()
    peer = PEERS[options.peer](options.docs, options.url, options.size, options.keep)
    indexed = time.process_time()
    questions = [json.loads(line) for line in options.questions.read_text(encoding="utf-8").splitlines()]
    found = [peer.ask(question) for question in questions]
    asked = time.process_time()
    known = {"index_cpu_s": indexed - loaded, "ask_cpu_s": asked - indexed, "chunks": peer.chunks, "versions": peer.versions}
    options.out.write_text("\n".join(json.dumps(one) for one in [*found, known]), encoding="utf-8")


if __name__ == "__main__":
    main()
