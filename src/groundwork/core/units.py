"""Quantities that people write with their unit: durations, sizes, money. A bare number is refused, since nobody remembers its unit."""

import math
import re

_PASSWORD = re.compile(r"(?i)([?&](?:ssl)?password=)[^&]*")
_NUMBER = re.compile(r"^\s*(\d+(?:[_,]\d{3})*(?:\.\d+)?)\s*([A-Za-z%]+)\s*$")

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "day": 86400.0, "days": 86400.0}
_BYTES = {"b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000, "kib": 1_024, "mib": 1_048_576, "gib": 1_073_741_824}


class Quantity:
    """A number with the text it was written as; equal by number."""

    __slots__ = ("number", "written")
    units: dict[str, float] = {}
    example = ""

    def __init__(self, number: float, written: str = "") -> None:
        self.number = number
        self.written = written or f"{number:g}"

    @classmethod
    def parse(cls, text: object) -> "Quantity":
        """Read a quantity. Raises ValueError with a sentence that shows how to write one."""
        match = _NUMBER.match(text) if isinstance(text, str) else None
        if match is None:
            raise ValueError(f"{text!r} needs a number with its unit, like {cls.example!r}")
        factor = cls.units.get(match.group(2).lower())
        if factor is None:
            raise ValueError(f"unknown unit {match.group(2)!r} in {text!r}: use one of {', '.join(cls.units)}")
        number = float(re.sub(r"[_,]", "", match.group(1))) * factor
        if not math.isfinite(number):
            raise ValueError(f"{match.group(1)[:20]}… is too large a number")
        return cls(number, str(text))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Quantity) and type(self) is type(other) and self.number == other.number

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.number))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.written!r})"

    def __str__(self) -> str:
        return self.written


class Duration(Quantity):
    """Seconds, written `250ms`, `10s`, `5min`, `1h`, `30d`."""

    __slots__ = ()
    units = _SECONDS
    example = "10s"

    @property
    def seconds(self) -> float:
        return self.number


class Size(Quantity):
    """Bytes, written `512kB`, `1MB`, `2GiB`."""

    __slots__ = ()
    units = {name: float(factor) for name, factor in _BYTES.items()}
    example = "1MB"

    @property
    def bytes(self) -> int:
        return int(self.number)


class Money(Quantity):
    """US dollars, written `0.15 USD`."""

    __slots__ = ()
    units = {"usd": 1.0}
    example = "0.15 USD"

    @property
    def dollars(self) -> float:
        return self.number


class Secret:
    """A secret by the name of the environment variable that holds it; its value is never printed."""

    __slots__ = ("variable",)

    def __init__(self, variable: str) -> None:
        self.variable = variable

    @classmethod
    def parse(cls, text: object) -> "Secret":
        """Read `env:NAME`. Raises ValueError for anything else, a pasted secret above all (which it does not repeat)."""
        if not isinstance(text, str) or not text.startswith("env:") or not text[4:].isidentifier():
            raise ValueError("a secret is named, never written: use 'env:NAME_OF_THE_VARIABLE'")
        return cls(text[4:])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.variable == other.variable

    def __hash__(self) -> int:
        return hash(self.variable)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"

    def __str__(self) -> str:
        return f"env:{self.variable}"


class SecretURL(Secret):
    """An address that may hold a password: written out, or by the name of the environment variable that holds it. Shown without the password."""

    __slots__ = ("text",)

    def __init__(self, variable: str, text: str = "") -> None:
        super().__init__(variable)
        self.text = text

    @classmethod
    def parse(cls, text: object) -> "SecretURL":
        """Read `env:NAME` or `scheme://…`. Raises ValueError for anything else (which it does not repeat)."""
        if isinstance(text, str) and text.startswith("env:"):
            return cls(Secret.parse(text).variable)
        if not isinstance(text, str) or "://" not in text:
            raise ValueError("an address is written like 'postgresql://user@host/database', or named: 'env:NAME_OF_THE_VARIABLE'")
        return cls("", text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretURL) and (self.variable, self.text) == (other.variable, other.text)

    def __hash__(self) -> int:
        return hash((self.variable, self.text))

    def __str__(self) -> str:
        return without_password(self.text) if self.text else super().__str__()


def without_password(url: str) -> str:
    """An address with `***` in the place of its password, wherever that stands."""
    scheme, slashes, rest = url.partition("://")
    if not slashes:
        return f"{url.partition(':')[0]}:…"
    held, at, host = _PASSWORD.sub(r"\1***", rest).rpartition("@")
    user, colon, _ = held.partition(":")
    return f"{scheme}://{user}{':***' if colon else ''}{at}{host}"
