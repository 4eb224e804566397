from groundwork.engine.encoder import SPECIAL, Encoder
from groundwork.tuning.prepare.mining import Passage, Pool, fitting, title_of

PASSAGES = [
    Passage("The engine was built by Newcomen to pump water out of mines.", "squad:Steam_engine"),
    Passage("Rhine cruises depart from Basel in the summer.", "squad:Rhine"),
    Passage("Antibodies recognise foreign molecules in the blood.", "squad:Immune_system"),
]


def test_terms_and_meaning_are_fused() -> None:
    pool = Pool([*PASSAGES, PASSAGES[0]], Encoder())
    assert len(pool.passages) == 3
    (by_terms, by_meaning) = pool.rank(["Who built the engine for mines?", "Where can I take a boat trip on a river?"])
    assert by_terms.fused[0] == by_terms.terms[0] == 0
    assert by_meaning.dense[0] == 1
    assert sorted(by_meaning.fused) == [0, 1, 2]


def test_without_an_encoder_terms_alone_are_searched() -> None:
    (ranking,) = Pool(PASSAGES, None).rank(["antibodies"])
    assert ranking == ([2], [2], [])


def test_a_title_is_found_too() -> None:
    assert Pool(PASSAGES, None).rank(["immune system"])[0].terms == [2]
    assert title_of("squad:Steam_engine") == "Steam engine"


def test_long_passages_are_read_in_pieces_that_fit() -> None:
    encoder = Encoder()
    text = " ".join(f"Sentence number {place} says that water is wet." for place in range(60)) + " " + "word" * 600
    pieces = fitting(encoder, Passage(text, "squad:Steam_engine"))
    assert len(pieces) > 2
    assert all(encoder.count(piece) <= encoder.window - SPECIAL for piece in pieces)
    assert all(piece.startswith("Steam engine\n") for piece in pieces)
    assert sum(piece.count("says that water") for piece in pieces) == 60
    pool = Pool([Passage(text, "squad:A"), PASSAGES[0]], encoder)
    assert pool.cosines(encoder.encode(["Sentence number 59 says that water is wet."])).argmax() == 0
