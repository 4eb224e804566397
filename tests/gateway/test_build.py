"""From the configuration to models: names, composition, `auto`, and letting go."""

import asyncio
import json
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from groundwork.app.config import Config
from groundwork.core.config import decode, read_toml
from groundwork.core.errors import ConfigError
from groundwork.core.message import say
from groundwork.core.request import Request
from groundwork.gateway import prices
from groundwork.gateway.build import Parts, build, check_names, uses_auto
from groundwork.gateway.providers import auto, embedded, scripted
from groundwork.gateway.providers.openai import OpenAIModel
from groundwork.gateway.transport import Transport
from groundwork.gateway.wrappers import Fallback, Priced, Traced
from tests.gateway.conftest import collect, said
from tests.gateway.upstream import HELLO, Upstream, text, upstream

REQUEST = Request(messages=(say("user", "hi"),))


class Embedder:
    fingerprint = "none"
    dimensions = 2

    async def embed(self, texts: Sequence[str], /) -> Any:
        return np.ones((len(texts), 2), dtype=np.float32)


def parts(tmp_path: Path, toml: str, transport: Transport, **more: Any) -> Parts:
    (tmp_path / "groundwork.toml").write_text('[app]\nname = "a"\n' + toml)
    written = read_toml(tmp_path / "groundwork.toml", name="groundwork.toml")
    config = decode(written, Config)
    check_names(config.providers, config.models, written)
    return Parts(tmp_path, config.providers, config.models, written, transport, Embedder(), **more)


@pytest.mark.parametrize(
    ("toml", "where", "what", "fix"),
    [
        ('[models.a]\ntargets = ["opnai/gpt"]\n[providers.openai]\n', 4, "unknown provider `opnai`", "`openai`"),
        ('[models.a]\ntargets = ["embeded"]', 4, "unknown target `embeded`", "`embedded`"),
        ('[models.a]\ntargets = ["auto",\n "openai/"]\n[providers.openai]', 5, "unknown target `openai/`", "openai/MODEL"),
        ("[models.a]\ntargets = []", 4, "`models.a.targets` is empty", "auto"),
        (
            '[models.fast]\ntargets = ["auto"]\n[models.b]\ntargets = ["auto"]\nfallback = ["fsat"]',
            7,
            "unknown model alias `fsat`",
            "`fast`",
        ),
        ('[models.a]\ntargets = ["auto"]\nfallback = ["a"]', 5, "falls back to itself", "another"),
        ('[models.a]\ntargets = ["auto"]\non = ["rat"]', 5, "unknown value of `models.a.on", "`rate`"),
        ('[models.a]\ntargets = ["auto"]\nbest_of = { n = 3, by = "voet" }', 5, "unknown value of `models.a.best_of.by`", "`vote`"),
        ('[models.a]\ntargets = ["auto"]\nbest_of = { n = 1 }', 5, "n = 1 is not between 2 and 32", "correct"),
        ('[models.a]\ntargets = ["x/m"]\n[providers.x]\nbase_url = "http://127.0.0.1:1/v1"', 5, "does not say its kind", 'kind = "openai"'),
        ('[models.a]\ntargets = ["x/m"]\n[providers.x]\nkind = "openai"', 5, "base_url` is missing", "http://"),
        ('[models.a]\ntargets = ["x/m"]\n[providers.x]\nkind = "scripted"', 5, "script` is missing", "jsonl"),
        ('[models.a]\ntargets = ["x/m"]\n[providers.x]\nkind = "openai"\nbase_url = "127.0.0.1:1"', 7, "is no URL", "http://"),
        ('[models.a]\ntargets = ["auto"]\n[providers.auto]\nkind = "openai"', 5, "is built in", "another name"),
    ],
)
def test_names_that_lead_nowhere_are_refused_with_their_line(tmp_path: Path, toml: str, where: int, what: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        parts(tmp_path, toml, Transport())
    assert what in error.value.what
    assert error.value.where == f"groundwork.toml:{where}"
    assert fix in error.value.fix


SERVER = '[providers.up]\nkind = "openai"\nbase_url = "{url}"\n'


async def test_targets_then_the_fallbacks_targets_in_order(tmp_path: Path, server: Upstream, transport: Transport) -> None:
    toml = (
        SERVER.format(url=server.url) + '[models.a]\ntargets = ["up/one", "up/two"]\nfallback = ["b"]\n[models.b]\ntargets = ["up/three"]\n'
    )
    model = build(parts(tmp_path, toml, transport))["a"]
    server.play(status=503)
    server.play(b": open\n\n", "cut")
    server.play(*HELLO)
    assert said(await collect(model)) == "Hello"
    assert [asked.body["model"] for asked in server.asked] == ["one", "two", "three"]


async def test_a_key_is_read_from_its_variable_or_refused_by_line(
    tmp_path: Path, server: Upstream, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    toml = SERVER.format(url=server.url) + 'key = "env:THE_KEY"\n[models.a]\ntargets = ["up/m"]\n'
    monkeypatch.delenv("THE_KEY", raising=False)
    with pytest.raises(ConfigError, match="THE_KEY is not set") as error:
        build(parts(tmp_path, toml, transport))
    assert error.value.where == "groundwork.toml:6"
    monkeypatch.setenv("THE_KEY", "sk-1")
    server.play(*HELLO)
    await collect(build(parts(tmp_path, toml, transport))["a"])
    assert server.asked[0].headers["authorization"] == "Bearer sk-1"


async def test_leaving_any_composition_early_reaches_the_innermost_and_the_network(
    tmp_path: Path, server: Upstream, transport: Transport
) -> None:
    (tmp_path / "play.jsonl").write_text(json.dumps({"match": ".*", "answer": "one two three"}))
    local = auto.Local("test", server.url, "m")
    toml = SERVER.format(url=server.url) + (
        '[providers.play]\nkind = "scripted"\nscript = "play.jsonl"\n'
        '[models.remote]\ntargets = ["up/m", "embedded"]\nfallback = ["rehearsed"]\n[models.rehearsed]\ntargets = ["play/x"]\n'
        '[models.quoting]\ntargets = ["embedded"]\n[models.found]\ntargets = ["auto"]\n'
        '[models.drawn]\ntargets = ["play/x"]\nbest_of = { n = 3, by = "vote" }\n'
    )
    server.play(text("one"), "hang")
    made = build(parts(tmp_path, toml, transport, local=local))
    inner = (OpenAIModel, scripted.ScriptedModel, embedded.EmbeddedModel)
    closed: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        for kind in inner:
            patch.setattr(kind, "stream", _watched(kind.stream, closed))
        for alias, model in made.items():
            closed.clear()
            async with aclosing(model.stream(REQUEST)) as deltas:
                async for delta in deltas:
                    assert alias == "drawn" or closed == []
                    if delta.has_content:
                        break
            assert len(closed) == (2 if alias == "drawn" else 1), f"{alias} did not close its innermost model when it was left"
            if alias in {"remote", "found"}:
                async with asyncio.timeout(2):
                    await server.gone.wait()
                server.gone.clear()


async def test_cancelling_a_drawing_reaches_the_network_of_every_call(tmp_path: Path, server: Upstream, transport: Transport) -> None:
    toml = SERVER.format(url=server.url) + '[models.a]\ntargets = ["up/m"]\nbest_of = { n = 3, by = "logprob" }\n'
    server.play(text("one"), "hang")
    task = asyncio.create_task(collect(build(parts(tmp_path, toml, transport))["a"]))
    async with asyncio.timeout(5):
        while len(server.asked) < 3:  # noqa: ASYNC110  the fake server has no event for it
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.gone.wait()
        while server.tasks:  # noqa: ASYNC110  the fake server has no event for it
            await asyncio.sleep(0.01)


async def test_a_verifier_is_found_when_the_application_starts(tmp_path: Path, transport: Transport) -> None:
    toml = '[models.a]\ntargets = ["embedded"]\nbest_of = { n = 2, by = "judging:longest" }\n'
    with pytest.raises(ConfigError, match="no module 'judging'") as error:
        build(parts(tmp_path, toml, transport))
    assert error.value.where == "groundwork.toml:5"
    (tmp_path / "judging.py").write_text("def longest(question, answer):\n    return len(answer)\n")
    assert said(await collect(build(parts(tmp_path, toml, transport))["a"]))


def _watched(stream: Any, closed: list[str]) -> Any:
    async def watched(self: Any, request: Request, /) -> Any:
        try:
            async with aclosing(stream(self, request)) as deltas:
                async for delta in deltas:
                    yield delta
        finally:
            closed.append(self.name)

    return watched


def test_the_composition_reads_as_the_sentence_it_is(tmp_path: Path) -> None:
    model = build(parts(tmp_path, '[models.a]\ntargets = ["embedded"]', Transport()))["a"]
    assert isinstance(model, Fallback)
    assert isinstance(model.models[0], Traced)
    assert isinstance(model.models[0].source, Priced)
    assert model.models[0].source.price == prices.FREE


# -- auto


async def test_auto_is_a_local_server_where_one_lists_a_model(
    tmp_path: Path, transport: Transport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-used")
    async with upstream() as server:
        server.play(json.dumps({"data": [{"id": "qwen3"}]}).encode(), kind="application/json")
        local = await auto.local_server(transport, (("nobody", "http://127.0.0.1:1/v1"), ("found", server.url)))
        assert local == auto.Local("found", server.url, "qwen3")
        server.scripts.clear()
        server.play(*HELLO)
        model = build(parts(tmp_path, '[models.a]\ntargets = ["auto"]', transport, local=local))["a"]
        deltas = await collect(model)
        assert said(deltas) == "Hello"
        assert deltas[-1].cost == 0.0
        assert "authorization" not in server.asked[-1].headers


@pytest.mark.parametrize(
    "listing",
    [
        b"[]",
        b"{}",
        b'{"data": []}',
        b'{"data": [{}]}',
        b'{"data": [{"id": 5}]}',
        b"<html>",
        b'{"data": [{"id": "app", "owned_by": "groundwork"}]}',
    ],
)
async def test_auto_passes_over_what_lists_no_model_of_another(transport: Transport, listing: bytes) -> None:
    async with upstream() as server:
        server.play(listing, kind="application/json")
        assert await auto.local_server(transport, (("odd", server.url),)) is None


async def test_auto_does_not_wait_for_a_silent_port_nor_follow_a_redirect(transport: Transport) -> None:
    async with upstream() as server:
        server.play("hang")
        async with asyncio.timeout(2):
            assert await auto.local_server(transport, (("silent", server.url),)) is None
        server.scripts.clear()
        server.play(status=302, headers="location: https://models.example.com/v1/models\r\n")
        assert await auto.local_server(transport, (("moved", server.url),)) is None


async def test_auto_is_the_offline_reader_although_a_key_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-to-be-used")
    transport = Transport()
    made = parts(tmp_path, '[models.a]\ntargets = ["auto"]', transport)
    assert uses_auto(made.models)
    deltas = await collect(build(made)["a"])
    assert deltas[0].model == embedded.NAME
    assert transport._session is None, "auto opened a connection"
    assert "OPENAI_API_KEY is set" in auto.advice()
    assert "sk-not" not in auto.advice()


def test_only_loopback_is_looked_at_and_no_key_means_no_advice() -> None:
    assert all(url.startswith("http://127.0.0.1:") for _, url in auto.LOCAL_SERVERS)
    assert auto.advice({}) == ""
    assert auto.advice({"OPENAI_API_KEY": ""}) == ""
