"""Whether somebody may see a document outside a search: a page, an example, an original. The configuration decides as it stands now."""

from pathlib import Path
from typing import NamedTuple

from groundwork.app.application import App
from groundwork.context import reading
from groundwork.context.config import ContextSection
from groundwork.context.labels import Labeller
from groundwork.core.access import readers_of
from groundwork.core.document import Document
from groundwork.core.errors import InputError, NotFound
from groundwork.core.request import Principal
from groundwork.store.folder import Folder
from groundwork.store.index_port import Snapshot


async def visible_document(identifier: str, principal: Principal, app: App, folder: Folder) -> Document:
    """A document by its id, current or retired, for this principal, from whichever collection. Raises NotFound where there is none, and with
    the same words where there is one that the principal may not see. An earlier version is as closed as the present one, and as it was itself.
    """
    readers = readers_of(principal)
    for held in await held_documents(identifier, app.settings.config.context, folder):
        if held.labeller.allows(held.document, readers) and (held.current is None or held.labeller.allows(held.current, readers)):
            return held.document
    raise NotFound(f"no document {identifier} in the index", fix="check the id; a new search gives the ids of today's documents")


class Held(NamedTuple):
    """A document as one collection holds it, what its source says there today, and who may see it there."""

    document: Document
    current: Document | None
    labeller: Labeller


async def held_documents(identifier: str, section: ContextSection | None, folder: Folder) -> list[Held]:
    """A document in every collection of the configuration that has it, current or retired."""

    def look(snapshot: Snapshot) -> tuple[Document, Document | None] | None:
        try:
            document = snapshot.document(identifier)
        except NotFound:
            return None
        return document, snapshot.current(document.source)

    found: list[Held] = []
    for name, part in (section or ContextSection(sources=())).parts.items():
        held = await folder.collection(name).read(look)
        if held is not None:
            found.append(Held(*held, Labeller(part)))
    return found


def restricts(app: App) -> bool:
    """Whether documents of the application have permissions."""
    section = app.settings.config.context
    return section is not None and any(part.permissions is not None for part in section.parts.values())


def unchanged_original(document: Document, root: Path) -> bytes:
    """The file that a document was read from. Raises NotFound where it is gone, or says something else by now: who may see that, nobody has
    looked up yet.
    """
    path = (root / document.source).resolve()
    gone = NotFound(f"{document.source} is not there any more", fix="open the indexed text instead")
    if not path.is_relative_to(root) or not path.is_file():
        raise gone
    try:
        data = path.read_bytes()
        if reading.parse(data, document.source) == document:
            return data
    except (InputError, OSError):
        raise gone from None
    raise NotFound(f"{document.source} has changed since it was indexed", fix="run `groundwork index`, then open it again")
