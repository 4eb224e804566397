"""Opening Office files (DOCX, PPTX, XLSX): ZIP archives of XML parts, checked before anything in them is read.

An archive that would unpack to more than it may, or a hundred times itself, is refused by what its directory says and again while it is
unpacked. XML with a document type (and so with entities) is refused: the formats forbid it. Elements are asked for by their name without its namespace, which the two forms of the standard write differently.
"""

import importlib.util
import io
import posixpath
import zipfile
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from groundwork.core.errors import InputError

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

LARGEST = 400_000_000
"""Bytes that a whole archive may unpack to."""
_LARGEST_PART = 200_000_000
_LARGEST_TREE = 60_000_000
_DEEPEST = 400
"""Elements in elements: Python's own stack must hold them."""
_RATIO = 200
"""How many times its packed size an archive may unpack to; XML of office files seldom passes 30."""
_FREE = 10_000_000
"""Below so many bytes the ratio does not matter."""
_MOST_PARTS = 20_000
_OLD = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED = 0x1


class Relation:
    """Where a part leads: the kind of thing (`slide`, `image`), and the part's name; empty where it leads out of the file."""

    __slots__ = ("kind", "target")

    def __init__(self, kind: str, target: str) -> None:
        self.kind = kind
        self.target = target


class Package:
    """An office file, opened. Close it, or use it in a `with`."""

    def __init__(self, data: bytes, source: str) -> None:
        """Raises InputError where it is encrypted, broken, of the old binary format, or would unpack beyond reason."""
        self.source = source
        self._left = LARGEST
        if data.startswith(_OLD):
            raise InputError(
                f"{source} is encrypted, or in the binary format of before 2007", fix="save it without a password, in today's format"
            )
        if importlib.util.find_spec("defusedxml") is None:  # said before anything is unpacked
            command = "pip install 'groundwork-ai[documents]'"
            raise InputError(f"{source}: office files need defusedxml, which is not installed: {command}", fix=command)
        try:
            self._archive = zipfile.ZipFile(io.BytesIO(data))
        except (zipfile.BadZipFile, ValueError, EOFError, OSError, NotImplementedError):
            raise self.broken("it is no ZIP archive") from None
        try:
            self._check(len(data))
        except InputError:
            self._archive.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._archive.close()

    def broken(self, why: str) -> InputError:
        """The error for a file whose insides do not hold together."""
        return InputError(f"{self.source} is broken or no office file: {why}", fix="open and save it again, or leave it out of `sources`")

    def _check(self, size: int) -> None:
        parts = self._archive.infolist()
        whole = sum(part.file_size for part in parts)
        if len(parts) > _MOST_PARTS or whole > LARGEST or (whole > _FREE and whole > _RATIO * size):
            raise self._bomb()
        if any(part.flag_bits & _ENCRYPTED for part in parts):
            raise InputError(f"{self.source} is encrypted", fix="save it without a password")

    def _bomb(self) -> InputError:
        return InputError(
            f"{self.source} would unpack to more than it may (at most {LARGEST // 1_000_000} MB, {_RATIO} times its size)",
            fix="leave it out of `sources`, or save it again without what makes it so large",
        )

    def has(self, name: str) -> bool:
        """Whether there is a part of this name."""
        return name in self._archive.NameToInfo

    def read(self, name: str) -> bytes:
        """A part's bytes. Raises InputError where it is missing, damaged, or larger than the directory says."""
        try:
            info = self._archive.getinfo(name)
            most = min(info.file_size, _LARGEST_PART, self._left)
            with self._archive.open(info) as part:
                data = part.read(most + 1)
        except KeyError:
            raise self.broken(f"{name} is missing") from None
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError, ValueError):
            raise self.broken(f"{name} is damaged") from None
        if len(data) > most:
            raise self._bomb()
        self._left -= len(data)
        return data

    def xml(self, name: str) -> "Element":
        """A part's XML. Raises InputError where it is none, or has a document type."""
        from xml.etree.ElementTree import ParseError

        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import fromstring

        data = self.read(name)
        if len(data) > _LARGEST_TREE:
            raise self._bomb()
        try:
            root = fromstring(data, forbid_dtd=True)
        except DefusedXmlException:
            raise self._entities() from None
        except (ParseError, ValueError, LookupError):
            raise self.broken(f"{name} is no XML") from None
        if _is_deeper(root, _DEEPEST):
            raise self.broken(f"{name} nests more than {_DEEPEST} elements")
        return root

    def rows(self, name: str, tags: frozenset[str]) -> "Iterator[Element]":
        """The elements of these names, one by one as they end, for parts that are too large to hold: each is emptied when the next is asked
        for. Raises InputError as `xml` does.
        """
        from xml.etree.ElementTree import ParseError

        from defusedxml.common import DefusedXmlException
        from defusedxml.ElementTree import iterparse

        depth = 0
        try:
            for event, element in iterparse(io.BytesIO(self.read(name)), events=("start", "end"), forbid_dtd=True):
                depth += 1 if event == "start" else -1
                if depth > _DEEPEST:
                    raise self.broken(f"{name} nests more than {_DEEPEST} elements")
                if event == "end" and local(element) in tags:
                    yield element
                    element.clear()
        except DefusedXmlException:
            raise self._entities() from None
        except (ParseError, ValueError, LookupError):
            raise self.broken(f"{name} is no XML") from None

    def _entities(self) -> InputError:
        return InputError(f"{self.source} declares XML entities, which office files may not", fix="leave it out of `sources`")

    def relations(self, name: str) -> dict[str, Relation]:
        """Where a part leads, by the id it uses for it; nothing where it leads nowhere. The package's own are those of an empty name."""
        folder, _, file = name.rpartition("/")
        listed = f"{folder}/_rels/{file}.rels" if folder else f"_rels/{file}.rels"
        if not self.has(listed):
            return {}
        found: dict[str, Relation] = {}
        for entry in self.xml(listed):
            target = unquote(entry.get("Target", ""))
            inside = entry.get("TargetMode") != "External"
            path = (
                posixpath.normpath(posixpath.join(folder, target)).lstrip("/")
                if inside and not target.startswith("/")
                else target.lstrip("/")
            )
            found[entry.get("Id", "")] = Relation(entry.get("Type", "").rsplit("/", 1)[-1], path if inside and self.has(path) else "")
        return found

    def main(self) -> str:
        """The name of the part that is the document itself. Raises InputError where there is none."""
        for relation in self.relations("").values():
            if relation.kind == "officeDocument" and relation.target:
                return relation.target
        raise self.broken("it names no document")

    def properties(self) -> dict[str, str]:
        """Title, author and dates, as the file says them; the empty ones left out."""
        for relation in self.relations("").values():
            if relation.kind == "core-properties" and relation.target:
                said = {element.tag.rsplit("}", 1)[-1]: " ".join((element.text or "").split()) for element in self.xml(relation.target)}
                names = (("title", "title"), ("creator", "author"), ("created", "created"), ("modified", "modified"))
                return {ours: said[theirs] for theirs, ours in names if said.get(theirs)}
        return {}


def _is_deeper(root: "Element", most: int) -> bool:
    level = [root]
    for _ in range(most):
        level = [inner for element in level for inner in element]
        if not level:
            return False
    return True


def local(element: "Element") -> str:
    """An element's name without its namespace."""
    return element.tag.rsplit("}", 1)[-1]


def attribute(element: "Element | None", name: str, otherwise: str = "") -> str:
    """An attribute by its name without a namespace."""
    if element is None:
        return otherwise
    for key, value in element.attrib.items():
        if key.rsplit("}", 1)[-1] == name:
            return value
    return otherwise


def relation_id(element: "Element | None", name: str = "id") -> str:
    """The id of a relation that an element names (`r:id`, `r:embed`)."""
    for key, value in (element.attrib if element is not None else {}).items():
        if key.startswith("{") and key.endswith(f"elationships}}{name}"):
            return value
    return ""


def child(element: "Element | None", *path: str) -> "Element | None":
    """The first child by this name, and its first by the next, and so on."""
    for name in path:
        element = next((inner for inner in element if local(inner) == name), None) if element is not None else None
    return element


def children(element: "Element | None", name: str) -> "Iterator[Element]":
    """The children by this name."""
    return (inner for inner in (element if element is not None else ()) if local(inner) == name)
