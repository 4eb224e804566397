"""The documents and questions that pipelines are compared on: whole articles of SQuAD 2.0, and the sample application's pages."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from benchmarks.reader import MODEL, TRAINED_ON
from benchmarks.sample import QUICK, SAMPLE
from groundwork.context.reading import parse_raw
from groundwork.context.sources import find_sources
from groundwork.core.document import Document
from groundwork.core.measure import Example
from groundwork.secure.fetch import Limits
from groundwork.tuning.prepare.sources import Question, by_part, deal, read_questions


class Case(NamedTuple):
    """A question, what a right answer states (nothing where the documents do not say), and where that stands."""

    question: str
    facts: tuple[tuple[str, ...], ...]
    """The accepted wordings of each fact."""
    sources: frozenset[str]
    """Files that state them."""
    paragraph: str
    """The paragraph that the question was written for; empty where it is not known."""
    group: str


class Collection(NamedTuple):
    """Questions about Markdown files; `titles` are what a file is called in front of its passages."""

    name: str
    docs: dict[str, str]
    titles: dict[str, str]
    cases: list[Case]
    about: str


def squad(folder: Path, *, choose: bool, most: int) -> Collection | None:
    """Whole articles that the reader never saw, one file each; with `choose` the three that its threshold was chosen on.

    None where there are none.
    """
    questions, _ = read_questions(folder)
    path = MODEL / TRAINED_ON
    seen = frozenset(json.loads(path.read_text())) if path.exists() else frozenset[str]()
    dev = by_part(questions, deal(questions, 0))["dev"]
    some = dev if choose else [question for question in questions if question.group not in seen]
    some = [question for question in some if question.source != "policyqa"]
    if not some:
        return None
    docs: dict[str, list[str]] = {}
    for question in some:
        paragraphs = docs.setdefault(_file(question), [f"# {_title(question)}"])
        if question.passage not in paragraphs:
            paragraphs.append(question.passage)
    asked = some if len(some) <= most else [some[place * len(some) // most] for place in range(most)]
    return Collection(
        "squad",
        {name: "\n\n".join(paragraphs) + "\n" for name, paragraphs in docs.items()},
        {_file(question): _title(question) for question in some},
        [Case(one.question, (one.answers,) if one.answers else (), frozenset([_file(one)]), one.passage, one.group) for one in asked],
        f"SQuAD 2.0, {len(docs)} articles {'the reader was calibrated on' if choose else 'never trained on'}",
    )


def _title(question: Question) -> str:
    return question.group.removeprefix("squad:").replace("_", " ")


def _file(question: Question) -> str:
    return question.group.removeprefix("squad:") + ".md"


def sample(*, choose: bool, quick: bool) -> Collection:
    """The sample application's pages as Markdown, and its suite's split: everyone is given the same text, none has to read HTML."""
    found = find_sources(SAMPLE, ("docs/*.html",), Limits())
    pages = {Path(source).name: parse_raw(origin.load()) for source, origin in found.origins.items()}
    pages = {name: page for name, page in pages.items() if not quick or name in QUICK}
    lines = (SAMPLE / "suites" / "helpdesk.jsonl").read_text(encoding="utf-8").splitlines()
    examples = [msgspec.json.decode(line, type=Example) for line in lines if line.strip()]
    some = [one for one in examples if one.split == ("choose" if choose else "report") and all(fact.source in pages for fact in one.facts)]
    cases = [
        Case(one.question, tuple(fact.accepted for fact in one.facts), frozenset(_md(fact.source) for fact in one.facts), "", one.id)
        for one in some
    ]
    return Collection(
        "sample",
        {_md(name): markdown(page) for name, page in pages.items()},
        {_md(name): page.title for name, page in pages.items()},
        cases,
        f"the sample's pages as Markdown, split {'choose' if choose else 'report'}",
    )


def _md(name: str | None) -> str:
    return Path(name or "").stem + ".md"


def markdown(document: Document) -> str:
    """A document's canonical text with its headings marked."""
    parts: list[str] = []
    at = 0
    for heading in document.headings:
        parts += [document.text[at : heading.start], "#" * heading.level + " "]
        at = heading.start
    return "".join([*parts, document.text[at:]])


def write(collection: Collection, folder: Path) -> Path:
    """Its files, in `folder`/docs."""
    docs = folder / "docs"
    docs.mkdir(parents=True)
    for name, text in collection.docs.items():
        (docs / name).write_text(text, encoding="utf-8")
    return docs


def questions(cases: Sequence[Case]) -> str:
    """One JSON text a line."""
    return "\n".join(json.dumps(case.question) for case in cases)
