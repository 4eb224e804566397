"""What a document is labelled with: its fields, from the configuration and from itself, and the rules of who may see it.

Rules narrow: every rule of the configuration that names a document has to allow, and so does the document's own front matter. So a page below
`docs/**` that everybody may read can be closed by a second rule or by a line in the page, and no page can open itself beyond the configuration.
"""

from collections.abc import Mapping
from typing import Any

from groundwork.context.config import ContextSection
from groundwork.context.readers.front_matter import plain_values
from groundwork.core.access import allows, reader
from groundwork.core.document import Document
from groundwork.core.errors import InputError
from groundwork.core.globs import matches
from groundwork.core.ids import canonical, hash_of
from groundwork.core.where import Values
from groundwork.store.labels import Labels

ALLOW = "allow"
"""The line of front matter that says who may see a document."""


class Labeller:
    """Labels documents as the `[context]` section says."""

    def __init__(self, config: ContextSection) -> None:
        self._metadata = config.metadata
        self._permissions = config.permissions

    @property
    def restricts(self) -> bool:
        """Whether permissions are in use."""
        return self._permissions is not None

    @property
    def fingerprint(self) -> str:
        """Of the permissions as they are configured; empty where they are not in use."""
        return "" if self._permissions is None else hash_of(self._permissions)[:32]

    def labels(self, document: Document) -> Labels:
        """Raises InputError for an `allow` in front matter that cannot be honoured."""
        own = document.metadata
        values = {**self.configured(document.source), **{name: value for name, value in plain_values(own).items() if name != ALLOW}}
        values |= {"source": document.source, "title": document.title, "medium": document.medium}
        if self._permissions is None and ALLOW in own:
            raise InputError(
                f"{document.source} says who may see it, and permissions are not in use",
                fix="add `[context.permissions]` to groundwork.toml",
            )
        return Labels(values, self.rules(document.source, own))

    def configured(self, source: str) -> dict[str, Values]:
        """The fields that the configuration gives a source."""
        found: dict[str, Values] = {}
        for section in self._metadata:
            if matches(section.match, source):
                found |= plain_values(section.values)
        return found

    def rules(self, source: str, metadata: Mapping[str, Any]) -> list[list[str]]:
        """The rules that name a document, each as the readers that it allows. Raises InputError where its own cannot be read."""
        if self._permissions is None:
            return []
        rules = [[reader(one) for one in rule.allow] for rule in self._permissions.rules if matches(rule.match, source)]
        if ALLOW in metadata:
            rules.append(_own_rule(source, metadata[ALLOW]))
        return rules or [[reader(one) for one in self._permissions.otherwise]]

    def allows(self, document: Document, readers: tuple[str, ...]) -> bool:
        """Whether these readers may see a document, current or retired."""
        if self._permissions is None:
            return True
        try:
            return allows(self.rules(document.source, document.metadata), readers)
        except InputError:  # it says who may see it in a way that nobody can honour
            return False

    def salt(self, source: str) -> str:
        """What the configuration says of a source, as part of its digest: another text means that it has to be labelled anew."""
        values = self.configured(source)
        rules = [one.allow for one in self._permissions.rules if matches(one.match, source)] if self._permissions else None
        if not values and rules is None:
            return ""
        return canonical([values, rules, self._permissions.otherwise if self._permissions else ()]).decode()


def _own_rule(source: str, written: Any) -> list[str]:
    names = [written] if isinstance(written, str) else written
    if not isinstance(names, list | tuple) or not all(isinstance(one, str) for one in names):
        raise InputError(f"{source}: `{ALLOW}` is no list of readers", fix=f"write `{ALLOW}: [group:legal, user:anna]`")
    try:
        return [reader(str(one)) for one in names]
    except ValueError as error:
        raise InputError(f"{source}: `{ALLOW}`: {error}", fix="correct this line of its front matter") from None
