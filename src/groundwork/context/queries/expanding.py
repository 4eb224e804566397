"""Further queries beside the one that was asked: other wordings of it, and the parts of a question that asks several things.

Each is searched like the query itself, and the rankings are fused. Rules need no model: a question is taken apart at its question marks and where
it goes on with another question word; an abbreviation is looked up in what was found first ("write-ahead log (WAL)"), and the other form is
searched too. A model writes wordings, and a sentence as an answer would have it (HyDE), or the parts. Where it fails the rules do what they can,
for parts, and the plain query alone is searched otherwise.
Sources: L. Gao et al., Precise zero-shot dense retrieval without relevance labels (ACL 2023); Z. Rackauckas, RAG-fusion (2024).
Not covered: spelling mistakes; abbreviations that no document that was found explains.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from groundwork.context.queries.asking import ask_lines
from groundwork.core.document import Hit
from groundwork.core.ports import Model
from groundwork.core.request import Request
from groundwork.core.text import content_words, shorten
from groundwork.observe.recorder import span

WORDING = 0.5
"""What a further wording counts against the query as it was asked."""
PART = 1.0
_MOST = 4
_LONGEST = 400
_ASKED = 2_000
_DEFINED = re.compile(r"((?:[\w'’-]+[ \t]+){1,7})\(([A-Z][A-Za-z0-9]{1,7})\)")
_SHORT = re.compile(r"\b[A-Z][A-Z0-9]{1,7}s?\b")
_PART = re.compile(r"\?\s+|;\s+(?:and\s+)?|(?:,\s*|\s+)(?:and|or)\s+(?=(?:what|which|who|whom|whose|when|where|why|how)\b)", re.IGNORECASE)
_QUESTION = re.compile(
    r"\s*(?:and\s+)?(?:what|which|who|whom|whose|when|where|why|how|is|are|can|does|do|did|was|were|will|may)\b", re.IGNORECASE
)

_WORDINGS = """\
Someone searches documents with the question below. Write three other wordings of it that documents might use, and as a fourth line one sentence
as a document that answers it would have it. One a line, without numbers. Keep names, codes and the language. Answer nothing else."""
_PARTS = """\
Someone searches documents with the question below. If it asks several things, write each of them as a question that can be understood alone, one
a line, at most four, without numbers. If it asks one thing, repeat it. Keep names, codes and the language. Answer nothing."""


@dataclass(frozen=True, slots=True)
class Expanding:
    """Expansion and decomposition as configured: each `off`, `rules`, or a model."""

    expand: Model | str = "off"
    decompose: Model | str = "off"

    @property
    def is_off(self) -> bool:
        return self.expand == "off" and self.decompose == "off"

    def wants_hits(self, query: str) -> bool:
        """Whether the plain query has to be searched before."""
        return self.expand == "rules" and _SHORT.search(query) is not None

    async def queries(self, query: str, request: Request, first: Sequence[Hit] = ()) -> dict[str, float]:
        """Further queries with what each counts against the query's 1; empty where there is nothing to add. Raises nothing of a model's."""
        if self.is_off or not query.strip():
            return {}
        with span("expand query") as attributes:
            parts, by_parts = await self._parts(query, request)
            wordings, by_wordings = await self._wordings(query, request, first)
            found = dict.fromkeys(wordings, WORDING) | dict.fromkeys(parts, PART)
            found.pop(query, None)
            attributes["groundwork.decompose.by"] = by_parts
            attributes["groundwork.expand.by"] = by_wordings
            attributes["groundwork.queries"] = list(found)
        return found

    async def _parts(self, query: str, request: Request) -> tuple[list[str], str]:
        if self.decompose == "off":
            return [], "off"
        if not isinstance(self.decompose, str):
            lines = await ask_lines(self.decompose, _PARTS, shorten(query, _ASKED), request, count=_MOST, longest=_LONGEST)
            if lines:
                return (lines if len(lines) > 1 else []), self.decompose.name
        return parts_of(query), "rules"

    async def _wordings(self, query: str, request: Request, first: Sequence[Hit]) -> tuple[list[str], str]:
        if self.expand == "off":
            return [], "off"
        if isinstance(self.expand, str):
            return other_forms(query, [hit.text for hit in first]), "rules"
        lines = await ask_lines(self.expand, _WORDINGS, shorten(query, _ASKED), request, count=_MOST, longest=_LONGEST)
        return lines, self.expand.name if lines else "nobody: the model was of no use"


def parts_of(question: str) -> list[str]:
    """The questions in a question, where there are several that each say something; else none."""
    if len(question) > _ASKED:
        return []
    parts = [part.strip(" ,;?") for part in _PART.split(question)]
    told = [part for part in parts if part]
    if len(told) < 2 or not all(content_words(part) and _QUESTION.match(part) for part in told):
        return []
    return [f"{part}?" for part in dict.fromkeys(told)][:_MOST]


def other_forms(query: str, texts: Sequence[str]) -> list[str]:
    """The query with its abbreviations written out as the texts explain them, where they do."""
    asked = {short.removesuffix("s") for short in _SHORT.findall(query[:_ASKED])}
    forms: dict[str, str] = {}
    for text in texts:
        for match in _DEFINED.finditer(text):
            long, short = match[1].split(), match[2]
            if short in asked and short not in forms and (meant := _spelt(long, short)):
                forms[short] = meant
    written = query
    for short, long in forms.items():
        written = re.sub(rf"\b{re.escape(short)}s?\b", lambda match, long=long: f"{match[0]} ({long})", written)
    return [written] if forms else []


def _spelt(words: Sequence[str], short: str) -> str:
    """The last of the words whose first letters (hyphens part words) spell the abbreviation; empty where none do."""
    letters = short.lower()
    for count in range(1, len(words) + 1):
        some = words[-count:]
        heads = [piece[0].lower() for word in some for piece in re.split(r"[-’']", word) if piece]
        if "".join(heads) == letters:
            return " ".join(some)
    return ""
