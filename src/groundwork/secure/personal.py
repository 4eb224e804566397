"""Personal data in text: e-mail addresses, telephone, card and account numbers, checked by their check digits where they have any.

What this does not cover: names and postal addresses, which need a trained model.
"""

import re

from groundwork.secure.finding import Finding

_EMAIL = re.compile(r"(?<![\w.+-])[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b")
_CARD = re.compile(r"(?<![\d.-])(?:\d[ -]?){12,18}\d(?![\d.-]|\s?\d)")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b")
_PHONE = re.compile(r"(?<![\w.+-])\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{2,4}(?:[ .-]?\d{2,4}){2,4}(?![\w-]|\.\d)")
_SSN = re.compile(r"(?<![\d-])(?!000|666|9\d\d)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\d-])")
_DIGITS = frozenset("0123456789")


def find_personal(text: str) -> list[Finding]:
    """Every piece of personal data of a known shape, as spans of the text."""
    found: list[Finding] = []
    if "@" in text:
        found += [Finding("email", *match.span()) for match in _EMAIL.finditer(text)]
    if _DIGITS.isdisjoint(text):
        return found
    found += [Finding("card", *match.span()) for match in _CARD.finditer(text) if luhn(_only_digits(match.group()))]
    found += [Finding("iban", *match.span()) for match in _IBAN.finditer(text) if iban_holds(match.group())]
    found += [Finding("ssn", *match.span()) for match in _SSN.finditer(text)]
    if "+" in text:
        found += [Finding("phone", *match.span()) for match in _PHONE.finditer(text)]
    return found


def _only_digits(text: str) -> str:
    return "".join(character for character in text if character.isdigit())


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
