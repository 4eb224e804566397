"""The benchmarks run, and say what they found in the form that is promised. Their figures are judged by people, not here: cores are shared."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from openai import OpenAI

from benchmarks import answers_sets, setup
from benchmarks import report as reporting
from benchmarks.answers import Theirs, scored, theirs
from benchmarks.answers_generator import Passage, Said
from benchmarks.answers_server import serving
from benchmarks.answers_sets import Case, write
from benchmarks.retrieval import Lists, Tried, charrecall4k, choose, covered, reciprocal, weighted
from benchmarks.retrieval_sets import Collection, Query
from benchmarks.rivals import Absent, install, modules_after
from groundwork.engine.encoder import Encoder

ROOT = Path(__file__).resolve().parent.parent
KEYS = ["benchmark", "figures", "intervals", "n", "rivals", "data", "versions", "load", "seconds"]
QUICK = {
    "adapters": {"head_cpu_ms", "embedding_cpu_ms", "merged_mb", "merged_cpu_ms_1x256", "rank_16_ratio_256"},
    "answers": {"sample.correct", "sample.answered", "sample.declined", "sample.held", "sample.cited", "sample.ask_cpu_ms"},
    "audit": {"defects_found", "defects_total", "false_alarms"},
    "contamination": {"found_verbatim", "found_absent", "cpu_s_per_100_mb"},
    "gate": {"pass_worse_by_margin_n80_d20", "pass_equal_n80_d20", "worst_pass_worse_by_margin"},
    "looks": {"looks_3.anew_d20.passes_worse_by_margin", "slices.200_items.any_named", "above_nominal"},
    "guard": {"auc", "recall_at_1pct_fpr", "indirect_recall", "overdefence", "p50_ms", "p99_ms"},
    "metrics": {"max_abs_diff", "ifeval_agree", "ifeval_total", "winrate_max_diff", "gsm8k_agree", "gsm8k_total"},
    "evaluate": {"cpu_ms_per_sample", "rss_mb_1k", "resume_s_20k"},
    "embedding": {"texts_per_cpu_s", "cosine_mean", "ndcg_change"},
    "grounding": set(),
    "index": {"3000.exact_ms", "3000.approximate_ms", "3000.recall", "3000.built_per_cpu_s", "3000.update_put_ms", "kills_wrong"},
    "judges": {"defects_found", "defects_total", "false_alarms"},
    "passages": {"plain_200.charrecall4k", "small_100_parent_400.charrecall4k_gain"},
    "retrieval": {
        "sample.ndcg10_bm25",
        "sample.ndcg10_dense",
        "sample.ndcg10_rrf",
        "sample.ndcg10_tuned",
        "sample.recall100_rrf",
        "sample_page.charrecall5_rrf",
        "sample_page.charrecall10_tuned",
        "chunking.semantic.charrecall4k_rrf",
        "pooled.tuned_less_single",
    },
    "sandbox": {"passed", "total", "cpu_ms", "escapes"},
    "reader": {"f1_answerable", "f1", "accuracy_unanswerable", "answerability_auc", "coverage_at_90", "ece", "cpu_ms"},
    "routing": {"accuracy", "accuracy_10_shot", "oos_auc", "cpu_ms", "ece", "false_rejection"},
    "sample_index": {"index_cpu_s", "query_cpu_ms", "held_at_6"},
    "start": {"modules_import", "help_cpu_s", "ready_cpu_s", "rss_mb", "cpu_ms_per_answer"},
    "tests": {"methods", "above_nominal", "worst"},
    "quoting": {"answer.correct", "facts.found", "abstention.right", "abstention.wrong", "citation.correct"},
}
NOT_BENCHMARKS = {
    "__init__",
    "answers_generator",
    "answers_peer",
    "answers_server",
    "answers_sets",
    "index_data",
    "index_kills",
    "index_peers",
    "report",
    "retrieval_sets",
    "rivals",
    "sample",
}


def run(name: str, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", f"benchmarks.{name}", *options], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("name", QUICK)
def test_a_quick_run_ends_with_its_figures_as_json(name: str) -> None:
    done = run(name, "--quick")
    assert done.returncode == 0, done.stderr[-3000:]
    *talk, last = done.stdout.splitlines()
    found = json.loads(last)
    assert talk
    assert list(found) == KEYS
    assert found["benchmark"] == name
    assert QUICK[name] <= found["figures"].keys()
    assert all(value is None or isinstance(value, int | float) for value in found["figures"].values())
    assert all(low <= high and figure in found["figures"] for figure, (low, high) in found["intervals"].items())
    assert all(isinstance(figures, dict) and figures for figures in found["rivals"].values())
    assert {"python", "groundwork", "machine"} <= found["versions"].keys()
    assert len(found["load"]) == 2
    assert found["n"] > 0


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py") if path.stem not in NOT_BENCHMARKS))
def test_every_benchmark_says_how_it_is_run(name: str) -> None:
    assert f"python -m benchmarks.{name}" in (ROOT / "benchmarks" / f"{name}.py").read_text()
    done = run(name, "--help")
    assert done.returncode == 0, done.stderr
    assert "--quick" in done.stdout


def test_the_report_is_one_line_of_json_after_lines_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    reporting.report(
        benchmark="mine",
        figures={"share": 0.5, "nothing": None},
        intervals={"share": [0.4, 0.6]},
        n=10,
        rivals={"theirs 1.0": {"share": 0.25}, "gone": {"absent": "no wheel"}},
        data="ten items",
        versions=("pytest", "a-distribution-that-nobody-has"),
        started=reporting.begin(),
    )
    *talk, last = capsys.readouterr().out.splitlines()
    assert talk == ["share    0.5  [0.4, 0.6]", "nothing  none", "theirs 1.0: share 0.25", "gone: absent no wheel"]
    found = json.loads(last)
    assert list(found) == KEYS
    assert found["versions"].keys() == {"python", "groundwork", "pytest", "machine"}


def test_the_demo_is_answered_where_a_line_carries_a_citation() -> None:
    said = ["Collecting numpy[all]", "   “… threshold size of 1000 pages.” [1]", "44 pages in 1,200 chunks are indexed"]
    assert [bool(setup.CITED.search(line)) for line in said] == [False, True, False]


def test_a_rival_that_cannot_be_installed_is_absent_with_its_reason(tmp_path: Path) -> None:
    found = install(tmp_path / "rival", "./no-such-package", "no-such-package", "--no-index")
    assert isinstance(found, Absent)
    assert "no-such-package" in found.reason


def test_a_fusion_stays_away_where_the_choosing_half_does_not_show_it(capsys: pytest.CaptureFixture[str]) -> None:
    """The reporting half would tell another story, and has no say."""
    queries = tuple(Query("?", {"a": 1.0}, (), str(n), n % 2 == 0) for n in range(80))
    collection = Collection("made", {}, queries)
    single = Tried("c", "bm25", [0.5] * 80)
    noisy = Tried("c", "rrf", [(0.9 if n % 4 else 0.12) if n % 2 == 0 else 1.0 for n in range(80)])
    better = Tried("c", "rrf", [0.7 if n % 8 else 0.5 for n in range(80)])
    assert choose(collection, [single, noisy]) == (single, single)
    assert choose(collection, [single, better]) == (single, better)
    assert "the single one stays" in capsys.readouterr().out


def test_fusions_and_characters_are_counted_as_they_are_described() -> None:
    lists = Lists([("a", 4.0), ("b", 1.0)], [("b", 0.8), ("c", 0.3)], [], {"a": 0.1, "b": 0.8, "c": 0.3})
    assert reciprocal(60, 0.5)(lists) == ["b", "a", "c"]
    assert reciprocal(60, 0.0)(lists)[:2] == ["a", "b"]
    assert weighted(0.5)(lists) == ["b", "a", "c"]
    assert weighted(0.1)(lists) == ["a", "b", "c"]
    query = Query("?", {}, ((0, 10), (5, 20)), "0", chooses=True)
    assert covered(query, [("d", 0, 5), ("d", 3, 10)]) == 0.5
    assert charrecall4k(query, [("d", 100, 4_090), ("d", 0, 20)]) == 0.5


def test_an_answer_is_right_by_its_facts_and_a_citation_by_its_passage() -> None:
    case = Case("How high?", (("47 metres", "47 m"),), frozenset({"a.md"}), "It is 47 metres high.", "a")
    passages = [
        Passage("Before. It is 47 metres high.", "a.md", 0.5, "A"),
        Passage("Another is 47 metres too.", "b.md", 0.4, "B"),
        Passage("It is 470 metres away.", "a.md", 0.3, "A"),
    ]

    def said(*quotes: tuple[int, str], span: str = "", abstained: bool = False) -> Said:
        return Said(" ".join(quote for _, quote in quotes), list(quotes), abstained, span, bool(span), 0.0)

    right = scored(case, passages, said((0, "It is 47 metres high."), span="47 metres"))
    assert {name: right[name] for name in ("correct", "answered", "f1", "held", "cited", "quoted")} == dict.fromkeys(
        ("correct", "answered", "f1", "held", "cited", "quoted"), 1.0
    )
    elsewhere = scored(case, passages, said((1, "Another is 47 metres too."), (2, "It is 470 metres away.")))
    assert (elsewhere["correct"], elsewhere["cited"], elsewhere["quoted"], elsewhere["f1"]) == (1.0, 0.0, 0.0, 0.0)
    assert scored(case, passages[2:], said(abstained=True))["held"] == 0.0
    none = case._replace(facts=())
    assert scored(none, passages, said(abstained=True)) | {"characters": 0.0} == {
        "characters": 0.0,
        "correct": 1.0,
        "declined": 1.0,
        "f1": 1.0,
    }
    assert scored(none, passages, said((0, "It is 47 metres high.")))["cited"] == 0.0


def test_peers_embed_with_our_encoder_and_long_texts_are_cut_at_its_window() -> None:
    encoder = Encoder()
    with serving(encoder) as served, OpenAI(base_url=f"{served.url}/index/v1", api_key="none", max_retries=0) as client:
        given = ["a short text", "word " * 500]
        found = client.embeddings.create(model="all-MiniLM-L6-v2", input=given, encoding_format="float").data
    same = encoder.encode([given[0], "word " * 254])
    for one, vector in zip(found, same, strict=True):
        assert one.embedding == pytest.approx(vector.tolist(), abs=1e-6)
    assert served.cut == 1
    assert served.cpu["index"] > 0


def test_a_peer_that_is_not_there_is_absent_with_the_way_to_get_it(tmp_path: Path) -> None:
    collection = answers_sets.Collection("made", {"a.md": "# A\n\nText."}, {"a.md": "A"}, [Case("?", (), frozenset(), "", "a")], "made")
    write(collection, tmp_path)
    why = theirs(collection, tmp_path, "haystack", "haystack", Theirs(), sys.executable)
    assert why == "ModuleNotFoundError: No module named 'haystack'"


def test_modules_are_counted_in_a_fresh_interpreter() -> None:
    bare, _ = modules_after("pass")
    loaded, seconds = modules_after("import fractions")
    assert "fractions" in loaded - bare
    assert seconds > 0
