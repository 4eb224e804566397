"""`groundwork context tune` over a small application: what it compares, what it proposes, and what it leaves alone."""

import asyncio
import json
import shutil
import time
from pathlib import Path

import msgspec
import pytest

from groundwork.core.message import say
from groundwork.core.record import Demonstration, Feedback, Thumb, Trace
from groundwork.core.request import Request
from groundwork.store.folder import Folder
from groundwork.store.lock import holding
from tests.cli.conftest import Run


def files_of(app: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (app / ".groundwork" / "index").iterdir() if path.suffix == ".db"}


def test_settings_are_compared_and_nothing_is_proposed_without_evidence(app: Path, run: Run) -> None:
    before = files_of(app)
    left = app / ".groundwork" / "context-tune-killed"
    left.mkdir()
    (left / "index.db").write_bytes(b"what a tuning that was killed leaves behind")
    done = run("context", "tune", "--only", "retrieve")
    assert done.code == 0, done.err
    assert "12 questions: small, all cases" in done.out
    assert "retrieve.fuse = dense" in done.out
    assert "nothing beats what you have" in done.out
    assert "the cases are those that the gate reports on" in done.err
    assert files_of(app) == before
    assert [path.name for path in (app / ".groundwork").iterdir() if path.name.startswith("context-tune")] == []


def test_one_tuning_at_a_time(app: Path, run: Run) -> None:
    with holding(app / ".groundwork" / "tune.lock", what="comparing"):
        done = run("context", "tune", "--only", "retrieve")
    assert done.code == 1
    assert "another process is comparing settings of the retrieval" in done.err


PARAPHRASED = [
    ("Physicians treat illness at the clinic.", "Who cures sick people?"),
    ("The automobile needs petrol every week.", "How often must I refuel my car?"),
    ("Infants sleep most of the day.", "What do newborn babies do all the time?"),
    ("Attorneys charge by the hour.", "How do lawyers bill clients?"),
    ("The feline chased a rodent across the yard.", "What did the cat run after?"),
    ("Monarchs reside in palaces.", "Where do kings live?"),
    ("Salaries are paid on Fridays.", "When do employees get their wages?"),
    ("The vessel sank off the coast in a storm.", "Why did the ship go down?"),
    ("Pupils receive their homework on Mondays.", "When are school assignments given to students?"),
    ("Bread is baked before dawn.", "How early does the bakery make its loaves?"),
    ("The thermometer shows minus ten degrees.", "Is it freezing cold outside?"),
    ("Burglars entered through a window.", "How did the thieves break into the house?"),
    ("The aircraft landed two hours late.", "Was the plane delayed?"),
    ("Purchases may be returned within a month.", "How long do I have to get a refund?"),
    ("Guests pay for parking.", "Do visitors have to buy a space for their vehicle?"),
    ("Spectacles are repaired while you wait.", "How quickly are broken glasses fixed?"),
]


@pytest.fixture
def literal(app: Path, run: Run) -> Path:
    """The application searching by terms alone, asked in other words than its documents use."""
    shutil.rmtree(app / "docs")
    (app / "docs").mkdir()
    cases = []
    for place, (statement, question) in enumerate(PARAPHRASED):
        (app / "docs" / f"{place:02}.md").write_text(f"# Notes\n\n{statement}\n")
        fact = {"accepted": [statement.rstrip(".")], "source": f"{place:02}.md"}
        cases.append({"id": str(place), "split": "choose", "question": question, "facts": [fact]})
    (app / "suites" / "small.jsonl").write_text("".join(json.dumps(case) + "\n" for case in cases))
    file = app / "groundwork.toml"
    text = file.read_text()
    assert 'sources = ["docs"]\n' in text
    file.write_text(text.replace('sources = ["docs"]\n', 'sources = ["docs"]\nretrieve = { fuse = "terms", keep = 1 }\n'))
    assert run("index").code == 0
    return app


def test_a_better_setting_is_proposed_with_its_evidence(literal: Path, run: Run) -> None:
    done = run("context", "tune", "--only", "retrieve", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["questions"] == len(PARAPHRASED)
    assert found["winner"] == "retrieve.fuse = dense", found["tried"]
    (winner,) = [one for one in found["tried"] if one["name"] == found["winner"]]
    assert winner["better"]
    assert winner["difference"]["low"] > 0
    assert winner["p"] < 0.05
    shown = run("show", found["change"], "--json").json
    assert json.dumps(shown).count("after Holm's correction") == 1
    assert winner["settings"]["context.retrieve.fuse"] in json.dumps(shown)
    assert 'fuse = "terms"' in (literal / "groundwork.toml").read_text()


def test_nothing_is_proposed_where_that_is_not_wanted(literal: Path, run: Run) -> None:
    found = run("context", "tune", "--only", "retrieve", "--no-propose", "--json").json
    assert found["winner"]
    assert "change" not in found or found["change"] == ""
    assert "no changes" in run("list", "changes").out.lower() or not run("list", "changes", "--json").json


def test_a_setting_that_is_named_is_tried_and_a_wrong_one_refused(app: Path, run: Run) -> None:
    tried = run("context", "tune", "--only", "retrieve", "--try", "context.chunk.tokens=64", "--json").json["tried"]
    assert "chunk.tokens = 64" in [one["name"] for one in tried]
    for wrong in ("context.chunk.tokens", "context.retrieve.kep=8", "app.name=x"):
        done = run("context", "tune", "--only", "retrieve", "--try", wrong)
        assert (done.code, done.err != "") == (2, True)


def test_too_few_questions_from_documents_or_feedback_are_refused(app: Path, run: Run) -> None:
    made = run("context", "tune", "--from", "documents", "--only", "retrieve")
    assert made.code == 2
    assert "too few to compare" in made.err
    liked = run("context", "tune", "--from", "feedback")
    assert liked.code == 2
    assert "0 questions" in liked.err


def test_approved_answers_and_demonstrations_are_asked_again(literal: Path, run: Run) -> None:
    """Twelve answers that somebody liked, and one that somebody corrected; the others were not judged."""

    async def write() -> None:
        folder = Folder(literal)
        for place, (statement, question) in enumerate(PARAPHRASED):
            request = msgspec.to_builtins(Request(messages=(say("user", question),)))
            reply = {"citations": [{"source": f"docs/{place:02}.md", "quote": statement}]}
            identifier = f"tr_{place:032x}"
            folder.trace_store.put(
                Trace(id=identifier, app="handbook", start=time.time(), seconds=0.1, status="ok", request=request, reply=reply)
            )
            opinion = Demonstration(value="repaired while you wait") if place == 15 else Thumb(value=True) if place < 12 else None
            if opinion is not None:
                await folder.feedback.add(Feedback(id=f"fb_{place}", trace=identifier, opinion=opinion, at=time.time()))
        folder.close()

    asyncio.run(write())
    done = run("context", "tune", "--from", "feedback", "--only", "retrieve", "--json")
    assert done.code == 0, done.err
    found = done.json
    assert found["questions"] == 13
    assert found["asked"] == "answers that people approved or gave"
    assert found["winner"] == "retrieve.fuse = dense"
    assert "has to win in spite of that" in found["notes"][0]
    shown = run("show", found["change"], "--json").json
    assert "tr_00000000000000000000000000000003" in json.dumps(shown)


def test_questions_made_from_the_documents_propose_no_retriever(app: Path, run: Run) -> None:
    shutil.rmtree(app / "docs")
    (app / "docs").mkdir()
    for place, name in enumerate(
        ["Alder", "Birch", "Cedar", "Drift", "Elm", "Fir", "Gorse", "Hazel", "Iris", "Jute", "Kelp", "Larch", "Maple", "Nettle"]
    ):
        text = f"The town of {name} was founded in {1800 + place}. The bridge of {name} was opened in {1900 + place}."
        (app / "docs" / f"{place:02}.md").write_text(f"# Towns\n\n{text}\n")
    file = app / "groundwork.toml"
    file.write_text(file.read_text().replace('sources = ["docs"]\n', 'sources = ["docs"]\nretrieve = { fuse = "dense", keep = 1 }\n'))
    assert run("index").code == 0
    done = run("context", "tune", "--from", "documents", "--only", "retrieve")
    assert done.code == 0, done.err
    assert "in 14 clusters: made from the documents" in done.out
    assert "no retriever is proposed" in done.err
    assert "chg_" not in done.out


def test_without_an_index_or_documents_it_says_what_to_do(app: Path, run: Run) -> None:
    shutil.rmtree(app / ".groundwork" / "index")
    done = run("context", "tune")
    assert done.code == 2
    assert "groundwork index" in done.err
