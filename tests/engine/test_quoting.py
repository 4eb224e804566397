"""The offline quoting reader: verbatim spans, or none."""

from collections.abc import AsyncIterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.engine.batching import Batcher
from groundwork.engine.quoting import Features, Passage, Quoter, Reading, Weights

BACKUPS = (
    "A full backup runs every Sunday at two in the morning. Backups are kept for ninety days, then they are deleted.\n\n"
    "Only the operations team may restore a backup. A restore takes about forty minutes."
)
TOWER = "The lighthouse at Cape Orrin is 47 metres high. It was built in 1868 and lit with whale oil."
PASSAGES = (Passage(BACKUPS, "Backups > Schedule", 0.55), Passage(TOWER, "The lighthouse", 0.5))


class Words:
    """An embedder that is right by construction: a vector counts words, hashed."""

    fingerprint = "words"
    dimensions = 64

    def __init__(self, *, refuses: bool = False) -> None:
        self.refuses = refuses
        self.longest = 0

    async def embed(self, texts: Sequence[str], /):
        if self.refuses:
            raise InputError("a text is longer than the window", fix="cut it")
        self.longest = max(self.longest, *map(len, texts))
        rows = np.full((len(texts), self.dimensions), 0.01, dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in text.lower().split():
                row[sum(word.encode()) % self.dimensions] += 1
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


@pytest.fixture
async def reader() -> AsyncIterator[Quoter]:
    batcher = Batcher()
    yield Quoter(batcher)
    await batcher.close()


def texts(reading: Reading, passages: Sequence[Passage] = PASSAGES) -> list[str]:
    return [passages[quote.passage].text[quote.start : quote.end] for quote in reading.quotes]


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("How long are backups kept?", "Backups are kept for ninety days, then they are deleted."),
        ("How high is the lighthouse at Cape Orrin?", "The lighthouse at Cape Orrin is 47 metres high."),
        ("When was the lighthouse built?", "It was built in 1868 and lit with whale oil."),
        ("Who may restore a backup?", "Only the operations team may restore a backup."),
    ],
)
async def test_a_fact_is_quoted_verbatim(reader: Quoter, question: str, quoted: str) -> None:
    reading = await reader.read(question, PASSAGES)
    assert reading.kind == "quote"
    assert texts(reading)[0] == quoted
    assert len(reading.quotes) <= 2
    assert reading.quotes[0].score >= reading.quotes[-1].score
    assert reading.support >= reader.weights.support


@pytest.mark.parametrize("question", ["flurble grommit zzyx", "What is the capital of Peru?", "Who won the cup in 1998?", "?", ""])
async def test_what_the_passages_do_not_hold_is_not_answered(reader: Quoter, question: str) -> None:
    far = tuple(passage._replace(similarity=0.05) for passage in PASSAGES)
    reading = await reader.read(question, far)
    assert (reading.kind, reading.quotes) == ("abstain", ())
    assert reading.why


async def test_explanations_get_passages_and_nonsense_gets_none_even_so(reader: Quoter) -> None:
    reading = await reader.read("Why are backups kept for ninety days?", PASSAGES)
    assert reading.kind == "passages"
    assert texts(reading) == [BACKUPS, TOWER]
    far = tuple(passage._replace(similarity=0.02) for passage in PASSAGES)
    assert (await reader.read("Why does the flurble grommit?", far)).kind == "abstain"


async def test_other_languages_get_passages_or_an_abstention(reader: Quoter) -> None:
    reading = await reader.read("Wie lange werden die Backups aufbewahrt?", PASSAGES * 3)
    assert (reading.kind, len(reading.quotes)) == ("passages", 3)
    assert "English" in reading.why
    assert (await reader.read("Wie lange werden die Backups aufbewahrt?", ())).kind == "abstain"


@pytest.mark.parametrize(
    "passages", [(), (Passage("", "", None),), (Passage(" \n\n ", "Title", 0.9),), (Passage("Two words.", "Title", 0.9),)]
)
async def test_nothing_to_read_is_an_abstention(reader: Quoter, passages: Sequence[Passage]) -> None:
    assert (await reader.read("How long are backups kept?", passages)).kind == "abstain"


async def test_numbers_and_bullets_of_a_list_are_no_part_of_a_quote(reader: Quoter) -> None:
    text = (
        "The rules:\n1. Backups are kept for ninety days.\n- Restores take about forty minutes.\n(3) Keys are changed every single month."
    )
    passages = (Passage(text, "Rules", 0.6),)
    for question, quoted in (
        ("How long are backups kept?", "Backups are kept for ninety days."),
        ("How long do restores take?", "Restores take about forty minutes."),
        ("How often are keys changed?", "Keys are changed every single month."),
    ):
        assert texts(await reader.read(question, passages), passages)[0] == quoted


async def test_a_passage_with_markup_keeps_its_characters(reader: Quoter) -> None:
    text = "Backups — “full” ones — are kept for ninety\n   days 🗄️, then deleted. Nothing else is said here today."
    passages = (Passage(text, "Backups", 0.6),)
    assert texts(await reader.read("How long are backups kept?", passages), passages)[0] == text.split(". ", maxsplit=1)[0] + "."


async def test_a_huge_passage_is_read_within_bounds() -> None:
    embedder = Words()
    text = (
        ("Rows of a page are kept in order by their key and nothing else matters. " * 3_000)
        + "Backups are kept for ninety days. "
        + "X" * 50_000
        + " is it."
    )
    passages = (Passage(text, "Rows", 0.6),)
    reading = await Quoter(embedder).read("How long are backups kept?", passages)
    assert texts(reading, passages)[0] == "Backups are kept for ninety days."
    assert embedder.longest <= 250


async def test_the_same_sentence_twice_is_one_candidate() -> None:
    ranked = await Quoter(Words()).rank("How long are backups kept?", (*PASSAGES, *PASSAGES))
    sentences = [((*PASSAGES, *PASSAGES)[quote.passage].text[quote.start : quote.end]) for quote in ranked]
    assert len(sentences) == len(set(sentences)) == 6
    assert ranked == sorted(ranked, key=lambda quote: -quote.score)


async def test_where_nothing_can_be_embedded_words_decide() -> None:
    reading = await Quoter(Words(refuses=True)).read("How long are backups kept?", PASSAGES)
    assert texts(reading)[0] == "Backups are kept for ninety days, then they are deleted."


async def test_the_threshold_decides_and_a_second_quote_has_to_come_near() -> None:
    asked = "How long are backups kept?"
    assert (await Quoter(Words(), Weights(support=1.9)).read(asked, PASSAGES)).kind == "abstain"
    assert len((await Quoter(Words(), Weights(second=1.01)).read(asked, PASSAGES)).quotes) == 1
    assert len((await Quoter(Words(), Weights(second=0.0)).read(asked, PASSAGES)).quotes) == 2


def test_a_number_that_is_asked_for_counts() -> None:
    features = Features(cosine=0.5, words=0.5, heading=0.0, number=1.0, passage=0.5, context=0.4)
    assert Weights().score(features) - Weights().score(features._replace(number=0.0)) == pytest.approx(Weights().number)
    assert features.support == pytest.approx(0.9)


@settings(max_examples=60)
@given(question=st.text(max_size=80), bodies=st.lists(st.text(max_size=300), max_size=4))
async def test_whatever_is_asked_quotes_are_spans_of_their_passages(question: str, bodies: list[str]) -> None:
    passages = [Passage(body, "Heading", 0.9) for body in bodies]
    reading = await Quoter(Words(), Weights(support=0.0)).read(question, passages)
    for quote in reading.quotes:
        assert 0 <= quote.start <= quote.end <= len(passages[quote.passage].text)
        if reading.kind == "quote":
            assert passages[quote.passage].text[quote.start : quote.end].strip()


async def test_passages_found_by_words_alone_are_quoted_too(reader: Quoter) -> None:
    """A search by terms computes no cosine of question and passage."""
    passages = [passage._replace(similarity=None) for passage in PASSAGES]
    reading = await reader.read("How long are backups kept?", passages)
    assert "Backups are kept for ninety days, then they are deleted." in texts(reading, passages)
    assert (await reader.read("Which eviction policies does the broker offer?", passages)).kind == "abstain"
