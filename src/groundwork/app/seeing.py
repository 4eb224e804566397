"""Whether somebody may see a document outside a search: a page, an example, an original. The configuration decides as it stands now."""

from pathlib import Path

from groundwork.app.application import App
from groundwork.context import reading
from groundwork.context.labels import Labeller
from groundwork.core.access import readers_of
from groundwork.core.document import Document
from groundwork.core.errors import InputError, NotFound
from groundwork.core.request import Principal
from groundwork.store.index_port import Index


async def visible_document(identifier: str, principal: Principal, app: App, index: Index) -> Document:
    """A document by its id, current or retired, for this principal. Raises NotFound where there is none, and with the same words where there
    is one that the principal may not see. An earlier version is as closed as the present one, and as it was itself.
    """
    document = await index.read(lambda snapshot: snapshot.document(identifier))
    section = app.settings.config.context
    labeller = Labeller(section) if section is not None else None
    if labeller is None or not labeller.restricts:
        return document
    readers = readers_of(principal)
    current = await index.read(lambda snapshot: snapshot.current(document.source))
    if labeller.allows(document, readers) and (current is None or labeller.allows(current, readers)):
        return document
    raise NotFound(f"no document {identifier} in the index", fix="check the id; a new search gives the ids of today's documents")


def restricts(app: App) -> bool:
    """Whether the application's documents have permissions."""
    section = app.settings.config.context
    return section is not None and section.permissions is not None


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
