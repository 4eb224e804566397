import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError
from groundwork.core.where import Compare, Every, Not, Some, comparisons, fitted, is_date, kind_of, parse_where

FIELDS = {"product": {"text"}, "year": {"number"}, "live": {"bool"}, "published": {"date"}, "version": {"text", "number"}}


def compare(field: str, sign: str, value: object) -> Compare:
    return Compare(field=field, sign=sign, kind=kind_of(value), value=value)


def test_a_filter_becomes_a_tree() -> None:
    db, year = compare("product", "=", "db"), compare("year", ">=", 2024.0)
    assert parse_where('product = "db"') == db
    assert parse_where("product == 'db' AND year>=2024") == Every(parts=(db, year))
    assert parse_where('not product = "db" or year >= 2024') == Some(parts=(Not(part=db), year))
    assert parse_where('product = "db" and (year >= 2024 or live = true)') == Every(
        parts=(db, Some(parts=(year, compare("live", "=", True))))
    )
    assert parse_where('product != "db"') == Not(part=db)
    assert parse_where('product in ["db"]') == Some(parts=(db,))
    assert parse_where('product not in ["db", 2]') == Not(part=Some(parts=(db, compare("product", "=", 2.0))))
    assert parse_where("published < 2024-01-31") == compare("published", "<", "2024-01-31")
    assert parse_where("year = -1.5e2") == compare("year", "=", -150.0)


@pytest.mark.parametrize("text", ["", "  ", "\n"])
def test_nothing_filters_nothing(text: str) -> None:
    assert parse_where(text) is None


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("product", "is missing after `product`"),
        ("product = db", "stand in quotes"),
        ('product = "db', "never ends"),
        ('= "db"', "name of a field"),
        ('product = "db" year = 1', "`and` or `or` is missing"),
        ('(product = "db"', "`)` is missing"),
        ('product in "db"', "list in [brackets]"),
        ("product in []", "a value is missing"),
        ('product > "db"', "a number or a date"),
        ("year ~ 2024", "a glob in quotes"),
        ("published = 2024-02-31", "no day of the calendar"),
        ("year = ", "a value is missing"),
        ("and = 1", "name of a field"),
        ("year = 1; drop table document", "`;` is not known"),
        ("year = 1 --", "not known"),
        ("(" * 21 + "year = 1" + ")" * 21, "nested"),
        ("not " * 30 + "year = 1", "nested"),
        (" or ".join(["year = 1"] * 101), "100 comparisons"),
        ("year in [" + ", ".join(["1"] * 200) + "]", "100 comparisons"),
        ("x" * 2_001, "2,000"),
    ],
)
def test_what_cannot_be_read_says_where_and_what(text: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        parse_where(text)
    assert says in error.value.what
    assert error.value.param == "where"
    assert error.value.fix


@given(st.text(max_size=60) | st.lists(st.sampled_from(["a", "=", '"x"', "and", "not", "(", ")", "in", "[", "]", ",", "2024-01-31", "1", "<", "~", "'"]), max_size=12).map(" ".join))  # fmt: skip
def test_any_text_is_a_filter_or_an_error_of_ours(text: str) -> None:
    try:
        found = parse_where(text)
    except InputError:
        return
    assert (found is None) == (not text.strip())


def test_an_unknown_field_is_refused_with_the_nearest() -> None:
    where = parse_where("yeer >= 2024")
    assert where is not None
    with pytest.raises(InputError, match="unknown field `yeer`") as error:
        fitted(where, FIELDS)
    assert error.value.fix == "did you mean `year`?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('year = "2024"', "`year` is a number"),
        ("product = 5", "`product` is text"),
        ("live = 1", "`live` is true or false"),
        ("published >= 2024", "`published` is a date"),
        ("version = true", "`version` is a number or text"),
    ],
)
def test_a_value_of_a_kind_that_a_field_never_has_is_refused(text: str, says: str) -> None:
    where = parse_where(text)
    assert where is not None
    with pytest.raises(InputError, match=says):
        fitted(where, FIELDS)


def test_a_text_that_looks_like_a_date_fits_a_text() -> None:
    where = parse_where('product = "2024-01-31" and published = "2024-01-31"')
    assert where is not None
    assert [one.kind for one in comparisons(fitted(where, FIELDS))] == ["text", "date"]


def test_dates_are_days_of_the_calendar() -> None:
    assert is_date("2024-02-29")
    assert not any(is_date(text) for text in ("2023-02-29", "2024-1-1", "20240101", "2024-01-01T00:00"))
