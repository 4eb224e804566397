"""The `[context]` section of groundwork.toml: what is indexed, what is known of it and by whom, how it is split, embedded and searched."""

import re
from datetime import date
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any, Literal

import msgspec

from groundwork.context.chunking import By
from groundwork.context.encoder_config import WINDOW, EncoderSection
from groundwork.core.access import reader
from groundwork.core.config import Section
from groundwork.core.errors import InputError
from groundwork.core.units import Duration, Money, Secret, Size, Tokens
from groundwork.core.where import parse_where
from groundwork.secure.addresses import parse_network
from groundwork.secure.fetch import Limits, check_url

UNNAMED = "index"
"""What the collection without a name is called where it has to be named; its file is `index.db`."""
_COLLECTION = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_INHERITED = ("encoder", "chunk", "metadata", "permissions")

LARGEST = 8_000
"""Tokens of a passage that stands for its chunks, at most."""
ROOM = 40
"""Tokens of the encoder's window that are left for what a model writes of a chunk, at least."""

COUNTED = {"words": 5, "sentences": 1, "characters": 50}
"""What `size` counts, and how small it may be."""

_URL = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")
_FUNCTION = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


def kind_of(pattern: str) -> Literal["files", "page", "function"]:
    """What an entry of `sources` names. A drive of Windows (`C:docs`) is a glob, and refused as one."""
    if _URL.match(pattern):
        return "page"
    return "function" if _FUNCTION.fullmatch(pattern) and pattern.index(":") > 1 else "files"


def check_where(text: str) -> None:
    """Raises ValueError where a filter cannot be read."""
    try:
        parse_where(text)
    except InputError as error:
        raise ValueError(f"{error.what}; {error.fix}") from None


class ChunkSection(Section, frozen=True, kw_only=True):
    """How documents are split. `tokens` counts the encoder's own word pieces, prefix and special pieces included; `overlap` counts pieces too."""

    tokens: int = 200
    overlap: int = 24
    by: By = "heading"
    size: int = 0
    """Words, sentences or characters (whichever `by` counts) that a chunk has at most, within `tokens`; 0: as many as fit."""

    parent: Literal["section"] | int | None = None
    """Search small, give large: what a found chunk is given as. Its whole section, or a part of it of so many tokens."""
    describe: str = ""
    """The alias of a model that writes, for each chunk, a sentence that situates it in its document: embedded and searched with it, never shown."""
    questions: int = 0
    """How many questions that the chunk answers it writes besides."""
    describe_limit: Money | None = None
    """What a run may cost without asking."""

    def __post_init__(self) -> None:
        if isinstance(self.parent, int) and not self.tokens < self.parent <= LARGEST:
            raise ValueError(f"parent = {self.parent} is not more than tokens = {self.tokens} and at most {LARGEST}")
        if not 0 <= self.questions <= 10:
            raise ValueError(f"questions = {self.questions} is not between 0 and 10")
        if (self.questions or self.describe_limit is not None) and not self.describe:
            raise ValueError("`questions` and `describe_limit` need `describe`, the alias of the model that writes")
        if self.tokens < 32:
            raise ValueError(f"tokens = {self.tokens} is less than the 32 that a chunk has at least")
        if not 0 <= self.overlap <= self.tokens // 2:
            raise ValueError(f"overlap = {self.overlap} is not between 0 and half of tokens = {self.tokens}")
        if self.size and self.by not in COUNTED:
            raise ValueError(f"size = {self.size} means nothing where by = {self.by!r}: it counts {', '.join(COUNTED)}")
        if self.size and self.size < COUNTED[self.by]:
            raise ValueError(f"size = {self.size} is less than the {COUNTED[self.by]} {self.by} that a chunk has at least")

    @property
    def made_with(self) -> dict[str, Any]:
        """What names a chunking in the index. A key that is as it was before it existed is left out: older indices stay valid."""
        later = {"size": self.size, "parent": self.parent}
        return {"tokens": self.tokens, "overlap": self.overlap, "by": self.by} | {name: value for name, value in later.items() if value}


class WeightsSection(Section, frozen=True, kw_only=True):
    """How much each list counts in `rrf` and `weighted`."""

    terms: float = 1.0
    dense: float = 1.0

    def __post_init__(self) -> None:
        if self.terms < 0 or self.dense < 0 or self.terms + self.dense <= 0:
            raise ValueError("weights are numbers from 0 on, and one of them is above 0")


class RecencySection(Section, frozen=True, kw_only=True):
    """Newer documents first: a document's score loses up to `share`, half of that after each `half_life`. One without the date loses all of it."""

    field: str = "date"
    half_life: Duration = Duration(365 * 86_400.0, "365d")
    share: float = 0.5

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ValueError(f"share = {self.share} is not between 0 and 1")
        if self.half_life.seconds <= 0:
            raise ValueError("half_life is no time at all")


class BoostSection(Section, frozen=True, kw_only=True):
    """The score of documents that fulfil the filter, times `by`."""

    where: str
    by: float

    def __post_init__(self) -> None:
        check_where(self.where)
        if not 0 < self.by <= 100:
            raise ValueError(f"by = {self.by} is not between 0 and 100")


class ApproximateSection(Section, frozen=True, kw_only=True):
    """When dense search stops comparing every chunk: `above` so many, or never (`off`); and the share of the ten nearest that it has to find."""

    above: Literal["off"] | int = 50_000
    recall: float = 0.95

    def __post_init__(self) -> None:
        if isinstance(self.above, int) and self.above < 1_000:
            raise ValueError(f"above = {self.above} is less than 1000: comparing so few costs nothing")
        if not 0.5 <= self.recall <= 1:
            raise ValueError(f"recall = {self.recall} is not between 0.5 and 1")


class EndpointSection(Section, frozen=True, kw_only=True):
    """A server that reranks, by the whole URL that is posted to."""

    url: str
    model: str = ""
    key: Secret | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"{self.url!r} is no URL: start it with http:// or https://")


class RerankSection(Section, frozen=True, kw_only=True):
    """The first hits in an order that a model gives them who reads question and passage together."""

    by: str | EndpointSection = "embedded"
    """`embedded` (the reader that comes with groundwork), the alias of a model, or a server."""
    depth: int = 12
    """How many of the first hits are read."""
    budget: Duration | None = None
    """What is not scored by then keeps its place behind what was. Left out: 1 s embedded, 2 s for a server, 10 s for a model."""
    weight: float = 0.5
    """What the new order counts, and the search's own the rest: 1 replaces it."""

    def __post_init__(self) -> None:
        if not 2 <= self.depth <= 200:
            raise ValueError(f"depth = {self.depth} is not between 2 and 200")
        if not 0 < self.weight <= 1:
            raise ValueError(f"weight = {self.weight} is not above 0 and up to 1")
        if self.budget is not None and self.budget.seconds <= 0:
            raise ValueError("budget is no time at all")

    @property
    def seconds(self) -> float:
        """The budget, or what is usual for its kind."""
        if self.budget is not None:
            return self.budget.seconds
        return 2.0 if isinstance(self.by, EndpointSection) else 1.0 if self.by == "embedded" else 10.0


class RetrieveSection(Section, frozen=True, kw_only=True):
    """How chunks are found: the length of each list before fusion, the fusion, what is preferred, and how many hits are kept."""

    terms: int = 50
    dense: int = 50
    fuse: Literal["rrf", "weighted", "terms", "dense", "terms-then-dense"] = "rrf"
    weights: WeightsSection = WeightsSection()
    keep: int = 6
    where: str = ""
    """A filter that every search keeps to, beside the request's own."""
    recency: RecencySection | None = None
    boost: tuple[BoostSection, ...] = ()
    duplicates: float | None = None
    """Of chunks that share this part of their words or more, the best only. Left out: all are kept."""
    diversity: float = 0.0
    """How much a chunk that resembles a better one is put back (maximal marginal relevance): 0 not at all, 1 as far as it goes."""
    around: int = 0
    """Each hit is given with what stands around it in its section, up to so many characters. 0: the chunk alone."""
    rewrite: str = "off"
    """What makes a follow-up ("and its population?") a question of its own: `off`, `rules`, or the alias of a model."""
    approximate: ApproximateSection = ApproximateSection()
    expand: str = "off"
    """What writes other wordings of a query that are searched beside it: `off`, `rules`, or the alias of a model."""
    decompose: str = "off"
    """What takes a question apart that asks several things: `off`, `rules`, or the alias of a model."""
    rerank: RerankSection | None = None
    budget: Tokens | None = None
    """What the passages may take in a prompt. Left out: half of the model's window, where that is known."""
    order: Literal["auto", "ranked", "ends"] = "auto"
    """How a prompt shows the passages: by rank, or the best first and last and the weakest in the middle; `auto`: the latter, but for the
    offline reader, which reads each by itself."""

    cache: Size = Size(0, "0MB")
    """Memory for results of searches that may be asked again. 0: none are kept."""

    def __post_init__(self) -> None:
        check_where(self.where)
        if self.duplicates is not None and not 0.3 <= self.duplicates <= 1:
            raise ValueError(f"duplicates = {self.duplicates} is not between 0.3 and 1")
        if not 0 <= self.around <= 100_000:
            raise ValueError(f"around = {self.around} is not between 0 and 100000")
        if self.budget is not None and self.budget.count < 100:
            raise ValueError(f"budget = {str(self.budget)!r} is less than 100 tokens: no passage would fit")
        if not 0 <= self.diversity <= 1:
            raise ValueError(f"diversity = {self.diversity} is not between 0 and 1")
        for name, value in (("terms", self.terms), ("dense", self.dense)):
            if not 1 <= value <= 1_000:
                raise ValueError(f"{name} = {value} is not between 1 and 1000")
        if not 1 <= self.keep <= 100:
            raise ValueError(f"keep = {self.keep} is not between 1 and 100")


class FetchSection(Section, frozen=True, kw_only=True):
    """How pages are fetched from the web: how large one may be, how long it may take, and which networks that are not public are allowed."""

    largest: Size = Size(20_000_000, "20MB")
    timeout: Duration = Duration(20.0, "20s")
    allow: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.largest.bytes or not self.timeout.seconds:
            raise ValueError("largest and timeout must be more than nothing")
        self.limits()

    def limits(self) -> Limits:
        """The same for who fetches. Raises ValueError for a network that is none."""
        return Limits(self.largest.bytes, self.timeout.seconds, tuple(map(parse_network, self.allow)))


class MetadataSection(Section, frozen=True, kw_only=True):
    """Fields of the documents that the glob names. A later table wins over an earlier one, and a document's own front matter over all."""

    match: str
    values: dict[str, str | bool | int | float | date | tuple[str, ...]]


class AllowSection(Section, frozen=True, kw_only=True):
    """Who may see the documents that the glob names: `everyone`, `user:NAME`, `group:NAME`, `tenant:NAME`."""

    match: str
    allow: tuple[str, ...]

    def __post_init__(self) -> None:
        for one in self.allow:
            reader(one)


class PermissionsSection(Section, frozen=True, kw_only=True):
    """Who may see what. Nobody sees a document that no rule names. Where several rules name one, each of them has to allow, and so does its
    own front matter (`allow: [group:legal]`).
    """

    rules: tuple[AllowSection, ...] = ()
    otherwise: tuple[str, ...] = ()
    """For documents that no rule names and whose front matter says nothing."""

    def __post_init__(self) -> None:
        for one in self.otherwise:
            reader(one)


class CollectionSection(Section, frozen=True, kw_only=True):
    """Documents in an index of their own, so that they may have another encoder. What is left out is as `[context]` has it."""

    sources: tuple[str, ...]
    encoder: EncoderSection | Literal["embedded"] | None = None
    chunk: ChunkSection | None = None
    metadata: tuple[MetadataSection, ...] | None = None
    permissions: PermissionsSection | None = None


class ContextSection(Section, frozen=True, kw_only=True):
    """What an application may know. `sources` are globs relative to its folder (a folder's name stands for all documents below it), URLs of
    pages, and functions that give documents (`module:function`).
    """

    sources: tuple[str, ...]
    collections: dict[str, CollectionSection] = {}
    fetch: FetchSection = FetchSection()
    metadata: tuple[MetadataSection, ...] = ()
    permissions: PermissionsSection | None = None
    encoder: EncoderSection | Literal["embedded"] = "embedded"
    chunk: ChunkSection = ChunkSection()
    retrieve: RetrieveSection = RetrieveSection()

    def __post_init__(self) -> None:
        self.check_chunk(self.chunk)
        if self.retrieve.around and self.chunk.parent is not None:
            raise ValueError("retrieve.around and chunk.parent both say what a hit is given with: leave one out")
        for name in self.collections:
            if not _COLLECTION.fullmatch(name) or name == UNNAMED:
                raise ValueError(f"{name!r} is no name for a collection: use small letters, digits, `-` and `_` (and not `{UNNAMED}`)")
            self._collection(name)
        for pattern in self.sources:
            kind = kind_of(pattern)
            if kind == "page":
                _check_page(pattern)
            if kind != "files":
                continue
            if not pattern.strip():
                raise ValueError("an empty source: name files by a glob like 'docs/**/*.md'")
            if "\0" in pattern or any("**" in part and part != "**" for part in PurePosixPath(pattern).parts):
                raise ValueError(f"source {pattern!r} is no glob: `**` stands alone between slashes, as in 'docs/**/*.md'")
            if PurePosixPath(pattern).is_absolute() or PureWindowsPath(pattern).is_absolute() or ".." in PurePosixPath(pattern).parts:
                raise ValueError(f"source {pattern!r} leads out of the application's folder: name files inside it")

    @property
    def parts(self) -> dict[str, "ContextSection"]:
        """Each collection by its name, with everything it takes over; the documents of `[context]` itself by the empty one. That is left out
        where it has no sources and others have.
        """
        own = {} if self.collections and not self.sources else {"": msgspec.structs.replace(self, collections={})}
        return own | {name: self._collection(name) for name in self.collections}

    def _collection(self, name: str) -> "ContextSection":
        section = self.collections[name]
        said = {field: value for field in _INHERITED if (value := getattr(section, field)) is not None}
        try:
            return msgspec.structs.replace(self, collections={}, sources=section.sources, **said)
        except ValueError as error:
            raise ValueError(f"collections.{name}: {error}") from None

    def check_chunk(self, chunk: ChunkSection) -> None:
        """Raises ValueError where the encoder's window is known and does not hold such chunks."""
        most = WINDOW if self.encoder == "embedded" else self.encoder.room
        if most is not None and chunk.tokens > most:
            raise ValueError(f"chunk.tokens = {chunk.tokens} is not between 32 and {most} (the encoder's window)")
        if most is not None and chunk.describe and chunk.tokens > most - ROOM:
            raise ValueError(f"chunk.tokens = {chunk.tokens} leaves less than {ROOM} of {most} tokens for what `describe` writes: lower it")


def _check_page(url: str) -> None:
    try:
        check_url(url)
    except InputError as error:
        raise ValueError(f"source: {error.what}; {error.fix}") from None
