import msgspec
import pytest

from groundwork.core.errors import ConfigError
from groundwork.evaluate.judges.file import parse_judge
from groundwork.evaluate.judges.judge import FloorSection
from groundwork.prompts.front_matter import HintsSection
from tests.evaluate.judges.rubrics import FRONT, judge_of, text_of


@pytest.mark.parametrize("kind", FRONT)
def test_a_judge_of_each_kind_is_read(kind: str) -> None:
    judge = judge_of(kind, 'model = "strong"', "floor = { kappa = 0.6 }", "sampling = { temperature = 0.2, max_tokens = 50 }")
    assert judge.kind == ("pointwise" if kind == "labels" else kind)
    assert (judge.model, judge.floor.asked, judge.prompt.model.max_tokens) == ("strong", {"kappa": 0.6}, 50)
    assert judge.id.startswith("jd_")
    assert judge.prompt.system == "Judge it."


def test_a_scale_has_every_point_between_its_ends() -> None:
    assert judge_of("pointwise").points == {1: "bad", 2: "", 3: "so", 4: "", 5: "good"}


@pytest.mark.parametrize(
    ("kind", "lines", "body"),
    [
        ("pointwise", ('model = "other"',), ""),
        ("pointwise", ("sampling = { temperature = 0.5 }",), ""),
        ("pointwise", ('form = "last_line"',), ""),
        ("pointwise", ("native = true",), ""),
        ("pointwise", (), "{{ question }} and {{ answer }}"),
        ("pairwise", ("ties = false",), ""),
    ],
)
def test_whatever_can_move_a_verdict_makes_another_judge(kind: str, lines: tuple[str, ...], body: str) -> None:
    assert judge_of(kind, *lines, body=body).id != judge_of(kind).id


def test_the_order_of_labels_is_part_of_the_judge_for_the_model_reads_it() -> None:
    turned = text_of("labels").replace("yes = 1.0\npartly = 0.5\nno = 0.0", "no = 0.0\npartly = 0.5\nyes = 1.0")
    assert parse_judge(turned, "labels", "x").id != judge_of("labels").id


@pytest.mark.parametrize("line", ["floor = { kappa = 0.6 }", 'timeout = "5s"', 'family = "llama"', 'better = "lower"'])
def test_what_moves_no_verdict_leaves_the_id(line: str) -> None:
    assert judge_of("pointwise", line).id == judge_of("pointwise").id


def test_another_model_or_sampling_is_another_judge_and_the_way_back_is_the_same_one() -> None:
    judge = judge_of("pointwise")
    other = judge.with_model("strong", HintsSection(temperature=1.0))
    assert other.id != judge.id
    assert other.with_model("judge", HintsSection()).id == judge.id
    assert judge.with_model().id == judge.id


@pytest.mark.parametrize(
    ("text", "says", "at", "fix"),
    [
        ("# user\n{{ answer }}", "begins with front matter", ":1", "+++"),
        (text_of("pointwise", 'colour = "red"'), "unknown key `colour`", ":3", "known"),
        (text_of("pointwise", body="{{ context }}"), "context", ":13", "question"),
        (text_of("pointwise").replace('"answer"]', '"anser"]'), "unknown input `anser`", ":3", "answer"),
        (text_of("pointwise").replace('"question", "answer"', '"question"'), "needs the input `answer`", ":3", '"answer"'),
        (text_of("pointwise").replace('1 = "bad"', 'one = "bad"'), "no whole number", ":5", "[labels]"),
        (text_of("pointwise").replace('5 = "good"', '50 = "good"'), "a scale from 1 to 50", ":4", "1 to 5"),
        (text_of("labels", "scale = { 1 = 'a', 2 = 'b' }"), "has [scale] and [labels]", "", "one way"),
        (text_of("pairwise", "scale = { 1 = 'a', 2 = 'b' }"), "needs neither", "", "one way"),
        (text_of("labels").replace("yes = 1.0", "yes = 2.0"), "is worth 2", ":5", "0 to 1"),
        (text_of("labels").replace("yes = 1.0", "yes = 0.5").replace("no = 0.0", "no = 0.5"), "all labels", ":4", "different"),
        (text_of("labels").replace("yes = 1.0", '"a b" = 1.0'), "is no name", ":5", "letters"),
        (text_of("criteria", 'form = "last_line"'), "several criteria", ":3", "json"),
        (text_of("pointwise", "floor = { consistency = 0.5 }"), "two orders", ":3", "consistency"),
        (text_of("pointwise", "floor = { kappa = 60 }"), "no share", ":3", "correct"),
        (text_of("pointwise", "sampling = { temperature = 9 }"), "temperature", ":3", "correct"),
        (text_of("reference").replace(', "reference"]', "]"), "needs the input `reference`", "", "reference"),
        (
            text_of("pointwise", 'examples = [{ inputs = { answer = "x" }, verdict = 1, reason = "r" }]'),
            "inputs that the judge has",
            ":3",
            "question, answer",
        ),
        (
            text_of("pointwise", 'examples = [{ inputs = { question = "q", answer = "x" }, verdict = "1", reason = "r" }]'),
            "no verdict",
            ":3",
            "1, 2, 3, 4, 5",
        ),
    ],
)
def test_a_broken_file_is_refused_with_place_and_fix(text: str, says: str, at: str, fix: str) -> None:
    with pytest.raises(ConfigError) as error:
        parse_judge(text, "mine", "judges/mine.judge.md")
    assert says in error.value.what
    assert error.value.where.startswith("judges/mine.judge.md")
    assert error.value.where.endswith(at)
    assert fix in error.value.fix


def test_a_floor_names_what_it_asks() -> None:
    assert msgspec.structs.replace(FloorSection(), kappa=0.5, unparseable=0.02).asked == {"kappa": 0.5, "unparseable": 0.02}
