import pytest

from groundwork.core.claims import Claim, claims_of


@pytest.mark.parametrize(
    ("answer", "claims"),
    [
        ("", []),
        ("The tower is high. [1]", [Claim("The tower is high.", (1,))]),
        (
            "The tower is high [1, 3]. It was built of stone [2][1].",
            [Claim("The tower is high.", (1, 3)), Claim("It was built of stone.", (2, 1))],
        ),
        ("“It was lit. Whale oil was burnt.” [2]", [Claim("“It was lit Whale oil was burnt.”", (2,))]),
        ("_Quoted by the offline reader._\nThe tower is 47 metres high.", [Claim("The tower is 47 metres high.", ())]),
        ("Yes, indeed. (See the other page for more.)", []),
    ],
)
def test_claims_are_sentences_with_what_they_cite(answer: str, claims: list[Claim]) -> None:
    assert claims_of(answer) == claims
