import gzip
import socket
import time
import tracemalloc
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from groundwork.core.errors import InputError, NotFound, UpstreamError
from groundwork.secure.addresses import parse_network
from groundwork.secure.fetch import MOST_REDIRECTS, Fetched, Fetcher, Limits, check_url
from tests.web import Page, Web, web

HERE = Limits(allow=(parse_network("127.0.0.1/32"),), seconds=10)


@pytest.fixture
def site() -> Iterator[Web]:
    with web() as made:
        yield made


def anything(media: str, _url: str) -> str:
    return media


async def fetch(url: str, limits: Limits = HERE) -> Fetched:
    return await Fetcher(limits).fetch(url, anything)


async def test_a_page_comes_with_its_type_and_encoding(site: Web) -> None:
    site.pages["/a?b=1"] = Page("Grüße".encode("latin-1"), media='text/html; Charset="ISO-8859-1"')
    fetched = await fetch(f"{site.url}/a?b=1#part")
    assert fetched == (f"{site.url}/a?b=1", "Grüße".encode("latin-1"), "text/html", "ISO-8859-1")
    assert site.paths == ["/robots.txt", "/a?b=1"]
    sent = site.asked[1][1]
    assert sent["user-agent"].startswith("groundwork/")
    assert not {"cookie", "authorization", "referer"} & sent.keys()


# -- where a URL may lead


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "localhost",
        "127.1",
        "0x7f.1",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::]",
        "[::ffff:7f00:1]",
        "127.0.0.1.",
    ],
)
async def test_nothing_inside_is_reached_by_any_spelling(site: Web, host: str) -> None:
    site.pages["/"] = Page(b"inside")
    with pytest.raises((InputError, UpstreamError)) as error:
        await fetch(f"http://{host}:{site.url.rsplit(':', 1)[1]}/", Limits(seconds=5))
    assert site.asked == []
    if host in {"127.0.0.1", "localhost", "[::ffff:127.0.0.1]"}:
        assert "such addresses are not fetched from" in error.value.what
        assert "context.fetch.allow" in error.value.fix


async def test_a_name_that_resolves_anew_does_not_lead_inside(site: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    """DNS rebinding: what is checked is the address that a connection is made to, whatever the name said before."""
    answers = iter(["127.0.0.1", "127.0.0.2", "127.0.0.1"])
    real = socket.getaddrinfo

    def rebinding(host: Any, *rest: Any, **more: Any) -> Any:
        return real(next(answers) if host == "rebind.example" else host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    site.pages["/"] = Page(b"inside")
    with pytest.raises(InputError, match=r"127\.0\.0\.2, this machine itself"):
        await fetch(f"http://rebind.example:{site.url.rsplit(':', 1)[1]}/")
    assert site.paths == ["/robots.txt"], "only the first answer was one that is allowed"


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.2:1/",
        "http://[::1]/",
        "//169.254.169.254/latest/meta-data/",
        "file:///etc/passwd",
        "gopher://x/",
        "http://u:p@127.0.0.1/",
        "",
    ],
)
async def test_every_redirect_is_checked_anew(site: Web, target: str) -> None:
    site.pages["/"] = Page(status=302, headers={"location": target})
    with pytest.raises(InputError):
        await fetch(f"{site.url}/")
    assert site.paths == ["/robots.txt", "/"]


async def test_redirects_are_followed_so_far_and_no_further(site: Web) -> None:
    for number in range(MOST_REDIRECTS):
        site.pages[f"/{number}"] = Page(status=301 + number % 2, headers={"location": f"{number + 1}"})
    site.pages[f"/{MOST_REDIRECTS}"] = Page(b"there")
    fetched = await fetch(f"{site.url}/0")
    assert (fetched.data, fetched.url) == (b"there", f"{site.url}/{MOST_REDIRECTS}")
    site.pages[f"/{MOST_REDIRECTS}"] = Page(status=307, headers={"location": "/0"})
    with pytest.raises(InputError, match="redirects more than 5 times"):
        await fetch(f"{site.url}/0")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/",
        "file:///etc/passwd",
        "http://",
        "http:///x",
        "example.com",
        "http://a b/",
        "http://u@example.com/",
        "http://a:99999/",
        "http://[::1",
        "http://x/\n",
        "javascript:alert(1)",
        "http://x/" + "a" * 3_000,
    ],
)
def test_what_is_no_url_of_a_page_is_refused(url: str) -> None:
    with pytest.raises(InputError):
        check_url(url)


# -- robots


async def test_robots_are_respected_on_every_hop_and_asked_once(site: Web) -> None:
    site.pages["/robots.txt"] = Page(b"User-agent: *\nDisallow: /no\n", media="text/plain")
    site.pages["/yes"] = Page(b"yes")
    site.pages["/moved"] = Page(status=302, headers={"location": "/no/page"})
    site.pages["/no/page"] = Page(b"no")
    fetcher = Fetcher(HERE)
    assert (await fetcher.fetch(f"{site.url}/yes", anything)).data == b"yes"
    for path in ("/no/page", "/moved"):
        with pytest.raises(InputError, match=r"robots\.txt"):
            await fetcher.fetch(site.url + path, anything)
    assert site.paths == ["/robots.txt", "/yes", "/moved"]


async def test_a_site_that_cannot_say_what_robots_may_is_left_alone_for_now(site: Web) -> None:
    site.pages["/robots.txt"] = Page(status=503)
    site.pages["/"] = Page(b"page")
    with pytest.raises(UpstreamError, match="503"):
        await fetch(f"{site.url}/")
    assert site.paths == ["/robots.txt"]


# -- what a page may cost


async def test_a_page_over_the_limit_is_stopped(site: Web) -> None:
    site.pages["/"] = Page(b"x" * 1_001)
    with pytest.raises(InputError, match="larger than 1,000"):
        await fetch(f"{site.url}/", HERE._replace(largest=1_000))
    assert len((await fetch(f"{site.url}/", HERE._replace(largest=1_001))).data) == 1_001


async def test_an_endless_page_is_stopped(site: Web) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.end_headers()
        try:
            while True:
                handler.wfile.write(b"x" * 65_536)
        except OSError:
            pass

    site.pages["/"] = endless
    with pytest.raises(InputError, match="larger than"):
        await fetch(f"{site.url}/", HERE._replace(largest=1_000_000))


async def test_a_bomb_is_stopped_before_it_is_held(site: Web) -> None:
    site.pages["/"] = Page(gzip.compress(b"0" * 300_000_000, 1), headers={"content-encoding": "gzip"})
    tracemalloc.start()
    with pytest.raises(InputError, match="larger than"):
        await fetch(f"{site.url}/", HERE._replace(largest=1_000_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000


async def test_what_is_packed_is_unpacked_and_what_is_packed_badly_refused(site: Web) -> None:
    packed = gzip.compress(b"text " * 1_000)
    site.pages["/good"] = Page(packed, headers={"content-encoding": "gzip"})
    site.pages["/cut"] = Page(packed[:-20], headers={"content-encoding": "gzip"})
    site.pages["/wrong"] = Page(b"no gzip at all", headers={"content-encoding": "gzip"})
    site.pages["/brotli"] = Page(b"x", headers={"content-encoding": "br"})
    assert (await fetch(f"{site.url}/good")).data == b"text " * 1_000
    for path, says in (("/cut", "damaged"), ("/wrong", "damaged"), ("/brotli", "packed as 'br'")):
        with pytest.raises(InputError, match=says):
            await fetch(site.url + path)


async def test_a_server_that_says_nothing_ends_in_time(site: Web) -> None:
    site.pages["/"] = lambda _: time.sleep(1.5)
    begun = time.monotonic()
    with pytest.raises(UpstreamError, match=r"within 0\.3 s") as error:
        await fetch(f"{site.url}/", HERE._replace(seconds=0.3))
    assert error.value.cause == "timeout"
    assert time.monotonic() - begun < 1.2


@pytest.mark.parametrize(
    ("status", "kind", "says"),
    [(404, NotFound, "404"), (410, NotFound, "410"), (403, InputError, "403"), (500, UpstreamError, "500"), (429, UpstreamError, "429")],
)
async def test_a_refusal_says_whether_asking_again_may_help(site: Web, status: int, kind: type[Exception], says: str) -> None:
    site.pages["/"] = Page(b"sorry", status=status)
    with pytest.raises(kind, match=says):
        await fetch(f"{site.url}/")


async def test_a_server_that_is_not_there_may_be_there_later(site: Web) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UpstreamError) as error:
        await fetch(f"http://127.0.0.1:{port}/")
    assert error.value.cause == "network"


async def test_a_body_that_breaks_off_is_no_page(site: Web) -> None:
    def half(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.send_response(200)
        handler.send_header("content-length", "100")
        handler.end_headers()
        handler.wfile.write(b"half")

    site.pages["/"] = half
    with pytest.raises(UpstreamError):
        await fetch(f"{site.url}/")
