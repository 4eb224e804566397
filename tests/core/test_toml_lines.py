"""A writer of random TOML that notes where it puts each key is the oracle; `tomllib` says which paths there are."""

import tomllib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from groundwork.core.toml_lines import Path, key_lines

SCALARS = [
    "17",
    "-0.5",
    "0xDEAD",
    "true",
    "1979-05-27T07:32:00Z",
    "1979-05-27 07:32:00",
    '"a # b"',
    r"'c:\d'",
    r'"esc \" ] } , \\"',
    '""',
    "''",
    "''''two' ]'''",
    "'''ends'''''",
    '"""ends"""""',
    r'"""esc \""" more"""',
    '"""\n[x]\na = 1 # no comment\n\\\n   b"""',
    "'''\n[[y]]\n\"]}\n'''",
    '""""""',
]
COMMENTS = ["", " # [x] = \"'", "\t#", "  # '''", ' # """']
KEYS = [
    ("k{n}", "k{n}"),
    ("k{n}-_", "k{n}-_"),
    ("{n}", "{n}"),
    ('"k{n}.x y"', "k{n}.x y"),
    ("'k{n}[=#\\'", "k{n}[=#\\"),
    (r'"\u006b{n}\t\"]\U0001F600"', 'k{n}\t"]\U0001f600'),
]


class Writer:
    """Writes TOML and notes the line of each key as it goes."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.newline = draw(st.sampled_from(["\n", "\r\n"]))
        self.text = ""
        self.count = 0
        self.lines: dict[Path, int] = {}
        self.holds: dict[Path, str] = {}
        self.headers: dict[tuple[str, ...], tuple[tuple[str, ...], Path]] = {}
        """By the keys of a header: how it is written, and where it leads."""
        self.implied: set[tuple[str, ...]] = set()
        self.arrays: dict[tuple[str, ...], int] = {}

    @property
    def line(self) -> int:
        return self.text.count("\n") + 1

    def put(self, text: str) -> None:
        self.text += text.replace("\n", self.newline)

    def pick(self, *options: Any) -> Any:
        return self.draw(st.sampled_from(options))

    def blank(self) -> None:
        self.put(self.pick("", " ", "\t "))

    def end(self) -> None:
        self.put(self.pick(*COMMENTS) + "\n" * self.pick(1, 1, 2))
        self.put(self.pick("", "", "# whole line\n", "   \n"))

    def key(self) -> tuple[str, str]:
        self.count += 1
        written, value = self.pick(*KEYS)
        return written.replace("{n}", str(self.count)), value.replace("{n}", str(self.count))

    def note(self, path: Path, written: str) -> None:
        self.lines.setdefault(path, self.line)
        self.holds.setdefault(path, written)

    def keys(self, written: list[str]) -> None:
        for place, key in enumerate(written):
            self.blank()
            self.put(key)
            self.blank()
            self.put("." if place + 1 < len(written) else "")

    def pair(self, path: Path, depth: int) -> None:
        keys = [self.key() for _ in range(self.pick(1, 1, 2, 3))]
        for place, (written, _) in enumerate(keys):
            self.note((*path, *(value for _, value in keys[: place + 1])), written)
        self.keys([written for written, _ in keys])
        self.put("=")
        self.blank()
        self.value((*path, *(value for _, value in keys)), depth)

    def value(self, path: Path, depth: int) -> None:
        kind = self.pick("scalar", "scalar", "array", "table") if depth else "scalar"
        if kind == "scalar":
            self.put(self.pick(*SCALARS))
        elif kind == "array":
            self.put("[")
            for place in range(self.pick(0, 1, 2, 3)):
                self.put(("," if place else "") + self.pick("", " ", "\n", " # in an array ]\n  "))
                self.note((*path, place), "")
                self.value((*path, place), depth - 1)
                self.blank()
            self.put(self.pick("", "\n") + "]")
        else:
            self.put("{")
            for place in range(self.pick(0, 1, 2)):
                self.put(", " if place else " ")
                self.pair(path, depth - 1)
            self.put(" }")

    def header(self) -> None:
        again = [keys for keys in self.implied if keys in self.headers]
        repeat = [keys for keys in self.arrays if keys in self.headers]
        kind = self.pick("table", "table", "array", "again", "repeat", "below")
        if kind == "again" and again:
            keys = self.pick(*sorted(again))
            self.implied.discard(keys)
            written, path = self.headers[keys]
            self.open(written, "[", "]")
            self.lines[path], self.holds[path] = self.line, written[-1]
        elif kind == "repeat" and repeat:
            keys = self.pick(*sorted(repeat))
            written, path = self.headers[keys]
            self.add_element(keys, written, path[:-1])
        else:
            self.new(kind)
        self.end()
        for _ in range(self.pick(0, 1, 2)):
            path = self.headers[self.latest][1]
            self.pair(path, 2)
            self.end()

    def new(self, kind: str) -> None:
        above, written, path = (), (), ()
        if kind == "below" and self.headers:
            above = self.pick(*sorted(self.headers))
            written, path = self.headers[above]
        fresh = [self.key() for _ in range(self.pick(1, 1, 2))]
        for place, (form, value) in enumerate(fresh):
            above, written, path = (*above, value), (*written, form), (*path, value)
            if place + 1 < len(fresh):
                self.implied.add(above)
                self.note(path, form)
                self.headers[above] = written, path
        if kind == "array":
            self.add_element(above, written, path)
        else:
            self.note(path, written[-1])
            self.headers[above] = written, path
            self.open(written, "[", "]")
            self.latest = above

    def add_element(self, keys: tuple[str, ...], written: tuple[str, ...], path: Path) -> None:
        place = self.arrays.get(keys, 0)
        self.note(path, written[-1])
        self.note((*path, place), written[-1])
        for below in [other for other in self.headers if other[: len(keys)] == keys]:
            del self.headers[below]
            self.arrays.pop(below, None)
        self.arrays[keys] = place + 1
        self.headers[keys] = written, (*path, place)
        self.open(written, "[[", "]]")
        self.latest = keys

    def open(self, written: tuple[str, ...], left: str, right: str) -> None:
        self.latest = next((keys for keys, (form, _) in self.headers.items() if form == written), ())
        self.blank()
        self.put(left)
        self.keys(list(written))
        self.put(right)


@st.composite
def documents(draw: Any) -> Writer:
    writer = Writer(draw)
    for _ in range(draw(st.integers(0, 3))):
        writer.pair((), 3)
        writer.end()
    for _ in range(draw(st.integers(0, 6))):
        writer.header()
    if draw(st.booleans()):
        writer.text = writer.text.rstrip("\r\n")
    return writer


def paths_of(value: Any, path: Path = ()) -> set[Path]:
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {path} if path else set()
    for key, item in items:
        found |= paths_of(item, (*path, key))
    return found


@settings(max_examples=400)
@given(documents())
def test_every_key_has_the_line_it_was_written_on(writer: Writer) -> None:
    value = tomllib.loads(writer.text)
    lines = key_lines(writer.text)
    assert set(lines) == paths_of(value)
    assert lines == writer.lines
    rows = writer.text.split("\n")
    for path, line in lines.items():
        assert writer.holds[path] in rows[line - 1]


EXAMPLE = """\
# comment
name = "x"
[models."gpt-4.1"]
targets = [
  "a",  # ]
  "b",
]
[[case]]
ask = '''
[not.a.table]
'''
[case.more]
deep = { a.b = 1, list = [{ c = 2 }] }
[[case]]
ask = "second"
[models]
"""


def test_an_example_by_hand() -> None:
    assert key_lines(EXAMPLE) == {
        ("name",): 2,
        ("models",): 16,
        ("models", "gpt-4.1"): 3,
        ("models", "gpt-4.1", "targets"): 4,
        ("models", "gpt-4.1", "targets", 0): 5,
        ("models", "gpt-4.1", "targets", 1): 6,
        ("case",): 8,
        ("case", 0): 8,
        ("case", 0, "ask"): 9,
        ("case", 0, "more"): 12,
        ("case", 0, "more", "deep"): 13,
        ("case", 0, "more", "deep", "a"): 13,
        ("case", 0, "more", "deep", "a", "b"): 13,
        ("case", 0, "more", "deep", "list"): 13,
        ("case", 0, "more", "deep", "list", 0): 13,
        ("case", 0, "more", "deep", "list", 0, "c"): 13,
        ("case", 1): 14,
        ("case", 1, "ask"): 15,
    }


@pytest.mark.parametrize(
    ("written", "key"), [(r'"\e[1m"', "\x1b[1m"), (r'"\x41"', "A"), (r'"\u0042\n"', "B\n"), (r'"\U0001F600"', "\U0001f600"), ('""', "")]
)
def test_escapes_of_newer_toml_are_read_too(written: str, key: str) -> None:
    assert key_lines(f"a = 1\n{written} = 2\n") == {("a",): 1, (key,): 2}


def test_a_long_text_takes_linear_time() -> None:
    text = "".join(f'[t{n}]\nkey = """{"x" * 40}"""\n' for n in range(5_000))
    assert key_lines(text)["t4999", "key"] == 10_000
