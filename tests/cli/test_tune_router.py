"""`groundwork tune router`: from a file of intents to a route."""

import json
from pathlib import Path

from tests.cli.conftest import Run

INTENTS = Path(__file__).parents[1] / "data" / "routing" / "intents.toml"


def test_a_router_is_made_listed_and_chooses_the_route(app: Path, run: Run) -> None:
    done = run("tune", "router", INTENTS, "--name", "shop")
    assert done.code == 0, done.err
    assert "6 intents, 48 examples, 6 out of scope" in done.out
    assert "right intent" in done.out
    assert '[routes]\nby = "shop"' in done.err
    (fingerprint,) = {word for word in done.out.split() if word.startswith("shop:")}
    (listed,) = [one for one in run("tune", "list", "--json").json if one["name"] == "shop"]
    assert (listed["fingerprint"], listed["task"], listed["fault"]) == (fingerprint, "intents", "")
    assert listed["figures"]["accuracy"]["n"] == 48
    assert "What to expect" in run("tune", "card", "shop").out

    file = app / "groundwork.toml"
    text = file.read_text().replace('default = "reader"', 'default = "reader"\nby = "shop"')
    file.write_text(text.replace('to = "stage"', 'to = "stage"\nintents = ["account"]'))
    reply = run("ask", "I forgot my password, are there tickets about that?", "--json")
    assert reply.code == 0, reply.err
    trace = reply.json["trace"]
    shown = run("show", trace)
    assert "route tickets" in shown.out
    assert fingerprint in json.dumps(run("show", trace, "--json").json)


def test_held_messages_are_measured_beside_the_folds(app: Path, run: Run, tmp_path: Path) -> None:
    messages = {
        "intents": {"refund": ["can I have my money back"], "parcel": ["my package is late"]},
        "out_of_scope": ["what is the time in Tokyo"],
    }
    lines = [
        {"id": text, "text": text, "label": label, "group": text}
        for label, texts in [*messages["intents"].items(), ("out_of_scope", messages["out_of_scope"])]
        for text in texts
    ]
    (tmp_path / "messages.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    done = run("tune", "router", INTENTS, "--held", tmp_path / "messages.jsonl", "--json")
    assert done.code == 0, done.err
    assert done.json["held"]["accuracy"]["value"] == 1
    assert done.json["held"]["accuracy"]["n"] == 2
    assert done.json["record"]["name"] == "intents"
    shown = run("tune", "router", INTENTS, "--held", tmp_path / "messages.jsonl")
    assert "on the held messages" in shown.out


def test_bad_input_is_refused_before_anything_is_written(app: Path, run: Run, tmp_path: Path) -> None:
    one = tmp_path / "one.toml"
    one.write_text('[intents]\nonly = ["a", "b", "c", "d", "e"]\n')
    done = run("tune", "router", one)
    assert done.code == 2
    assert "a router chooses between 2 or more" in done.err
    assert run("tune", "router", INTENTS, "--name", "../up").code == 2
    assert run("tune", "router", INTENTS, "--false-rejection", "2").code == 2
    assert run("tune", "router", tmp_path / "none.toml").code == 2
    strange = tmp_path / "strange.jsonl"
    strange.write_text('{"id": "a", "text": "hello", "label": "greeting", "group": "a"}\n')
    done = run("tune", "router", INTENTS, "--held", strange)
    assert (done.code, "`greeting` is no intent of this router" in done.err) == (2, True)
    assert not (app / ".groundwork" / "models").exists()
