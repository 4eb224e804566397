"""Starting, being refused, and ending without leaving anybody half-answered."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from groundwork.app.live import open_live
from groundwork.core.errors import ConfigError, StoreBusy
from groundwork.server.run import address_of, bind, loop_factory, serve
from tests.apps import write_docs, write_play
from tests.server.test_feedback import PROGRAM
from tests.serving import Served, serving

QUESTION: Any = [{"role": "user", "content": "slow"}]


def test_a_port_in_use_is_refused_with_what_to_do(play: Path) -> None:
    async def main() -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            async with open_live(play) as live:
                with pytest.raises(ConfigError, match=f"port {taken.getsockname()[1]} is in use") as error:
                    await serve(live, "127.0.0.1", taken.getsockname()[1])
                assert "--port" in error.value.fix
                assert live.folder.server() is None  # the folder was not taken

    asyncio.run(main())


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", -1), ("127.0.0.1", 70_000), ("192.0.2.1", 0), ("no such host", 0)])
def test_an_address_that_cannot_be_had(host: str, port: int) -> None:
    with pytest.raises(ConfigError) as error:
        bind(host, port)
    assert "--" in error.value.fix


def test_the_address_that_a_person_opens() -> None:
    with bind("127.0.0.1", 0) as one, bind("0.0.0.0", 0) as everywhere:
        assert address_of(one).startswith("http://127.0.0.1:")
        assert address_of(everywhere).startswith("http://127.0.0.1:")


def test_one_server_for_a_folder(server: Served, play: Path) -> None:
    with pytest.raises(StoreBusy, match=server.url), serving(play):
        pass
    assert server.say("hi")[0] == 200


def stream_in_thread(server: Served, into: list[Any]) -> threading.Thread:
    def read() -> None:
        with OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0) as client:
            try:
                into.extend(client.chat.completions.create(model="play", messages=QUESTION, stream=True))
            except openai.APIError as error:
                into.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    return thread


def test_a_running_stream_is_finished_and_nobody_new_is_let_in(server: Served) -> None:
    chunks: list[Any] = []
    reading = stream_in_thread(server, chunks)
    time.sleep(0.5)
    server.stop()
    time.sleep(0.4)
    with pytest.raises(ConnectionRefusedError), socket.create_connection(("127.0.0.1", server.port)):
        pass
    reading.join(20)
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).endswith("nine ten")
    assert server.thread is not None
    server.thread.join(10)
    assert not server.thread.is_alive()


def test_what_does_not_finish_in_time_is_cut_and_says_so(play: Path) -> None:
    config = play / "groundwork.toml"
    config.write_text(config.read_text().replace('drain = "3s"', 'drain = "200ms"'))
    with serving(play) as server:
        chunks: list[Any] = []
        reading = stream_in_thread(server, chunks)
        time.sleep(0.5)
        server.stop()
        reading.join(20)
    assert isinstance(chunks[-1], openai.APIError)
    assert chunks[-1].code == "overloaded"
    with serving(play) as again:
        rows = again.run(again.live.folder.trace_store.list())
        assert [row.status for row in rows] == ["cancelled"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(tmp_path: Path, number: signal.Signals) -> None:
    root = write_play(tmp_path / "app", [{"match": ".*", "answer": "Hello."}])
    with subprocess.Popen([sys.executable, "-c", PROGRAM, str(root)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("http://127.0.0.1:")
        os.kill(process.pid, number)
        _, complaints = process.communicate(timeout=20)
    assert (process.returncode, complaints) == (0, "")


def test_health_says_what_is_wrong_with_the_index(tmp_path: Path) -> None:
    with serving(write_docs(tmp_path / "app", index=False)) as server:
        status, _, health = server.ask("GET", "/health")
        assert (status, health["status"], health["index_generation"]) == (200, "degraded", "")
        assert "groundwork index" in health["problems"][0]
        server.live.problem = "release rel_1 does not load: no"
        assert server.ask("GET", "/health")[2]["problems"][0] == "release rel_1 does not load: no"


def test_another_loop_where_there_is_one() -> None:
    made = loop_factory()
    if made is not None:
        made().close()
