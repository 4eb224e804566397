"""The collections that `benchmarks.retrieval` searches: files to index, questions, and what a search should bring.

Below `--data` (or $GROUNDWORK_DATA) are looked for: Cranfield (cran.all.1400, cran.qry, cranqrel.graded: code 1 best to 4, else irrelevant;
queries are numbered by their order), the chunking corpora (NAME.md, NAME.questions.jsonl.gz) and SQuAD (squad1.jsonl.gz). Without any: six
pages of the sample application, whose sections are the documents.
"""

import gzip
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from benchmarks.sample_index import QUICK, SAMPLE, questions
from groundwork.context.chunking import sections
from groundwork.context.reading import parse
from groundwork.core.text import fold, sentences

Spans = tuple[tuple[int, int], ...]
CORPORA = ("chatlogs", "state_of_the_union", "wikitexts")
EVERY = 3
"""Of SQuAD's questions, which are many to a paragraph, every third is asked."""


class Query(NamedTuple):
    """A question; the documents that answer it by source, with their gain; or, in a collection of one document, the spans that do."""

    text: str
    grades: Mapping[str, float]
    spans: Spans
    cluster: str
    chooses: bool
    """Whether it belongs to the half on which settings are chosen."""


class Collection(NamedTuple):
    """Files by their names, and what is asked of them."""

    name: str
    files: Mapping[str, str]
    queries: tuple[Query, ...]

    @property
    def by_spans(self) -> bool:
        return bool(self.queries[0].spans)

    @property
    def clusters(self) -> list[str] | None:
        """The cluster of each query, where they are fewer than the queries."""
        found = [query.cluster for query in self.queries]
        return None if len(set(found)) == len(found) else found


def collections(data: Path | None) -> Iterator[Collection]:
    """Whatever is there."""
    for found in sorted(data.rglob("cran.all.1400")) if data else []:
        yield cranfield(found.parent)
    for name in CORPORA:
        for found in sorted(data.rglob(f"{name}.questions.jsonl.gz")) if data else []:
            yield corpus(found.parent, name)
    for found in sorted(data.rglob("squad1.jsonl.gz")) if data else []:
        yield squad(found)


def cranfield(folder: Path) -> Collection:
    """Abstracts on aerodynamics: a title as heading, the rest as text. Every second query chooses."""
    files: dict[str, str] = {}
    for number, record in enumerate(_records(folder / "cran.all.1400"), start=1):
        title, body = _field(record, "T"), _field(record, "W")
        body = body.removeprefix(title).strip()  # the text begins with the title again
        if title or body:
            files[f"docs/{number:04}.md"] = f"# {title}\n\n{body}\n"
    gains: dict[int, dict[str, float]] = {}
    for line in (folder / "cranqrel.graded").read_text(encoding="utf-8").splitlines():
        query, _, document, code = (int(part) for part in line.split())
        source = f"docs/{document:04}.md"
        if 1 <= code <= 4 and source in files:
            gains.setdefault(query, {})[source] = 5.0 - code
    asked = enumerate(_records(folder / "cran.qry"), start=1)
    queries = tuple(
        Query(_field(record, "W"), gains[number], (), str(number), number % 2 == 0) for number, record in asked if number in gains
    )
    return Collection("cranfield", files, queries)


def corpus(folder: Path, name: str) -> Collection:
    """One long text, and questions with the passages that answer them. Every second question chooses."""
    with (folder / f"{name}.md").open(encoding="utf-8", newline="") as file:
        written = file.read()
    source = f"docs/{name}.txt"
    text = parse(written.encode(), source).text
    queries: list[Query] = []
    with gzip.open(folder / f"{name}.questions.jsonl.gz", "rt", encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            row = json.loads(line)
            spans = tuple(_located(text, one["content"], one["start_index"]) for one in json.loads(row["references"]))
            queries.append(Query(row["question"], {}, spans, str(number), number % 2 == 0))
    return Collection(name, {source: written}, tuple(queries))


def squad(path: Path) -> Collection:
    """Paragraphs of articles; the one that a question was asked about is to be found. Every second article chooses."""
    files: dict[str, str] = {}
    sources: dict[str, str] = {}
    articles: dict[str, int] = {}
    queries: list[Query] = []
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        for number, row in enumerate(map(json.loads, lines)):
            article = articles.setdefault(row["title"], len(articles))
            if row["context"] not in sources:
                sources[row["context"]] = f"docs/{article:02}/{len(files):04}.md"
                files[sources[row["context"]]] = f"# {row['title'].replace('_', ' ')}\n\n{row['context']}\n"
            if number % EVERY == 0 and not row.get("impossible"):
                queries.append(Query(row["question"], {sources[row["context"]]: 1.0}, (), row["title"], article % 2 == 0))
    return Collection("squad", files, tuple(queries))


def sample() -> list[Collection]:
    """Six pages of the sample: their sections as documents, and the largest of them as one text with spans. Built in, and too small to tell anything."""
    examples = questions(set(QUICK))
    files: dict[str, str] = {}
    for page in QUICK:
        document = parse((SAMPLE / "docs" / page).read_bytes(), page)
        for number, section in enumerate(sections(document)):
            files[f"docs/{page}/{number:03}.md"] = f"# {document.title}\n\n{document.text[section.start : section.end]}\n"
    graded: list[Query] = []
    for number, example in enumerate(examples):
        accepted = [fold(one) for fact in example.facts for one in fact.accepted]
        pages = {fact.source for fact in example.facts}
        grades = {
            source: 1.0 for source, text in files.items() if source.split("/")[1] in pages and any(one in fold(text) for one in accepted)
        }
        if grades:
            graded.append(Query(example.question, grades, (), str(number), number % 2 == 0))
    page = max(QUICK, key=lambda page: sum(fact.source == page for example in examples for fact in example.facts[:1]))
    text = parse((SAMPLE / "docs" / page).read_bytes(), page).text
    plain = parse(text.encode(), "docs/page.txt").text
    spanned: list[Query] = []
    for number, example in enumerate(one for one in examples if all(fact.source == page for fact in one.facts)):
        spans = tuple(span for fact in example.facts for span in _holding(plain, fact.accepted)[:1])
        if spans:
            spanned.append(Query(example.question, {}, spans, str(number), number % 2 == 0))
    return [Collection("sample", files, tuple(graded)), Collection("sample_page", {"docs/page.txt": text}, tuple(spanned))]


def _holding(text: str, accepted: tuple[str, ...]) -> list[tuple[int, int]]:
    """The sentences that hold an accepted string."""
    return [(start, end) for start, end in sentences(text) if any(fold(one) in fold(text[start:end]) for one in accepted)]


def _located(text: str, content: str, start: int) -> tuple[int, int]:
    """Where a passage stands in the canonical text, which has lost a blank here and there. Raises ValueError where it does not."""
    content = content.strip()
    place = text.index(content, max(0, start - 32))
    return place, place + len(content)


def _records(path: Path) -> list[str]:
    """Cranfield's records, by the file's order: its queries' own numbers have gaps."""
    return re.split(r"^\.I \d+\s*$", path.read_text(encoding="utf-8", errors="replace"), flags=re.MULTILINE)[1:]


def _field(record: str, name: str) -> str:
    """A field of a record (`.T` to the next `.A`), on one line."""
    found = re.search(rf"^\.{name}\n(.*?)(?=^\.[TABW]$|\Z)", record, flags=re.MULTILINE | re.DOTALL)
    return " ".join(found[1].split()) if found else ""
