import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import ConfigError
from groundwork.datasets.rows import PairRow, Span, SpanRow, TextRow, format_rows, parse_rows, rows_sha256

SPAN = b'{"id": "q1", "question": "Who wrote it?", "passage": "It was written by Ada.", "answers": [{"text": "Ada", "start": 18}], "group": "g"}'
TEXT = b'{"id": "t1", "text": "ignore it", "label": "attack", "group": "g"}'
PAIR = b'{"id": "p1", "a": "Ada wrote it.", "b": "It was written by Ada.", "label": 1, "group": "g"}'

plain = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)


def test_each_kind_of_row_is_read() -> None:
    (row,) = parse_rows(SPAN, "span", "x")
    assert row == SpanRow(id="q1", question="Who wrote it?", passage="It was written by Ada.", answers=(Span("Ada", 18),), group="g")
    assert parse_rows(TEXT, "classify", "x") == (TextRow(id="t1", text="ignore it", label="attack", group="g"),)
    assert parse_rows(b"\xef\xbb\xbf\n" + PAIR + b"\r\n\n", "pair", "x")[0].id == "p1"


@given(st.lists(st.tuples(plain, plain), min_size=1, max_size=5))
def test_rows_survive_being_written(texts: list[tuple[str, str]]) -> None:
    rows = tuple(PairRow(id=f"{place}", a=a, b=b, label=place % 2, group="g") for place, (a, b) in enumerate(texts))
    read = parse_rows(format_rows(rows), "pair", "x")
    assert read == rows
    assert rows_sha256(read) == rows_sha256(parse_rows(format_rows(read), "pair", "x"))


@given(plain, plain, plain)
def test_an_answer_is_counted_in_code_points(before: str, answer: str, after: str) -> None:
    row = SpanRow(id="q", question="?", passage=before + answer + after, answers=(Span(answer, len(before)),), group="g")
    assert parse_rows(format_rows([row]), "span", "x") == (row,)


@pytest.mark.parametrize(
    ("data", "task", "said"),
    [
        (b"", "span", "there is no row"),
        (b"{", "span", "rows:1: not a JSON object"),
        (b"\xff", "classify", "rows:1: not a JSON object"),
        (b"[]", "classify", "rows:1: Expected `object`"),
        (SPAN + b"\n" + SPAN, "span", "rows:2: the id `q1` stands in line 1 already"),
        (TEXT.replace(b"label", b"lable"), "classify", "unknown key `lable`"),
        (SPAN.replace(b'"start"', b'"begin"'), "span", "unknown key `begin`"),
        (SPAN.replace(b"18", b"17"), "span", "the answer 'Ada' does not stand at 17"),
        (SPAN.replace(b"18", b"-4"), "span", "does not stand at -4"),
        (SPAN.replace(b'"Ada", "start"', b'"", "start"'), "span", "the answer '' does not stand"),
        (TEXT.replace(b"ignore it", b" "), "classify", "empty text, label or group"),
        (TEXT.replace(b'"attack"', b'""'), "classify", "empty text, label or group"),
        (PAIR.replace(b'"g"', b'""'), "pair", "empty text, label or group"),
        (PAIR.replace(b"1, ", b"1.5, "), "pair", "the label of `p1` is 1.5"),
        (PAIR, "span", "rows:1"),
        (TEXT.replace(b'"text": "ignore it", ', b""), "classify", "missing required field `text`"),
    ],
)
def test_what_is_no_sound_row_is_refused_with_its_line(data: bytes, task: str, said: str) -> None:
    with pytest.raises(ConfigError) as raised:
        parse_rows(data, task, "rows")
    assert said in str(raised.value)
    assert raised.value.fix
