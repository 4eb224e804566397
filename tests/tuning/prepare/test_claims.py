import random

import pytest

from groundwork.tuning.prepare.claims import Alike, Claim, claims_of, edited, other_answer, reworded, shape, shortened
from groundwork.tuning.prepare.edits import Article, article_of

PASSAGE = (
    "The army of Robert Guiscard reached Sicily in 1061 with 300 ships. It won. "
    "The castle of Rouen (see below) was not built before Normandy was taken from the Franks. "
    "However, the early kings of Norway, who were rich, sold the large island to Scotland for 8,000 marks."
)
ARTICLE = article_of([PASSAGE, "Men from Apulia and from Brittany came in 1099, and from Anjou in 1204."])
ANY = Alike(None)


def whole(sentence: str, document: str = "") -> Claim:
    document = document or f"Here it begins. {sentence} Here it ends."
    start = document.index(sentence)
    return Claim(sentence, document, start, start + len(sentence), "sentence")


@pytest.mark.parametrize("edit", ["name", "number", "antonym", "negation", "swap"])
def test_four_pairs_differ_in_the_same_place(edit: str) -> None:
    made = 0
    for seed in range(8):
        rng = random.Random(seed)
        for claim in claims_of(PASSAGE, rng):
            four = edited(claim, edit, ARTICLE, ANY, rng)
            if four is None:
                continue
            made += 1
            assert four.claim == claim.text
            assert four.document == PASSAGE
            assert four.claim != four.other_claim
            assert four.document != four.other_document
            before, after = PASSAGE[: claim.start], PASSAGE[claim.end :]
            assert four.other_document.startswith(before)
            assert four.other_document.endswith(after)
            if claim.how == "sentence":
                assert four.other_claim in four.other_document
                assert four.other_claim not in four.document
                assert four.claim not in four.other_document
    assert made


def test_each_edit() -> None:
    rng = random.Random(0)
    four = edited(whole("The large army of Anjou came in 1099 to Apulia."), "number", Article((), ("1099", "1204", "7")), ANY, rng)
    assert four is not None
    assert four.other_claim == "The large army of Anjou came in 1204 to Apulia."
    four = edited(whole("The large army of Anjou came in 1099 to Apulia."), "antonym", ARTICLE, ANY, rng)
    assert four is not None
    assert four.other_claim == "The small army of Anjou came in 1099 to Apulia."
    four = edited(whole("The castle was not built there by the duke."), "negation", ARTICLE, ANY, rng)
    assert four is not None
    assert four.other_claim == "The castle was built there by the duke."
    four = edited(whole("The castle was built there by the duke."), "negation", ARTICLE, ANY, rng)
    assert four is not None
    assert four.other_claim == "The castle was not built there by the duke."
    four = edited(whole("The army of Anjou came from the south to Apulia."), "swap", ARTICLE, ANY, rng)
    assert four is not None
    assert four.other_claim == "The army of Apulia came from the south to Anjou."


@pytest.mark.parametrize(
    ("sentence", "edit"),
    [
        ("The armies of Anjou and Apulia came from the south.", "swap"),
        ("The road lies between Anjou in the north and Apulia.", "swap"),
        ("The army of Anjou came from the south to find Anjou.", "name"),
        ("There was nobody in the castle at night.", "number"),
        ("The large and small castles were taken by night.", "antonym"),
        ("The duke came back to the castle at night.", "negation"),
        ("The duke came back to the castle at night.", "name"),
    ],
)
def test_what_would_stay_true_or_unclear_is_left_alone(sentence: str, edit: str) -> None:
    assert edited(whole(sentence), edit, ARTICLE, ANY, random.Random(0)) is None


def test_shortened_sentences_say_less_and_nothing_else() -> None:
    assert shortened("The castle (see below) was built, which took years.") == "The castle was built."
    assert shortened("However, the kings, who were rich, sold it.") == "The kings sold it."
    assert shortened("The castle was built.") == "The castle was built."


def test_claims_can_stand_alone() -> None:
    found = claims_of(PASSAGE, random.Random(0))
    assert found
    assert not any(claim.text.startswith(("It ", "However")) for claim in found)
    assert {claim.how for seed in range(20) for claim in claims_of(PASSAGE, random.Random(seed))} >= {"sentence", "shortened"}


def test_words_of_the_same_meaning() -> None:
    said = {reworded("It was founded due to approximately many people.", random.Random(seed)) for seed in range(20)}
    assert "It was founded because of about many people." in said
    assert "It was founded due to approximately many people." in said


@pytest.mark.parametrize(
    ("answer", "kind"),
    [("1066", "year"), ("June 7", "date"), ("80%", "share"), ("about 300", "number"), ("Ada", "name"), ("by hand", "phrase")],
)
def test_shape(answer: str, kind: str) -> None:
    assert shape(answer) == kind


def test_another_answer_is_of_the_same_kind() -> None:
    rng = random.Random(0)
    assert other_answer("1066", "When?", ["1066", "by hand", "1204", "Ada"], ANY, rng) == "1204"
    assert other_answer("1066", "Was it before 1204?", ["1204"], ANY, rng) is None
    assert other_answer("Ada", "Who?", ["Ada Lovelace"], ANY, rng) is None
