"""The endpoint that is evaluated: an address, a model and how it is sampled, not the model's name alone.

[target]
url         = "https://api.openai.com/v1"
model       = "gpt-4o-mini"
key         = "env:OPENAI_API_KEY"
system      = "Answer in one word."
temperature = 0
"""

import asyncio
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from groundwork.core.config import Section, reveal
from groundwork.core.message import Message, say
from groundwork.core.ports import Model
from groundwork.core.reply import Delta, Reply, join_calls
from groundwork.core.request import Parameters, Principal, Request
from groundwork.core.units import Duration, Secret
from groundwork.core.whole import join
from groundwork.gateway.config import PriceSection, TimeoutSection
from groundwork.gateway.prices import Price, price_of
from groundwork.gateway.providers import whole
from groundwork.gateway.providers.openai import OpenAIModel
from groundwork.gateway.transport import Transport

OPENAI_URL = "https://api.openai.com/v1"
_PATH = "/chat/completions"


class TargetSection(Section, frozen=True, kw_only=True):
    """What a suite asks: a URL that speaks OpenAI's chat completions, a model by its alias or `provider/model`, or a function of yours."""

    url: str | None = None
    """Of the server, ending in `/v1` or in `/chat/completions`."""
    model: str = ""
    """With a URL: as the server calls it. Without: an alias of `[models]`, or `provider/model`."""
    function: str | None = None
    """`module:function`, sync or async: it takes the question (or the Request) and gives text, a Reply or a table of its fields."""
    key: Secret | None = None
    headers: dict[str, Secret] = {}
    """More headers with secrets, such as `api-key = "env:AZURE_KEY"`."""
    system: str = ""
    """What stands before every conversation."""
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    extra: dict[str, Any] = {}
    """What else the server takes, as it takes it."""
    stream: bool = False
    """Ask for a stream: it costs more of this machine, and tells the time to the first token."""
    revision: str = ""
    """Which state of the model it is, where you know and the server does not say."""
    price: PriceSection | None = None

    def __post_init__(self) -> None:
        if self.url is not None and self.function is not None:
            raise ValueError("`url` and `function` are two targets: name one")
        if self.url is None and self.function is None and not self.model:
            raise ValueError("it names neither `url` nor `model` nor `function`")
        if self.url is not None and not self.url.startswith(("http://", "https://")):
            raise ValueError(f"{self.url!r} is no URL: start it with http:// or https://")
        if self.url is not None and "@" in urlsplit(self.url).netloc:
            raise ValueError("the URL holds a password, and every run would write it down: name the secret in `key` or `headers`")
        if self.function is not None and ":" not in self.function:
            raise ValueError(f"{self.function!r} names no function: write `module:function`")

    @property
    def parameters(self) -> Parameters:
        """How to sample."""
        return Parameters(
            temperature=self.temperature, top_p=self.top_p, max_tokens=self.max_tokens, seed=self.seed, stop=self.stop, extra=self.extra
        )

    @property
    def is_repeatable(self) -> bool:
        """Whether the same request is meant to get the same answer: sampled without chance, or with a seed."""
        return self.function is None and (self.temperature == 0 or self.seed is not None)

    @property
    def shown(self) -> str:
        """The target, as people call it."""
        if self.function is not None:
            return self.function
        return f"{self.model or 'default model'} at {self.url}" if self.url else self.model

    @property
    def endpoint(self) -> dict[str, Any]:
        """What a run keeps of it, so that the same can be asked again. Without secrets: they are named, not written."""
        fields: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self.parameters))  # as the run's file will have it
        named = {"url": self.url, "model": self.model, "function": self.function, "system": self.system, "stream": self.stream}
        kept = {name: value for name, value in named.items() if value} | ({"parameters": fields} if fields else {})
        return kept | ({"named_revision": self.revision} if self.revision else {})

    def ask(self, request: Request) -> Request:
        """A request as this target is asked it: with its system message and its sampling."""
        before: tuple[Message, ...] = (say("system", self.system),) if self.system else ()
        parameters = self.parameters
        if request.where:
            named = {**parameters.extra.get("metadata", {}), "where": request.where}
            parameters = msgspec.structs.replace(parameters, extra={**parameters.extra, "metadata": named})
        return msgspec.structs.replace(request, messages=(*before, *request.messages), parameters=parameters)


def asker_headers(principal: Principal) -> dict[str, str]:
    """How a groundwork server is told for whom a case is asked; its key must be one made with `--on-behalf-of`. Empty for nobody in particular."""
    if principal.user is None:
        return {}
    return {"groundwork-user": principal.user} | ({"groundwork-groups": ",".join(principal.groups)} if principal.groups else {})


@dataclass(frozen=True, slots=True)
class UrlTarget:
    """One model at one URL, asked for whole answers: a POST each and nothing around it, so that a run costs little more than its requests."""

    section: TargetSection
    url: str
    headers: Mapping[str, str]
    price: Price | None
    transport: Transport

    async def __call__(self, request: Request, /) -> Reply:
        """Raises UpstreamError with its cause."""
        body = whole.encode(self.section.ask(request), self.section.model)
        reply = whole.decode(await self.transport.post(self.url, body, {**self.headers, **asker_headers(request.principal)}), self.url)
        return reply if self.price is None else msgspec.structs.replace(reply, cost=self.price.of(reply.usage))


@dataclass(frozen=True, slots=True)
class ModelTarget:
    """A model behind its port, read as a stream: knows when the first content came."""

    section: TargetSection
    model: Model

    async def __call__(self, request: Request, /) -> Reply:
        """Raises UpstreamError with its cause."""
        clock = asyncio.get_running_loop().time
        start, first = clock(), None
        deltas: list[Delta] = []
        async with aclosing(self.model.stream(self.section.ask(request))) as stream:
            async for delta in stream:
                if first is None and delta.has_content:
                    first = clock() - start
                deltas.append(delta)
        told = join(deltas)
        return Reply(
            text=told.text,
            finish=told.finish or "stop",
            calls=join_calls(told.calls),
            refusal=told.refusal,
            citations=told.citations,
            usage=told.usage,
            cost=told.cost,
            model=told.model or self.model.name,
            abstained=told.abstained,
            first_token=first,
        )


def url_target(section: TargetSection, transport: Transport, timeout: float, where: str) -> UrlTarget | ModelTarget:
    """The target of a section that names a URL. Raises ConfigError for a secret that is not set."""
    url = (section.url or "").rstrip("/")
    base = url.removesuffix(_PATH)
    price = price_of(section.model, section.price) if section.price or base == OPENAI_URL else None
    key = reveal(section.key, where) if section.key else None
    if section.stream:
        limit = Duration(timeout)
        limits = TimeoutSection(first_token=limit, stall=limit, total=limit)
        model: Model = OpenAIModel(section.model, section.model, base, key, limits, transport)
        return ModelTarget(section, model)
    headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {key}"} if key else {})
    headers |= {name: reveal(secret, where) for name, secret in section.headers.items()}
    return UrlTarget(section, url if _PATH in url else f"{base}{_PATH}", headers, price, transport)
