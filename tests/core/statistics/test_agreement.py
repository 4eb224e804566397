import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.statistics import (
    agreement,
    cohen_kappa,
    confusion,
    fleiss_kappa,
    gwet_ac1,
    is_open,
    kappa_alarm,
    kappa_from,
    kappa_of,
    krippendorff_alpha,
)

answers = st.lists(st.tuples(st.integers(0, 2), st.integers(0, 2)), min_size=2, max_size=60)


def sides(counts: list[list[int]]) -> tuple[list[int], list[int]]:
    both = [(i, j) for i, row in enumerate(counts) for j, count in enumerate(row) for _ in range(count)]
    return [one for one, _ in both], [other for _, other in both]


def test_cohens_own_examples() -> None:
    # J. Cohen, Educational and Psychological Measurement 20 (1960), 37-46, table 1; and the weights of 1968 on two categories change nothing.
    table = [[88, 14, 18], [10, 40, 10], [2, 6, 12]]
    assert kappa_of(table).value == pytest.approx(0.492, abs=5e-4)
    assert kappa_of([[20, 5], [10, 15]], weights="quadratic").value == pytest.approx(kappa_of([[20, 5], [10, 15]]).value)


def test_the_interval_is_about_that_of_fleiss_cohen_and_everitt() -> None:
    # J. L. Fleiss, J. Cohen and B. S. Everitt (1969), table 1: kappa 0.429, standard error 0.055 of n = 200; weighted (theirs) not tested here.
    found = kappa_of([[106, 10, 4], [22, 28, 10], [2, 12, 6]])
    assert found.value == pytest.approx(0.429, abs=1e-3)
    assert (found.high - found.low) / 2 / 1.96 == pytest.approx(0.055, abs=2e-3)


@given(pairs=answers)
def test_kappa_lies_in_its_interval_and_does_not_care_who_is_first(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    found, turned = cohen_kappa(first, second), cohen_kappa(second, first)
    assert -1 <= found.low <= found.value <= found.high <= 1
    assert (found.value, found.low, found.high) == pytest.approx((turned.value, turned.low, turned.high), abs=1e-6)


@given(pairs=answers)
def test_everything_about_two_raters_fits_together(pairs: list[tuple[int, int]]) -> None:
    first, second = zip(*pairs, strict=True)
    assume(len({*first, *second}) > 1)
    found = agreement(first, second)
    assert kappa_from(found.agreement.value, *found.base_rates) == pytest.approx(found.kappa.value, abs=1e-9)
    assert not kappa_alarm(found.agreement.value, found.kappa.value, *found.base_rates)
    assert 0 <= found.bias_index <= 1
    assert 0 <= found.prevalence_index <= 1


def test_a_kappa_that_cannot_be_true_rings_a_bell() -> None:
    assert kappa_alarm(0.78, 0.547, (0.58, 0.42), (0.57, 0.43), tolerance=0.02) == ""
    assert "is a kappa of 0.551, not 0.195" in kappa_alarm(0.78, 0.195, (0.58, 0.42), (0.56, 0.44))


def test_high_agreement_on_a_rare_answer_is_explained() -> None:
    found = agreement(*sides([[118, 5], [2, 0]]))
    assert found.agreement.value == pytest.approx(0.944)
    assert found.kappa.value < 0
    assert found.ac1.value == pytest.approx(0.94, abs=0.01)  # K. L. Gwet (2008), the same table
    assert "one answer is frequent" in found.alarm
    assert "turned around" in agreement([0, 1] * 40, [1, 0] * 40).alarm
    assert agreement(*sides([[40, 10], [10, 40]])).alarm == ""


def test_full_agreement_on_few_items_is_no_certainty() -> None:
    few, many = kappa_of([[3, 0], [0, 3]]), kappa_of([[300, 0], [0, 300]])
    assert (few.value, few.high) == (1, 1)
    assert few.low < 0.5
    assert many.low > 0.97
    constant = cohen_kappa(["yes"] * 9, ["yes"] * 9)
    assert is_open(constant, "below")
    assert gwet_ac1(["yes"] * 9, ["yes"] * 9).value == 1
    assert cohen_kappa(["yes"], ["no"]).value == 0


def test_ordered_answers_weigh_by_their_distance() -> None:
    near, far = [[10, 5, 0], [5, 10, 5], [0, 5, 10]], [[10, 0, 5], [5, 10, 5], [5, 0, 10]]
    assert kappa_of(near, weights="quadratic").value > kappa_of(near, weights="linear").value > kappa_of(near).value
    assert kappa_of(near, weights="quadratic").value > kappa_of(far, weights="quadratic").value
    assert confusion([10, 9, 1], [9, 9, 1])[0] == (1, 9, 10)


def test_fleiss_own_example() -> None:
    # J. L. Fleiss (1971), as worked out in the textbooks: 14 raters, 10 items, 5 answers.
    table = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1]]
    table += [[7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    found = fleiss_kappa([[answer for answer, count in enumerate(row) for _ in range(count)] for row in table])
    assert found.value == pytest.approx(0.210, abs=5e-4)
    assert found.low < found.value < found.high
    assert fleiss_kappa([["a", "a"], ["a", "a"]]).value == 0


@pytest.mark.parametrize(("scale", "value"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_own_example(scale: str, value: float) -> None:
    # K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section E: four observers, twelve units, missing values.
    nil = None
    observers = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nil, nil, nil],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nil, 3],
        [nil, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nil],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nil],
    ]
    found = krippendorff_alpha(list(zip(*observers, strict=True)), scale=scale)
    assert found.value == pytest.approx(value, abs=1e-3)
    assert found.n == 11


@given(pairs=answers)
def test_alpha_of_two_raters_is_close_to_kappa_and_the_scale_of_two_answers_does_not_matter(pairs: list[tuple[int, int]]) -> None:
    two = [[min(one, 1), min(other, 1)] for one, other in pairs]
    nominal, ordinal, interval = (krippendorff_alpha(two, scale=scale, draws=50).value for scale in ("nominal", "ordinal", "interval"))
    assert nominal == pytest.approx(ordinal, abs=1e-9)
    assert nominal == pytest.approx(interval, abs=1e-9)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: cohen_kappa([], []),
        lambda: cohen_kappa([1], [1, 2]),
        lambda: fleiss_kappa([]),
        lambda: fleiss_kappa([[1, 2], [1]]),
        lambda: krippendorff_alpha([[1, None], [None, 2]]),
        lambda: krippendorff_alpha([["a", "b"]], scale="interval"),
    ],
)
def test_what_cannot_agree_is_refused(wrong) -> None:
    with pytest.raises(InputError):
        wrong()
