"""What tokens cost: a shipped list with its date and source, overridden by the configuration. An unknown price is None, never 0."""

from functools import cache
from importlib import resources

import msgspec

from groundwork.core.ids import hash_of
from groundwork.core.reply import Usage
from groundwork.gateway.config import PriceSection


class Price(msgspec.Struct, frozen=True):
    """US dollars per million tokens."""

    input: float
    output: float

    def of(self, usage: Usage) -> float:
        """US dollars for some usage."""
        return (usage.input_tokens * self.input + usage.output_tokens * self.output) / 1e6


class PriceList(msgspec.Struct, frozen=True):
    """The shipped list."""

    as_of: str
    source: str
    unit: str
    note: str
    models: dict[str, Price]


FREE = Price(0.0, 0.0)


@cache
def shipped() -> PriceList:
    return msgspec.json.decode(resources.files("groundwork.gateway").joinpath("prices.json").read_bytes(), type=PriceList)


@cache
def version() -> str:
    """Names the list in every trace, so that a cost can be recomputed."""
    return f"{shipped().as_of}:{hash_of(shipped())[:12]}"


def price_of(model: str, override: PriceSection | None) -> Price | None:
    """The price of a provider's model, None where nobody has said one."""
    if override is not None:
        return Price(override.input.dollars, override.output.dollars)
    return shipped().models.get(model)
