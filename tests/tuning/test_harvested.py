"""From a harvested dataset to rows: spans where the answer stands, labels where they are written, and nothing whose writer forbids it."""

from typing import Any

import pytest

from groundwork.core.measure import Dataset, Example, Fact, Lineage
from groundwork.core.record import Trace
from groundwork.datasets.examples import UNLABELLED
from groundwork.datasets.rows import SpanRow, TextRow, check_row
from groundwork.tuning.harvested import Harvested, may_be_learned, span_rows, text_rows

DATASET = Dataset(id="ds_1", name="harvest", made=0.0, n=1, sha256="a" * 64)
HOLDS = "The default page size is 4096  bytes since version 3.12; before it was 1024."
LACKS = "Pages are numbered from 1."


def trace(name: str, *passages: str) -> Trace:
    hits = [{"chunk": {"id": f"ch_{place}", "source": "pages.html", "text": text}} for place, text in enumerate(passages)]
    return Trace(id=name, app="a", start=0, seconds=1, status="ok", found={"hits": hits} if hits else None)


TRACES = {"tr_1": trace("tr_1", HOLDS, LACKS, "More.", "Still more."), "tr_2": trace("tr_2", LACKS), "tr_3": trace("tr_3")}


def example(name: str = "one", *, trace: str | None = "tr_1", **more: Any) -> Example:
    if not {"facts", "reference", "answerable"} & more.keys():
        more["facts"] = (Fact(accepted=("4096 bytes",)),)
    lineage = Lineage(trace=trace, generator=more.pop("generator", None), licence=more.pop("licence", None))
    return Example(id=name, question=f"How large is a page ({name})?", lineage=lineage, **more)


def spans(*examples: Example, **more: Any) -> Harvested:
    return span_rows(DATASET, examples, TRACES, licence="own", **more)


def rows(found: Harvested) -> list[Any]:
    return [row for part in found.parts.values() for row in part]


def test_the_answer_is_found_in_its_passage_and_two_others_are_kept_without_it() -> None:
    found = rows(spans(example()))
    assert [(row.id, bool(row.answers)) for row in found] == [("one/0", True), ("one/1", False), ("one/2", False)]
    assert found[0].answers[0].text == "4096  bytes", "as it stands there, spacing and all"
    for row in found:
        assert isinstance(row, SpanRow)
        check_row(row, "here")
        assert row.kind == "retrieved"


@pytest.mark.parametrize(
    ("wanted", "count"), [("PAGE SIZE", 1), ("096 bytes", 0), ("3.12", 1), ("3.1", 0), ("12", 0), ("1024", 1), ("page sizes", 0)]
)
def test_only_whole_words_and_numbers_are_answers(wanted: str, count: int) -> None:
    found = rows(spans(example(facts=(Fact(accepted=(wanted,)),))))
    assert sum(bool(row.answers) for row in found) == count


def test_a_short_demonstration_is_an_accepted_answer() -> None:
    assert rows(spans(example(facts=(), reference="4096 bytes")))[0].answers


def test_what_the_documents_do_not_answer_is_paired_with_what_was_found() -> None:
    found = rows(spans(example(answerable=False)))
    assert len(found) == 3
    assert not any(row.answers for row in found)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (example(tags=(UNLABELLED,)), "nobody has said"),
        (example(trace=None), "trace is not kept"),
        (example(trace="tr_9"), "trace is not kept"),
        (example(trace="tr_3"), "nothing was retrieved"),
        (example(trace="tr_2"), "no passage that was found holds"),
        (example(facts=(Fact(accepted=("a",)), Fact(accepted=("b",)))), "several facts"),
        (example(reference=" ".join(["word"] * 200)), "no short text"),
        (example(generator="gpt-x", licence=None), "no licence is named"),
        (example(generator="gpt-x", licence="OpenAI terms of use"), "not known to allow"),
        (example(generator="llm", licence="CC BY-NC 4.0"), "not known to allow"),
    ],
)
def test_what_is_left_out_is_counted_with_its_reason(given: Example, why: str) -> None:
    found = spans(given, example("other"))
    (reason,) = found.left_out
    assert why in reason
    assert found.left_out[reason] == 1
    assert {row.id.split("/")[0] for row in rows(found)} == {"other"}


def test_people_open_models_and_accepted_licences_may_be_learned_from() -> None:
    assert may_be_learned(example()) == ""
    assert may_be_learned(example(generator="embedded", licence=None)) == ""
    assert may_be_learned(example(generator="a-model", licence="Apache-2.0")) == ""
    assert may_be_learned(example(generator="a-model", licence="Terms X"), ["Terms X"]) == ""
    found = spans(example("a"), example("b", generator="a-model", licence="MIT"))
    assert [(one.licence, one.note) for one in found.origins] == [("MIT", "right answers by a-model"), ("own", "right answers by people")]


def test_what_a_gate_reports_on_is_held_and_never_learned() -> None:
    given = [example(f"q{place}", split="report" if place % 2 else "choose") for place in range(40)]
    found = spans(*given)
    assert {row.group for row in found.parts["held"]} == {f"q{place}" for place in range(1, 40, 2)}
    assert found.parts["dev"]
    assert len(found.parts["train"]) > len(found.parts["dev"])


def test_without_a_split_of_its_own_it_is_split_by_question_and_by_cluster() -> None:
    given = [example(f"q{place}", cluster=f"doc{place // 10}") for place in range(400)]
    found = spans(*given)
    groups = {part: {row.group for row in part_rows} for part, part_rows in found.parts.items()}
    assert all(groups.values())
    assert sum(len(names) for names in groups.values()) == len(set().union(*groups.values()))
    assert spans(*given) == found


def test_labels_become_rows_of_a_classifier() -> None:
    given = [example("a", expected={"intent": "billing"}), example("b", metadata={"intent": "other"}), example("c")]
    found = text_rows(DATASET, given, "intent", licence="own")
    assert {(row.id, row.label) for row in rows(found) if isinstance(row, TextRow)} == {("a", "billing"), ("b", "other")}
    assert found.left_out == {"nothing stands under `intent`": 1}
