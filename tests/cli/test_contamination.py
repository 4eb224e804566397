import gzip
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import pairwise
from pathlib import Path
from threading import Thread

from tests.cli.conftest import Run

LONG = "A train leaves the harbour at nine and covers forty miles in each hour until it reaches the old bridge by noon"


def write(path: Path, *rows: dict[str, str]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path.name


def test_copies_are_found_between_files_of_any_rows(run: Run, app: Path) -> None:
    write(
        app / "test.jsonl",
        {"question": LONG, "answer": "480"},
        {"question": LONG[::-1], "answer": "0"},
        {"question": "Why?", "answer": "So."},
    )
    with gzip.open(app / "train.jsonl.gz", "wt") as file:
        file.write(json.dumps({"q": f"Exercise: {LONG}!"}) + "\n")
    done = run("contamination", "test.jsonl", "--field", "question", "--against", "train.jsonl.gz", "--json")
    (overlap,) = done.json["overlaps"]
    assert (overlap["case"], overlap["part"], overlap["source"], overlap["place"]) == (
        "line 1",
        "question",
        str(app / "train.jsonl.gz").split("/")[-1],
        1,
    )
    assert done.json["too_short"] == ["line 3"]
    text = run("contamination", "test.jsonl", "--field", "question", "--against", "train.jsonl.gz", "--characters")
    assert "share 50 characters in a row" in text.out
    assert "too short" in text.err


def test_a_suite_is_held_against_documents_datasets_and_runs(run: Run, app: Path) -> None:
    write(app / "train.jsonl", {"q": "They asked: how long are backups kept? Nobody knew, and nobody ever asked again."})
    identifier = run("eval", "--json").json["id"]
    done = run("contamination", "suites/small.toml", "--against", "train.jsonl", "--against", "docs", "--run", identifier, "--json")
    assert {one["case"] for one in done.json["overlaps"]} == {"kept-0", "kept-1", "kept-2"}
    effect = {one["metric"]: one for one in done.json["effects"]}["answer.correct"]
    assert (effect["clean"]["n"], effect["contaminated"]["n"]) == (9, 3)
    text = run("contamination", "suites/small.toml", "--against", "train.jsonl", "--run", identifier, "--show", "1")
    assert "with and without them" in text.out
    assert "more: --show" in text.err
    harvested = run("contamination", "suites/small.toml", "--against", "suites/small.toml")
    assert (harvested.code, "among the texts" in harvested.err) == (2, True)


def test_what_cannot_be_looked_for_is_refused(run: Run, app: Path) -> None:
    write(app / "test.jsonl", {"question": LONG})
    for wrong in (
        ("test.jsonl", "--field", "answer", "--against", "docs"),
        ("test.jsonl", "--against", "nowhere"),
        ("nowhere.jsonl", "--against", "docs"),
        ("docs", "--against", "docs"),
        ("ds_none", "--against", "docs"),
        ("test.jsonl", "--against", "docs", "--over", "1"),
        ("test.jsonl",),
    ):
        done = run("contamination", *wrong)
        assert done.code == 2, wrong


def test_a_model_is_asked_whether_it_knows_the_file(run: Run, app: Path) -> None:
    """A server that finds a case likely where the one before it in the file stands before it."""
    questions = [f"What is {number} times {number + 1}" for number in range(60)]
    write(app / "test.jsonl", *({"question": question} for question in questions))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            prompt = json.loads(self.rfile.read(int(self.headers["content-length"])))["prompt"]
            pieces = [piece + "\n\n" for piece in prompt.split("\n\n")]
            pieces[-1] = pieces[-1].rstrip("\n")
            places = [questions.index(piece.strip()) for piece in pieces]
            values = [None, *(-1.0 if after == before + 1 else -4.0 for before, after in pairwise(places))]
            body = json.dumps({"choices": [{"logprobs": {"tokens": pieces, "token_logprobs": values}}]}).encode()
            self.send_response(200)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            options = ("--url", f"http://127.0.0.1:{server.server_port}/v1", "--model", "small")
            done = run("contamination", "test.jsonl", "--against", "docs", *options)
        finally:
            server.shutdown()
            thread.join()
    assert "small: the model finds the cases likelier in the file's own order" in done.out
    assert run("contamination", "test.jsonl", "--against", "docs", *options[:2]).code == 2
