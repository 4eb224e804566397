"""Composition: from settings and opened stores to an application. The only place where the parts meet."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from groundwork.agents.loop import Agent, pick
from groundwork.agents.tools import FunctionTool, load_tools
from groundwork.app.application import App, Context, Documents, NoContext, Prompts, Route, Router
from groundwork.app.cache import ExactCache, NoCache
from groundwork.app.choosing import Chooser as RouteChooser
from groundwork.app.choosing import chooser_of
from groundwork.app.config import Config, Settings, config_hash
from groundwork.app.rated import RatedTraces
from groundwork.context.assembling import Room
from groundwork.context.collections import Collections
from groundwork.context.config import UNNAMED, ContextSection, RetrieveSection, kind_of
from groundwork.context.encoder_config import EncoderSection
from groundwork.context.encoders import SentenceEmbedder, query_embedder
from groundwork.context.queries.expanding import Expanding
from groundwork.context.queries.rewriting import rewriter_of
from groundwork.context.ranking.rerankers import reranking_of
from groundwork.context.search import Search
from groundwork.core import functions
from groundwork.core.config import Written, reveal
from groundwork.core.ids import hash_of
from groundwork.core.ports import Embedder, Model
from groundwork.core.record import Versions
from groundwork.engine.batching import Batcher
from groundwork.engine.grounding import ClaimScorer
from groundwork.engine.reader import Reader
from groundwork.gateway import build, prices
from groundwork.gateway.providers import auto
from groundwork.gateway.transport import Transport
from groundwork.gateway.windows import window_of
from groundwork.guard.config import INPUT_RAILS, OUTPUT_RAILS, RailName, parse_rail
from groundwork.guard.detecting import injection_rails, inspector_of
from groundwork.guard.grounded import grounded_rails
from groundwork.guard.incoming import GuardIn, Rail
from groundwork.guard.outgoing import GuardOut
from groundwork.prompts.beside import in_folder
from groundwork.prompts.few_shot import Chooser
from groundwork.prompts.file import parse_prompt, read_prompt
from groundwork.prompts.front_matter import Prompt
from groundwork.prompts.steps import shaped
from groundwork.store.folder import Folder
from groundwork.store.traces import AnswerCache

PROMPTS = "prompts"
EJECTED = "answer.py"
"""The file that `groundwork eject answer` writes; where it stands in the application's folder, it answers."""


@dataclass(slots=True)
class Resources:
    """What outlives a change of configuration: the state folder, the encoder's thread, the connections."""

    folder: Folder
    embedder: Batcher = field(default_factory=Batcher)
    reader: Reader = field(default_factory=Reader)
    claims: ClaimScorer = field(default_factory=ClaimScorer)
    transport: Transport = field(default_factory=Transport)
    encoders: dict[EncoderSection, Embedder] = field(default_factory=dict[EncoderSection, Embedder])
    """Those of collections that have another one."""

    def encoder(self, section: ContextSection, settings: Settings, where: str) -> Embedder:
        """Who embeds questions for a collection. Raises ConfigError for an unset key or a model that is not there."""
        named = section.encoder
        if named == "embedded":
            return self.embedder
        if named not in self.encoders:
            self.encoders[named] = query_embedder(named, settings.root, self.transport, where)
        return self.encoders[named]

    async def close(self) -> None:
        """Let go of connections and the encoders' threads. The folder is closed by whoever opened it."""
        for encoder in self.encoders.values():
            if isinstance(encoder, SentenceEmbedder):
                await encoder.close()
        await self.transport.close()
        await self.reader.close()
        await self.claims.close()
        await self.embedder.close()


async def compose(settings: Settings, resources: Resources) -> App:
    """The application of these settings. Raises ConfigError for whatever would fail when a request comes."""
    config, written, root = settings.config, settings.written, settings.root
    local = await auto.local_server(resources.transport) if build.uses_auto(config.models) else None
    models = build.build(
        build.Parts(root, config.providers, config.models, written, resources.transport, resources.embedder, local, resources.reader)
    )
    tools = load_tools(config.tools, root, written)
    prompts = read_prompts(settings)
    incoming, outgoing = _rails(settings)
    judges_in, judges_out = _functions(incoming, root, written, "input"), _functions(outgoing, root, written, "output")
    chooser = chooser_of(config.routes, written, resources.folder.path / "models", resources.embedder)
    router = {"router": chooser.fingerprint} if chooser.fingerprint else {}
    trained, inspector = injection_rails(incoming, resources.embedder), inspector_of(config.guard, resources.embedder)
    grounded = grounded_rails(outgoing, resources.claims)
    weights = {rail.fingerprint: rail.name.name for rail in (*trained, *grounded)} | (
        {inspector.fingerprint: "reading"} if inspector.fingerprint else {}
    )
    name = config_hash(config, _artefacts(settings, prompts, tools, [*judges_in, *judges_out]) | router | weights)
    context = _context(settings, resources, models, _rooms(config, has_local=local is not None))
    seconds = config.cache.exact.seconds if config.cache.exact else 0.0
    cache = ExactCache(AnswerCache(resources.folder.traces), seconds, name, context, str(local or "")) if seconds else NoCache()
    return App(
        name=config.app.name,
        settings=settings,
        config=name,
        versions=Versions(config=name, release=settings.release, guard=hash_of(config.guard)[:16], prices=prices.version()),
        guard_in=GuardIn(config.guard, incoming, [*judges_in, *trained], inspector),
        router=_router(settings, models, tools, prompts, chooser),
        context=context,
        cache=cache,
        guard_out=GuardOut(config.guard, outgoing, [*judges_out, *grounded]),
        prompts=Prompts(Chooser(resources.embedder, RatedTraces(resources.folder, config.context))),
        models=models,
    )


def read_prompts(settings: Settings) -> dict[str, Prompt]:
    """Every prompt the configuration names, from its file or from the release that replaces it."""
    config, written = settings.config, settings.written
    named = {config.app.prompt: written.where(("app", "prompt"))}
    named |= {route.prompt: written.where(("routes", "named", name, "prompt")) for name, route in config.routes.named.items()}
    prompts: dict[str, Prompt] = {}
    for name, where in named.items():
        if name is None:
            continue
        released = settings.prompts.get(name)
        if released is None:
            prompts[name] = read_prompt(settings.root / PROMPTS, name, named_at=where)
        else:
            beside = in_folder(settings.root / PROMPTS)
            prompts[name] = parse_prompt(released, name, f"prompts.{name} of release {settings.release}", beside)
    return prompts


def _artefacts(settings: Settings, prompts: dict[str, Prompt], tools: dict[str, FunctionTool], rails: Sequence[Rail]) -> dict[str, str]:
    """Hashes of the files that shape answers beside the configuration."""
    named = {f"prompt {name}": prompt.id for name, prompt in prompts.items()}
    for name, provider in settings.config.providers.items():
        if provider.script:
            named[f"script {name}"] = _hash_file(settings.root / provider.script)
    functions_of = {f"tool {name}": tool.function for name, tool in tools.items()} | {
        f"rail {rail.name.name}": rail.function for rail in rails
    }
    for alias, model in settings.config.models.items():
        if model.best_of is not None and ":" in model.best_of.by:
            functions_of[f"verifier {alias}"] = functions.load(model.best_of.by, settings.root, "")
    for name, function in functions_of.items():
        named[name] = _hash_source(function)
    if (settings.root / EJECTED).is_file():
        named[EJECTED] = _hash_file(settings.root / EJECTED)
    return named


def _hash_source(function: Callable[..., Any]) -> str:
    try:
        file = inspect.getsourcefile(function)
    except TypeError:  # a built-in, or an object that can be called: it has no file of its own
        file = None
    return _hash_file(Path(file)) if file else ""


def _hash_file(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:32]


def _rooms(config: Config, *, has_local: bool) -> dict[str, Room]:
    """What passages may take in a prompt for each alias, and in which order they stand."""
    retrieve = config.context.retrieve if config.context else RetrieveSection()
    rooms: dict[str, Room] = {}
    for alias, model in config.models.items():
        window = window_of(model)
        tokens = retrieve.budget.count if retrieve.budget else window // 2 if window else None
        quotes = all(target == "embedded" or (target == "auto" and not has_local) for target in model.targets)
        rooms[alias] = Room(
            tokens, retrieve.order == "ends" or (retrieve.order == "auto" and not quotes), merges=not quotes
        )  # see docs/decisions/018
    return rooms


def _context(settings: Settings, resources: Resources, models: dict[str, Model], rooms: dict[str, Room]) -> Context:
    section = settings.config.context
    if section is None:
        return NoContext()
    retrieve = section.retrieve
    key_of = partial(reveal, where=settings.written.where(("context", "retrieve", "rerank", "by", "key")))
    reranking = reranking_of(retrieve.rerank, resources.reader, resources.transport, models, key_of)
    searches: dict[str, Search] = {}
    for name, part in section.parts.items():
        at = ("context", "collections", name) if name else ("context",)
        for place, pattern in enumerate(part.sources):
            if kind_of(pattern) == "function":
                functions.load(pattern, settings.root, settings.written.where((*at, "sources", place)))
        embedder = resources.encoder(part, settings, settings.written.where((*at, "encoder")))
        searches[name] = Search(resources.folder.collection(name), embedder, part, reranking=reranking)
    documents = partial(
        Documents,
        keep=retrieve.keep,
        rewriter=rewriter_of(retrieve.rewrite, models.get(retrieve.rewrite)),
        rooms=rooms,
        expanding=Expanding(*(models.get(name, name) for name in (retrieve.expand, retrieve.decompose))),
    )
    if list(searches) == [""]:
        return documents(searches[""])
    collections = Collections(searches)
    wanted = {route.collections for route in settings.config.routes.named.values() if route.collections}
    narrowed = {names: collections.only(["" if name == UNNAMED else name for name in names]) for names in wanted}
    return documents(collections, narrowed=narrowed)


def _router(
    settings: Settings, models: dict[str, Model], tools: dict[str, FunctionTool], prompts: dict[str, Prompt], chooser: RouteChooser
) -> Router:
    config, written = settings.config, settings.written

    def route(
        name: str, model: str, prompt: str | None, tool_names: tuple[str, ...], where: str, collections: tuple[str, ...] = ()
    ) -> Route:
        chosen = prompts[prompt] if prompt else None
        return Route(name, model, Agent(shaped(models[model], chosen), pick(tools, tool_names, where)), chosen, collections)

    default = route("default", settings.default_model, config.app.prompt, config.routes.tools, written.where(("routes", "tools")))
    named = {
        name: route(
            name,
            section.to,
            section.prompt or config.app.prompt,
            section.tools,
            written.where(("routes", "named", name, "tools")),
            section.collections,
        )
        for name, section in config.routes.named.items()
    }
    return Router(config.app.name, default, named, chooser)


def _rails(settings: Settings) -> tuple[list[RailName], list[RailName]]:
    section = settings.config.guard
    return [parse_rail(text, INPUT_RAILS, "") for text in section.input], [parse_rail(text, OUTPUT_RAILS, "") for text in section.output]


def _functions(rails: list[RailName], root: Path, written: Written, side: str) -> list[Rail]:
    return [
        Rail(rail, functions.load(rail.name, root, written.where(("guard", side, place))))
        for place, rail in enumerate(rails)
        if rail.is_function
    ]
