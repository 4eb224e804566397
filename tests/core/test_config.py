import datetime as dt
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.config import (
    Section,
    Written,
    decode,
    dotted,
    flatten,
    parse_toml,
    plain,
    read_toml,
    reveal,
    set_path,
    steps_of,
    unknown,
)
from groundwork.core.errors import ConfigError
from groundwork.core.units import Duration, Secret


class Inner(Section, frozen=True, kw_only=True):
    count: int = 1
    wait: Duration = Duration(1.0, "1s")
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.count < 0:
            raise ValueError(f"count = {self.count} is below zero")


class Outer(Section, frozen=True, kw_only=True):
    title: str
    share: float = 0.5
    open: bool = False
    kind: Literal["a", "b"] = "a"
    key: Secret | None = None
    inner: Inner = Inner()
    either: Inner | str = "x"
    many: tuple[Inner, ...] = ()
    named: dict[str, Inner] = {}
    limits: dict[str, int] = {}


def read(text: str) -> Outer:
    return decode(parse_toml(text, "x.toml"), Outer)


def refused(text: str) -> tuple[str, str]:
    with pytest.raises(ConfigError) as error:
        read(text)
    return str(error.value), error.value.fix


def test_every_kind_of_value() -> None:
    outer = read(
        """
        title = "t"
        share = 1
        open = true
        kind = "b"
        key = "env:A"
        inner.count = 3
        either = { count = 4 }
        many = [{ count = 5 }, { wait = "2s" }]
        named.x.names = ["a", "b"]
        limits = { a = 1 }
        """
    )
    assert outer == Outer(
        title="t",
        share=1.0,
        open=True,
        kind="b",
        key=Secret("A"),
        inner=Inner(count=3),
        either=Inner(count=4),
        many=(Inner(count=5), Inner(wait=Duration(2.0))),
        named={"x": Inner(names=("a", "b"))},
        limits={"a": 1},
    )


@pytest.mark.parametrize(
    ("text", "says", "fix"),
    [
        ("titel = 1", "x.toml:1: unknown key `titel`", "did you mean `title`?"),
        ('title = "t"\n\n[inner]\ncuont = 1', "x.toml:4: unknown key `inner.cuont`", "did you mean `inner.count`?"),
        ('title = "t"\n[zzz]', "x.toml:2: unknown key `zzz`", "known: either, inner"),
        ('title = "t"\n[outer]\ncount = 1', "x.toml:2: unknown key `outer`", "known: either"),
        ("share = 1.0", "x.toml: `title` is missing", "add `title = …`"),
        ("title = 1", "x.toml:1: `title`: Expected `str`, got `int`", "correct"),
        ("title = 1979-05-27", "x.toml:1: `title`: Expected `str`, got `date`", "correct"),
        ('title = "t"\nshare = "1"', "x.toml:2: `share`: Expected `float`, got `str`", "correct"),
        ('title = "t"\nopen = 1', "x.toml:2: `open`: Expected `bool`, got `int`", "correct"),
        ('title = "t"\ninner = 1', "x.toml:2: `inner` must be a table, not a number", "write it as [inner]"),
        ('title = "t"\ninner = [1]', "x.toml:2: `inner` must be a table, not a list", "write it as [inner]"),
        ('title = "t"\ninner.count = true', "x.toml:2: `inner.count`: Expected `int`, got `bool`", "correct"),
        ('title = "t"\ninner.count = -1', "x.toml:2: `inner`: count = -1 is below zero", "correct"),
        ('title = "t"\ninner.wait = 5', "x.toml:2: `inner.wait`: 5 needs a number with its unit, like '10s'", "correct"),
        ('title = "t"\ninner.names = "a"', "x.toml:2: `inner.names` must be a list", "square brackets"),
        ('title = "t"\ninner.names = [\n"a",\n1]', "x.toml:4: `inner.names[1]`: Expected `str`, got `int`", "correct"),
        ('title = "t"\nnamed = ["a"]', "x.toml:2: `named` must be a table", "write it as [named]"),
        ('title = "t"\n[named]\nx = 1', "x.toml:3: `named.x` must be a table, not a number", "write it as [named.x]"),
        ('title = "t"\n[named."a b"]\ny = 1', 'x.toml:3: unknown key `named."a b".y`', 'known: named."a b".count'),
        ('title = "t"\n[[many]]\n[[many]]\ncount = "1"', "x.toml:4: `many[1].count`: Expected `int`, got `str`", "correct"),
        ('title = "t"\nmany = {}', "x.toml:2: `many` must be a list", "square brackets"),
        ('title = "t"\nlimits = { a = "1" }', "x.toml:2: `limits.a`: Expected `int`, got `str`", "correct"),
        ('title = "t"\neither = 1', "x.toml:2: `either`: Expected `str`, got `int`", "correct"),
        ('title = "t"\neither = { cuont = 1 }', "x.toml:2: unknown key `either.cuont`", "did you mean `either.count`?"),
        ('title = "t"\nkind = "c"', "x.toml:2: unknown value of `kind`: `c`", "known: a, b"),
        ('title = "t"\nkind = ["a"]', "x.toml:2: unknown value of `kind`: `['a']`", "known: a, b"),
    ],
)
def test_what_is_wrong_is_refused_with_line_and_fix(text: str, says: str, fix: str) -> None:
    what, how = refused(text)
    assert what == says
    assert fix in how


@pytest.mark.parametrize("written", ['"sk-pasted-1"', '["sk-pasted-1"]', "12", '{ a = "sk-pasted-1" }', '"env:sk-pasted-1"'])
def test_a_pasted_secret_is_not_repeated(written: str) -> None:
    what, fix = refused(f'title = "t"\nkey = {written}')
    assert what == "x.toml:2: `key`: a secret is named, never written: use 'env:NAME_OF_THE_VARIABLE'"
    assert "pasted" not in fix


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = 1\nb = \n", ":2: "),
        ("a = 1\n\n[b\n", ":3: "),
        ("a = 1\na = 2\n", ":2: "),
        ('a = "unclosed\n', ":1: "),
        ("a = 1\n\nb = [1,\n", ":4: "),
        ("a = " + "1" * 5_000, ": "),
        ("a = " + "[" * 5_000, ": "),
    ],
)
def test_broken_toml_is_refused_with_its_line(text: str, line: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_toml(text, "x.toml")
    assert str(error.value).startswith(f"x.toml{line}not valid TOML")


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm() -> None:
    assert parse_toml("\ufeffa = 1\r\nb = 2\r\n", "x").lines == {("a",): 1, ("b",): 2}


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes('title = "é"'.encode("latin-1"))
    for name, says in (("none.toml", "does not exist"), ("", "cannot be read"), ("latin.toml", r"is not UTF-8 \(byte 9\)")):
        with pytest.raises(ConfigError, match=says) as error:
            read_toml(tmp_path / name, name="shown")
        assert str(error.value).startswith("shown ")
    (tmp_path / "good.toml").write_text("a = 1")
    assert read_toml(tmp_path / "good.toml").file == str(tmp_path / "good.toml")


def test_a_place_is_that_of_the_nearest_table() -> None:
    written = Written(file="f", table={}, lines={("a",): 3, ("a", "b"): 5}, released={("a", "c"): "release r"})
    assert written.where(("a", "b", "x", 0)) == "f:5"
    assert written.where(("a", "x")) == "f:3"
    assert written.where(("x",)) == written.where(()) == "f"
    assert written.where(("a", "c", "d")) == "release r"


KEYS = st.one_of(st.sampled_from(["a", "b-c_1", "gpt-4.1", "a b", 'say "x"', "\\", "é", ""]), st.text(max_size=4))


@given(st.lists(KEYS, min_size=1, max_size=4))
def test_a_dotted_path_leads_back(keys: list[str]) -> None:
    assert list(steps_of(dotted(keys))) == keys


def test_dotted_paths_are_written_as_in_toml() -> None:
    assert dotted(("models", "fast", "targets", 0)) == "models.fast.targets[0]"
    assert dotted(("models", "gpt-4.1")) == 'models."gpt-4.1"'
    assert dotted(()) == ""


@pytest.mark.parametrize(
    ("name", "known", "fix"),
    [
        ("quik", ["quick", "slow"], "did you mean `quick`?"),
        ("retrieve.keep", ["context.retrieve.keep", "context.sources"], "did you mean `context.retrieve.keep`?"),
        ("kep", ["context.retrieve.keep"], "did you mean `context.retrieve.keep`?"),
        ("zzz", ["b", "a"], "known: a, b"),
        ("zzz", [], "known: none"),
    ],
)
def test_an_unknown_name_brings_the_nearest(name: str, known: list[str], fix: str) -> None:
    error = unknown("thing", name, known, "f:1")
    assert str(error) == f"f:1: unknown thing `{name}`"
    assert error.fix == fix


def test_a_configuration_flattens_to_its_leaves() -> None:
    leaves = flatten(Outer(title="t", many=(Inner(),), named={"a.b": Inner(count=2)}, key=Secret("K")))
    assert leaves["title",] == "t"
    assert leaves["inner", "wait"] == "1s"
    assert leaves["key",] == "env:K"
    assert leaves["many",] == [{"count": 1, "wait": "1s", "names": []}]
    assert leaves["named", "a.b", "count"] == 2
    assert leaves["limits",] == {}
    assert not any(path[:1] == ("named",) and len(path) < 3 for path in leaves)


def test_plain_values_are_those_of_json() -> None:
    moment = dt.date(2026, 11, 21)
    assert plain({"a": (Duration(1.0, "1s"), Inner()), "b": moment}) == {"a": ["1s", {"count": 1, "wait": "1s", "names": []}], "b": moment}


def test_a_secret_is_revealed_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    assert reveal(Secret("K"), "f:1", {"K": "value"}) == "value"
    monkeypatch.setenv("GROUNDWORK_TEST_KEY", "from outside")
    assert reveal(Secret("GROUNDWORK_TEST_KEY"), "f:1") == "from outside"
    for environment in ({}, {"K": ""}):
        with pytest.raises(ConfigError) as error:
            reveal(Secret("K"), "f:1", environment)
        assert str(error.value) == "f:1: the environment variable K is not set"
        assert "export K=" in error.value.fix


def test_a_value_is_laid_at_a_path() -> None:
    table: dict[str, Any] = {"a": {"b": 1}, "x": 2}
    set_path(table, "a.b", 3)
    set_path(table, 'new."c.d".e', 4)
    assert table == {"a": {"b": 3}, "x": 2, "new": {"c.d": {"e": 4}}}
    with pytest.raises(ConfigError, match="passes through `x`"):
        set_path(table, "x.y", 1)
