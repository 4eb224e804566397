import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.secure.finding import mask
from groundwork.secure.personal import find_personal, iban_holds, luhn

CARDS = ["4111 1111 1111 1111", "4111111111111111", "5555-5555-5555-4444", "378282246310005", "3782 822463 10005", "6011111111111117"]
CARDS += ["30569309025904", "3530111333300000", "2223003122003222", "4222222222222"]
IBANS = [
    "DE89 3704 0044 0532 0130 00",
    "GB82WEST12345698765432",
    "FR14 2004 1010 0505 0001 3M02 606",
    "BE68 5390 0754 7034",
    "NO93 8601 1117 947",
]
PHONES = ["+49 30 901820", "+1 (555) 123-4567", "+442071838750", "+33 1 42 68 53 00", "+49.30.1234.5678"]
EMAILS = ["ada@example.com", "first.last+tag@mail.example.co.uk", "jörg.müller@bücher.de", "a_b%c@x-y.org"]
SSNS = ["123-45-6789", "001-01-0001"]
EVERY = [
    (kind, text) for kind, texts in {"card": CARDS, "iban": IBANS, "phone": PHONES, "email": EMAILS, "ssn": SSNS}.items() for text in texts
]


def kinds(text: str) -> list[str]:
    return [finding.kind for finding in find_personal(text)]


def masked(text: str) -> str:
    return mask(text, find_personal(text))


@pytest.mark.parametrize(("kind", "value"), EVERY)
@pytest.mark.parametrize(
    ("before", "after"), [("", ""), ("Mine is ", "."), ("(", "), you know"), ('{"a": "', '"}'), ("is it ", "?\nThanks"), ("a: ", " or not")]
)
def test_every_shape_is_found_as_a_whole(kind: str, value: str, before: str, after: str) -> None:
    assert masked(before + value + after) == f"{before}[{kind}]{after}"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("4111 1111 1111 1111 12/26", "[card] 12/26"),
        ("4111 1111 1111 1111 123", "[card] 123"),
        ("BE68 5390 0754 7034 PLEASE PAY", "[iban] PLEASE PAY"),
        ("IBAN DE89 3704 0044 0532 0130 00 BIC COBADEFF", "IBAN [iban] BIC COBADEFF"),
        ("ada@example.com,bob@example.org", "[email],[email]"),
        ("<ada@example.com>", "<[email]>"),
    ],
)
def test_what_stands_beside_it_stays(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "9fceb02d0ae598e95dc970b74767f19372d61af8",
        "550e8400-e29b-41d4-a716-446655440000",
        "SQLite 3.40.1, 192.168.100.200, 1.2.3.4.5.6",
        "2026-11-21T08:37:35Z and 1700000000000 ms, 1700000000003 ms",
        "ISBN 978-3-16-148410-0",
        "4111 1111 1111 1112",
        "0000 0000 0000 0000",
        "9111111111111111111111114111111111111111",
        "3.4111111111111111",
        "$1,234,567.89 or +10000000 rows",
        "x +12 345 is 357, and +02:00 is a zone",
        "extension 555-1234, room 30-901820",
        "000-12-3456, 666-12-3456, 912-12-3456, 123-00-4567, 123-45-0000, 1-123-45-6789",
        "DE89 3704 0044 0532 0130 01",
        "ABCD EFGH IJKL MNOP",
        "git@github.com:sqlite/sqlite.git, icon@2x.png, lodash@4.17.21",
        "@app.route and user@localhost and a @ b.com",
        "",
    ],
)
def test_what_only_looks_personal_stays(text: str) -> None:
    assert kinds(text) == []


@pytest.mark.parametrize(
    ("digits", "holds"), [("79927398713", True), ("79927398710", False), ("00000000", False), ("18", True), ("81", False)]
)
def test_luhn(digits: str, holds: bool) -> None:
    assert luhn(digits) is holds


@given(st.integers(10**12, 10**18))
def test_exactly_one_check_digit_holds(number: int) -> None:
    assert sum(luhn(f"{number}{last}") for last in range(10)) == 1


@pytest.mark.parametrize(
    ("text", "holds"), [("GB82 WEST 1234 5698 7654 32", True), ("GB83 WEST 1234 5698 7654 32", False), ("NO", False), ("", False)]
)
def test_iban(text: str, holds: bool) -> None:
    assert iban_holds(text) is holds


@given(st.sampled_from(IBANS), st.data())
def test_a_wrong_character_breaks_an_iban(iban: str, data: st.DataObject) -> None:
    compact = iban.replace(" ", "")
    place = data.draw(st.integers(4, len(compact) - 1))
    other = data.draw(st.sampled_from([letter for letter in string.digits if letter != compact[place]]))
    if compact[place].isdigit():
        assert not iban_holds(compact[:place] + other + compact[place + 1 :])


PIECES = st.one_of(
    st.sampled_from([text for _, text in EVERY]),
    st.sampled_from(["[email]", "+", "@", ".", "-", " ", "1", "4111", "(", "%"]),
    st.text(alphabet=string.ascii_letters + string.digits + "+-.@ ()%", max_size=20),
    st.text(max_size=4),
)


@settings(max_examples=500)
@given(st.lists(PIECES, max_size=8).map("".join))
def test_findings_lie_in_the_text_and_masking_ends(text: str) -> None:
    for finding in find_personal(text):
        assert 0 <= finding.start < finding.end <= len(text)
    once = masked(text)
    assert masked(once) == once


@settings(max_examples=300)
@given(st.sampled_from(EVERY), st.text(alphabet=string.ascii_letters + " .,;!?\n"), st.text(alphabet=string.ascii_letters + " .,;!?\n"))
def test_nothing_of_it_remains(value: tuple[str, str], before: str, after: str) -> None:
    assert value[1] not in masked(f"{before} {value[1]} {after}")


@pytest.mark.parametrize(
    "piece", ["1 ", "1", "1-", "a%", "a@a.", "a.", "+1 ", "+1(1)1", "AB12 ", "AB12CDEF ", "AB12 3456 ", "4111 ", "123-45-", " "]
)
def test_a_hostile_text_is_read_in_linear_time(piece: str) -> None:
    size = 1_000_000
    text = (piece * (size // len(piece) + 1))[:size] + "@!"
    assert len(masked(text)) <= size * 2
