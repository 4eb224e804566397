"""Where documents come from: a file, a page on the web, a function of the user's. Each is loaded when its turn comes, and only then read."""

import asyncio
import threading
from collections.abc import Coroutine
from pathlib import Path, PurePosixPath
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from groundwork.context import reading
from groundwork.context.reading import Raw
from groundwork.core.errors import InputError
from groundwork.secure.fetch import Fetcher

T = TypeVar("T")

_KINDS = {
    "text/html": ".html",
    "application/xhtml+xml": ".html",
    "text/markdown": ".md",
    "text/csv": ".csv",
    "text/tab-separated-values": ".tsv",
    "application/json": ".json",
    "application/ld+json": ".json",
    "application/x-ndjson": ".jsonl",
    "application/jsonl": ".jsonl",
    "application/pdf": ".pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_BY_NAME = frozenset({"", "text/plain", "text/x-markdown", "application/octet-stream", "binary/octet-stream", "application/zip"})
"""Media types that say little: there the ending of the URL's path decides."""


class Origin(Protocol):
    """One source that can be loaded."""

    def load(self) -> Raw:
        """What it is now. Raises InputError where it cannot be used, OSError or UpstreamError where it cannot be had at the moment."""
        ...


class FileOrigin:
    """A file of the application's folder."""

    def __init__(self, source: str, path: Path) -> None:
        self.source = source
        self.path = path

    def load(self) -> Raw:
        return Raw(source=self.source, data=reading.load(self.path, self.source), suffix=PurePosixPath(self.source).suffix.lower())


class PageOrigin:
    """A page on the web, by its URL."""

    def __init__(self, source: str, fetcher: Fetcher) -> None:
        self.source = source
        self._fetcher = fetcher

    def load(self) -> Raw:
        fetched = aside(self._fetcher.fetch(self.source, suffix_of))
        return Raw(source=self.source, data=fetched.data, suffix=fetched.kind, encoding=fetched.charset)


class GivenOrigin:
    """What a function gave."""

    def __init__(self, raw: Raw) -> None:
        self._raw = raw

    def load(self) -> Raw:
        most = reading.largest_of(self._raw.source, self._raw.suffix)
        if len(self._raw.data) > most:
            raise InputError(f"{self._raw.source} is larger than {most:,} bytes", fix="give it in smaller pieces")
        return self._raw


def suffix_of(media: str, url: str) -> str:
    """What a page is, as the ending of a file's name, by its media type or its URL. Raises InputError where it is nothing that is read."""
    ending = PurePosixPath(urlsplit(url).path).suffix.lower()
    known = ending in reading.SUPPORTED
    if media in _KINDS:
        return _KINDS[media]
    if media in _BY_NAME or (media.startswith("text/") and known):
        if known:
            return ending
        if media == "text/plain":
            return ".txt"
    raise InputError(
        f"{url} is of the type {media[:60] or '(none)'}, which is not read", fix="name a page, a text, a PDF or an office file"
    )


def aside(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end in a thread of its own: the caller's may have an event loop that is busy with the caller."""
    done: list[T] = []
    failed: list[BaseException] = []

    async def watched() -> None:
        try:
            done.append(await work)
        except BaseException as error:  # noqa: BLE001  carried over to the caller's thread, whatever it is
            failed.append(error)

    thread = threading.Thread(target=asyncio.run, args=(watched(),), name="groundwork-fetch")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]
