from pathlib import Path

from groundwork.core.errors import UpstreamError
from groundwork.core.request import Request
from groundwork.evaluate.judges.collect import collect
from groundwork.evaluate.judges.labels import Labelled, read_verdicts
from tests.evaluate.judges.rubrics import Saying, judge_of, shown_text, verdict

LABELS = [Labelled(id=str(n), question="Q", answer=f"answer {n}") for n in range(6)]


async def test_every_item_is_asked_once_and_never_again(tmp_path: Path) -> None:
    judge, path = judge_of("pointwise"), tmp_path / "verdicts.jsonl"
    model = Saying(lambda asked: verdict(1 + int(shown_text(asked, "answer")[-1]) % 5))
    done: list[int] = []
    first = await collect(judge, model, LABELS, path, progress=lambda count, _: done.append(count))
    assert {name: one.verdict for name, one in first.verdicts.items()} == {str(n): 1 + n % 5 for n in range(6)}
    assert done == [1, 2, 3, 4, 5, 6]
    again = await collect(judge, model, LABELS, path)
    assert again.verdicts == first.verdicts == read_verdicts(path, judge)
    assert len(model.asked) == 6
    assert {one.judge for one in again.verdicts.values()} == {judge.id}


async def test_another_text_under_the_same_id_is_asked_again(tmp_path: Path) -> None:
    judge, model = judge_of("pointwise"), Saying(lambda _: verdict(3))
    await collect(judge, model, LABELS, tmp_path / "v.jsonl")
    changed = [Labelled(id="0", question="Q", answer="something else"), *LABELS[1:]]
    await collect(judge, model, changed, tmp_path / "v.jsonl")
    assert len(model.asked) == 7


async def test_a_torn_line_costs_its_item_only(tmp_path: Path) -> None:
    judge, model, path = judge_of("pointwise"), Saying(lambda _: verdict(3)), tmp_path / "v.jsonl"
    await collect(judge, model, LABELS, path, concurrency=1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    found = await collect(judge, model, LABELS, path)
    assert len(model.asked) == 7
    assert len(found.verdicts) == 6
    again = await collect(judge, model, LABELS, path)
    assert (len(again.verdicts), len(model.asked)) == (6, 7)


async def test_what_fails_is_counted_apart_and_the_others_go_on(tmp_path: Path) -> None:
    def says(asked: Request) -> str:
        number = shown_text(asked, "answer")[-1]
        if number == "2":
            raise UpstreamError("the model is busy", cause="overload", fix="later")
        return verdict(3) if number != "4" else "no idea"

    found = await collect(judge_of("pointwise"), Saying(says), [*LABELS, Labelled(id="empty", answer="x")], tmp_path / "v.jsonl")
    assert found.verdicts.keys() == {"0", "1", "3", "4", "5"}
    assert found.verdicts["4"].verdict is None
    assert "not one JSON object" in found.verdicts["4"].reason
    assert found.failures == {"the model is busy": 1, "the judge `pointwise` needs `question`": 1}


async def test_pairs_are_asked_in_both_orders(tmp_path: Path) -> None:
    rows = [Labelled(id="1", question="Q", answer_a="x", answer_b="y")]
    found = await collect(judge_of("pairwise"), Saying(lambda _: verdict("A")), rows, tmp_path / "v.jsonl")
    assert found.verdicts["1"].verdicts == ("A", "B")
    assert found.verdicts["1"].cost == 0.002
