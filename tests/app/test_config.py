from pathlib import Path
from typing import Any

import pytest

from groundwork.app.compose import Resources, compose
from groundwork.app.config import FILE, Settings, config_hash, load
from groundwork.core.errors import ConfigError
from groundwork.core.measure import Change
from groundwork.store.folder import Folder

APP = """\
[app]
name = "helpdesk"
prompt = "answer"

[models.quick]
targets = ["stage/one"]

[models.smart]
targets = ["embedded"]
fallback = ["quick"]

[providers.stage]
kind = "scripted"
script = "play.jsonl"

[routes]
default = "quick"
tools = ["find"]

[routes.named.slow]
to = "smart"
tools = ["find"]

[tools.find]
run = "finding:find"

[context]
sources = ["docs"]
retrieve = { keep = 6 }

[guard]
input = ["size:block", "secrets:redact", "finding:rail:flag"]

[server]
port = 8000

[gate]
suite = "suite.toml"
"""
PROMPT = "# user\n{{ question }}\n"
CODE = 'def find(name: str) -> str:\n    """Find."""\n    return name\n\ndef rail(text): ...\n'


def write(root: Path, text: str = APP) -> Path:
    (root / "prompts").mkdir(parents=True, exist_ok=True)
    (root / FILE).write_text(text)
    (root / "prompts" / "answer.prompt.md").write_text(PROMPT)
    (root / "play.jsonl").write_text('{"match": "a", "answer": "b"}\n')
    (root / "finding.py").write_text(CODE)
    return root


def change(path: str, after: Any, kind: Any = "setting") -> Change:
    return Change(id=f"chg_{path[-4:]}", kind=kind, path=path, before=None, after=after, why="w", made=1.0)


def refused(root: Path, text: str, **more: Any) -> tuple[str, str]:
    with pytest.raises(ConfigError) as error:
        load(write(root, text), **more)
    return str(error.value), error.value.fix


def line_of(text: str, part: str) -> int:
    rows = [number for number, row in enumerate(text.splitlines(), start=1) if part in row]
    assert len(rows) == 1, part
    return rows[0]


def test_a_right_file_is_read(tmp_path: Path) -> None:
    settings = load(write(tmp_path))
    assert settings.config.app.name == "helpdesk"
    assert settings.default_model == "quick"
    assert settings.root == tmp_path.resolve()


@pytest.mark.parametrize(
    ("old", "new", "says", "fix"),
    [
        ('name = "helpdesk"', 'nam = "helpdesk"', "unknown key `app.nam`", "did you mean `app.name`?"),
        ("port = 8000", "prot = 8000", "unknown key `server.prot`", "did you mean `server.port`?"),
        ("port = 8000", "port = 80000", "not between 0 and 65535", "correct"),
        ("port = 8000", 'port = "8000"', "`server.port`: Expected `int`, got `str`", "correct"),
        ("port = 8000", "drain = 10", "`server.drain`: 10 needs a number with its unit, like '10s'", "correct"),
        ("port = 8000", 'drain = "10 parsecs"', "unknown unit 'parsecs'", "correct"),
        ('sources = ["docs"]', 'sources = "docs"', "`context.sources` must be a list", "[square brackets]"),
        ('sources = ["docs"]', 'sources = ["../docs"]', "leads out of the application's folder", "correct"),
        ("retrieve = { keep = 6 }", 'retrieve = "6"', "`context.retrieve` must be a table, not text", "[context.retrieve]"),
        ("retrieve = { keep = 6 }", "retrieve = { keep = 0 }", "keep = 0 is not between 1 and 100", "correct"),
        ("retrieve = { keep = 6 }", "retrieve = { kep = 6 }", "unknown key `context.retrieve.kep`", "`context.retrieve.keep`"),
        ("retrieve = { keep = 6 }", 'retrieve = { fuse = "rff" }', "unknown value of `context.retrieve.fuse`: `rff`", "`rrf`"),
        ('name = "helpdesk"', 'name = "a/b"', "'a/b' is no name for an application", "letters"),
        ('name = "helpdesk"', 'name = "smart"', "names both the application and a model alias", "rename"),
        ('default = "quick"', 'default = "quik"', "unknown model alias `quik`", "did you mean `quick`?"),
        ('to = "smart"', 'to = "samrt"', "unknown model alias `samrt`", "did you mean `smart`?"),
        ('fallback = ["quick"]', 'fallback = ["quik"]', "unknown model alias `quik`", "did you mean `quick`?"),
        ('fallback = ["quick"]', 'fallback = ["smart"]', "falls back to itself", "another alias"),
        ('targets = ["stage/one"]', 'targets = ["stag/one"]', "unknown provider `stag`", "did you mean `stage`?"),
        ('targets = ["embedded"]', 'targets = ["embeded"]', "unknown target `embeded`", "did you mean `embedded`?"),
        ('targets = ["embedded"]', "targets = []", "`models.smart.targets` is empty", "auto"),
        ('kind = "scripted"', 'kind = "scirpted"', "unknown value of `providers.stage.kind`: `scirpted`", "`scripted`"),
        ('"secrets:redact"', '"secret:redact"', "unknown rail `secret`", "did you mean `secrets`?"),
        ('"secrets:redact"', '"secrets:mask"', "unknown action of the rail `secrets`: `mask`", "block, redact"),
        ('"secrets:redact"', '"secrets"', "does not say what to do", "secrets:block"),
        ('"finding:rail:flag"', '"finding:rail:redact"', "unknown action of the rail `finding:rail`", "block, flag"),
    ],
)
def test_what_is_wrong_is_refused_with_its_line(tmp_path: Path, old: str, new: str, says: str, fix: str) -> None:
    assert APP.count(old) == 1
    text = APP.replace(old, new)
    what, how = refused(tmp_path, text)
    row = "[server]" if "65535" in says else "[context]" if "leads out" in says else new
    line = line_of(text, row)
    assert what.startswith(f"{FILE}:{line}: ")
    assert says in what
    assert fix in how


def test_names_inside_a_long_list_have_their_own_line(tmp_path: Path) -> None:
    text = APP.replace(
        '[routes]\ndefault = "quick"\ntools = ["find"]', '[routes]\ndefault = "quick"\ntools = [\n  "find",\n  # the other\n  "fnd",\n]'
    )
    what, how = refused(tmp_path, text)
    assert what == f"{FILE}:{line_of(text, 'fnd')}: unknown tool `fnd`"
    assert how == "did you mean `find`?"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", f"{FILE}: `app` is missing"),
        ('[app]\nname = "x"\n', f"{FILE}: `models` is missing"),
        ('models = {}\n[app]\nname = "x"\n', f"{FILE}: there is no model"),
        ("[models.a]\ntargets = ['auto']\n[app]\nautonomy = 'run'\n", f"{FILE}:3: `app.name` is missing"),
        ('[app]\nname = "x"\n[models.a]\n[models.b]\n', f"{FILE}:3: `models.a.targets` is missing"),
        (
            '[app]\nname = "x"\n\n[models.a]\ntargets = ["auto"]\n[models.b]\ntargets = ["auto"]\n',
            f"{FILE}:4: `routes.default` is missing, and there are several models",
        ),
    ],
)
def test_what_is_missing_is_named(tmp_path: Path, text: str, says: str) -> None:
    assert refused(tmp_path, text)[0] == says


def test_an_absent_file_says_how_to_begin(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=f"{FILE} does not exist") as error:
        load(tmp_path)
    assert "groundwork new app" in error.value.fix


def test_a_released_change_lies_over_the_file(tmp_path: Path) -> None:
    changes = [
        change("context.retrieve.keep", 8),
        change("context.retrieve.fuse", "terms"),
        change("prompts.answer", "# user\nNew", "prompt"),
    ]
    settings = load(write(tmp_path), changes=changes, release="rel_1")
    assert settings.config.context is not None
    assert (settings.config.context.retrieve.keep, settings.config.context.retrieve.fuse) == (8, "terms")
    assert settings.prompts == {"answer": "# user\nNew"}
    again = load(tmp_path, changes=[*changes, change("context.retrieve.keep", 9)])
    assert again.config.context is not None
    assert again.config.context.retrieve.keep == 9


def test_every_value_says_where_it_comes_from(tmp_path: Path) -> None:
    changes = [change("context.retrieve.keep", 8), change("prompts.answer", "# user\nNew", "prompt")]
    settings = load(write(tmp_path), changes=changes, release="rel_1")
    assert settings.origin(("app", "name")) == f"{FILE}:2"
    assert settings.origin(("server", "port")) == f"{FILE}:{line_of(APP, 'port = 8000')}"
    assert settings.origin(("server", "host")) == "default"
    assert settings.origin(("context", "retrieve", "terms")) == "default"
    assert settings.origin(("context", "retrieve", "keep")) == "release rel_1 (chg_keep)"
    assert settings.origin(("prompts", "answer")) == "release rel_1 (chg_swer)"
    assert settings.effective()["context.retrieve.keep"] == 8
    assert settings.effective()["server.drain"] == "10s"


def test_a_released_value_that_no_longer_fits_is_blamed_on_its_release(tmp_path: Path) -> None:
    what, _ = refused(tmp_path, APP, changes=[change("context.retrieve.keep", "eight")], release="rel_1")
    assert what == "release rel_1 (chg_keep): `context.retrieve.keep`: Expected `int`, got `str`"
    what, _ = refused(tmp_path, APP, changes=[change("app.name.first", 1)], release="rel_1")
    assert "passes through `name`, which is no table" in what
    what, _ = refused(tmp_path, APP, changes=[change("context.retreive.keep", 1)], release="rel_1")
    assert "unknown key `context.retreive`" in what


async def name_of(root: Path, **more: Any) -> str:
    resources = Resources(Folder(root))
    try:
        return (await compose(load(root, **more), resources)).config
    finally:
        await resources.close()
        resources.folder.close()


async def test_the_hash_names_what_answers(tmp_path: Path) -> None:
    root = write(tmp_path)
    base = await name_of(root)
    assert base == await name_of(root), "the same files have the same name"
    write(root, APP.replace("port = 8000", "port = 9000").replace("suite.toml", "other.toml") + "# a comment\n")
    assert await name_of(root) == base, "where it listens and how it is gated is no part of what answers"
    write(root)
    names = {base, await name_of(root, changes=[change("context.retrieve.keep", 8)])}
    for file, old, new in (
        (FILE, "keep = 6", "keep = 7"),
        (FILE, '"secrets:redact", ', ""),
        ("prompts/answer.prompt.md", "{{ question }}", "{{ question }}!"),
        ("play.jsonl", '"b"', '"c"'),
        ("finding.py", "return name", "return name * 2"),
    ):
        write(root)
        path = root / file
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
        names.add(await name_of(root))
    write(root)
    names.add(await name_of(root, changes=[change("prompts.answer", "# user\nNew", "prompt")]))
    assert len(names) == 8, "each difference has a name of its own"


def test_the_hash_holds_every_value_and_every_artefact(tmp_path: Path) -> None:
    config = load(write(tmp_path)).config
    base = config_hash(config, {"prompt answer": "pr_1"})
    assert base.startswith("cfg_")
    assert len(base) == 36
    assert config_hash(config, {"prompt answer": "pr_1"}) == base
    assert config_hash(config, {"prompt answer": "pr_2"}) != base
    assert config_hash(config, {"prompt other": "pr_1"}) != base


async def test_an_unset_variable_is_named_with_the_line_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOWHERE_SET", raising=False)
    text = '[app]\nname = "x"\n[models.a]\ntargets = ["openai/gpt"]\n[providers.openai]\nkey = "env:NOWHERE_SET"\n'
    with pytest.raises(ConfigError) as error:
        await name_of(write(tmp_path, text))
    assert str(error.value) == f"{FILE}:6: the environment variable NOWHERE_SET is not set"
    assert "export NOWHERE_SET" in error.value.fix


@pytest.mark.parametrize("written", ['"sk-pasted-1234"', '["sk-pasted-1234"]', '{ x = "sk-pasted-1234" }', '"env:sk-pasted-1234"'])
def test_a_pasted_key_is_refused_and_not_repeated(tmp_path: Path, written: str) -> None:
    text = f'[app]\nname = "x"\n[models.a]\ntargets = ["openai/gpt"]\n[providers.openai]\nkey = {written}\n'
    what, fix = refused(tmp_path, text)
    assert what.startswith(f"{FILE}:6: `providers.openai.key`: ")
    assert "env:NAME" in what
    assert "sk-pasted" not in what + fix


def test_an_alias_may_have_dots(tmp_path: Path) -> None:
    text = '[app]\nname = "x"\n[models."gpt-4.1"]\ntargets = ["auto"]\n'
    settings: Settings = load(write(tmp_path, text), changes=[change('models."gpt-4.1".targets', ["embedded"])], release="rel_1")
    assert settings.config.models["gpt-4.1"].targets == ("embedded",)
    assert settings.effective()['models."gpt-4.1".targets'] == ["embedded"]
    assert settings.origin(("models", "gpt-4.1", "targets")) == "release rel_1 (chg_gets)"
    what, _ = refused(tmp_path, text.replace("targets", "target"))
    assert what == f'{FILE}:4: unknown key `models."gpt-4.1".target`'


def test_where_the_index_stands_is_checked_shown_without_its_password_and_changes_no_answer(tmp_path: Path) -> None:
    plain = load(write(tmp_path / "plain"))
    there = load(write(tmp_path / "there", APP + '\n[index]\nurl = "postgresql://me:hunter2@host/db"\nnamespace = "desk"\n'))
    assert config_hash(there.config, {}) == config_hash(plain.config, {})
    assert there.effective()["index.url"] == "postgresql://me:***@host/db"
    assert "hunter2" not in repr(there.config)
    named = load(write(tmp_path / "named", APP + '\n[index]\nurl = "env:NOT_SET_AS_LONG_AS_NOBODY_OPENS_IT"\n'))
    assert named.effective()["index.url"] == "env:NOT_SET_AS_LONG_AS_NOBODY_OPENS_IT"
    for wrong in ("mysql://me:hunter2@host/db", "postgresql://me:hunter2@host:port/db", "hunter2"):
        with pytest.raises(ConfigError, match=r"groundwork.toml:\d+: ") as error:
            load(write(tmp_path / "wrong", f'{APP}\n[index]\nurl = "{wrong}"\n'))
        assert "hunter2" not in str(error.value)
