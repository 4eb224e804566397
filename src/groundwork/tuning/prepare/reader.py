"""The reader's training set: questions with a passage that answers them, and with passages that do not.

Kinds: `written` (SQuAD, as people wrote it) and `policy` (PolicyQA); `retrieved` and `policy_retrieved` (a question with a passage that search
finds and that does not answer it); `edited` (questions edited until their paragraph no longer answers them, in `train` only). In `held`,
`retrieved` is the situation of an application instead: for each question the passages that hybrid search finds among all paragraphs of the
held articles, `ID@1` the best; `retrieved_doubtful` are those of them that are not the question's own and yet contain an accepted answer, so
that nobody knows whether they answer it.
"""

import random
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from groundwork.core.text import words
from groundwork.datasets.rows import Row, Span, SpanRow
from groundwork.datasets.training import Origin, Part
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.edits import RULES, article_of
from groundwork.tuning.prepare.mining import Passage, Pool
from groundwork.tuning.prepare.sources import Question, by_part, deal, is_policy, locate, may_answer, read_questions

UNANSWERABLE = 0.47
"""Share of the training rows that have no answer."""
FOUND = 0.75
"""How much of what is added to reach that share is found by search; the rest is edited."""
KEPT = 3
"""Passages that are found for each held question."""
_POLICY = 0.28
"""Share of the unanswerable rows found by search that are about privacy policies."""
_DEEPEST = 12
"""The lowest rank, by either list, that still counts as ranked high."""
_ALIKE = 0.6
"""Two questions about a policy of at least this cosine may ask for the same thing."""
HOW = (
    "deduplicated by question and passage, then dealt by article (SQuAD) and by site (PolicyQA); hard negatives by BM25 and all-MiniLM-L6-v2; "
    "edits by rules"
)

LIMITS = (
    (
        "It learned from Wikipedia paragraphs of 36 articles and from 17 privacy policies, which are the development sets of SQuAD and PolicyQA: its "
        "figures must not be compared with published ones on those sets, except on the articles held back."
    ),
    "The policies held back are those of one site, so figures on policies say little about other sites.",
    "Of the passages that search found, those that hold an accepted answer by chance are counted apart, for nobody knows whether they answer.",
    "Edited questions are made by rules: of thirty-five that were read, three can still be answered, and some read oddly.",
    "SQuAD's texts are CC BY-SA 4.0: what is built from these weights and shared should name them and be shared alike.",
)
"""What the card must say of the data."""


class Negative(NamedTuple):
    """A passage for a question that it does not answer."""

    question: Question
    passage: str
    rank: int


def prepare_reader(folder: Path, seed: int = 0) -> tuple[dict[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, and where they come from. Raises as `read_questions` does."""
    questions, origins = read_questions(folder)
    divided = by_part(questions, deal(questions, seed))
    encoder = Encoder()
    parts: dict[Part, list[Row]] = {part: [*map(written, found)] for part, found in divided.items()}
    for part in ("train", "dev"):
        parts[part] += unanswerable(divided[part], encoder, random.Random(f"{part} {seed}"), edit=part == "train")  # noqa: S311
    held = [question for question in divided["held"] if not is_policy(question)]
    parts["held"] += found_rows(held, encoder, kept=KEPT)
    rng = random.Random(f"held {seed}")  # noqa: S311
    policies = [question for question in divided["held"] if is_policy(question)]
    mispaired = mine_policies(policies, encoder, rng)
    rng.shuffle(mispaired)
    parts["held"] += [negative_row(negative) for negative in mispaired[: len(policies)]]
    return parts, origins


def written(question: Question) -> SpanRow:
    """A question with the paragraph it was written for."""
    kind = "policy" if is_policy(question) else "written"
    return SpanRow(
        id=question.id, question=question.question, passage=question.passage, answers=locate(question), group=question.group, kind=kind
    )


def negative_row(negative: Negative) -> SpanRow:
    question = negative.question
    kind = "policy_retrieved" if is_policy(question) else "retrieved"
    return SpanRow(
        id=f"{question.id}@{negative.rank}", question=question.question, passage=negative.passage, group=question.group, kind=kind
    )


def found_rows(questions: Sequence[Question], encoder: Encoder, *, kept: int) -> list[SpanRow]:
    """For each question the best `kept` passages of all that these questions come from: the situation of an application."""
    pool = Pool([Passage(question.passage, question.group) for question in questions], encoder)
    rows: list[SpanRow] = []
    for question, ranking in zip(questions, pool.rank([question.question for question in questions]), strict=True):
        for rank, place in enumerate(ranking.fused[:kept], start=1):
            passage = pool.passages[place].text
            own = passage == question.passage
            answers: tuple[Span, ...] = locate(question, passage)
            doubtful = not own and may_answer(question.answers, passage)
            rows.append(
                SpanRow(
                    id=f"{question.id}@{rank}",
                    question=question.question,
                    passage=passage,
                    answers=answers if own or doubtful else (),
                    group=question.group,
                    kind="retrieved_doubtful" if doubtful else "retrieved",
                )
            )
    return rows


def unanswerable(questions: Sequence[Question], encoder: Encoder, rng: random.Random, *, edit: bool) -> list[SpanRow]:
    """What is added to the written questions so that the wanted share has no answer."""
    answerable = sum(1 for question in questions if question.answers)
    missing = max(0, round(answerable / (1 - UNANSWERABLE)) - len(questions))
    searched = round(missing * FOUND) if edit else max(missing, len(questions) // 4)
    policies = [question for question in questions if is_policy(question)]
    articles = [question for question in questions if not is_policy(question)]
    few = mine_policies(policies, encoder, rng)
    rng.shuffle(few)
    few = few[: round(searched * _POLICY)]
    many = mine(articles, encoder, rng)
    rows = [negative_row(negative) for negative in (*few, *many[: searched - len(few)])]
    return [*rows, *edited_rows(articles, missing - len(rows), rng)] if edit else rows


def mine(questions: Sequence[Question], encoder: Encoder, rng: random.Random) -> list[Negative]:
    """One or two passages that search finds for each question and that do not answer it; of the question's own article mostly.

    In an order in which any beginning is a fair sample: each question once, answerable ones first, then the second passages.
    """
    pool = Pool([Passage(question.passage, question.group) for question in questions], encoder)
    first: list[Negative] = []
    second: list[Negative] = []
    for question, ranking in zip(questions, pool.rank([question.question for question in questions]), strict=True):
        ranks = {place: rank for order in (ranking.dense, ranking.terms) for rank, place in enumerate(order[:_DEEPEST], start=1)}
        fitting = [
            Negative(question, pool.passages[place].text, ranking.fused.index(place) + 1)
            for place in ranks
            if pool.passages[place].text != question.passage and not may_answer(question.answers, pool.passages[place].text)
        ]
        inside = [one for one in fitting if pool.passages[pool.place[one.passage]].group == question.group]
        outside = [one for one in fitting if one not in inside]
        for chosen in (first, second):
            sort = outside if outside and (not inside or rng.random() < 0.2) else inside
            if sort:
                chosen.append(sort.pop(min(len(sort) - 1, int(rng.expovariate(0.4)))))
    rng.shuffle(first)
    rng.shuffle(second)
    return [*sorted(first, key=lambda one: not one.question.answers), *second]


def mine_policies(questions: Sequence[Question], encoder: Encoder, rng: random.Random) -> list[Negative]:
    """Questions that are asked of other policies, for passages whose annotators wrote no question like them.

    The annotators of these policies marked every practice that a paragraph speaks of, so what nobody asked of it, it does not answer.
    """
    asked: dict[str, list[str]] = {}
    for question in questions:
        asked.setdefault(question.passage, []).append(question.question)
    every = list({" ".join(words(question.question)): question for question in questions}.values())
    if len(every) < 2:
        return []
    vectors = dict(zip((texts := sorted({question.question for question in questions})), encoder.encode(texts), strict=True))
    matrix = np.stack([vectors[question.question] for question in every])
    group = {question.passage: question.group for question in questions}
    pool = Pool([Passage(passage, group[passage]) for passage in asked], encoder)
    near = pool.cosines(matrix)
    found: list[Negative] = []
    for passage, own in asked.items():
        alike = (matrix @ np.stack([vectors[text] for text in own]).T).max(axis=1)
        fitting = np.flatnonzero(alike < _ALIKE)
        order = fitting[np.argsort(-near[fitting, pool.place[passage]], kind="stable")][:40]
        for place in rng.sample(order.tolist(), min(len(own), len(order))):
            asking = every[place]._replace(answers=(), group=group[passage])
            found.append(Negative(asking._replace(id=f"{asking.id}-{pool.place[passage]}"), passage, 1))
    return found


def edited_rows(questions: Sequence[Question], wanted: int, rng: random.Random) -> list[SpanRow]:
    """At most `wanted` questions edited until their paragraph no longer answers them."""
    paragraphs: dict[str, dict[str, None]] = {}
    known: set[tuple[str, ...]] = set()
    for question in questions:
        paragraphs.setdefault(question.group, {})[question.passage] = None
        known.add((*words(question.question), question.passage))
    articles = {group: article_of(list(passages)) for group, passages in paragraphs.items()}
    answerable = [question for question in questions if question.answers]
    rows: list[SpanRow] = []
    for rule, (edit, share) in RULES.items():
        room = round(wanted * share)
        for question in rng.sample(answerable, len(answerable)):
            if room <= 0:
                break
            edited = edit(question, articles[question.group], rng)
            if edited is None or (key := (*words(edited.question), edited.passage)) in known:
                continue
            known.add(key)
            room -= 1
            rows.append(
                SpanRow(id=f"{question.id}~{rule}", question=edited.question, passage=edited.passage, group=question.group, kind="edited")
            )
    return rows
