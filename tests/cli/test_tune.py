"""`groundwork tune`: every command of the group, with what it refuses. The whole way through a fit needs torch and the base's weights."""

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from groundwork.cli.tune import COMMANDS, command
from groundwork.core.errors import GroundworkError
from groundwork.core.measure import Example, Fact, Lineage
from groundwork.datasets.dataset import write_dataset
from groundwork.tuning.base_weights import find_base
from groundwork.tuning.record import write_record
from tests.cli.conftest import Run
from tests.tuning.records import a_record

ROOT = Path(__file__).resolve().parents[2]
READER = ROOT / "tests" / "data" / "reader"
CONFIG = {
    "model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32, "intermediate_size": 14336, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "tie_word_embeddings": False,
}  # fmt: skip


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_says_what_it_is_for_with_an_example(run: Run, name: str) -> None:
    done = run("tune", name, "--help")
    assert done.code == 0, done.err
    assert "Example" in done.out
    assert f"groundwork tune {name}" in done.out
    found = command.get_command(click.Context(command), name)
    assert found is not None
    assert found.help
    for option in found.params:
        assert not isinstance(option, click.Option) or option.help, f"{option.name} has no help"


def test_the_groups_help_imports_none_of_them() -> None:
    code = "import sys\nfrom groundwork.cli import main\ntry:\n    main(['tune', '--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted(n for n in sys.modules if n.startswith('groundwork.cli.tune_') or n in {'torch', 'numpy', 'transformers'}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines()[-1] == "[]"


# -- memory


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "config.json"
    path.write_text(json.dumps(CONFIG))
    return path


def test_memory_is_said_item_by_item_with_formulas(run: Run, config: Path) -> None:
    done = run("tune", "memory", config, "--method", "lora", "--rank", "16", "--batch", "8", "--length", "512")
    assert done.code == 0, done.err
    assert "8,030,261,248 parameters" in done.out
    for said in ("weights", "adapters", "gradients", "optimizer states", "activations", "keys and values", "rule of thumb", "16.1 GB"):
        assert said in done.out


def test_memory_as_json_and_of_packed_weights(run: Run, config: Path) -> None:
    found = run("tune", "memory", config, "--format", "int4", "--context", "8192", "--batch", "1", "--json").json
    assert found["training"] is None
    assert found["parameters"]["total"] == 8_030_261_248
    assert {item["name"]: item["bytes"] for item in found["inference"]["items"]}["keys and values"] == 2 * 32 * 8 * 128 * 8192 * 2
    assert "--method qlora" in run("tune", "memory", config, "--format", "int4").err
    assert run("tune", "memory", config, "--format", "int4", "--method", "qlora", "--json").json["training"]["total"] > 0


def test_memory_of_a_recipe(run: Run) -> None:
    done = run("tune", "memory", ROOT / "recipes" / "reader.toml")
    assert done.code == 0, done.err
    assert "best weights" in done.out


def test_memory_refuses_what_is_no_model(run: Run, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    assert run("tune", "memory", tmp_path / "config.json").code == 2
    assert run("tune", "memory", tmp_path / "none.json").code == 2
    assert run("tune", "memory", tmp_path / "none.toml").code == 2


# -- data, inspect


def test_sets_that_can_be_made_are_listed(run: Run) -> None:
    found = run("tune", "data", "--json").json
    assert {"reader", "reranker", "grounding"} <= {one["name"] for one in found}
    assert all(one["how"] for one in found)


def test_data_refuses_an_unknown_set_a_missing_folder_and_a_missing_target(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GROUNDWORK_DATA", raising=False)
    assert "did you mean `reader`" in run("tune", "data", "raeder", "--out", tmp_path / "x").err
    assert "--from" in run("tune", "data", "reader", "--out", tmp_path / "x").err
    assert "--out" in run("tune", "data", "reader").err
    assert not (tmp_path / "x").exists()


def examples(n: int, trace: str) -> list[Example]:
    return [
        Example(
            id=f"ex_{place}",
            question=f"For how long are backups kept? ({place})",
            facts=(Fact(accepted=("ninety days",)),),
            metadata={"intent": "backups" if place % 2 else "other"},
            lineage=Lineage(trace=trace, generator="a-model" if place == 0 else None),
        )
        for place in range(n)
    ]


@pytest.fixture
def dataset(run: Run, app: Path) -> str:
    """A dataset whose questions were all asked: of 40, one was answered by a model of unknown licence."""
    assert run("ask", "For how long are backups kept?").code == 0
    trace = run("traces", "--json").json[0]["id"]
    write_dataset(examples(40, trace), folder=app / ".groundwork" / "datasets", identifier="ds_mine", name="mine", made=1.0)
    return "ds_mine"


def test_a_harvested_dataset_becomes_a_training_set(run: Run, app: Path, dataset: str) -> None:
    done = run("tune", "data", "mine", "--from-dataset", dataset, "--out", "training/mine")
    assert done.code == 0, done.err
    assert "left out: 1 × a-model wrote its answer, and no licence is named" in done.err
    assert "mine (ds_mine), own: right answers by people" in done.out
    rows = [json.loads(line) for line in (app / "training" / "mine" / "train.jsonl").read_text().splitlines()]
    assert {answer["text"] for row in rows for answer in row.get("answers", ())} == {"ninety days"}
    inspected = run("tune", "inspect", "training/mine")
    assert inspected.code == 0, inspected.err
    assert "answerable" in inspected.out


def test_its_labels_become_a_classifiers_rows(run: Run, app: Path, dataset: str) -> None:
    found = run("tune", "data", "intents", "--from-dataset", dataset, "--label", "intent", "--out", "training/intents", "--json").json
    assert found["training"]["task"] == "classify"
    assert set(found["training"]["labels"]["train"]) == {"backups", "other"}
    done = run("tune", "data", "intents", "--from-dataset", dataset, "--label", "colour", "--out", "training/colours")
    assert done.code == 2
    assert "39 × nothing stands under `colour`" in done.err
    assert not (app / "training" / "colours").exists()


def test_rows_of_ones_own_become_a_training_set(run: Run, tmp_path: Path) -> None:
    rows = [{"id": str(place), "text": f"text {place}", "label": "ab"[place % 2], "group": str(place)} for place in range(40)]
    path = tmp_path / "rows.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0] | {"id": "again"}]))
    done = run("tune", "data", "mine", "--rows", path, "--task", "classify", "--out", tmp_path / "mine")
    assert done.code == 0, done.err
    assert "left out: 1 × it says what an earlier row says" in done.err
    assert "40 rows of rows.jsonl, own" in done.out
    refused = run("tune", "data", "mine", "--rows", path, "--out", tmp_path / "other")
    assert refused.code == 2
    assert "--task" in refused.err


def test_inspect_shows_parts_lengths_and_giveaways(run: Run, tmp_path: Path) -> None:
    done = run("tune", "inspect", READER)
    assert done.code == 0, done.err
    for said in ("train", "dev", "held", "question", "passage", "by its words"):
        assert said in done.out
    assert run("tune", "inspect", READER, "--json").json["name"]
    assert run("tune", "inspect", tmp_path).code == 2


# -- advice


def test_advice_on_a_run_and_on_a_review(run: Run, app: Path) -> None:
    with (app / "suites" / "small.jsonl").open("a") as file:
        for place in range(4):
            case = {
                "id": f"lost-{place}",
                "split": "report",
                "question": f"Who painted door {place}?",
                "facts": [{"accepted": ["Ada Muster"]}],
            }
            file.write(json.dumps(case) + "\n")
    assert run("eval", "suites/small.toml").code == 0
    found = run("tune", "advise", "--json").json
    assert found["looked_at"] == 16
    by_kind = {one["kind"]: one for one in found["counts"]}
    assert by_kind["information"]["of"]["in no document"] == 4
    assert "documents" in {step["remedy"] for step in found["steps"]}
    done = run("tune", "advise")
    assert "to try, in this order" in done.out
    assert "the latest run" in done.err
    assert run("tune", "advise", "--metric", "nonsense").code == 2


def test_advice_on_failure_modes_takes_the_readers_word(run: Run, app: Path) -> None:
    for question in ("For how long are backups kept?", "Who may restore a backup?"):
        assert run("ask", question).code == 0
    review = run("review", "start", "--no-read", "--json").json
    notes = [{"item": one["item"], "note": "the page is wrong", "modes": ["wrong-page"]} for one in review["items"]]
    (app / "notes.jsonl").write_text("".join(json.dumps(note) + "\n" for note in notes))
    assert run("review", "read", "--notes", "notes.jsonl").code == 0
    assert run("tune", "advise", "--review", "--json").json["counts"][0]["kind"] == "information"
    given = run("tune", "advise", "--review", "--mode", "wrong-page=behaviour", "--json").json
    assert given["counts"][0]["kind"] == "behaviour"
    assert run("tune", "advise", "--review", "--mode", "wrong-page=nonsense").code == 2


# -- models


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / ".groundwork" / "models" / "mine"
    folder.mkdir(parents=True)
    manifest = {"name": "mine", "task": "span", "fingerprint": "mine:0123", "files": {"layers.onnx": {"bytes": 11_600_000, "sha256": "a"}}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_record(a_record(name="mine"), folder)
    monkeypatch.chdir(tmp_path)
    return folder


def test_models_are_listed_with_their_figures(run: Run, model: Path) -> None:
    found = {one["name"]: one for one in run("tune", "list", "--json").json}
    assert found["mine"]["origin"] == "here"
    assert found["mine"]["figures"]["f1"]["value"] == 0.71
    assert found["all-minilm-l6-v2-int8"]["origin"] == "package"
    done = run("tune", "list")
    assert "f1 0.710 [0.680, 0.740]" in done.out
    assert "11.6 MB" in done.out
    (model / "record.json").write_text("{")
    assert "its record" in run("tune", "list").out


def test_a_card_is_printed_or_written(run: Run, model: Path, tmp_path: Path) -> None:
    done = run("tune", "card", "mine")
    assert done.out.startswith("# mine\n")
    assert run("tune", "card", model, "--out", "docs/mine.md").code == 0
    assert (tmp_path / "docs" / "mine.md").read_text().startswith("# mine\n")
    (model / "README.md").write_text("# written by hand\n")
    assert run("tune", "card", "mine").out == "# written by hand\n"
    missing = run("tune", "card", "yours")
    assert missing.code == 2
    assert "mine" in missing.err


# -- fit


def test_without_torch_fit_says_how_to_get_it(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    done = run("tune", "fit", ROOT / "recipes" / "reader.toml")
    assert done.code == 2
    assert "pip install torch" in done.err


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('name = "x"\ntask = "span"\n[data]\nfolder = "y"\n[train]\nlearning_rat = 1e-4\n', "learning_rate"),
        ('name = "x"\ntask = "sapn"\n[data]\nfolder = "y"\n', "span"),
        ('name = "x"\ntask = "span"\n', "`data` is missing"),
    ],
)
def test_a_recipe_that_cannot_be_meant_is_refused_with_its_line(run: Run, tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "r.toml").write_text(text)
    done = run("tune", "fit", tmp_path / "r.toml")
    assert done.code == 2
    assert says in done.err
    assert "r.toml" in done.err


@pytest.mark.torch
@pytest.mark.timeout(600)
def test_a_smoke_fit_goes_the_whole_way(tmp_path: Path) -> None:
    """Train, measure, export, compare, calibrate, record, card: as a user starts it."""
    pytest.importorskip("torch", reason="needs torch: run `make test-all`")
    try:
        find_base()
    except GroundworkError as error:
        pytest.skip(f"needs the base: {error.what}; {error.fix}")
    environment = os.environ | {"GROUNDWORK_TRAINING": str(READER.parent), "OMP_NUM_THREADS": "1"}
    arguments = ["tune", "fit", str(ROOT / "recipes" / "reader.toml"), "--smoke", "--app", str(tmp_path)]
    done = subprocess.run([sys.executable, "-m", "groundwork", *arguments], capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "a smoke run's figures say nothing" in done.stdout
    folder = tmp_path / ".groundwork" / "models" / "reader"
    record = json.loads((folder / "record.json").read_text())
    assert record["is_smoke"]
    assert {"layers.onnx", "manifest.json"} <= record["files"].keys()
    assert record["memory"]["predicted"] / 2 < record["memory"]["peak"] - record["memory"]["before"] < 2 * record["memory"]["predicted"]
    assert "share-alike" in (folder / "README.md").read_text().casefold()
