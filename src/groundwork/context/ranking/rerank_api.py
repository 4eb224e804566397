"""Reranking by a server: a POST of `{model, query, documents}`, and `results` (or `data`) with an `index` and a `relevance_score` each.

This is what Cohere (v2), Jina, Voyage, vLLM, Infinity and llama.cpp speak. Not covered: Text Embeddings Inference's own `/rerank`, which calls
the documents `texts`; its servers are asked through a proxy that speaks the common form.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast

from groundwork.core.errors import UpstreamError

_FIX = "check [context.retrieve] rerank: `url` is the whole address, like https://api.cohere.com/v2/rerank"


class Posts(Protocol):
    """What carries a request to the server."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], /) -> bytes: ...


class ApiReranker:
    """Asks a server. All passages go into one request: scores of two requests need not compare."""

    at_once = 0

    def __init__(self, transport: Posts, url: str, model: str = "", key: str | None = None) -> None:
        self.name = model or url
        self._transport = transport
        self._url = url
        self._model = model
        self._headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})

    async def score(self, query: str, passages: Sequence[str]) -> list[float]:
        """The server's scores in the order of the passages. Raises UpstreamError as the transport does, and for an answer that does not name
        each passage once.
        """
        asked: dict[str, Any] = {"query": query, "documents": list(passages)}
        body = json.dumps(asked | ({"model": self._model} if self._model else {})).encode()
        return scores_of(await self._transport.post(self._url, body, self._headers), len(passages))


def scores_of(answer: bytes, count: int) -> list[float]:
    """The scores in a server's answer. Raises UpstreamError where it is none, or a passage is missing, named twice or made up."""
    try:
        value: Any = json.loads(answer)
        listed = value.get("results", value.get("data"))
        found = [(one["index"], one["relevance_score"]) for one in cast(list[dict[str, Any]], listed)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UpstreamError("the reranker's answer is no list of results", cause="invalid", fix=_FIX) from None
    scores: dict[int, float] = {}
    for index, score in found:
        if type(index) is not int or not 0 <= index < count or isinstance(score, bool) or not isinstance(score, int | float):
            raise UpstreamError(f"the reranker scored a passage {index!r} with {score!r}", cause="invalid", fix=_FIX)
        if index in scores:
            raise UpstreamError(f"the reranker named passage {index} twice", cause="invalid", fix=_FIX)
        scores[index] = float(score)
    if len(scores) != count:
        raise UpstreamError(f"the reranker scored {len(scores)} of {count} passages", cause="invalid", fix=_FIX)
    return [scores[place] for place in range(count)]
