"""How likely a language model finds a text: cross-entropy, perplexity, bits per byte, from servers that return a prompt's log-probabilities.

Two dialects of the completions call are known: `echo` (the prompt is echoed with its log-probabilities: llama.cpp, older OpenAI models, vLLM)
and `prompt_logprobs` (vLLM's own). Perplexity per token depends on the tokenizer, so models with different ones are compared by bits per byte.
Not covered: chat models behind a chat call, which say nothing of their prompt. Source: Jelinek et al. 1977 (perplexity); Gao et al., "The Pile",
arXiv 2101.00027 (bits per byte).
"""

import asyncio
import math
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, Protocol

import msgspec

from groundwork.core.errors import InputError, UpstreamError
from groundwork.core.whole import together
from groundwork.gateway.transport import Transport

Dialect = Literal["echo", "prompt_logprobs"]


class Token(NamedTuple):
    """A token of a text with its natural log-probability given all before it; None for one that nothing precedes."""

    text: str
    logprob: float | None


class PromptLikelihood(Protocol):
    """Says how likely each token of a text is. The tokens' texts join to the text, where the tokenizer's pieces are whole characters."""

    async def tokens(self, text: str, /) -> Sequence[Token]: ...


class Likelihood(NamedTuple):
    """Of a text: `nats`, less its log-probability, over so many tokens, UTF-8 bytes and characters. What nothing precedes is in none of them."""

    nats: float
    tokens: int
    bytes: int
    characters: int

    @property
    def cross_entropy(self) -> float:
        """Nats per token."""
        return self.nats / self.tokens

    @property
    def bits_per_token(self) -> float:
        return self.cross_entropy / math.log(2)

    @property
    def perplexity(self) -> float:
        """Two models' guesses are compared by it only where their tokens are the same; infinite where it is past what a float holds."""
        return math.exp(self.cross_entropy) if self.cross_entropy < 709 else math.inf

    @property
    def bits_per_byte(self) -> float:
        return self.nats / math.log(2) / self.bytes

    @property
    def bits_per_character(self) -> float:
        return self.nats / math.log(2) / self.characters


async def measure(
    model: PromptLikelihood, text: str, *, context: str = "", window: int = 8_000, overlap: int = 2_000, concurrency: int = 4
) -> Likelihood:
    """The likelihood of a text after a context. A longer one than `window` characters is read in pieces, each after `overlap` characters of what precedes it.

    The context counts toward the window. A token that reaches from the context into the text counts whole. Without a context, the first token
    has nothing to be likely after, unless the server puts a mark before it: it and its characters are left out.
    Raises InputError for a blank text or a window that holds no overlap, UpstreamError.
    """
    if not text.strip():
        raise InputError("a blank text has no likelihood", fix="leave it out")
    if not 0 <= overlap < window:
        raise InputError(f"a window of {window} characters holds no overlap of {overlap}", fix="choose the overlap below the window")
    turns = asyncio.Semaphore(concurrency)

    async def one(before: str, piece: str) -> Likelihood:
        async with turns:
            return count(await model.tokens(before + piece), before, piece)

    parts = await together([one(before, piece) for before, piece in windows(text, context, window=window, overlap=overlap)])
    total = Likelihood(*(sum(column) for column in zip(*parts, strict=True)))
    if not total.tokens or not total.bytes:
        raise InputError("the text is a single token that nothing precedes", fix="give it a context, such as a line break")
    return total


def windows(text: str, context: str = "", *, window: int, overlap: int) -> Iterator[tuple[str, str]]:
    """A text in pieces, each with what precedes it. Cut before a space where there is one, since most tokens begin with theirs."""
    whole, start = context + text, len(context)
    before = 0 if len(context) <= overlap else len(context) - overlap
    while start < len(whole):
        end = min(len(whole), before + window)
        space = whole.rfind(" ", start + 1, end) if end < len(whole) else -1
        end = space if space > start else max(end, start + 1)
        yield whole[before:start], whole[start:end]
        start, before = end, max(0, end - overlap)


def count(tokens: Sequence[Token], before: str, piece: str) -> Likelihood:
    """The part of the tokens' likelihood that belongs to `piece`, which follows `before`.

    Raises UpstreamError where the tokens do not spell the text, and what precedes could not be told from the piece.
    """
    spelled = "".join(token.text for token in tokens)
    aligned = spelled == before + piece
    if not aligned and before:
        raise UpstreamError(
            "the server's tokens do not spell the text, so that context and text cannot be told apart",
            cause="invalid",
            fix="measure without context, in one window",
        )
    at, nats, counted, left_out = 0, 0.0, 0, 0
    for token in tokens:
        at += len(token.text)
        if aligned and at <= len(before):
            continue
        if token.logprob is None:
            left_out += min(len(token.text), len(piece)) if aligned else 0
            continue
        nats, counted = nats - token.logprob, counted + 1
    kept = piece[left_out:]
    return Likelihood(nats, counted, len(kept.encode()), len(kept))


# -- servers


@dataclass(frozen=True, slots=True)
class Completions:
    """A model behind a completions call that returns the log-probabilities of its prompt."""

    url: str
    """Ending in `/v1`."""
    model: str
    transport: Transport
    dialect: Dialect = "echo"
    key: str | None = None
    seconds: float = 60.0

    async def tokens(self, text: str, /) -> Sequence[Token]:
        """Ask for one more token, since some servers refuse none, and leave it out. Raises UpstreamError."""
        asked = {"echo": True, "logprobs": 1} if self.dialect == "echo" else {"prompt_logprobs": 0}
        body = msgspec.json.encode({"model": self.model, "prompt": text, "max_tokens": 1, "temperature": 0, **asked})
        headers = {"content-type": "application/json"} | ({"authorization": f"Bearer {self.key}"} if self.key else {})
        url = f"{self.url.rstrip('/')}/completions"
        try:
            async with asyncio.timeout(self.seconds):
                answer = await self.transport.post(url, body, headers)
        except TimeoutError:
            raise UpstreamError(f"{url} did not answer within {self.seconds:g} s", cause="timeout", fix="send shorter windows") from None
        try:
            choice = msgspec.json.decode(answer)["choices"][0]
            return read_echo(choice, text) if self.dialect == "echo" else read_prompt(choice, text)
        except (msgspec.DecodeError, LookupError, TypeError, ValueError, AttributeError):
            other = "prompt_logprobs" if self.dialect == "echo" else "echo"
            raise UpstreamError(
                f"{url} did not return the log-probabilities of its prompt", cause="invalid", fix=f'try the dialect "{other}"'
            ) from None


@asynccontextmanager
async def opened(url: str, model: str, *, dialect: Dialect = "echo", key: str | None = None) -> AsyncGenerator[Completions]:
    """A server's likelihoods, with connections of their own that are closed afterwards."""
    transport = Transport()
    try:
        yield Completions(url, model, transport, dialect, key)
    finally:
        await transport.close()


def read_echo(choice: Any, text: str) -> list[Token]:
    """Tokens of an echoed prompt; what was generated after it is left out."""
    found = choice["logprobs"]
    pieces: list[str] = found["tokens"]
    values: list[float | None] = found["token_logprobs"]
    tokens: list[Token] = []
    at = 0
    for piece, value in zip(pieces, values, strict=True):
        if at >= len(text) and tokens:
            break
        tokens.append(_token(piece, value))
        at += len(piece)
    return tokens


def read_prompt(choice: Any, text: str) -> list[Token]:
    """Tokens of vLLM's `prompt_logprobs`: a table for each, the prompt's own token first. The first has none: its text is what the rest leaves."""
    tables: list[dict[str, Any] | None] = choice["prompt_logprobs"]
    own = [next(iter(table.values())) if table else None for table in tables]
    rest = [_token(entry["decoded_token"], entry["logprob"]) for entry in own if entry is not None]
    spelled = "".join(token.text for token in rest)
    first = text.removesuffix(spelled) if text.endswith(spelled) else ""
    return [Token(first, None), *rest] if own and own[0] is None else rest


def _token(text: Any, value: Any) -> Token:
    if not isinstance(text, str) or isinstance(value, str):
        raise TypeError("no token")
    return Token(text, None if value is None else float(value))
