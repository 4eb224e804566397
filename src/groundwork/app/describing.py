"""The model that writes texts for chunks (`[context.chunk] describe`), composed for indexing; and whether a run may spend what it costs."""

from collections.abc import Callable, Sequence
from importlib import resources

import msgspec

from groundwork.app.config import Settings
from groundwork.context.config import ChunkSection
from groundwork.context.describing import Describer, Outstanding
from groundwork.core.errors import ConfigError, InputError
from groundwork.core.loop_thread import LoopThread
from groundwork.core.ports import Model
from groundwork.engine.batching import Batcher
from groundwork.gateway import build, prices
from groundwork.gateway.providers import auto
from groundwork.gateway.transport import Transport
from groundwork.prompts.file import SUFFIX, parse_prompt, read_prompt
from groundwork.prompts.front_matter import Prompt
from groundwork.store.folder import Folder

PROMPT = "describe"
"""`prompts/describe.prompt.md` of the application, where there is one, replaces the one that ships."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """What writing takes at most: tokens by our count, US dollars by the list of prices (None where none is known), and who writes."""

    outstanding: Outstanding
    alias: str
    target: str
    dollars: float | None

    def __str__(self) -> str:
        left = self.outstanding
        price = "price unknown" if self.dollars is None else f"at most ${self.dollars:.2f}"
        return (
            f"{left.chunks:,} chunks of {left.documents:,} documents want a text from `{self.alias}` ({self.target}): "
            f"about {left.input_tokens:,} tokens in, at most {left.output_tokens:,} out; {price}"
        )


Agree = Callable[[Estimate], bool]
"""Whether somebody agrees that it is spent."""


class Writing:
    """The describer of one collection's run, with the thread and the connections that it needs. Close it."""

    def __init__(self, settings: Settings, chunk: ChunkSection, folder: Folder) -> None:
        self._alias = chunk.describe
        self._limit = chunk.describe_limit.dollars if chunk.describe_limit is not None else None
        self._settings = settings
        self._transport = Transport()
        self._thread = LoopThread("groundwork-describe")
        targets = _targets(settings, self._alias)
        self._target = targets[0]
        model = self._thread.run(self._model())
        self.describer = Describer(
            model, ", ".join(targets), read_describe(settings), folder.written, self._thread, questions=chunk.questions
        )

    async def _model(self) -> Model:
        """The alias alone, with what it falls back to: other models' keys are not asked for."""
        config, alias = self._settings.config, self._alias
        models = {name: config.models[name] for name in (alias, *config.models[alias].fallback)}
        local = await auto.local_server(self._transport) if build.uses_auto(models) else None
        if build.uses_auto(models) and local is None:
            raise _no_writer(self._settings, alias, "`auto` finds no local server, and the embedded reader")
        parts = build.Parts(self._settings.root, config.providers, models, self._settings.written, self._transport, Batcher(), local)
        return build.build(parts)[alias]

    def settle(self, outstanding: Outstanding, agree: Agree | None) -> None:
        """Decide what this run may spend: within the configured limit, or as somebody agrees. Without anybody to ask (`agree` is None) what
        passes the limit is not written, and its chunks are indexed without.
        """
        dollars = self._dollars(outstanding)
        estimate = Estimate(outstanding=outstanding, alias=self._alias, target=self._target, dollars=dollars)
        covered = not outstanding.chunks or dollars == 0 or (self._limit is not None and dollars is not None and dollars <= self._limit)
        if not covered and not (agree is not None and agree(estimate)):
            self.describer.most = 0.0
        elif covered and self._limit is not None:
            self.describer.most = self._limit

    def _dollars(self, outstanding: Outstanding) -> float | None:
        """At the price of the first target, without what a provider's cache takes off."""
        if self._target == "auto":
            return 0.0
        provider, _, model = self._target.partition("/")
        section = self._settings.config.providers[provider]
        price = prices.FREE if section.script else prices.price_of(model, self._settings.config.models[self._alias].price)
        return None if price is None else (outstanding.input_tokens * price.input + outstanding.output_tokens * price.output) / 1e6

    def close(self) -> None:
        """Break off what is being written and let go of the connections."""
        self._thread.close(last=self._transport.close())


def read_describe(settings: Settings) -> Prompt:
    """The application's own prompt for written texts, else the one that ships. Raises ConfigError for one that cannot be used."""
    folder = settings.root / "prompts"
    if (folder / f"{PROMPT}{SUFFIX}").is_file():
        prompt = read_prompt(folder, PROMPT)
    else:
        text = resources.files("groundwork.context").joinpath(f"{PROMPT}{SUFFIX}").read_text(encoding="utf-8")
        prompt = parse_prompt(text, PROMPT, f"{PROMPT}{SUFFIX}")
    if prompt.model.max_tokens is None or "passage" not in prompt.inputs:
        raise ConfigError(
            f"{PROMPT}{SUFFIX} needs the input `passage` and a limit of what is written",
            where=f"prompts/{PROMPT}{SUFFIX}",
            fix='say `inputs = ["title", "document", "passage", "questions"]` and `model = { max_tokens = 240 }`',
        )
    unknown = set(prompt.inputs) - {"title", "document", "passage", "questions"}
    if unknown:
        raise InputError(f"{PROMPT}{SUFFIX} asks for {', '.join(sorted(unknown))}", fix="it gets title, document, passage and questions")
    return prompt


def _targets(settings: Settings, alias: str) -> Sequence[str]:
    """Who may write, in order. Raises ConfigError where that is the embedded reader, which quotes and writes nothing."""
    models = settings.config.models
    targets = [target for name in (alias, *models[alias].fallback) for target in models[name].targets]
    if "embedded" in targets:
        raise _no_writer(settings, alias, "the embedded reader")
    return targets


def _no_writer(settings: Settings, alias: str, who: str) -> ConfigError:
    return ConfigError(
        f"`context.chunk.describe` names {alias!r}, and {who} writes nothing: it quotes",
        where=settings.written.where(("context", "chunk", "describe")),
        fix='name a model that writes, as in [models.writer] with targets = ["openai/gpt-4.1-nano"]',
    )
