"""A server of a language model that is known to the last digit: a bigram model over characters, behind both dialects of log-probabilities."""

import json
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web
from aiohttp.test_utils import TestServer

NEXT = {"a": {"a": 0.5, "b": 0.25, " ": 0.25}, "b": {"a": 0.5, "b": 0.125, " ": 0.375}, " ": {"a": 0.75, "b": 0.25}}
FIRST = {"a": 0.5, "b": 0.5}
"""After the mark of a beginning, where the server puts one."""


def logprob(text: str, at: int, *, mark: bool) -> float | None:
    """Of one character given the one before it."""
    if at == 0:
        return math.log(FIRST[text[0]]) if mark else None
    return math.log(NEXT[text[at - 1]][text[at]])


class LanguageModel:
    """What it is asked is kept in `prompts`. `mark`: a token `<s>` stands before each prompt. `joined`: pairs of characters that are one token."""

    def __init__(self, *, mark: bool = False, joined: str = "") -> None:
        self.mark, self.joined = mark, joined
        self.prompts: list[str] = []
        self.said: Any = None
        """What it answers instead, where a test says so."""

    def tokens(self, text: str) -> list[tuple[str, float | None]]:
        found: list[tuple[str, float | None]] = [("<s>", None)] if self.mark else []
        at = 0
        while at < len(text):
            size = 2 if self.joined and text[at : at + 2] == self.joined else 1
            values = [logprob(text, place, mark=self.mark) for place in range(at, at + size)]
            found.append((text[at : at + size], None if values[0] is None else sum(value for value in values if value is not None)))
            at += size
        return found

    async def complete(self, request: web.Request) -> web.Response:
        body = await request.json()
        self.prompts.append(body["prompt"])
        if self.said is not None:
            return web.json_response(self.said)
        tokens = self.tokens(body["prompt"])
        if "prompt_logprobs" in body:
            tables = [
                None if value is None else {str(number): {"logprob": value, "decoded_token": text}}
                for number, (text, value) in enumerate(tokens)
            ]
            return web.json_response({"choices": [{"text": "a", "prompt_logprobs": tables}]})
        assert body["echo"] is True
        echoed = [*(tokens[1:] if self.mark else tokens), ("a", -1.0)]  # one generated token follows the prompt
        choice = {"tokens": [text for text, _ in echoed], "token_logprobs": [value for _, value in echoed]}
        return web.Response(
            text=json.dumps({"choices": [{"text": body["prompt"] + "a", "logprobs": choice}]}), content_type="application/json"
        )


@asynccontextmanager
async def serving(model: LanguageModel) -> AsyncIterator[str]:
    """The server's address, ending in `/v1`."""
    app = web.Application()
    app.router.add_post("/v1/completions", model.complete)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    try:
        yield f"http://127.0.0.1:{server.port}/v1"
    finally:
        await server.close()
