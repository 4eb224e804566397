import gzip
import json
from pathlib import Path

import pytest

from groundwork.core.errors import ConfigError, InputError, NotFound
from groundwork.datasets.training import leaks
from groundwork.engine.intents import OUT_OF_SCOPE
from groundwork.tuning.prepare.intents import prepare_intents, read_clinc, read_intents

DATA = Path(__file__).parents[2] / "data" / "routing"
TOML = """\
out_of_scope = ["tell me a joke"]
[intents]
refund = ["money back", "return shoes", "send it back", "take it back", "a refund"]
parcel = ["where is it", "track it", "not here", "still waiting", "late again"]
"""


def file(folder: Path, text: str, name: str = "intents.toml") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_toml_file_of_intents():
    found = read_intents(DATA / "intents.toml")
    assert found.labels == ("account", "cancel", "invoice", "parcel", "refund", "voucher")
    assert len(found.rows) == 54
    assert sum(row.label == OUT_OF_SCOPE for row in found.rows) == 6
    assert found.rows[0].id == "parcel/1"
    assert len({row.id for row in found.rows}) == 54


def test_lines_say_the_same_as_toml(tmp_path):
    rows = read_intents(file(tmp_path, TOML)).rows
    lines = "".join(json.dumps({"id": row.id, "text": row.text, "label": row.label, "group": row.group}) + "\n\n" for row in rows)
    assert read_intents(file(tmp_path, lines, "intents.jsonl")).rows == rows


def test_an_example_that_says_the_same_counts_once(tmp_path):
    found = read_intents(file(tmp_path, TOML.replace('"a refund"', '"a refund", "A refund!", "👍", "👍"')))
    assert found.repeated == 2
    assert [row.text for row in found.rows if row.label == "refund"][-2:] == ["a refund", "👍"]


@pytest.mark.parametrize(
    ("before", "after", "said", "line"),
    [
        ('"a refund"', '"Track it."', "'track it' stands for `parcel` here and for `refund` at", 4),
        ('"a refund"', '"Tell me a joke"', "'tell me a joke' stands for `out_of_scope`", 1),
        (', "a refund"', "", "the intent `refund` has 4 different examples, and needs 5", 3),
        ('"a refund"', '"money, back"', "the intent `refund` has 4 different examples", 3),
        ('"a refund"', '"  "', "an example of `refund` is empty", 3),
        ("refund =", '"" =', "an intent has no name", 3),
        ("refund =", "out_of_scope =", "`out_of_scope` is no intent", 3),
        ("[intents]", "[intent]", "unknown key `intent`", 2),
        ('"a refund"', "7", "refund", 3),
        ('refund = ["money back", ', "refund = [money back, ", "not valid TOML", 3),
    ],
)
def test_what_cannot_be_learned_from_is_refused_with_its_line(tmp_path, before, after, said, line):
    assert before in TOML
    with pytest.raises(ConfigError) as caught:
        read_intents(file(tmp_path, TOML.replace(before, after)))
    assert said in str(caught.value)
    assert caught.value.where.endswith(f"intents.toml:{line}")
    assert caught.value.fix


@pytest.mark.parametrize(
    ("text", "said"), [("[intents]\n", "there is no intent"), (TOML.partition("parcel")[0], "there is 1 intent, and a router chooses")]
)
def test_one_intent_is_no_choice(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        read_intents(file(tmp_path, text))


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('{"id": "a", "text": "", "label": "x", "group": "g"}', "empty text"),
        ('{"id": "a", "text": "hello"}', "label"),
        ("{", "not a JSON object"),
        ('{"id": "a", "text": "hello", "label": "x", "group": "g", "lable": 1}', "unknown key"),
        ("", "there is no row"),
    ],
)
def test_bad_lines_are_refused(tmp_path, line, said):
    with pytest.raises(ConfigError, match=said):
        read_intents(file(tmp_path, line, "intents.jsonl"))


def test_doubled_texts_in_lines_are_named_with_both_lines(tmp_path):
    rows = [
        {"id": str(place), "text": text, "label": label, "group": "g"} for place, (text, label) in enumerate([("hi", "a"), ("Hi!", "b")])
    ]
    with pytest.raises(ConfigError, match=r"intents.jsonl:3: 'Hi!' stands for `b` here and for `a` at .*intents.jsonl:1"):
        read_intents(file(tmp_path, "\n\n".join(map(json.dumps, rows)), "intents.jsonl"))


def test_no_file_and_no_text_are_refused(tmp_path):
    with pytest.raises(NotFound, match="does not exist"):
        read_intents(tmp_path / "none.toml")
    with pytest.raises(ConfigError, match="cannot be read"):
        read_intents(tmp_path)
    (tmp_path / "latin.toml").write_bytes(TOML.replace("joke", "caf\xe9").encode("latin-1"))
    with pytest.raises(ConfigError, match="not UTF-8"):
        read_intents(tmp_path / "latin.toml")


def test_clinc_is_read_by_split_from_either_place():
    splits, origins = read_clinc(DATA.parent)
    assert {split: len(rows) for split, rows in splits.items()} == {"train": 192, "val": 80, "oos_train": 24, "oos_val": 40}
    assert {row.label for row in splits["oos_val"]} == {OUT_OF_SCOPE}
    assert (origins[0].licence, origins[0].rows) == ("CC BY 3.0", 336)
    assert read_clinc(DATA) == (splits, origins)


def test_clinc_as_a_training_set_leaks_nothing():
    parts, _ = prepare_intents(DATA)
    assert {part: len(rows) for part, rows in parts.items()} == {"train": 136, "dev": 80, "held": 120}
    assert leaks(parts) == []
    assert prepare_intents(DATA) == prepare_intents(DATA)


@pytest.mark.parametrize("content", [b"no gzip", gzip.compress(b'{"split": "train"}')], ids=["no gzip", "no utterance"])
def test_a_damaged_file_is_named(tmp_path, content):
    with pytest.raises(NotFound):
        read_clinc(tmp_path)
    (tmp_path / "clinc150.jsonl.gz").write_bytes(content)
    with pytest.raises(InputError, match="cannot be read"):
        read_clinc(tmp_path)
