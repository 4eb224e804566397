"""Training sets of pairs: `reranker` (a question and a passage) and `grounding` (a claim and a document). The reader's articles are held back.

Reranker: kind `own` is the passage that a question was written for; `found` are passages that search ranks high and that hold no accepted
answer (in `dev` and `held` the ten best ranked, so that they are ranked as an application ranks them); `policy` and `policy_found` the same
for privacy policies.
Grounding: fours (see claims.py), `group` the article; kind `EDIT.FORM` names the edit (name, number, antonym, negation, swap, answer,
elsewhere) and the form of the claim (sentence, shortened, merged, statement, answered); `halueval` is what a model made up.
"""

import gzip
import hashlib
import random
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from groundwork.core.errors import InputError
from groundwork.datasets.rows import PairRow, Row
from groundwork.datasets.training import PARTS, Origin, Part, text_of
from groundwork.datasets.verbs import Verbs, learn_verbs
from groundwork.engine.encoder import Encoder
from groundwork.tuning.prepare.claims import EDITS, Alike, Claim, Four, claims_of, edited, other_answer, reworded
from groundwork.tuning.prepare.edits import Article, article_of
from groundwork.tuning.prepare.mining import Passage, Pool
from groundwork.tuning.prepare.reader import mine_policies
from groundwork.tuning.prepare.sources import NAMES, Question, by_part, deal, is_policy, locate, may_answer, read_questions
from groundwork.tuning.prepare.statements import statement

HOW = (
    "the reader's articles are held back; passages mined by BM25 and all-MiniLM-L6-v2; claims made and edited by rules, in fours so that "
    "neither the claim nor the document alone tells its label"
)
RERANKER_LIMITS = (
    "It learned from the development sets of SQuAD and PolicyQA; only the articles and the site held back tell how well it does elsewhere.",
    "Each question has one passage that is known to answer it; others may answer it too, where they do so in other words than the accepted ones.",
    "SQuAD's texts are CC BY-SA 4.0: what is built from these weights and shared should name them and be shared alike.",
)
GROUNDING_LIMITS = (
    "It learned from claims that rules made and edited, and from some hundred made-up answers; real models err in other ways.",
    "Of twenty edited claims that were read, eight read oddly and one was still true.",
    "Made-up answers (HaluEval) are longer than right ones: the claim alone tells them apart with an AUC of about .66. Edited claims do not.",
    "A document longer than its window is read in pieces; a claim that needs two pieces is not seen as supported.",
    "SQuAD's texts are CC BY-SA 4.0: what is built from these weights and shared should name them and be shared alike.",
)
"""What the cards must say of the data."""
NEGATIVES = 3
"""Passages that do not answer, beside the one that does, for each question of the training part."""
RANKED = 10
"""The same in the other parts."""
_DEEPEST = 20
FOURS: dict[Part, int] = {"train": 4500, "dev": 350, "held": 700}
SHARES = {"answer": 0.42, "name": 0.18, "number": 0.1, "antonym": 0.08, "negation": 0.08, "swap": 0.08, "elsewhere": 0.06}


def prepare_reranker(folder: Path, seed: int = 0) -> tuple[dict[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, and where they come from. Raises as `read_questions` does."""
    questions, origins = read_questions(folder)
    encoder = Encoder()
    parts: dict[Part, list[Row]] = {}
    for part, found in by_part(questions, deal(questions, seed)).items():
        rng = random.Random(f"reranker {part} {seed}")  # noqa: S311
        asked = [question for question in found if question.answers and not is_policy(question)]
        pool = Pool([Passage(question.passage, question.group) for question in found if not is_policy(question)], encoder)
        rows = _ranked(asked, pool, rng, most=NEGATIVES if part == "train" else RANKED, best=part != "train")
        policies = [question for question in found if is_policy(question)]
        rows += [_pair(question, question.passage, 1, "policy", 0) for question in policies if question.answers]
        rows += [_pair(one.question, one.passage, 0, "policy_found", one.rank) for one in mine_policies(policies, encoder, rng)]
        parts[part] = [*rows]
    return parts, origins


def _ranked(questions: Sequence[Question], pool: Pool, rng: random.Random, *, most: int, best: bool) -> list[PairRow]:
    """Each question with its passage, and with passages that search finds for it: the best ranked, or some of the first twenty."""
    rows: list[PairRow] = []
    for question, ranking in zip(questions, pool.rank([question.question for question in questions]), strict=True):
        rows.append(_pair(question, question.passage, 1, "own", 0))
        fitting = [
            (rank, pool.passages[place].text)
            for rank, place in enumerate(ranking.fused[:_DEEPEST], start=1)
            if pool.passages[place].text != question.passage and not may_answer(question.answers, pool.passages[place].text)
        ]
        chosen = fitting[:most] if best else sorted(rng.sample(fitting, min(most, len(fitting))))
        rows.extend(_pair(question, passage, 0, "found", rank) for rank, passage in chosen)
    return rows


def _pair(question: Question, passage: str, label: int, kind: str, rank: int) -> PairRow:
    identifier = f"{question.id}@{rank}" if rank else question.id
    return PairRow(id=identifier, a=question.question, b=passage, label=label, group=question.group, kind=kind)


def prepare_grounding(folder: Path, seed: int = 0) -> tuple[dict[Part, list[Row]], tuple[Origin, ...]]:
    """Rows by part, and where they come from. Raises as `read_questions` does, InputError for a file that cannot be read."""
    questions, origins = read_questions(folder)
    asked = [question for question in questions if not is_policy(question)]
    verbs = learn_verbs({question.passage for question in asked})
    encoder = Encoder()
    parts: dict[Part, list[Row]] = {}
    for part, found in by_part(asked, deal(questions, seed)).items():
        rng = random.Random(f"grounding {part} {seed}")  # noqa: S311
        parts[part] = [*claim_rows(found, FOURS[part], verbs, encoder, rng)]
    used = tuple(origin for origin in origins if origin.name != NAMES["policyqa"])
    path = folder / "guard" / "halueval_qa_oneturn.jsonl.gz"
    if path.is_file():
        made_up = _halueval(path, seed)
        for part in PARTS:
            parts[part] += made_up[part]
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        total = sum(len(rows) for rows in made_up.values())
        used += (Origin(name="HaluEval, question answering", licence="MIT", rows=total, sha256=sha256, note="knowledge from HotpotQA"),)
    return parts, used


def claim_rows(questions: Sequence[Question], fours: int, verbs: Verbs, encoder: Encoder | None, rng: random.Random) -> list[PairRow]:
    """About `fours` times four rows, by the shares of the edits where the texts allow them."""
    paragraphs: dict[str, dict[str, list[Question]]] = {}
    for question in questions:
        paragraphs.setdefault(question.group, {}).setdefault(question.passage, []).append(question)
    articles = {group: article_of(list(passages)) for group, passages in paragraphs.items()}
    claims = [(group, claim) for group, passages in paragraphs.items() for passage in passages for claim in claims_of(passage, rng)]
    alike = Alike(encoder)
    made: list[tuple[str, Four]] = []
    made += _answers(paragraphs, verbs, alike, round(fours * SHARES["answer"]), rng)
    for edit in (*EDITS, "swap"):
        made += _edits(claims, edit, articles, alike, round(fours * SHARES[edit]), rng)
    made += _elsewhere(claims, encoder, round(fours * SHARES["elsewhere"]), rng)
    rows: list[PairRow] = []
    seen: set[str] = set()
    for number, (group, four) in enumerate(made):
        found = _rows(number, group, four, rng)
        texts = {text_of(row) for row in found}
        if len(texts) == 4 and not texts & seen:  # a four stays whole, or a claim would tell its label
            seen |= texts
            rows += found
    return rows


def _rows(number: int, group: str, four: Four, rng: random.Random) -> list[PairRow]:
    state = rng.getstate()
    first = reworded(four.claim, rng)
    rng.setstate(state)
    second = reworded(four.other_claim, rng)  # the same words, for the same draws
    name = f"{group.partition(':')[2]}-{number}"
    combined = ((first, four.document, 1), (second, four.document, 0), (second, four.other_document, 1), (first, four.other_document, 0))
    return [
        PairRow(id=f"{name}.{place}", a=claim, b=document, label=label, group=group, kind=f"{four.edit}.{four.how}")
        for place, (claim, document, label) in enumerate(combined, start=1)
    ]


def _answers(
    paragraphs: dict[str, dict[str, list[Question]]], verbs: Verbs, alike: Alike, wanted: int, rng: random.Random
) -> list[tuple[str, Four]]:
    """Questions with their answer as a statement (or one behind the other), against the same with another answer of the paragraph."""
    made: list[tuple[str, Four]] = []
    for group, passages in paragraphs.items():
        article = [question.answers[0] for asked in passages.values() for question in asked if question.answers]
        for passage, asked in passages.items():
            near = [question.answers[0] for question in asked if question.answers]
            for question in asked:
                if not question.answers:
                    continue
                right = question.answers[0]
                wrong = other_answer(right, question.question, near, alike, rng) or other_answer(
                    right, question.question, article, alike, rng
                )
                if wrong is None or (other := _replaced(question, right, wrong)) is None:
                    continue
                said = [statement(question.question, answer, verbs) for answer in (right, wrong)]
                if said[0] is None or said[1] is None or rng.random() < 0.2:
                    four = Four(f"{question.question} {right}", passage, f"{question.question} {wrong}", other, "answered", "answer")
                else:
                    four = Four(said[0], passage, said[1], other, "statement", "answer")
                made.append((group, four))
    statements = [one for one in made if one[1].how == "statement"]
    answered = [one for one in made if one[1].how == "answered"]
    few = rng.sample(answered, min(len(answered), wanted // 3))
    return [*few, *rng.sample(statements, min(len(statements), wanted - len(few)))]


def _replaced(question: Question, right: str, wrong: str) -> str | None:
    """The passage with the other answer in place of the right one, wherever that stands; None where another accepted answer remains."""
    passage = re.sub(rf"(?<!\w){re.escape(right)}(?!\w)", lambda _: wrong, question.passage)
    remaining = [answer for answer in question.answers if may_answer([answer], passage)]
    return None if passage == question.passage or remaining or not locate(question) else passage


def _edits(
    claims: Sequence[tuple[str, Claim]], edit: str, articles: dict[str, Article], alike: Alike, wanted: int, rng: random.Random
) -> list[tuple[str, Four]]:
    made: list[tuple[str, Four]] = []
    for group, claim in rng.sample(claims, len(claims)):
        if len(made) >= wanted:
            break
        four = edited(claim, edit, articles[group], alike, rng)
        if four is not None:
            made.append((group, four))
    return made


def _elsewhere(claims: Sequence[tuple[str, Claim]], encoder: Encoder | None, wanted: int, rng: random.Random) -> list[tuple[str, Four]]:
    """Two claims of two paragraphs that search takes for alike: each is supported by its own paragraph only."""
    pool = Pool([Passage(claim.document, group) for group, claim in claims], encoder)
    by_document: dict[str, list[Claim]] = {}
    for _, claim in claims:
        by_document.setdefault(claim.document, []).append(claim)
    chosen = rng.sample(claims, min(len(claims), wanted))
    made: list[tuple[str, Four]] = []
    for (group, claim), ranking in zip(chosen, pool.rank([claim.text for _, claim in chosen]), strict=True):
        others = [pool.passages[place] for place in ranking.fused[:8] if pool.passages[place].text != claim.document]
        others = [passage for passage in others if passage.group == group and claim.text not in passage.text]
        if others:
            other = rng.choice(by_document[others[0].text])
            if other.text not in claim.document:
                made.append((group, Four(claim.text, claim.document, other.text, other.document, claim.how, "elsewhere")))
    return made


class _MadeUp(msgspec.Struct, frozen=True, kw_only=True):
    knowledge: str
    question: str
    right_answer: str
    hallucinated_answer: str


def _halueval(path: Path, seed: int) -> dict[Part, list[PairRow]]:
    """HaluEval's right and made-up answers, one four in ten for choosing and three for the report. Two questions of one text stay together."""
    try:
        lines = [msgspec.json.decode(line, type=_MadeUp) for line in gzip.decompress(path.read_bytes()).split(b"\n") if line.strip()]
    except (OSError, EOFError, msgspec.DecodeError) as error:
        raise InputError(f"{path} cannot be read: {error}", fix="fetch it again, or remove it") from None
    parts: dict[Part, list[PairRow]] = {part: [] for part in PARTS}
    for line in _distinct(lines):
        key = hashlib.sha256(line.knowledge.encode()).hexdigest()
        draw = random.Random(f"halueval {seed} {key}").random()  # noqa: S311
        part: Part = "held" if draw < 0.3 else "dev" if draw < 0.4 else "train"
        one = hashlib.sha256(f"{line.question}\n{line.knowledge}".encode()).hexdigest()[:12]
        for label, answer in ((1, line.right_answer), (0, line.hallucinated_answer)):
            parts[part].append(
                PairRow(
                    id=f"halueval-{one}.{label}",
                    a=f"{line.question.strip()} {answer.strip()}",
                    b=line.knowledge,
                    label=label,
                    group=f"halueval:{key[:12]}",
                    kind="halueval",
                )
            )
    return parts


def _distinct(lines: Iterable[_MadeUp]) -> list[_MadeUp]:
    found = {(line.question.casefold(), line.knowledge): line for line in lines}
    return [line for line in found.values() if line.right_answer.strip() and line.hallucinated_answer.strip()]
