import random
from typing import Any

import pytest

from groundwork.core.errors import ConfigError, InputError
from groundwork.evaluate.scorers.lexical import corpus, sacrebleu
from tests.evaluate.scorers.asking import ask

CAT = "the cat sat on the mat"


@pytest.mark.parametrize(
    ("name", "answer", "reference", "settings", "value"),
    [
        ("edit", "kitten", "sitting", {}, 1 - 3 / 7),
        ("edit", "PARIS", "paris", {}, 0),
        ("edit", "PARIS", "paris", {"fold_case": True}, 1),
        ("edit", "", "abc", {}, 0),
        ("fuzzy", "York New", "new york", {"how": "token_sort"}, 1),
        ("fuzzy", "the york", "the york times", {"how": "partial"}, 1),
        ("fuzzy", "b a b", "a b", {"how": "token_set"}, 1),
        ("bleu", CAT, CAT, {}, 100),
        # precisions 5/6, 3/5, 1/4, and none of three, smoothed to 1/6; no brevity penalty
        ("bleu", "the cat is on the mat", CAT, {}, 100 * (5 / 6 * 3 / 5 * 1 / 4 * 1 / 6) ** 0.25),
        ("bleu", "", CAT, {}, 0),
        # precisions 1 and 1, recalls 2/3 and 1/2: F2 of their means
        ("chrf", "ab", "abc", {}, 100 * 5 * (7 / 12) / (4 + 7 / 12)),
        ("ter", "a b c d", "a b x d", {}, 25),
        ("ter", "c d a b", "a b c d", {}, 25),
        ("ter", "a b c d e f", "a b", {}, 200),
        ("rouge1", "the cat lay", CAT, {}, 4 / 9),
        ("rouge1", "the cat lay", CAT, {"part": "precision"}, 2 / 3),
        ("rouge1", "the cat lay", CAT, {"part": "recall"}, 2 / 6),
        ("rouge2", "the cat lay", CAT, {}, 2 / 7),
        ("rougeL", "cat the mat lay", CAT, {}, 2 * 3 / (4 + 6)),
        ("rouge1", "cats", "cat", {"stem": True}, 1),
        ("rougeLsum", "one two\nthree four", "three four\none two", {}, 1),
    ],
)
async def test_metrics_have_the_values_worked_out_by_hand(
    name: str, answer: str, reference: str, settings: dict[str, Any], value: float
) -> None:
    assert (await ask(name, answer, reference=reference, settings=settings)).value == pytest.approx(value, abs=1e-9)


async def test_several_references_are_taken_as_each_metric_defines_it() -> None:
    texts = ["a b c", "x y z"]
    assert (await ask("rougeL", "x y z", text=texts)).value == 1
    assert (await ask("bleu", "a b x y", text=texts)).value > (await ask("bleu", "a b x y", text=texts[:1])).value  # type: ignore[operator]


async def test_a_setting_that_the_library_does_not_know_is_an_error() -> None:
    found = await ask("bleu", "a", reference="a", settings={"tokenize": "no-such"})
    assert found.status == "error"
    assert "no-such" in found.detail
    with pytest.raises(ConfigError, match="does not take"):
        sacrebleu("chrf", colour=1)


def test_a_corpus_is_not_the_mean_of_its_sentences() -> None:
    answers, references = ["the cat is on the mat", "dogs bark"], [[CAT], ["dogs bark loudly"]]
    both = corpus("bleu", answers, references, effective_order=True)
    means = sum(corpus("bleu", [one], [other], effective_order=True) for one, other in zip(answers, references, strict=True)) / 2
    assert both != pytest.approx(means)


@pytest.mark.parametrize(("answers", "references"), [([], []), (["a"], []), (["a", "b"], [["a"], ["b", "c"]]), (["a"], [[]])])
def test_a_corpus_of_another_shape_is_refused(answers: list[str], references: list[list[str]]) -> None:
    with pytest.raises(InputError, match="held together"):
        corpus("ter", answers, references)


async def test_scorers_say_what_the_libraries_say() -> None:
    from rouge_score.rouge_scorer import RougeScorer
    from sacrebleu import sentence_bleu, sentence_chrf, sentence_ter

    draw = random.Random(7)
    words = ["the", "cat", "sat", "on", "a", "mat", ",", "dog", "ran", "'s", "U.S.", "12,5", "über"]
    rouge = RougeScorer(["rouge1", "rouge2", "rougeL", "rougeLsum"], use_stemmer=False)
    for _ in range(25):
        said, wanted = (" ".join(draw.choices(words, k=draw.randint(1, 12))) for _ in range(2))
        theirs = {"bleu": sentence_bleu(said, [wanted]).score, "chrf": sentence_chrf(said, [wanted]).score}
        theirs |= {"ter": sentence_ter(said, [wanted]).score}
        theirs |= {kind: found.fmeasure for kind, found in rouge.score(wanted, said).items()}
        for name, value in theirs.items():
            assert (await ask(name, said, reference=wanted)).value == pytest.approx(value, abs=1e-6), (name, said, wanted)
