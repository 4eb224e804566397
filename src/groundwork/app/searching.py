"""Which searches an application's context is made of, by the name of their collection: for what looks into one of them."""

from groundwork.app.application import App, Documents
from groundwork.context.collections import Collections
from groundwork.context.search import Search


def searches_of(app: App) -> dict[str, Search]:
    """The search of each collection; the one without a name is "". None where the application has no documents."""
    retriever = app.context.retriever if isinstance(app.context, Documents) else None
    if isinstance(retriever, Collections):
        return retriever.searches
    return {"": retriever} if isinstance(retriever, Search) else {}
