"""Personal data in text: e-mail addresses, telephone, card and account numbers, checked by their check digits where they have any.

What this does not cover: names and postal addresses, which need a trained model.
"""

import re

from groundwork.secure.finding import Finding, Span, find_all

_EMAIL = re.compile(  # but `git@host`, which is a way to clone, and `icon@2x.png`
    r"(?<![\w.+-])(?!git@)\w[\w.%+-]{0,63}@(?!\dx\.)(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}\b"
)
_CARD = re.compile(
    r"(?<!\d)(?<!\d[.-])"  # no end of a longer number
    r"(?:(?P<four>\d{4}(?P<gap>[ -]?)\d{4}(?P=gap)\d{4}(?P=gap)\d{1,4})(?:(?P=gap)\d{1,3})?|\d{4}(?P<space>[ -]?)\d{6}(?P=space)\d{4,5})"
    r"(?![.-]?\d)"
)
_CARD_NUMBER = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7])\d{14}|3[47]\d{13}|3(?:0[0-5]|[689]\d)\d{11,16}|(?:35|5[06-8]|6\d)\d{11,17}"
)
"""Beginnings and lengths in use. Without them every tenth row of 16 digits would be a card."""
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b")
_PHONE = re.compile(r"(?<![\w.+-])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,4}(?:[ .-]?\d{2,4}){2,4}(?![\w-]|\.\d)")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_DIGIT = re.compile(r"\d")


def find_personal(text: str) -> list[Finding]:
    """Every piece of personal data of a known shape, as spans of the text."""
    return find_all(text, _look)


def _look(text: str, _: list[Span]) -> list[Finding]:
    found: list[Finding] = []
    if "@" in text:
        found += [Finding("email", *match.span()) for match in _EMAIL.finditer(text)]
    if _DIGIT.search(text) is None:
        return found
    found += [Finding("card", *span) for match in _CARD.finditer(text) if (span := _card(match))]
    found += [Finding("iban", *span) for match in _IBAN.finditer(text) if (span := _iban(match))]
    found += [Finding("ssn", *match.span()) for match in _SSN.finditer(text)]
    if "+" in text:
        found += [Finding("phone", *match.span()) for match in _PHONE.finditer(text) if 9 <= len(_only_digits(match.group())) <= 15]
    return found


def _card(match: re.Match[str]) -> tuple[int, int] | None:
    """Where the card number stands; what follows it after a space may be its end, or its date or code."""
    for group in (0, "four"):
        digits = _only_digits(match[group] or "")
        if luhn(digits) and _CARD_NUMBER.fullmatch(digits):
            return match.span(group)
    return None


def _iban(match: re.Match[str]) -> tuple[int, int] | None:
    """Where the account number stands; words in capitals may follow it."""
    text = match.group()
    while text:
        if iban_holds(text):
            return match.start(), match.start() + len(text)
        text = text.rpartition(" ")[0]
    return None


def _only_digits(text: str) -> str:
    return "".join(character for character in text if character.isdecimal())


def luhn(digits: str) -> bool:
    """Whether the check digit holds. Source: ISO/IEC 7812-1, annex B. A row of one same digit is no card."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        value = int(character) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0 and len(set(digits)) > 1


def iban_holds(text: str) -> bool:
    """Whether an account number's check digits hold, modulo 97. Source: ISO 13616-1."""
    compact = text.replace(" ", "")
    if not 15 <= len(compact) <= 34:
        return False
    return int("".join(str(int(character, 36)) for character in compact[4:] + compact[:4])) % 97 == 1
