import pytest

from groundwork.datasets.synthesise import Source, questions_of, quote_finder, synthesise
from groundwork.datasets.verbs import learn_verbs
from groundwork.engine.encoder import Encoder, Vectors
from groundwork.engine.quoting import Quoter

VERBS = learn_verbs(
    [
        "to found it, to found that, founded, to write, to contain more and to contain, it contained, to found, to hold, to make. to discover it",
        "he had to discover it, and discovered it. to lead",
    ]
)


@pytest.mark.parametrize(
    ("sentence", "question", "answer", "rule"),
    [
        ("Ada Lovelace wrote the first program for a machine.", "Who wrote the first program for a machine?", "Ada Lovelace", "subject"),
        ("The Royal Society was founded by twelve people.", "What was founded by twelve people?", "Royal Society", "subject"),
        ("The town was founded by monks in 1130.", "When was the town founded by monks?", "1130", "year"),
        ("In 1774, Joseph Priestley discovered the gas.", "When did Joseph Priestley discover the gas?", "1774", "year"),
        ("The treaty was made with the king in Caen.", "Where was the treaty made with the king?", "Caen", "place"),
        ("The old county has 53 parishes.", "How many parishes does the old county have?", "53", "count"),
        ("The library contains over 19,000 items from Asia.", "How many items does the library contain from Asia?", "over 19,000", "count"),
        (
            "A monad is a simple substance without parts, says Leibniz.",
            "What is a monad?",
            "a simple substance without parts",
            "definition",
        ),
    ],
)
def test_a_sentence_becomes_a_question(sentence: str, question: str, answer: str, rule: str) -> None:
    passage = f"Before it stood another sentence here. {sentence}"
    found = {one.rule: one for one in questions_of(passage, VERBS)}
    assert found[rule].question == question
    assert passage[found[rule].start : found[rule].end] == answer


@pytest.mark.parametrize(
    "sentence",
    [
        "It was founded there by monks in 1130.",
        "Henry founded the abbey, which was closed in 1540.",
        "The abbey was founded in 1130 and again in 1140.",
        'Some say "the town was founded in 1130".',
        "Was the town founded in 1130?",
        "In the",
        "",
    ],
)
def test_what_a_rule_would_get_wrong_is_left_alone(sentence: str) -> None:
    assert questions_of(sentence, VERBS) == []


SOURCES = [
    Source("The town was founded by monks in 1130. It grew.", "town", "CC BY-SA 4.0"),
    Source("The old county has 53 parishes. Some are old.", "county", "MIT"),
    Source("The old county has 54 parishes. All are old.", "county", "MIT"),
]


async def test_rows_carry_their_source_and_what_is_asked_twice_with_two_answers_is_left_out() -> None:
    made = await synthesise(SOURCES, verbs=VERBS)
    assert (made.made, made.doubled, made.not_found) == (3, 2, 0)
    (row,) = made.rows
    assert (row.group, row.kind) == ("town", "synthetic.year")
    assert row.passage[row.answers[0].start :].startswith("1130")
    assert [(origin.licence, origin.rows) for origin in made.origins] == [("CC BY-SA 4.0", 1)]
    assert (await synthesise(SOURCES, verbs=VERBS)).rows == made.rows


async def test_only_what_is_found_back_stays() -> None:
    async def nothing(question: str, passage: str) -> list[tuple[int, int]]:
        return []

    async def elsewhere(question: str, passage: str) -> list[tuple[int, int]]:
        return [(0, 4), (passage.index("1130"), passage.index("1130") + 4)]

    async def right(question: str, passage: str) -> list[tuple[int, int]]:
        return [(passage.index("1130") - 1, passage.index("1130") + 4)]

    for find, rows in ((nothing, 0), (elsewhere, 0), (right, 1)):
        made = await synthesise(SOURCES[:1], verbs=VERBS, find=find)
        assert (len(made.rows), made.not_found) == (rows, 1 - rows)


class Embedder:
    fingerprint, dimensions = "test", 384

    def __init__(self) -> None:
        self.encoder = Encoder()

    async def embed(self, texts: list[str]) -> Vectors:
        return self.encoder.encode(texts)


async def test_the_quoting_engine_makes_the_round_trip() -> None:
    made = await synthesise(SOURCES[:1], verbs=VERBS, find=quote_finder(Quoter(Embedder())))
    assert len(made.rows) == 1
