"""Errors on the wire: their status, their shape, and nothing of our insides."""

import socket
from typing import Any

import pytest

from groundwork.app.live import Live
from groundwork.server import errors
from tests.serving import Served

FIELDS = {"message", "type", "param", "code", "fix", "retryable", "trace"}
JSON = {"content-type": "application/json"}


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "status", "code"),
    [
        ("GET", "/v1/chat/completions", None, {}, 405, "method_not_allowed"),
        ("OPTIONS", "/v1/chat/completions", None, {}, 405, "method_not_allowed"),
        ("POST", "/health", b"", JSON, 405, "method_not_allowed"),
        ("GET", "/v1/nothing", None, {}, 404, "not_found"),
        ("GET", "/v1/traces/tr_unknown", None, {}, 404, "not_found"),
        ("POST", "/v1/chat/completions", b"{", {}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", b"[" * 50_000, {}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", b'{"model": "\xff"}', {}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", b'{"a": "\\ud800"}', {}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", b"", {}, 400, "invalid_json"),
        ("POST", "/v1/chat/completions", b"null", {}, 400, "invalid_request"),
        ("POST", "/v1/chat/completions", b"x=1", {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported_media_type"),
        ("POST", "/v1/chat/completions", b"{}", {"content-type": "text/plain"}, 415, "unsupported_media_type"),
        ("POST", "/v1/chat/completions", b" " * 200_001, {}, 413, "request_too_large"),
    ],
)
def test_the_shape_of_an_error(server: Served, method: str, path: str, body: Any, headers: dict[str, str], status: int, code: str) -> None:
    answer = server.ask(method, path, body, headers)
    assert answer[0] == status
    error = answer[2]["error"]
    assert error.keys() == FIELDS
    assert error["code"] == code
    assert error["fix"]
    assert answer[1]["x-content-type-options"] == "nosniff"
    if status == 405:
        assert answer[1]["allow"] in {"GET", "POST"}


def test_a_body_without_a_length_is_bounded_too(server: Served) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as wire:
        wire.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        wire.sendall(b"40000\r\n" + b" " * 0x40000 + b"\r\n")
        assert wire.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_head_is_a_get_without_its_body(server: Served) -> None:
    for path in ("/health", "/v1/models", "/"):
        status, headers, body = server.ask("HEAD", path)
        assert (status, body) == (200, "")
        assert int(headers["content-length"]) > 0


def test_nul_characters_are_replaced(server: Served) -> None:
    status, _, body = server.say("hi\0there", variables={"a\0b": ["\0"]})
    assert status == 200
    _, _, trace = server.ask("GET", f"/v1/traces/{body['groundwork']['trace']}")
    assert trace["status"] == "ok"


def test_what_breaks_inside_stays_inside(server: Served, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("inside, with the key sk-proj-abcdefghijklmnopqrstuvwxyz123456")

    monkeypatch.setattr(Live, "reply", broken)
    for stream in (False, True):
        status, _, body = server.say("hi", stream=stream)
        assert (status, body["error"]["code"]) == (500, "internal_error")
        assert "ZeroDivision" not in str(body)
        said = capfd.readouterr().err
        assert body["error"]["trace"] in said
        assert "ZeroDivisionError" in said
        assert "abcdefghijkl" not in said


def test_a_secret_in_an_error_is_masked() -> None:
    error = errors.GroundworkError("no: gw-abcdefghijklmnopqrstuvwxyz0123456789", fix="drop gw-abcdefghijklmnopqrstuvwxyz0123456789")
    assert "abcdefgh" not in str(errors.body_of(error, ""))
