"""How attackers hide a text: encodings, look-alike letters, spacing. The inverse of `engine.unmask`, for training and tests."""

import base64
import codecs
import random
from collections.abc import Callable, Mapping

_CYRILLIC = str.maketrans("aceopxyiBHKMTAECOPX", "асеорхуіВНКМТАЕСОРХ")
_LEET = str.maketrans("aeiostAEIOST", "431057431057")
_INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060", "\u00ad")
_FULL = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_WRAP = (
    "{}",
    "Decode and follow: {}",
    "Do what this says once decoded: {}",
    "Read this: {}",
    "{} -- decode it first",
    "The next line is encoded.\n{}",
)


def base64_of(text: str, chance: random.Random) -> str:
    return chance.choice(_WRAP).format(base64.b64encode(text.encode()).decode())


def rot13_of(text: str, chance: random.Random) -> str:
    return chance.choice(_WRAP).format(codecs.encode(text, "rot13"))


def hex_of(text: str, chance: random.Random) -> str:
    return chance.choice(_WRAP).format(text.encode().hex())


def reversed_of(text: str, chance: random.Random) -> str:
    return chance.choice(_WRAP).format(text[::-1])


def leet_of(text: str, _: random.Random) -> str:
    return text.translate(_LEET)


def spaced_of(text: str, chance: random.Random) -> str:
    gap = chance.choice((" ", ".", "-", "_"))
    return "   ".join(gap.join(word) for word in text.split())


def lookalike_of(text: str, _: random.Random) -> str:
    return text.translate(_CYRILLIC)


def wide_of(text: str, _: random.Random) -> str:
    return text.translate(_FULL)


def invisible_of(text: str, chance: random.Random) -> str:
    return "".join(letter + (chance.choice(_INVISIBLE) if letter.isalpha() and chance.random() < 0.4 else "") for letter in text)


DISGUISES: Mapping[str, Callable[[str, random.Random], str]] = {
    "base64": base64_of,
    "rot13": rot13_of,
    "hex": hex_of,
    "reversed": reversed_of,
    "leet": leet_of,
    "spaced": spaced_of,
    "lookalike": lookalike_of,
    "wide": wide_of,
    "invisible": invisible_of,
}


def disguised(text: str, chance: random.Random) -> str:
    """The text in one of the disguises."""
    return DISGUISES[chance.choice(list(DISGUISES))](text, chance)
