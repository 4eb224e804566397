"""From the configuration to models: every alias becomes `Fallback` over `Traced(Priced(target))`, composed here and nowhere else.

An alias with `best_of` is that, drawn several times: `BestOf(Fallback(…))`.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from groundwork.core import functions
from groundwork.core.config import Written, reveal, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.ports import Embedder, Model
from groundwork.engine.quoting import Quoter, Spans
from groundwork.gateway import prices
from groundwork.gateway.best_of import BestOf
from groundwork.gateway.config import BEST_OF, BUILT_IN, ModelSection, ProviderSection
from groundwork.gateway.providers import auto
from groundwork.gateway.providers.embedded import EmbeddedModel
from groundwork.gateway.providers.openai import OpenAIModel
from groundwork.gateway.providers.scripted import read_script
from groundwork.gateway.transport import Transport
from groundwork.gateway.wrappers import Fallback, Priced, Traced

OPENAI_URL = "https://api.openai.com/v1"


@dataclass(frozen=True, slots=True)
class Parts:
    """What models are built from."""

    root: Path
    providers: Mapping[str, ProviderSection]
    models: Mapping[str, ModelSection]
    written: Written
    transport: Transport
    embedder: Embedder
    local: auto.Local | None = None
    """The local server that `auto` found."""
    reader: Spans | None = None
    """The trained reader of the embedded model."""
    notes: list[str] = field(default_factory=list[str])
    """Sentences for whoever starts the application."""


def check_names(providers: Mapping[str, ProviderSection], models: Mapping[str, ModelSection], written: Written) -> None:
    """Refuse targets and fallbacks that name nothing, and providers that say too little. Raises ConfigError with file:line."""
    for name, provider in providers.items():
        _check_provider(name, provider, written)
    for alias, model in models.items():
        if not model.targets:
            raise ConfigError(
                f"`models.{alias}.targets` is empty", where=written.where(("models", alias, "targets")), fix='name one, like "auto"'
            )
        for place, target in enumerate(model.targets):
            _check_target(target, providers, written.where(("models", alias, "targets", place)))
        if model.best_of is not None and ":" not in model.best_of.by and model.best_of.by not in BEST_OF:
            at = written.where(("models", alias, "best_of", "by"))
            raise unknown(f"value of `models.{alias}.best_of.by`:", model.best_of.by, [*BEST_OF, "module:function"], at)
        for place, other in enumerate(model.fallback):
            where = written.where(("models", alias, "fallback", place))
            if other not in models:
                raise unknown("model alias", other, models, where)
            if other == alias:
                raise ConfigError(f"`models.{alias}` falls back to itself", where=where, fix="name another alias")


def _check_provider(name: str, provider: ProviderSection, written: Written) -> None:
    where = written.where(("providers", name))
    if name in BUILT_IN:
        raise ConfigError(f"`{name}` is built in", where=where, fix="choose another name for the provider")
    kind = kind_of(name, provider)
    if kind is None:
        raise ConfigError(
            f"`providers.{name}` does not say its kind",
            where=where,
            fix='add `kind = "openai"` (any compatible server) or `kind = "scripted"`',
        )
    if kind == "scripted" and not provider.script:
        raise ConfigError(f"`providers.{name}.script` is missing", where=where, fix='add `script = "FILE.jsonl"`')
    if kind == "openai" and name != "openai" and not provider.base_url:
        raise ConfigError(f"`providers.{name}.base_url` is missing", where=where, fix='add `base_url = "http://127.0.0.1:8000/v1"`')
    if provider.base_url is not None and not provider.base_url.startswith(("http://", "https://")):
        at = written.where(("providers", name, "base_url"))
        raise ConfigError(f"{provider.base_url!r} is no URL", where=at, fix="start it with http:// or https://")


def kind_of(name: str, provider: ProviderSection) -> str | None:
    return provider.kind or ("openai" if name == "openai" else None)


def _check_target(target: str, providers: Mapping[str, ProviderSection], where: str) -> None:
    if target in BUILT_IN:
        return
    provider, slash, model = target.partition("/")
    if not slash or not model:
        raise unknown("target", target, [*BUILT_IN, *(f"{name}/MODEL" for name in providers)], where)
    if provider not in providers:
        raise unknown("provider", provider, providers, where)


def build(parts: Parts) -> dict[str, Model]:
    """Every alias as a model. Raises ConfigError for an unset key or an unreadable script."""
    return {alias: _drawn(alias, section, parts) for alias, section in parts.models.items()}


def _drawn(alias: str, section: ModelSection, parts: Parts) -> Model:
    """One alias, drawn once or several times."""
    model = Fallback(alias, tuple(_targets(alias, parts)), frozenset(section.on))
    chosen = section.best_of
    if chosen is None:
        return model
    where = parts.written.where(("models", alias, "best_of", "by"))
    verifier = functions.load(chosen.by, parts.root, where) if ":" in chosen.by else None
    return BestOf(model, chosen.n, chosen.by, verifier)


def _targets(alias: str, parts: Parts) -> list[Model]:
    """The alias's own targets, then those of its fallbacks (not of theirs: chains are written out)."""
    section = parts.models[alias]
    own = [_target(target, alias, section, parts, place) for place, target in enumerate(section.targets)]
    for other in section.fallback:
        there = parts.models[other]
        own += [_target(target, other, there, parts, place) for place, target in enumerate(there.targets)]
    return own


def _target(target: str, alias: str, section: ModelSection, parts: Parts, place: int) -> Model:
    where = parts.written.where(("models", alias, "targets", place))
    if target == "auto":
        return _automatic(section, parts)
    if target == "embedded":
        return _wrap(EmbeddedModel(Quoter(parts.embedder, reader=parts.reader)), prices.FREE)
    provider_name, _, model = target.partition("/")
    provider = parts.providers[provider_name]
    if kind_of(provider_name, provider) == "scripted":
        return _wrap(read_script(parts.root / (provider.script or ""), target, where), prices.FREE)
    key = reveal(provider.key, parts.written.where(("providers", provider_name, "key"))) if provider.key else None
    url = provider.base_url or OPENAI_URL
    return _wrap(OpenAIModel(target, model, url, key, section.timeout, parts.transport), prices.price_of(model, section.price))


def _automatic(section: ModelSection, parts: Parts) -> Model:
    if parts.local is None:
        return _wrap(EmbeddedModel(Quoter(parts.embedder, reader=parts.reader)), prices.FREE)
    local = parts.local
    return _wrap(OpenAIModel(f"auto/{local.model}", local.model, local.base_url, None, section.timeout, parts.transport), prices.FREE)


def _wrap(model: Model, price: prices.Price | None) -> Model:
    return Traced(Priced(model, price), time.perf_counter)


def uses_auto(models: Mapping[str, ModelSection]) -> bool:
    return any("auto" in model.targets for model in models.values())


def uses_embedded(models: Mapping[str, ModelSection]) -> bool:
    """Whether the offline reader may be asked: by name, or because `auto` may end with it."""
    return any(target in {"embedded", "auto"} for model in models.values() for target in model.targets)
