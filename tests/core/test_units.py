import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.units import Duration, Money, Quantity, Secret, SecretURL, Size, without_password


@pytest.mark.parametrize(
    ("kind", "text", "number"),
    [
        (Duration, "250ms", 0.25),
        (Duration, "10s", 10.0),
        (Duration, "5m", 300.0),
        (Duration, "5min", 300.0),
        (Duration, "1h", 3_600.0),
        (Duration, "30d", 2_592_000.0),
        (Duration, "1 day", 86_400.0),
        (Duration, " 1.5 s ", 1.5),
        (Size, "512kB", 512_000.0),
        (Size, "64KB", 64_000.0),
        (Size, "1MB", 1_000_000.0),
        (Size, "2GiB", 2_147_483_648.0),
        (Size, "1_000_000B", 1_000_000.0),
        (Size, "1,500kB", 1_500_000.0),
        (Money, "0.15 USD", 0.15),
        (Money, "3usd", 3.0),
    ],
)
def test_a_quantity_is_a_number_with_its_unit(kind: type[Quantity], text: str, number: float) -> None:
    quantity = kind.parse(text)
    assert quantity.number == pytest.approx(number)
    assert str(quantity) == text
    assert kind.parse(str(quantity)) == quantity


@pytest.mark.parametrize(
    "value", [10, 10.5, "10", "", "s", "ten s", "-1s", "1s2", "1 s s", "1,5s", "1__0s", "1e3s", True, None, ["1s"], "∞s"]
)
def test_a_bare_number_is_refused_and_shown_how(value: object) -> None:
    with pytest.raises(ValueError, match="needs a number with its unit, like '10s'"):
        Duration.parse(value)


@pytest.mark.parametrize(
    ("kind", "text", "known"), [(Duration, "10 parsecs", "ms, s, m, min"), (Size, "10s", "kb, mb"), (Money, "3 EUR", "usd")]
)
def test_another_unit_is_refused_with_those_there_are(kind: type[Quantity], text: str, known: str) -> None:
    with pytest.raises(ValueError, match="unknown unit") as error:
        kind.parse(text)
    assert known in str(error.value)


def test_a_number_beyond_all_bounds_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        Size.parse("9" * 400 + "B")


def test_quantities_are_equal_by_number_and_kind() -> None:
    assert Duration.parse("60s") == Duration.parse("1min")
    assert len({Duration.parse("60s"), Duration.parse("1min"), Duration.parse("61s")}) == 2
    assert Duration(1.0) != Size(1.0)
    assert Duration(1.0) != 1.0


@given(st.integers(0, 10**9), st.sampled_from(sorted(Duration.units)))
def test_a_duration_is_number_times_unit(number: int, unit: str) -> None:
    for text in (f"{number}{unit}", f"{number} {unit.upper()}", f"{number:_}{unit}", f"{number:,}{unit}"):
        assert Duration.parse(text).number == pytest.approx(number * Duration.units[unit])


def test_the_names_of_the_numbers() -> None:
    assert Duration.parse("1h") == Duration(3600.0)
    assert isinstance(duration := Duration.parse("2s"), Duration)
    assert duration.seconds == 2.0
    assert isinstance(size := Size.parse("1.5kB"), Size)
    assert size.bytes == 1_500
    assert isinstance(money := Money.parse("2 USD"), Money)
    assert money.dollars == 2.0


def test_a_secret_is_the_name_of_a_variable() -> None:
    secret = Secret.parse("env:OPENAI_API_KEY")
    assert (secret.variable, str(secret)) == ("OPENAI_API_KEY", "env:OPENAI_API_KEY")
    assert secret == Secret("OPENAI_API_KEY")
    assert len({secret, Secret("OPENAI_API_KEY"), Secret("B")}) == 2


@pytest.mark.parametrize(
    "value", ["sk-pasted-1234567890", "env:", "env:sk-pasted-1234567890", "env: A", "ENV:A", "$A", 7, None, ["sk-pasted"]]
)
def test_a_pasted_secret_is_refused_and_never_repeated(value: object) -> None:
    with pytest.raises(ValueError, match="named, never written") as error:
        Secret.parse(value)
    assert "pasted" not in str(error.value)


def test_neither_prints_more_than_was_written() -> None:
    assert repr(Secret("KEY")) == "Secret(env:KEY)"
    assert repr(Duration.parse("10s")) == "Duration('10s')"
    assert msgspec.json.encode([Secret("KEY"), Size.parse("1MB")], enc_hook=str) == b'["env:KEY","1MB"]'


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://me:hunter2@host:5432/db", "postgresql://me:***@host:5432/db"),
        ("postgresql://me:hunter2@more@host/db", "postgresql://me:***@host/db"),
        ("postgresql://me@host/db?password=hunter2&sslmode=require", "postgresql://me@host/db?password=***&sslmode=require"),
        ("postgresql://me@host/db?sslpassword=hunter2", "postgresql://me@host/db?sslpassword=***"),
        ("postgresql:///db?host=/run", "postgresql:///db?host=/run"),
        ("postgresql://me@host:5432/db?password=hunter2@more", "postgresql://me@host:5432/db?password=***"),
        ("hunter2", "hunter2:…"),
    ],
)
def test_an_address_is_shown_without_its_password(url: str, shown: str) -> None:
    assert without_password(url) == shown
    if "://" in url:
        held = SecretURL.parse(url)
        assert (str(held), repr(held), held.text, held.variable) == (shown, f"SecretURL({shown})", url, "")
        assert held == SecretURL.parse(url) != SecretURL.parse(f"{url}x")
        assert len({held, SecretURL.parse(url)}) == 1


def test_an_address_may_be_named_and_nothing_else() -> None:
    assert (str(SecretURL.parse("env:INDEX_URL")), SecretURL.parse("env:INDEX_URL").variable) == ("env:INDEX_URL", "INDEX_URL")
    for wrong in ("hunter2", "env:", "env:a b", 7, None):
        with pytest.raises(ValueError) as error:
            SecretURL.parse(wrong)
        assert "hunter2" not in str(error.value)
