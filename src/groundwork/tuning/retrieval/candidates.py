"""The settings that are tried against those in force, one difference at a time: two at once would win or lose together."""

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple, cast, get_args, get_type_hints

from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.core.config import Written, decode, plain, set_path, steps_of
from groundwork.core.errors import ConfigError, InputError

Kind = Literal["chunk", "retrieve"]
SECTIONS: Mapping[Kind, type[ChunkSection] | type[RetrieveSection]] = {"chunk": ChunkSection, "retrieve": RetrieveSection}
PREFIX = "context."

CHUNKINGS: tuple[Mapping[str, Any], ...] = (
    {"tokens": 100, "overlap": 12},
    {"tokens": 254, "overlap": 0},
    {"by": "recursive"},
    {"by": "semantic"},
    {"by": "sentences", "size": 5},
    {"by": "tokens"},
)
"""Each as it differs from the chunking in force. `words` and `characters` differ too little from `tokens` to be worth an index each."""
SINGLE = ("terms", "dense")
"""Values of `fuse` that ask one retriever alone."""
DEEPER = 150
"""Length of both lists, where those in force are shorter."""


class Candidate(NamedTuple):
    """Settings to try, by their paths, and the two sections that they make."""

    settings: Mapping[str, Any]
    chunk: ChunkSection
    retrieve: RetrieveSection

    @property
    def name(self) -> str:
        return ", ".join(f"{path.removeprefix(PREFIX)} = {value}" for path, value in self.settings.items()) or "in force"

    @property
    def kind(self) -> Kind:
        """Whether it asks for another index."""
        return "chunk" if any(path.startswith(f"{PREFIX}chunk.") for path in self.settings) else "retrieve"

    @property
    def is_fusion(self) -> bool:
        return self.retrieve.fuse not in SINGLE


def in_force(section: ContextSection) -> Candidate:
    """What is now."""
    return Candidate({}, section.chunk, section.retrieve)


def candidates(
    section: ContextSection, *, kinds: tuple[Kind, ...] = ("chunk", "retrieve"), more: Mapping[str, Any] | None = None
) -> list[Candidate]:
    """What is worth trying, without what is the same as now; `more` maps further paths to a value each, and is tried whatever `kinds` says.

    Raises InputError for a path that is none of `context.chunk` and `context.retrieve`, or a value that it does not take.
    """
    tried: list[Mapping[str, Any]] = []
    if "chunk" in kinds:
        tried += [{f"{PREFIX}chunk.{key}": value for key, value in one.items()} for one in CHUNKINGS]
    if "retrieve" in kinds:
        fusions: tuple[str, ...] = get_args(get_type_hints(RetrieveSection)["fuse"])
        tried += [{f"{PREFIX}retrieve.fuse": fuse} for fuse in fusions]
        shorter = {name: DEEPER for name in ("terms", "dense") if getattr(section.retrieve, name) < DEEPER}
        tried += [{f"{PREFIX}retrieve.{name}": value} for name, value in shorter.items()]
    tried += [{path: value} for path, value in (more or {}).items()]
    now, seen = in_force(section), list[tuple[ChunkSection, RetrieveSection]]()
    found: list[Candidate] = []
    for settings in tried:
        one = _made(section, settings)
        if (one.chunk, one.retrieve) not in [(now.chunk, now.retrieve), *seen]:
            seen.append((one.chunk, one.retrieve))
            found.append(one)
    return found


def _made(section: ContextSection, settings: Mapping[str, Any]) -> Candidate:
    """The sections with the settings laid over; of a chunking that counts nothing, the size in force goes."""
    tables: dict[str, Any] = {"chunk": _table(section.chunk), "retrieve": _table(section.retrieve)}
    if f"{PREFIX}chunk.by" in settings and f"{PREFIX}chunk.size" not in settings:
        tables["chunk"]["size"] = 0
    for path, value in settings.items():
        steps = steps_of(path)
        if len(steps) < 3 or steps[0] != "context" or steps[1] not in SECTIONS:
            raise InputError(
                f"`{path}` is no setting of chunking or retrieval", fix="name one, as in context.retrieve.fuse or context.chunk.tokens"
            )
        set_path(tables, path.removeprefix(PREFIX), value)
    try:
        chunk = decode(Written(file="", table=tables["chunk"], lines={}), ChunkSection)
        retrieve = decode(Written(file="", table=tables["retrieve"], lines={}), RetrieveSection)
        section.check_chunk(chunk)
    except (ConfigError, ValueError) as error:
        shown = ", ".join(f"{path} = {value}" for path, value in settings.items())
        raise InputError(
            f"{shown} cannot be tried: {str(error).removeprefix('``: ')}", fix="see `[context]` in docs/configuration.md for what it takes"
        ) from None
    return Candidate(settings, chunk, retrieve)


def _table(value: Any) -> Any:
    """A section as people would write it, without what is left out."""
    return _written(plain(value))


def _written(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _written(item) for key, item in cast("dict[str, Any]", value).items() if item is not None}
    return [_written(item) for item in cast("list[Any]", value)] if isinstance(value, list) else value
