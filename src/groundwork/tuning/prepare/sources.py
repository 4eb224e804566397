"""The questions that readers, rerankers and grounding learn from: SQuAD 2.0, SQuAD 1.1 and PolicyQA, deduplicated and dealt out by article.

    {"id": "5726", "title": "Black_Death", "context": "…", "question": "…", "answers": ["Central Asia"], "impossible": false}

Sources: Rajpurkar, Jia and Liang, Know What You Don't Know (2018); Rajpurkar et al., SQuAD (2016); Ahmad et al., PolicyQA (2020). All three
training sets hold the same articles back, so a model that is built on another never saw the other's held part.
"""

import gzip
import hashlib
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.core.errors import InputError, NotFound
from groundwork.core.text import content_words, fold, sentences, words
from groundwork.datasets.rows import Span
from groundwork.datasets.training import PARTS, Origin, Part

FILES = {"squad2": "CC BY-SA 4.0", "squad1": "CC BY-SA 4.0", "policyqa": "MIT"}
"""The files below `reader/` and their licences; the first of two that ask the same question wins."""
NAMES = {"squad2": "SQuAD 2.0, development set", "squad1": "SQuAD 1.1, development set", "policyqa": "PolicyQA, development set"}
HELD_ARTICLES, DEV_ARTICLES = 5, 3
HELD_SITES, DEV_SITES = 0.10, 0.05
"""Shares of the questions about privacy policies, filled up site by site."""


class Question(NamedTuple):
    """A question with the paragraph it was written for; no answers where that paragraph has none."""

    id: str
    question: str
    passage: str
    answers: tuple[str, ...]
    group: str
    source: str


class _Line(msgspec.Struct, frozen=True, kw_only=True):
    title: str
    context: str
    question: str
    answers: tuple[str, ...] = ()
    id: str = ""


def read_questions(folder: Path) -> tuple[list[Question], tuple[Origin, ...]]:
    """All questions below `folder`/reader, none twice, and where they come from.

    Raises NotFound where no file is there, InputError for a file that cannot be read.
    """
    found: dict[str, Question] = {}
    origins: list[Origin] = []
    titles: set[str] = set()
    for source, licence in FILES.items():
        path = folder / "reader" / f"{source}.jsonl.gz"
        if not path.is_file():
            continue
        data = path.read_bytes()
        before = len(found)
        known = frozenset(titles)
        for line in _lines(data, path):
            if source == "squad1" and line.title in known:
                continue  # 2.0 has these articles with questions that have no answer beside them; mixing would change the balance
            titles.add(line.title)
            key = hashlib.sha256(f"{' '.join(words(line.question))} | {' '.join(words(line.context))}".encode()).hexdigest()
            if (first := found.get(key)) is None:
                found[key] = _question(line, source, key)
            elif first.source == source and first.answers and line.answers:
                found[key] = first._replace(answers=tuple(dict.fromkeys((*first.answers, *line.answers))))
        origins.append(
            Origin(
                name=NAMES[source],
                licence=licence,
                rows=len(found) - before,
                sha256=hashlib.sha256(data).hexdigest(),
                note="questions about articles that the sources above do not have" if source == "squad1" and before else "",
            )
        )
    if not found:
        raise NotFound(f"no questions in {folder / 'reader'}", fix=f"it should hold {', '.join(f'{name}.jsonl.gz' for name in FILES)}")
    return list(found.values()), tuple(origins)


def _lines(data: bytes, path: Path) -> Iterable[_Line]:
    decoder = msgspec.json.Decoder(_Line)
    try:
        for line in gzip.decompress(data).split(b"\n"):
            if line.strip():
                yield decoder.decode(line)
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="fetch it again, or remove it") from None


def _question(line: _Line, source: str, key: str) -> Question:
    kind = "policy" if source == "policyqa" else "squad"
    counted = Counter(answer.strip() for answer in line.answers if answer.strip())
    answers = tuple(sorted(counted, key=lambda answer: (-counted[answer], len(answer), answer)))
    return Question(line.id or f"{kind}-{key[:12]}", line.question.strip(), line.context, answers, f"{kind}:{line.title}", source)


def is_policy(question: Question) -> bool:
    return question.source == "policyqa"


def deal(questions: Sequence[Question], seed: int) -> dict[str, Part]:
    """Which part each group belongs to: articles of SQuAD 2.0 and sites are held back, everything else is trained on."""
    parts: dict[str, Part] = {}
    for question in questions:
        parts[question.group] = "train"
    articles = sorted({question.group for question in questions if question.source == "squad2"})
    random.Random(f"articles {seed}").shuffle(articles)  # noqa: S311
    held, dev = (HELD_ARTICLES, DEV_ARTICLES) if len(articles) > HELD_ARTICLES + DEV_ARTICLES else (1, 1)
    for place, article in enumerate(articles[: held + dev]):
        parts[article] = "held" if place < held else "dev"
    sites = Counter(question.group for question in questions if is_policy(question))
    order = sorted(sites)
    random.Random(f"sites {seed}").shuffle(order)  # noqa: S311
    total = sites.total()
    shares: tuple[tuple[Part, float], ...] = (("held", HELD_SITES), ("dev", DEV_SITES))
    for part, share in shares:
        room = (share + 0.03) * total
        for site in order:
            if parts[site] == "train" and sites[site] <= room and room > 0.03 * total:
                parts[site] = part
                room -= sites[site]
    return parts


def by_part(questions: Iterable[Question], parts: Mapping[str, Part]) -> dict[Part, list[Question]]:
    found: dict[Part, list[Question]] = {part: [] for part in PARTS}
    for question in questions:
        found[parts[question.group]].append(question)
    return found


def locate(question: Question, passage: str | None = None) -> tuple[Span, ...]:
    """Where the accepted answers stand; of several places the one whose sentence shares most words with the question, then the first."""
    text = question.passage if passage is None else passage
    asked = set(content_words(question.question))
    bounds = sentences(text)
    found: list[Span] = []
    for answer in question.answers:
        places = [match.start() for match in re.finditer(_whole(answer), text)]
        if not places and text == question.passage:  # the annotators' answer begins or ends inside a word
            places = [place] if (place := text.find(answer)) >= 0 else []
        if places:
            found.append(Span(answer, max(places, key=lambda place: (_shared(text, bounds, place, asked), -place))))
    return tuple(found)


def _whole(answer: str) -> str:
    left = r"(?<!\w)" if answer[0].isalnum() else ""
    right = r"(?!\w)" if answer[-1].isalnum() else ""
    return left + re.escape(answer) + right


def _shared(text: str, bounds: Sequence[tuple[int, int]], place: int, asked: set[str]) -> int:
    sentence = next((text[start:end] for start, end in bounds if start <= place < end), "")
    return len(asked & set(content_words(sentence)))


def may_answer(answers: Iterable[str], passage: str) -> bool:
    """Whether a passage might hold an answer: an accepted one stands in it, or most of the words of a longer one do."""
    folded = f" {' '.join(words(passage))} "
    inside = set(content_words(passage))
    for answer in answers:
        if f" {' '.join(words(answer))} " in folded or fold(answer) in fold(passage):
            return True
        meant = set(content_words(answer))
        if len(meant) > 2 and len(meant & inside) >= 0.8 * len(meant):
            return True
    return False
