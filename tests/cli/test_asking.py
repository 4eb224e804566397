"""From a folder of documents to answers, traces and their lineage."""

import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from groundwork.core.record import Feedback, Thumb
from groundwork.store.folder import Folder
from tests.apps import PAGES
from tests.cli.conftest import Run


def test_a_new_application_from_documents_answers(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pages" / "deep").mkdir(parents=True)
    for name, text in PAGES.items():
        (tmp_path / "pages" / "deep" / name).write_text(text)
    (tmp_path / "pages" / "notes.bin").write_bytes(b"\0")
    done = run("new", "My Handbook", "--docs", "pages")
    assert done.code == 0, done.err
    assert "2 documents" in done.err
    assert sorted(path.name for path in (tmp_path / "My Handbook" / "docs").rglob("*.*")) == ["backups.md", "lighthouse.md"]
    monkeypatch.chdir(tmp_path / "My Handbook")
    toml = Path("groundwork.toml")
    assert 'name   = "my-handbook"' in toml.read_text()
    toml.write_text(toml.read_text().replace('["auto"]', '["embedded"]'))
    assert run("check").code == 0
    assert run("index").code == 0
    done = run("ask", "How long are backups kept?", "--json")
    assert done.json["finish"] == "stop"
    assert "ninety days" in done.json["text"]


def test_a_new_application_never_writes_over_something(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("dear")
    assert run("new", "mine").code == 2
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter.txt"]
    assert run("new", "other", "--docs", "nowhere").code == 2
    assert not (tmp_path / "other").exists()


def test_the_sample_is_copied_whole_and_right(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("new", "helpdesk", "--sample").code == 0
    assert (tmp_path / "helpdesk" / "docs" / "wal.html").is_file()
    assert not (tmp_path / "helpdesk" / ".groundwork").exists()
    done = run("check", "--app", "helpdesk", "--json")
    assert done.code == 0, done.err
    values = {row["path"]: (row["value"], row["from"]) for row in done.json["values"]}
    assert values["app.name"][0] == "sqlite-helpdesk"
    assert values["app.name"][1].startswith("groundwork.toml:")
    assert values["server.port"] == (8321, "default")
    assert any("nothing is indexed" in note for note in done.json["notes"])


def test_the_schema_of_the_configuration_is_printed(run: Run) -> None:
    assert run("check", "--schema").json["title"] == "groundwork.toml"


def test_indexing_again_does_only_what_changed(run: Run, app: Path) -> None:
    first = run("index", "--json").json
    assert (first["unchanged"], first["added"], first["changed"]) == (2, 0, 0)
    page = app / "docs" / "backups.md"
    page.write_text(page.read_text().replace("ninety", "eighty"))
    (app / "docs" / "lighthouse.md").unlink()
    (app / "docs" / "broken.md").write_bytes(b"\xff\xfe\xfa")
    done = run("index")
    assert done.code == 0
    assert "0 added, 1 changed, 1 removed, 0 unchanged" in done.err
    assert "skipped broken.md" in done.err.replace("docs/", "")
    assert "generation" in done.out


def test_an_index_made_otherwise_is_refused_with_the_way_out(run: Run, app: Path) -> None:
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('sources = ["docs"]', 'sources = ["docs"]\nchunk = { tokens = 64, overlap = 8 }'))
    done = run("index")
    assert done.code == 2
    assert "groundwork index --rebuild" in done.err
    assert run("index", "--rebuild").code == 0
    assert run("index").code == 0
    with sqlite3.connect(app / ".groundwork" / "index" / "index.db") as connection:
        table = next(
            row[0]
            for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            if "made_with" in str(connection.execute(f'SELECT * FROM "{row[0]}" LIMIT 20').fetchall())
        )
        columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
        made = json.loads(connection.execute(f'SELECT "{columns[1]}" FROM "{table}" WHERE "{columns[0]}" = \'made_with\'').fetchone()[0])
        made["fingerprint"] = "another"
        connection.execute(f'UPDATE "{table}" SET "{columns[1]}" = ? WHERE "{columns[0]}" = \'made_with\'', (json.dumps(made),))
    connection.close()
    done = run("index")
    assert done.code == 1
    assert "another encoder" in done.err
    done = run("ask", "How long are backups kept?")
    assert done.code == 1
    assert "--rebuild" in done.err
    assert run("index", "--rebuild").code == 0
    assert run("ask", "How long are backups kept?").code == 0


def test_asking_prints_the_answer_on_stdout_and_talk_on_stderr(run: Run, app: Path) -> None:
    done = run("ask", "How long are backups kept?")
    assert done.code == 0
    assert "“Backups are kept for ninety days, then they are deleted.” [2]" in done.out
    assert "[2] Backups > Schedule  docs/backups.md:7" in done.out
    assert "tr_" in done.err
    assert "tr_" not in done.out
    assert "\x1b" not in done.out
    assert run("ask", "--route", "tickets", "how many tickets?").out.startswith("There are 7 open tickets.")
    done = run("ask", "--route", "tickts", "hi")
    assert done.code == 2
    assert "did you mean `tickets`?" in done.err


def test_a_key_in_the_environment_is_seen_and_not_used(run: Run, app: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from groundwork.gateway.providers import auto

    monkeypatch.setattr(auto, "LOCAL_SERVERS", ())
    monkeypatch.setattr(auto.local_server, "__defaults__", ((),))
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-nottobeusednottobeused1234")
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('["embedded"]', '["auto"]'))
    done = run("ask", "How long are backups kept?")
    assert "ninety days" in done.out
    assert "OPENAI_API_KEY is set" in done.err
    assert "nottobeused" not in done.err


def test_finding_says_why_each_hit_is_there(run: Run, app: Path) -> None:
    found = run("find", "backups kept ninety days", "--json").json
    assert found["hits"][0]["chunk"]["source"] == "docs/backups.md"
    assert set(found["hits"][0]["ranks"]) == {"terms", "dense"}
    done = run("find", "backups kept ninety days")
    assert done.out.startswith("1. Backups")
    assert "terms #1" in done.out
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('[context]\nsources = ["docs"]\n', ""))
    assert run("find", "x").code == 2


def test_traces_are_listed_newest_first(run: Run, app: Path) -> None:
    assert run("traces", "--json").json == []
    run("ask", "How long are backups kept?")
    run("ask", "--route", "tickets", "how many tickets?")
    rows = run("traces", "--json").json
    assert [row["route"] for row in rows] == ["tickets", "default"]
    assert len(run("traces", "--json", "--limit", "1").json) == 1
    assert run("traces", "--json", "--status", "error").json == []
    table = run("traces").out.splitlines()
    assert table[0].split() == ["trace", "when", "took", "status", "question"]
    assert table[1].startswith(rows[0]["id"])


def test_anything_with_an_id_is_shown_with_what_is_before_and_behind_it(run: Run, app: Path) -> None:
    reply = run("ask", "How long are backups kept?", "--json").json
    trace, chunk = reply["trace"], reply["citations"][0]["chunk"]
    folder = Folder(app)
    opinion = Feedback(id="fb_1", trace=trace, opinion=Thumb(value=False), at=1.0)
    folder.state.write_now(
        lambda c: c.execute(
            "INSERT INTO feedback VALUES (?, ?, ?, ?)",
            ("fb_1", trace, 1.0, json.dumps({"id": "fb_1", "trace": trace, "opinion": {"type": "boolean", "value": False}, "at": 1.0})),
        )
    )
    assert opinion.trace == trace
    folder.close()
    key = run("keys", "create", "search", "--json").json["id"]
    shown = run("show", trace, "--json").json
    versions = shown["record"]["versions"]
    assert shown["kind"] == "trace"
    assert {versions["config"], versions["prompt"], chunk} <= set(shown["made_from"])
    assert list(shown["used_by"]) == ["fb_1"]
    for identifier, kind, behind, before in (
        (chunk, "chunk", trace, reply["citations"][0]["document"]),
        (reply["citations"][0]["document"], "document", chunk, None),
        (versions["prompt"], "prompt", trace, None),
        (versions["config"], "configuration", trace, None),
        ("fb_1", "feedback", None, trace),
        (key, "key", None, None),
    ):
        shown = run("show", identifier, "--json").json
        assert shown["kind"] == kind
        assert behind is None or behind in shown["used_by"]
        assert before is None or before in shown["made_from"]
        done = run("show", identifier)
        assert done.code == 0
        assert done.out.startswith(f"{kind} {identifier}")
    text = run("show", trace).out
    for piece in (
        "asked",
        "answered (stop)",
        "sent to the model",
        "steps",
        "made from",
        "used by",
        "chat embedded/quoting-reader",
        "docs/backups.md",
    ):
        assert piece in text


@pytest.mark.parametrize("prefix", ["tr", "fb", "doc", "ch", "pr", "cfg", "ds", "ex", "run", "chg", "rel", "key"])
def test_an_id_that_is_not_here_is_said(run: Run, app: Path, prefix: str) -> None:
    done = run("show", f"{prefix}_00")
    assert (done.code, done.out) == (2, "")
    assert f"{prefix}_00" in done.err
    assert "fix:" in done.err


def test_what_is_no_id_is_said(run: Run, app: Path) -> None:
    for wrong in ("nonsense", "xx_1", "tr_", ""):
        done = run("show", wrong)
        assert done.code == 2
        assert "ids begin with tr_" in done.err


def test_keys_are_made_listed_and_revoked(run: Run, app: Path) -> None:
    done = run("keys", "create", "search", "--tenant", "acme")
    assert done.out.startswith("gw-")
    clear = done.out.strip()
    assert clear not in run("keys", "list").out
    (row,) = run("keys", "list", "--json").json
    assert (row["name"], row["principal"]["tenant"]) == ("search", "acme")
    assert run("keys", "create", "search").code == 2
    assert run("keys", "revoke", "search").code == 0
    assert "revoked" in run("keys", "list").out
    assert run("keys", "revoke", "search").code == 2


def test_the_model_is_shown_and_changed_in_place(run: Run, app: Path) -> None:
    toml = app / "groundwork.toml"
    toml.write_text(toml.read_text().replace('targets = ["embedded"]', 'targets = [ "embedded" ]   # ours'))
    before = toml.read_text()
    assert run("model", "--json").json == {"default": "reader", "models": {"reader": ["embedded"], "stage": ["play/one"]}}
    assert "reader (default): embedded" in run("model").out
    assert run("model", "openai/gpt-4o-mini").code == 0
    text = toml.read_text()
    assert 'targets = ["openai/gpt-4o-mini"]   # ours' in text
    assert '[providers.openai]\nkind = "openai"\nkey = "env:OPENAI_API_KEY"' in text
    assert run("model", "here/qwen", "--base-url", "http://127.0.0.1:8000/v1").code == 0
    assert run("model", "--json").json["models"]["reader"] == ["here/qwen"]
    assert run("model", "embedded").code == 0
    assert toml.read_text().startswith(before.replace("[ ", "[").replace(" ]", "]"))
    now = toml.read_text()
    for wrong in ("nowhere/x", "embeded", 'a"b', "back\\1slash", "play/"):
        done = run("model", wrong)
        assert done.code == 2, wrong
        assert "fix:" in done.err
        assert toml.read_text() == now


def test_a_part_is_ejected_once_and_answers(run: Run, app: Path) -> None:
    assert run("eject", "answer").code == 0
    assert "async def answer(request: Request, app: App, out: Outlet) -> Reply:" in (app / "answer.py").read_text()
    assert run("ask", "How long are backups kept?").code == 0
    assert run("eject", "answer").code == 2
    assert run("eject", "everything").code == 2


@pytest.mark.parametrize("kind", ["scorers", "providers", "rails", "routes", "documents", "runs", "datasets", "changes", "releases"])
def test_lists_print_and_parse(run: Run, app: Path, kind: str) -> None:
    rows = run("list", kind, "--json").json
    assert isinstance(rows, list)
    text = run("list", kind).out
    assert (f"no {kind} yet" in text) == (rows == [])
    assert kind not in {"scorers", "providers", "rails", "routes", "documents"} or rows


def test_replay_says_what_is_answered_otherwise(run: Run, app: Path) -> None:
    assert run("replay", "--last", "1").code == 2
    run("ask", "How long are backups kept?")
    (row,) = run("replay", "--last", "1", "--json").json
    assert row["same"]
    page = app / "docs" / "backups.md"
    page.write_text(page.read_text().replace("ninety", "eighty"))
    run("index")
    done = run("replay", row["trace"])
    assert done.out.startswith("other  How long are backups kept?")
    assert "0 of 1 answers are the same" in done.out
    assert run("replay").code == 2
    assert run("replay", "tr_00").code == 2
    assert run("replay", row["trace"], "--last", "2").code == 2


def test_a_damaged_index_is_named_and_can_be_rebuilt(run: Run, app: Path) -> None:
    shutil.rmtree(app / ".groundwork" / "index")
    (app / ".groundwork" / "index").mkdir()
    (app / ".groundwork" / "index" / "index.db").write_bytes(b"not a database at all" * 400)
    done = run("ask", "How long are backups kept?")
    assert done.code == 1
    assert "--rebuild" in done.err
    assert run("index", "--rebuild").code == 0
    assert "ninety" in run("ask", "How long are backups kept?").out
