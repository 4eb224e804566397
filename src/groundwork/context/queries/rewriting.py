"""A follow-up as a question of its own: "and its population?" is looked up with the names of what was talked about.

`rules` needs no model: an elliptical question (short, or with a pronoun that stands for something said before) gets the salient names of the
previous turn. A model writes it anew where one is configured; where it fails, is late or says nothing of use, the rules do.
Not covered: questions that need several searches, and other languages than English for the rules.
"""

import re
from typing import Protocol

from groundwork.context.queries.asking import ask
from groundwork.core.errors import GroundworkError
from groundwork.core.message import Message, Text
from groundwork.core.ports import Model
from groundwork.core.request import Request
from groundwork.core.text import STOPWORDS, content_words, shorten, stem, words
from groundwork.observe.recorder import span

_OPENING = re.compile(r"\s*(?:and|but|or|so|also|then|what about|how about|what of)\b", re.IGNORECASE)
_PRONOUNS = frozenset("it its they their theirs them he his him she her hers this that these those there one ones former latter".split())  # noqa: SIM905
_NAME = re.compile(r"\w+(?:[_.:/-]+\w+)+|[^\W\d_a-z][\w'’]*(?:[ \t]+(?:of[ \t]+)?[^\W\d_a-z][\w'’]*)*|\w*\d\w*")
_MARKER = re.compile(r"\[\d{1,3}(?:\s*[,;]\s*\d{1,3})*\]")
_FEW = 2
"""A question with no more words of meaning than this leans on what was said before."""
_MOST = 6
_PREVIOUS = 2_000
_LONGEST = 400

_INSTRUCTION = """\
Rewrite the last question so that it can be understood without the conversation before it. Put in the names that it only points to. Keep its
language and its meaning, answer nothing, and write the question alone, on one line. If it can be understood already, repeat it."""


class Rewriter(Protocol):
    """Says what is looked up for a request."""

    async def rewrite(self, request: Request, /) -> str: ...


class AsAsked:
    """The question as it is."""

    async def rewrite(self, request: Request) -> str:
        return request.question


AS_ASKED = AsAsked()


class ByRules:
    """Adds the names that an elliptical question leaves out."""

    async def rewrite(self, request: Request) -> str:
        query = by_rules(request)
        if query != request.question:
            with span("rewrite query") as attributes:
                attributes |= {"groundwork.rewrite.by": "rules", "groundwork.query": query}
        return query


class ByModel:
    """Has a model write the question anew. A first question is never sent."""

    def __init__(self, model: Model) -> None:
        self._model = model

    async def rewrite(self, request: Request) -> str:
        """The rewritten question, or what the rules make of it. Raises nothing of the model's."""
        if not _turns(request):
            return request.question
        with span("rewrite query") as attributes:
            query, by = await self._ask(request), self._model.name
            if not query:
                query, by = by_rules(request), "rules"
            attributes |= {"groundwork.rewrite.by": by, "groundwork.query": query}
        return query

    async def _ask(self, request: Request) -> str:
        said = "\n".join(f"{message.role}: {shorten(message.text, _PREVIOUS)}" for message in _turns(request)[-4:])
        text = f"{said}\n\nLast question: {shorten(request.question, _PREVIOUS)}"
        parts = [Text(text=text)]
        try:
            answer = await ask(self._model, _INSTRUCTION, parts, most=120, principal=request.principal, deadline=request.deadline)
        except (GroundworkError, TimeoutError):
            return ""
        query = " ".join(answer.split()).strip("\"'“” ")
        return query if 0 < len(query) <= _LONGEST else ""


def by_rules(request: Request) -> str:
    """The question, with the salient names of the previous turn behind it where it leans on them."""
    question = request.question
    turns = _turns(request)
    if not turns or not is_elliptical(question):
        return question
    have = {stem(word) for word in words(question)}
    asked = next((message.text for message in reversed(turns) if message.role == "user"), "")
    answered = turns[-1].text if turns[-1].role == "assistant" else ""
    names = [name for name in (*salient(asked), *salient(answered, names_only=True)) if not {stem(word) for word in words(name)} <= have]
    chosen = list(dict.fromkeys(names))[:_MOST]
    return f"{question} {' '.join(chosen)}" if chosen else question


def is_elliptical(question: str) -> bool:
    """Whether a question cannot stand alone: it goes on ("and …"), points back ("its …"), or says next to nothing."""
    said = words(question)
    if not said or len(said) > 25:
        return False
    return bool(_OPENING.match(question)) or not _PRONOUNS.isdisjoint(said) or len(content_words(question)) <= _FEW


def salient(text: str, *, names_only: bool = False) -> list[str]:
    """What a text is about: its names (capitalised inside a sentence), identifiers and numbers; where it has none, its words of meaning."""
    text = _MARKER.sub("", text[:_PREVIOUS])
    names: list[str] = []
    for match in _NAME.finditer(text):
        name = match.group()
        opens = match.start() == 0 or text[: match.start()].rstrip()[-1:] in {".", "!", "?", "\n", ":"}
        first, _, rest = name.partition(" ")
        if opens and first.lower() in STOPWORDS:
            name = rest  # "Is Paris …": the first word is a capital of the sentence's, not a name's
        if (
            name[:1].isupper() and (not opens or " " in name or any(one.isupper() for one in name[1:]) or name.lower() not in STOPWORDS)
        ) or re.search(r"[\d_.:/]", name):
            names.append(name)
    if names or names_only:
        return list(dict.fromkeys(names))
    return [word for word in dict.fromkeys(words(text)) if word not in STOPWORDS]


def _turns(request: Request) -> tuple[Message, ...]:
    """What was said before the question, by the user and by us."""
    return tuple(message for message in request.history if message.role in {"user", "assistant"} and message.text.strip())


def rewriter_of(name: str, model: Model | None) -> Rewriter:
    """What `[context.retrieve] rewrite` names."""
    if model is not None:
        return ByModel(model)
    return ByRules() if name == "rules" else AS_ASKED
