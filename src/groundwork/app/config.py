"""`groundwork.toml`: every package declares its own section, and this file composes them and checks names across sections.

The effective configuration is the file overlaid with the changes of the current release. Its hash names it in every trace.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from groundwork.agents.config import ToolSection
from groundwork.context.config import UNNAMED, ContextSection
from groundwork.core.config import Section, Written, decode, dotted, flatten, read_toml, set_path, steps_of, unknown
from groundwork.core.errors import ConfigError
from groundwork.core.ids import hash_of
from groundwork.core.measure import Change
from groundwork.core.units import Duration, Size
from groundwork.evaluate.config import GateSection
from groundwork.gateway.build import check_names
from groundwork.gateway.config import ModelSection, ProviderSection
from groundwork.guard.config import INPUT_RAILS, OUTPUT_RAILS, READING_RAILS, GuardSection, parse_rail
from groundwork.store.config import IndexSection, check_url

FILE = "groundwork.toml"


class AppSection(Section, frozen=True, kw_only=True):
    """The application itself. Without a prompt it passes messages on; without `[context]` it looks nothing up."""

    name: str
    prompt: str | None = None
    autonomy: Literal["walk", "run"] = "walk"
    """`walk`: internal users only (loopback, or a key marked internal). `run`: everyone with a key."""


class ServerSection(Section, frozen=True, kw_only=True):
    """Where `groundwork up` listens."""

    host: str = "127.0.0.1"
    port: int = 8321
    max_body: Size = Size(2_000_000, "2MB")
    drain: Duration = Duration(10.0, "10s")
    """How long running answers may take to finish at shutdown."""

    def __post_init__(self) -> None:
        if not 0 <= self.port <= 65_535:
            raise ValueError(f"port = {self.port} is not between 0 and 65535")


class RouteSection(Section, frozen=True, kw_only=True):
    """A way through the application: which model, which prompt, which tools. Asked for as `model = "APP/ROUTE"`."""

    to: str
    prompt: str | None = None
    tools: tuple[str, ...] = ()
    collections: tuple[str, ...] = ()
    """Of `[context.collections]` (`index` for the documents of `[context]` itself): those that are searched. Left out: all."""
    intents: tuple[str, ...] = ()
    """Of the router that `routes.by` names: messages with them come here. Left out: the intent that is called like the route, if there is one."""


class RoutesSection(Section, frozen=True, kw_only=True):
    """`default` is the model alias of requests that name no route; it may be left out where there is one model only."""

    default: str | None = None
    by: str | None = None
    """A router that `groundwork tune router` made: it chooses a named route by the message's intent, for requests that name none."""
    tools: tuple[str, ...] = ()
    named: dict[str, RouteSection] = {}


class CacheSection(Section, frozen=True, kw_only=True):
    """The answer cache: off unless `exact` says how long answers are kept."""

    exact: Duration | None = None


class Config(Section, frozen=True, kw_only=True):
    """One file, one application."""

    app: AppSection
    models: dict[str, ModelSection]
    server: ServerSection = ServerSection()
    providers: dict[str, ProviderSection] = {}
    routes: RoutesSection = RoutesSection()
    context: ContextSection | None = None
    index: IndexSection = IndexSection()
    guard: GuardSection = GuardSection()
    tools: dict[str, ToolSection] = {}
    cache: CacheSection = CacheSection()
    gate: GateSection | None = None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The effective configuration of an application, and where each value came from."""

    root: Path
    config: Config
    written: Written
    release: str = ""
    prompts: dict[str, str] = {}
    """Prompt texts that the release replaces, by name."""
    overlay: dict[str, str] = {}
    """Dotted path of each released setting → the change that set it."""

    @property
    def default_model(self) -> str:
        return self.config.routes.default or next(iter(self.config.models))

    def origin(self, path: tuple[str | int, ...]) -> str:
        """Where a value comes from: `groundwork.toml:12`, `release rel_…`, or `default`."""
        name = dotted(path)
        for changed, change in self.overlay.items():
            if name == changed or name.startswith(f"{changed}."):
                return f"release {self.release} ({change})"
        line = self.written.lines.get(path)
        return f"{self.written.file}:{line}" if line else "default"

    def effective(self) -> dict[str, Any]:
        """Every value by its dotted path, as TOML would write it."""
        return {dotted(path): value for path, value in flatten(self.config).items()}


def check_folder(root: Path) -> None:
    """Raises ConfigError where a folder holds no application: before a state folder is made in it."""
    if not (root / FILE).is_file():
        raise ConfigError(
            f"there is no {FILE} in {root}", fix="name the application's folder with --app, or make one: `groundwork new app --docs ./docs`"
        )


def load(root: Path, *, changes: Sequence[Change] = (), release: str = "") -> Settings:
    """Read and check `groundwork.toml` in a folder, with changes laid over it. Raises ConfigError with file:line and a did-you-mean."""
    root = root.resolve()
    written = read_toml(root / FILE, name=FILE)
    prompts: dict[str, str] = {}
    overlay: dict[str, str] = {}
    for change in changes:
        if change.kind == "prompt":
            prompts[change.path.removeprefix("prompts.")] = change.after
        else:
            set_path(written.table, change.path, change.after)
            written.released[steps_of(change.path)] = f"release {release} ({change.id})"
        overlay[change.path] = change.id
    config = decode(written, Config)
    settings = Settings(root=root, config=config, written=written, release=release, prompts=prompts, overlay=overlay)
    check(settings)
    return settings


def check(settings: Settings) -> None:
    """Names across sections: every one must lead somewhere. Raises ConfigError."""
    config, written = settings.config, settings.written
    if not config.app.name or "/" in config.app.name or config.app.name != config.app.name.strip():
        raise ConfigError(
            f"{config.app.name!r} is no name for an application", where=written.where(("app", "name")), fix="use letters, digits and dashes"
        )
    if not config.models:
        raise ConfigError("there is no model", where=written.file, fix='add `[models.quick]` with `targets = ["auto"]`')
    if config.app.name in config.models:
        where = written.where(("app", "name"))
        raise ConfigError(
            f"{config.app.name!r} names both the application and a model alias", where=where, fix="rename one: callers choose by this name"
        )
    if config.index.url is not None and config.index.url.text:  # one that a variable holds is read when the index is opened
        check_url(config.index.url.text, written.where(("index", "url")))
    check_names(config.providers, config.models, written)
    _check_askers(config, written)
    for name, part in config.context.parts.items() if config.context else ():
        if part.chunk.describe and part.chunk.describe not in config.models:
            at = ("context", "collections", name, "chunk", "describe") if name else ("context", "chunk", "describe")
            raise unknown("model alias", part.chunk.describe, config.models, written.where(at))
    _check_routes(config, written)
    for side, rails in (("input", INPUT_RAILS), ("reading", READING_RAILS), ("output", OUTPUT_RAILS)):
        for place, text in enumerate(getattr(config.guard, side)):
            parse_rail(text, rails, written.where(("guard", side, place)))


def _check_askers(config: Config, written: Written) -> None:
    """Models that retrieval asks. The offline reader quotes, so it cannot do what they are asked for."""
    if config.context is None:
        return
    retrieve, path = config.context.retrieve, ("context", "retrieve")
    ways = ("off", "rules")
    asked: list[tuple[str, str, tuple[str, ...], tuple[str, ...]]] = [
        ("way to rewrite questions", retrieve.rewrite, ways, (*path, "rewrite")),
        ("way to expand queries", retrieve.expand, ways, (*path, "expand")),
        ("way to decompose questions", retrieve.decompose, ways, (*path, "decompose")),
    ]
    if retrieve.rerank is not None and isinstance(retrieve.rerank.by, str):
        asked.append(("reranker", retrieve.rerank.by, ("embedded",), (*path, "rerank", "by")))
    for what, name, known, where in asked:
        if name not in {*known, *config.models}:
            raise unknown(what, name, [*known, *config.models], written.where(where))
        if name not in known and set(config.models[name].targets) == {"embedded"}:
            raise ConfigError(
                f"`{name}` is the offline reader, which quotes: it is no {what}",
                where=written.where(where),
                fix=f"name {' or '.join(f'`{way}`' for way in known)}, or the alias of a language model",
            )


def _check_routes(config: Config, written: Written) -> None:
    routes = config.routes
    if routes.default is None and len(config.models) > 1:
        raise ConfigError(
            "`routes.default` is missing, and there are several models",
            where=written.where(("models",)),
            fix=f"name one of {', '.join(config.models)}",
        )
    if routes.default is not None and routes.default not in config.models:
        raise unknown("model alias", routes.default, config.models, written.where(("routes", "default")))
    for place, tool in enumerate(routes.tools):
        if tool not in config.tools:
            raise unknown("tool", tool, config.tools, written.where(("routes", "tools", place)))
    for name, route in routes.named.items():
        if route.to not in config.models:
            raise unknown("model alias", route.to, config.models, written.where(("routes", "named", name, "to")))
        for place, tool in enumerate(route.tools):
            if tool not in config.tools:
                raise unknown("tool", tool, config.tools, written.where(("routes", "named", name, "tools", place)))
        known = [part or UNNAMED for part in config.context.parts] if config.context else []
        for place, collection in enumerate(route.collections):
            if collection not in known:
                raise unknown("collection", collection, known, written.where(("routes", "named", name, "collections", place)))


def config_hash(config: Config, artefacts: dict[str, str]) -> str:
    """The name of what answers: everything but where it listens, where its index stands and how it is gated, with the hashes of prompts, scripts and tools."""
    values = {dotted(path): value for path, value in flatten(config).items() if path[0] not in {"server", "gate", "index"}}
    return f"cfg_{hash_of({'values': values, 'artefacts': artefacts})[:32]}"
