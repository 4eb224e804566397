from groundwork.core.reply import Usage
from groundwork.core.units import Money
from groundwork.gateway import prices
from groundwork.gateway.config import PriceSection


def test_a_price_is_per_million_tokens() -> None:
    assert prices.Price(2.0, 10.0).of(Usage(input_tokens=500_000, output_tokens=100_000)) == 2.0


def test_an_unknown_model_has_no_price() -> None:
    assert prices.price_of("somebody's-model", None) is None


def test_the_list_is_dated_and_a_price_of_ones_own_comes_first() -> None:
    own = PriceSection(input=Money.parse("1 USD"), output=Money.parse("2 USD"))
    assert prices.price_of("gpt-4o-mini", None) == prices.shipped().models["gpt-4o-mini"]
    assert prices.price_of("gpt-4o-mini", own) == prices.Price(1.0, 2.0)
    assert prices.version().startswith(f"{prices.shipped().as_of}:")
    assert prices.shipped().source.startswith("https://")
    assert all(0 < price.input <= price.output for price in prices.shipped().models.values())
