"""Models by name for targets and judges: `[models]` and `[providers]` of the suite go before those of groundwork.toml in the folder."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.core.config import Section, Written, decode, read_toml, unknown
from groundwork.core.ports import Embedder, Model
from groundwork.gateway.config import BUILT_IN, ModelSection, ProviderSection
from groundwork.gateway.transport import Transport

if TYPE_CHECKING:
    from groundwork.engine.batching import Batcher
    from groundwork.gateway.providers.auto import Local

_FILE = "groundwork.toml"


class _Tables(Section, frozen=True, kw_only=True):
    """The two tables of groundwork.toml that name models."""

    providers: dict[str, ProviderSection] = {}
    models: dict[str, ModelSection] = {}


class Models:
    """Builds a model when it is asked for; the connections and the encoder that they share are closed with it."""

    def __init__(self, root: Path, providers: Mapping[str, ProviderSection], models: Mapping[str, ModelSection], written: Written) -> None:
        """`providers` and `models` stand in `written`. Raises ConfigError for a groundwork.toml that cannot be read."""
        self._root = root
        own = _Tables(providers=dict(providers), models=dict(models))
        self._tables = [(own, written), *_application(root)]
        self._built: dict[str, Model] = {}
        self._local: Local | None = None
        self._batcher: Batcher | None = None
        self._transport = Transport()

    async def look(self, name: str = "") -> None:
        """Look for the local server that `auto` means, where some alias (or `name`) is it. Without this, `auto` is the embedded reader."""
        if name == "auto" or any("auto" in section.targets for tables, _ in self._tables for section in tables.models.values()):
            from groundwork.gateway.providers.auto import local_server

            self._local = self._local or await local_server(self._transport)

    async def find(self, name: str) -> Model:
        """A model as `get` gives it, after a look for the local server."""
        await self.look(name)
        return self.get(name)

    def get(self, name: str) -> Model:
        """A model by its alias or as `provider/model`. Raises ConfigError for an unknown one, or a key that is not set."""
        if name not in self._built:
            self._built[name] = self._build(name)
        return self._built[name]

    async def embedder(self) -> Embedder:
        """The embedded encoder; its weights are read at the first text."""
        return self._encoder()

    async def close(self) -> None:
        """Let go of connections and of the encoder's thread."""
        await self._transport.close()
        if self._batcher is not None:
            await self._batcher.close()

    def _encoder(self) -> "Batcher":
        from groundwork.engine.batching import Batcher

        if self._batcher is None:
            self._batcher = Batcher()
        return self._batcher

    def _build(self, name: str) -> Model:
        from groundwork.gateway import build

        models = {alias: section for tables, _ in reversed(self._tables) for alias, section in tables.models.items()}
        providers = {alias: section for tables, _ in reversed(self._tables) for alias, section in tables.providers.items()}
        written = next((written for tables, written in self._tables if name in tables.models), self._tables[0][1])
        if name not in models:
            provider, slash, _ = name.partition("/")
            if name not in BUILT_IN and not (slash and provider in providers):
                raise unknown("model", name, [*models, *(f"{one}/MODEL" for one in providers), *BUILT_IN], written.file)
            models = {name: ModelSection(targets=(name,))}
        chosen = {name: models[name]} | {other: models[other] for other in models[name].fallback if other in models}
        build.check_names(providers, chosen, written)
        parts = build.Parts(self._root, providers, chosen, written, self._transport, self._encoder(), self._local)
        return build.build(parts)[name]


def _application(root: Path) -> list[tuple[_Tables, Written]]:
    """The tables of the application in a folder, where there is one."""
    path = root / _FILE
    if not path.is_file():
        return []
    written = read_toml(path, name=_FILE)
    table = {name: value for name, value in written.table.items() if name in {"providers", "models"}}
    return [(decode(Written(file=_FILE, table=table, lines=written.lines), _Tables), written)]
