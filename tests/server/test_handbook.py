"""The example of a company's handbook as its users meet it: five formats, two users, documents that change under the running server."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from openai import APIStatusError, OpenAI

from groundwork.context import reading
from groundwork.core.text import fold
from groundwork.evaluate.scorers.facts import holds
from tests.apps import HANDBOOK, copy_handbook
from tests.serving import Served, serving

QUESTION = "How much does the managing director earn a year?"
SECRETS = ("149,500", "Lindqvist", "hr/pay", "Pay at Tern", "bonus")
APP = "company-handbook"


@pytest.fixture(scope="module")
def handbook(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    pytest.importorskip("pypdfium2", reason="reading PDF needs pypdfium2: pip install 'groundwork-ai[documents]'")
    with serving(copy_handbook(tmp_path_factory.mktemp("handbook") / "app")) as served:
        yield served


@pytest.fixture(scope="module")
def root(handbook: Served) -> Path:
    return handbook.live.app.settings.root


@pytest.fixture(scope="module")
def keys(handbook: Served) -> dict[str, str]:
    """Anna is of the group hr, bob of none."""
    create = handbook.live.folder.keys.create
    return {name: handbook.run(create(name, groups=groups))[0] for name, groups in (("anna", ("hr",)), ("bob", ()))}


def client(handbook: Served, key: str) -> OpenAI:
    return OpenAI(base_url=f"{handbook.url}/v1", api_key=key, max_retries=0, timeout=20)


def asked(handbook: Served, key: str, question: str) -> Any:
    """The whole completion, as the official client has it, as plain data."""
    with client(handbook, key) as openai:
        return openai.chat.completions.create(model=APP, messages=[{"role": "user", "content": question}]).model_dump()


def said(handbook: Served, key: str, question: str) -> str:
    return asked(handbook, key, question)["choices"][0]["message"]["content"]


def streamed(handbook: Served, key: str, question: str) -> str:
    """Everything that a stream carried."""
    with client(handbook, key) as openai:
        stream = openai.chat.completions.create(model=APP, messages=[{"role": "user", "content": question}], stream=True)
        return "".join(chunk.model_dump_json() for chunk in stream)


def leaks(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [secret for secret in SECRETS if secret in text]


def groundwork(root: Path, *words: str) -> str:
    """A command in a process of its own, as beside a running server; its output."""
    done = subprocess.run(
        [sys.executable, "-m", "groundwork", *words], cwd=root, capture_output=True, text=True, check=False, env=os.environ, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


def script() -> ModuleType:
    """The example's own script."""
    for name in ("docx", "openpyxl", "reportlab"):
        pytest.importorskip(name, reason="the example's files are made with reportlab, python-docx and openpyxl: pip install them")
    found = importlib.util.spec_from_file_location("make_documents", HANDBOOK / "make_documents.py")
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    return module


# -- who sees what


def test_the_first_user_is_answered_from_the_restricted_pdf_with_its_page(handbook: Served, keys: dict[str, str]) -> None:
    reply = asked(handbook, keys["anna"], QUESTION)
    message = reply["choices"][0]["message"]
    assert "149,500 euros" in message["content"]
    citation = reply["groundwork"]["citations"][0]
    assert (citation["source"], citation["page"]) == ("docs/hr/pay.pdf", 3)
    assert message["annotations"][0]["url_citation"]["url"] == citation["url"]
    assert "The managing director Edda Lindqvist earns 149,500 euros a year" in citation["quote"]


def test_the_second_user_is_told_nothing_by_any_road(handbook: Served, keys: dict[str, str]) -> None:
    replies = []
    for _ in range(2):  # the second time out of the cache
        replies.append(asked(handbook, keys["anna"], QUESTION))
        handbook.run(handbook.live.folder.traces.flush())
    assert all(leaks(reply) for reply in replies)
    assert handbook.live.folder.traces.read_now(lambda connection: connection.execute("SELECT count(*) FROM kept_answer").fetchone()[0])
    for key in (keys["bob"], "none"):
        for _ in range(2):
            assert leaks(asked(handbook, key, QUESTION)) == []
            assert leaks(streamed(handbook, key, QUESTION)) == []
    assert leaks(streamed(handbook, keys["anna"], QUESTION))
    anna, bob = ({"authorization": f"Bearer {keys[name]}"} for name in ("anna", "bob"))
    document = replies[0]["groundwork"]["citations"][0]["document"]
    traces = [reply["groundwork"]["trace"] for reply in replies]
    for path in (f"/source/{document}", f"/original/{document}", *(f"/v1/traces/{trace}" for trace in traces)):
        for headers in (bob, {}):
            status, _, body = handbook.ask("GET", path, headers=headers)
            assert (status, leaks(body)) == (404, [])
        assert handbook.ask("GET", path, headers=anna)[0] == 200
    assert leaks(handbook.ask("GET", f"/source/{document}", headers=anna)[2])
    for trace in traces:
        rated = {"trace": trace, "type": "boolean", "value": True}
        assert handbook.ask("POST", "/v1/feedback", rated, bob)[0] == 404
        assert handbook.ask("POST", "/v1/feedback", rated, anna)[0] == 200


def test_nobody_says_in_a_body_or_a_header_who_they_are(handbook: Served, keys: dict[str, str]) -> None:
    with client(handbook, keys["bob"]) as openai:
        reply = openai.chat.completions.create(
            model=APP,
            messages=[{"role": "user", "content": QUESTION}],
            user="anna",
            metadata={"groups": "hr"},
            extra_body={"groups": ["hr"], "principal": {"groups": ["hr"]}},
        )
        assert leaks(reply.model_dump()) == []
        with pytest.raises(APIStatusError) as refused:
            openai.chat.completions.create(
                model=APP,
                messages=[{"role": "user", "content": QUESTION}],
                extra_headers={"groundwork-user": "anna", "groundwork-groups": "hr"},
            )
    assert (refused.value.status_code, leaks(refused.value.response.text)) == (403, [])


@pytest.mark.parametrize(
    ("question", "answer", "source", "place"),
    [
        ("How many days of paid holiday do I have in a year?", "29 days", "docs/welcome.md", {"line": 20}),
        ("How many euros for meals do I get for a day abroad?", "48 euros", "docs/travel.html", {"element": "nights"}),
        ("How many characters must a password have at least?", "16 characters", "docs/equipment.docx", {"element": "paragraph-6"}),
        ("How many days does delivery of the antenna A1 take?", "21", "docs/gauges.xlsx", {"element": "Spare parts!A3"}),
    ],
)
def test_every_format_is_answered_from_with_its_place(
    handbook: Served, keys: dict[str, str], question: str, answer: str, source: str, place: dict[str, Any]
) -> None:
    reply = asked(handbook, keys["bob"], question)
    assert answer in reply["choices"][0]["message"]["content"]
    citation = next(one for one in reply["groundwork"]["citations"] if answer in one["quote"])
    assert citation["source"] == source
    assert {name: citation.get(name) for name in place} == place


def test_find_says_which_are_forbidden_and_why_one_is_not_there(root: Path, handbook: Served) -> None:
    explained = groundwork(root, "find", QUESTION, "--as", "bob", "--explain")
    assert "7 indexed, 3 forbidden" in explained
    assert leaks(explained) == []
    assert "forbidden: it is for group:local/hr" in groundwork(root, "find", QUESTION, "--as", "bob", "--why-not", "docs/hr/pay.pdf")
    assert groundwork(root, "find", QUESTION, "--as", "anna", "--group", "hr").startswith("1. Pay at Tern Instruments")
    assert leaks(groundwork(root, "find", QUESTION, "--as", "edda")) == []
    assert "budget-2026" in groundwork(root, "find", "budget of the workshop", "--as", "edda")


def test_tuning_on_the_open_questions_runs_beside_the_server(root: Path, handbook: Served) -> None:
    found = groundwork(root, "context", "tune", "--only", "retrieve", "--no-propose")
    assert "15 questions: company-handbook" in found
    assert "retrieve.fuse = dense" in found


# -- documents that change; these come last, for they change the folder


def test_an_edited_document_is_answered_from_at_once_and_by_nothing_old(root: Path, handbook: Served, keys: dict[str, str]) -> None:
    question = "How many days of paid holiday do I have in a year?"
    before = asked(handbook, keys["bob"], question)
    assert "29 days" in before["choices"][0]["message"]["content"]
    file = root / "docs" / "welcome.md"
    file.write_text(file.read_text().replace("29 days of paid holiday", "31 days of paid holiday"))
    assert "1 changed" in groundwork(root, "index")
    after = said(handbook, keys["bob"], question)
    assert "31 days" in after
    assert "29 days" not in after


def test_an_edited_restricted_document_stays_restricted(root: Path, handbook: Served, keys: dict[str, str]) -> None:
    made = script()
    pay = [(heading, [text.replace("149,500", "152,300") for text in paragraphs]) for heading, paragraphs in made.PAY]
    before = asked(handbook, keys["anna"], QUESTION)["groundwork"]["citations"][0]["document"]
    (root / "docs" / "hr" / "pay.pdf").write_bytes(made.pdf("Pay at Tern Instruments", pay, made.BANDS))
    anna, bob = ({"authorization": f"Bearer {keys[name]}"} for name in ("anna", "bob"))
    assert handbook.ask("GET", f"/original/{before}", headers=anna)[0] == 404, "what stands in it now is not indexed yet"
    groundwork(root, "index")
    assert "152,300" in said(handbook, keys["anna"], QUESTION)
    assert "149,500" not in said(handbook, keys["anna"], QUESTION)
    assert leaks(asked(handbook, keys["bob"], QUESTION)) == []
    assert "152,300" not in said(handbook, keys["bob"], QUESTION)
    assert handbook.ask("GET", f"/source/{before}", headers=bob)[0] == 404


def test_a_deleted_document_is_in_no_answer(root: Path, handbook: Served, keys: dict[str, str]) -> None:
    question = "How much may a hotel cost a night?"
    assert "135 euros" in said(handbook, keys["bob"], question)
    (root / "docs" / "travel.html").unlink()
    assert "1 removed" in groundwork(root, "index")
    assert "135" not in streamed(handbook, keys["bob"], question)
    assert "travel.html" not in groundwork(root, "find", question)


def test_a_restricted_document_that_is_deleted_and_asked_for_by_its_id(root: Path, handbook: Served, keys: dict[str, str]) -> None:
    document = asked(handbook, keys["anna"], QUESTION)["groundwork"]["citations"][0]["document"]
    (root / "docs" / "hr" / "pay.pdf").unlink()
    groundwork(root, "index")
    assert leaks(asked(handbook, keys["anna"], QUESTION)["choices"]) == []
    bob = {"authorization": f"Bearer {keys['bob']}"}
    for page in ("source", "original"):
        status, _, body = handbook.ask("GET", f"/{page}/{document}", headers=bob)
        assert (status, leaks(body)) == (404, [])


# -- the example itself


def test_the_files_are_what_the_script_makes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same text as is shipped, and the same bytes on another day."""
    made = script()
    first = made.documents()
    for name, data in first.items():
        shipped = reading.parse((HANDBOOK / "docs" / name).read_bytes(), name)
        assert reading.parse(data, name).text == shipped.text, f"run examples/company-handbook/make_documents.py: {name} is another"
    monkeypatch.setattr("time.time", lambda: 2_000_000_000.0)
    assert made.documents() == first


def test_every_fact_of_the_suite_stands_where_it_says() -> None:
    texts: dict[str, str] = {}
    for path in (HANDBOOK / "docs").rglob("*.*"):
        texts[path.name] = fold(reading.parse(path.read_bytes(), path.name).text)
    rows = [json.loads(line) for line in (HANDBOOK / "suites" / "handbook.jsonl").read_text().splitlines()]
    assert len({row["id"] for row in rows}) == len(rows) == 30
    for row in rows:
        for fact in row["facts"]:
            assert any(holds(texts[fact["source"]], accepted) for accepted in fact["accepted"]), row["id"]
