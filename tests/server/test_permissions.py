"""Two users, one server: the second never sees what is the first's, by any road and out of no cache."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from groundwork.core.record import Demonstration, Feedback
from groundwork.evaluate.report import load_evaluated
from tests.apps import PROMPT, index_docs
from tests.serving import Served, serving

CONFIG = """\
[app]
name = "office"
prompt = "answer"
autonomy = "run"

[models.reader]
targets = ["embedded"]

[cache]
exact = "1h"

[context]
sources = ["docs"]

[context.permissions]
otherwise = ["everyone"]

[[context.permissions.rules]]
match = "docs/hr/**"
allow = ["group:hr"]
"""

PAY = """\
---
band: 7
---
# Executive pay

The director Mireille Quandt earns 193,750 crowns a year. Her pay is reviewed every March.
"""
OPEN = "# Opening hours\n\nThe office opens at eight in the morning and closes at six in the evening.\n"
SECRETS = ("193,750", "Quandt", "Executive", "hr/pay", "crowns")
QUESTION = "How much does the director earn a year?"


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("office") / "office"
    for name, text in (("docs/hr/pay.md", PAY), ("docs/hours.md", OPEN), ("prompts/answer.prompt.md", PROMPT), ("groundwork.toml", CONFIG)):
        (made / name).parent.mkdir(parents=True, exist_ok=True)
        (made / name).write_text(text)
    index_docs(made)
    return made


@pytest.fixture(scope="module")
def office(root: Path) -> Iterator[Served]:
    with serving(root) as served:
        yield served


@pytest.fixture(scope="module")
def keys(office: Served) -> dict[str, dict[str, str]]:
    """Headers of each caller."""
    made: dict[str, dict[str, str]] = {"nobody": {}}
    for name, more in (
        ("anna", {"groups": ("hr",)}),
        ("bob", {}),
        ("rival", {"tenant": "rival", "user": "anna", "groups": ("hr",)}),
        ("portal", {"on_behalf_of": True}),
    ):
        clear, _ = office.run(office.live.folder.keys.create(name, **more))
        made[name] = {"authorization": f"Bearer {clear}"}
    return made


def leaks(value: Any) -> list[str]:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return [secret for secret in SECRETS if secret in text]


def test_the_first_user_is_answered_from_their_document(office: Served, keys: dict[str, dict[str, str]]) -> None:
    status, _, body = office.say(QUESTION, "office", keys["anna"])
    assert status == 200
    assert "193,750" in body["choices"][0]["message"]["content"]
    assert body["groundwork"]["citations"][0]["source"] == "docs/hr/pay.md"


@pytest.mark.parametrize("who", ["bob", "rival", "portal", "nobody"])
@pytest.mark.parametrize("stream", [False, True])
def test_the_second_user_is_not_even_out_of_the_cache(office: Served, keys: dict[str, dict[str, str]], who: str, stream: bool) -> None:
    for _ in range(2):
        kept = office.say(QUESTION, "office", keys["anna"])[2]
        office.run(office.live.folder.traces.flush())
    assert office.live.folder.traces.read_now(lambda connection: connection.execute("SELECT count(*) FROM kept_answer").fetchone()[0]) > 0
    assert leaks(kept)
    for _ in range(2):
        status, _, body = office.say(QUESTION, "office", keys[who], stream=stream)
        assert status == 200
        assert leaks(body) == []


def test_nobody_can_claim_to_be_somebody(office: Served, keys: dict[str, dict[str, str]]) -> None:
    claims: list[dict[str, Any]] = [
        {"user": "anna"},
        {"groups": ["hr"]},
        {"principal": {"groups": ["hr"], "user": "anna"}},
        {"metadata": {"user": "anna", "groups": "hr"}},
        {"variables": {"groups": ["hr"], "user": "anna"}},
    ]
    for claim in claims:
        _, _, body = office.say(QUESTION, "office", keys["bob"], **claim)
        assert leaks(body) == [], claim
    for who in ("bob", "nobody", "anna"):
        for header in ({"groundwork-user": "anna"}, {"groundwork-groups": "hr"}, {"groundwork-user": "anna", "groundwork-groups": "hr"}):
            status, _, body = office.say(QUESTION, "office", keys[who] | header)
            assert (status, body["error"]["code"]) == (403, "not_on_behalf_of")
            assert leaks(body) == []


def test_a_trusted_program_asks_for_whom_it_says(office: Served, keys: dict[str, dict[str, str]]) -> None:
    def ask(**headers: str) -> Any:
        named = {f"groundwork-{name}": value for name, value in headers.items()}
        return office.say(QUESTION, "office", keys["portal"] | named)

    assert leaks(ask(user="carla", groups="press, hr")[2])
    assert leaks(ask(user="carla", groups="press")[2]) == []
    assert leaks(ask(user="carla")[2]) == []
    assert ask(groups="hr")[0] == 403
    assert ask(user=" ", groups="hr")[0] == 403


def test_pages_and_originals_are_as_closed_as_the_search(office: Served, keys: dict[str, dict[str, str]]) -> None:
    citation = office.say(QUESTION, "office", keys["anna"])[2]["groundwork"]["citations"][0]
    path = citation["url"].removeprefix(office.url)
    assert "193,750" in office.ask("GET", path, headers=keys["anna"])[2]
    assert "193,750" in office.ask("GET", f"/original/{citation['document']}", headers=keys["anna"])[2]
    nothing = "doc_" + "0" * 32
    for who in ("bob", "rival", "portal", "nobody"):
        for page in ("source", "original"):
            status, _, body = office.ask("GET", f"/{page}/{citation['document']}", headers=keys[who])
            absent = office.ask("GET", f"/{page}/{nothing}", headers=keys[who])
            assert status == absent[0] == 404
            assert leaks(body) == []
            assert body.replace(citation["document"], nothing) == absent[2], "what is forbidden looks like what is not there"


def test_traces_are_their_own_askers(office: Served, keys: dict[str, dict[str, str]]) -> None:
    trace = office.say(QUESTION, "office", keys["anna"])[2]["groundwork"]["trace"]
    assert office.ask("GET", f"/v1/traces/{trace}", headers=keys["anna"])[0] == 200
    for who in ("bob", "rival", "portal", "nobody"):
        status, _, body = office.ask("GET", f"/v1/traces/{trace}", headers=keys[who])
        assert (status, leaks(body)) == (404, [])
        given = {"trace": trace, "type": "boolean", "value": False}
        assert office.ask("POST", "/v1/feedback", given, keys[who])[0] == 404


def test_a_filter_tells_nothing_of_what_is_hidden(office: Served, keys: dict[str, dict[str, str]]) -> None:
    assert leaks(office.say(QUESTION, "office", keys["anna"], where="band = 7")[2])
    for where in ("band = 7", "bond = 7"):
        status, _, body = office.say(QUESTION, "office", keys["bob"], where=where)
        assert (status, body["error"]["code"], body["error"]["param"]) == (400, "unknown_field", "where")
        assert "band" not in json.dumps(body).replace(f"`{where[:4]}`", "")
    status, _, body = office.say(QUESTION, "office", keys["bob"], where='source ~ "docs/hr/**"')
    assert (status, leaks(body)) == (200, [])


def test_a_filter_is_checked_wherever_it_is_sent(office: Served, keys: dict[str, dict[str, str]]) -> None:
    for more in ({"where": "band >"}, {"metadata": {"where": "band >"}}):
        status, _, body = office.say(QUESTION, "office", keys["anna"], **more)
        assert (status, body["error"]["param"]) == (400, "where")
    assert office.say(QUESTION, "office", keys["anna"], where=7)[0] == 400
    status, _, body = office.say("hello", "reader", keys["anna"], where="band = 7")
    assert (status, body["error"]["param"]) == (400, "where"), "a model alone has no documents to filter"


def test_the_rest_of_the_api_says_nothing(office: Served, keys: dict[str, dict[str, str]]) -> None:
    for path in ("/", "/health", "/v1/models", "/v1/models/office", "/static/", "/source/", "/v1/traces/"):
        assert leaks(office.ask("GET", path, headers=keys["bob"])[2]) == [], path


def test_an_example_from_a_rated_answer_is_shown_to_those_who_may_see_its_passages(
    root: Path, office: Served, keys: dict[str, dict[str, str]]
) -> None:
    from groundwork.app.rated import RatedTraces
    from groundwork.core.ids import event_id
    from groundwork.core.message import say
    from groundwork.core.request import Principal, Request

    trace = office.say(QUESTION, "office", keys["anna"])[2]["groundwork"]["trace"]
    office.run(office.live.folder.traces.flush())
    opinion = Demonstration(value="She earns 193,750 crowns.")
    office.run(office.live.folder.feedback.add(Feedback(id=event_id("fb"), trace=trace, opinion=opinion, at=0.0, user="anna")))
    rated = RatedTraces(office.live.folder, office.live.app.settings.config.context)

    def shots(**who: Any) -> Any:
        return office.run(rated(Request(messages=(say("user", "x"),), principal=Principal(**who))))

    assert [shot.id for shot in shots(user="carla", groups=("hr",))] == [trace]
    assert list(shots(user="bob")) == []
    assert list(shots()) == []


def test_an_original_that_has_changed_is_not_shown_before_it_is_indexed(
    office: Served, root: Path, keys: dict[str, dict[str, str]]
) -> None:
    """What stands in it now may be for others."""
    _, _, body = office.say("When does the office open?", "office", keys["bob"])
    document = body["groundwork"]["citations"][0]["document"]
    file = root / "docs" / "hours.md"
    try:
        file.write_text("---\nallow: [group:hr]\n---\n# Opening hours\n\nThe safe's code is 4711.\n")
        status, _, page = office.ask("GET", f"/original/{document}", headers=keys["bob"])
        assert (status, "4711" in page) == (404, False)
        index_docs(root)
        assert office.ask("GET", f"/source/{document}", headers=keys["bob"])[0] == 404, (
            "the earlier version is as closed as the present one"
        )
        assert office.ask("GET", f"/source/{document}", headers=keys["anna"])[0] == 200
    finally:
        file.write_text(OPEN)
        index_docs(root)
    assert office.ask("GET", f"/original/{document}", headers=keys["bob"])[0] == 200


def test_rules_that_are_not_indexed_yet_close_everything(root: Path, office: Served, keys: dict[str, dict[str, str]]) -> None:
    with_more = CONFIG + '[[context.permissions.rules]]\nmatch = "docs/hours.md"\nallow = ["group:hr"]\n'
    try:
        (root / "groundwork.toml").write_text(with_more)
        index_docs(root)
        status, _, body = office.say("When does the office open?", "office", keys["bob"])
        assert (status, leaks(body)) == (503, [])
        assert "groundwork index" in json.dumps(body)
    finally:
        (root / "groundwork.toml").write_text(CONFIG)
        index_docs(root)


CASES = (
    {"id": "hr", "question": QUESTION, "asker": {"user": "anna", "groups": ["hr"]}, "facts": [{"accepted": ["193,750"]}]},
    {"id": "other", "question": QUESTION, "asker": {"user": "bob"}, "answerable": False},
    {"id": "anyone", "question": QUESTION, "answerable": False},
    {
        "id": "filtered",
        "question": QUESTION,
        "asker": {"user": "anna", "groups": ["hr"]},
        "where": 'source = "docs/hours.md"',
        "answerable": False,
    },
)


@pytest.mark.parametrize("over", ["the folder", "the wire"])
def test_a_suite_holds_who_gets_the_answer(office: Served, root: Path, over: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "cases.jsonl").write_text("".join(json.dumps(case) + "\n" for case in CASES))
    text = 'cases = "cases.jsonl"\nmetrics = ["answer.correct"]\n'
    if over == "the wire":
        clear, _ = office.run(office.live.folder.keys.create("suite", on_behalf_of=True))
        text += f'[target]\nurl = "{office.url}/v1"\nmodel = "office"\nkey = "env:PORTAL"\n'
        monkeypatch.setenv("PORTAL", clear)
    (tmp_path / "suite.toml").write_text(text)
    command = [sys.executable, "-m", "groundwork", "eval", str(tmp_path / "suite.toml"), "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    run = load_evaluated(root / ".groundwork" / "runs", json.loads(done.stdout)["id"])
    told = {result.example for result in run.results if leaks(msgspec.json.encode(result).decode())}
    assert len(run.results) == len(CASES)
    assert told == {"hr"}
