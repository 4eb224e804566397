"""From `[context.retrieve] rerank` to the stage of a search."""

from collections.abc import Callable, Mapping

from groundwork.context.config import EndpointSection, RerankSection
from groundwork.context.ranking.rerank_api import ApiReranker, Posts
from groundwork.context.ranking.rerank_embedded import EmbeddedReranker, Judge
from groundwork.context.ranking.rerank_model import ModelReranker
from groundwork.context.ranking.reranking import Reranking
from groundwork.core.ports import Model, Reranker
from groundwork.core.units import Secret


def reranking_of(
    section: RerankSection | None, reader: Judge, transport: Posts, models: Mapping[str, Model], reveal: Callable[[Secret], str]
) -> Reranking | None:
    """The stage, or none. Raises ConfigError where the key's variable is not set."""
    if section is None:
        return None
    return Reranking(_reranker(section, reader, transport, models, reveal), section.depth, section.seconds, section.weight)


def _reranker(
    section: RerankSection, reader: Judge, transport: Posts, models: Mapping[str, Model], reveal: Callable[[Secret], str]
) -> Reranker:
    by = section.by
    if isinstance(by, EndpointSection):
        return ApiReranker(transport, by.url, by.model, reveal(by.key) if by.key else None)
    return EmbeddedReranker(reader) if by == "embedded" else ModelReranker(models[by], section.seconds)
