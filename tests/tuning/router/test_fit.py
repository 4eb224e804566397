"""Routers of six real intents with eight examples each."""

import json
from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.datasets.rows import TextRow
from groundwork.engine.encoder import Encoder
from groundwork.engine.heads import read_head
from groundwork.engine.intents import OUT_OF_SCOPE
from groundwork.tuning.prepare.intents import Examples, read_intents
from groundwork.tuning.router.card import render_card
from groundwork.tuning.router.fit import fit_router, measure, write_router
from groundwork.tuning.router.folds import falsely_rejected, groups_of, hold_out, unseen
from groundwork.tuning.router.head import LENGTH, Table, solve, tabulate

DATA = Path(__file__).parents[2] / "data" / "routing"
MESSAGES = {
    "the package still has not turned up": "parcel",
    "give me my money back please": "refund",
    "I would like to cancel what I ordered": "cancel",
    "can you mail me the invoice once more": "invoice",
    "help, I forgot my login password": "account",
    "this gift card code is not accepted": "voucher",
    "what is the tallest mountain in Africa": OUT_OF_SCOPE,
    "recommend a film for tonight": OUT_OF_SCOPE,
}


def rows_of(messages):
    return [TextRow(id=str(place), text=text, label=label, group=str(place)) for place, (text, label) in enumerate(messages.items())]


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


@pytest.fixture(scope="module")
def examples():
    return read_intents(DATA / "intents.toml")


@pytest.fixture(scope="module")
def made(examples, encoder):
    return fit_router(examples, encoder, name="shop")


def test_a_router_of_eight_examples_each_is_right_about_new_messages(made, encoder, tmp_path):
    head = write_router(made, tmp_path)
    found = measure(head, rows_of(MESSAGES), encoder)
    assert found.accuracy.value == 1
    assert found.outside_auc.value == 1
    assert found.outside_rejected.value == 1
    assert (found.accuracy.n, found.outside_rejected.n) == (6, 2)
    assert found.accepted.value >= 5 / 6


def test_the_record_says_what_to_expect(made):
    record = made.record
    assert record.accuracy.n == 48
    assert 0.85 < record.accuracy.value <= 1
    assert record.accuracy.low < record.accuracy.value <= record.accuracy.high
    assert record.accepted.value <= record.accuracy.value
    assert record.false_rejection.low < 0.05 < record.false_rejection.high + 0.05
    assert record.unseen_auc.value > 0.8
    assert record.outside_auc.n == 54
    assert record.outside == 6
    assert 0 <= record.calibration_error < 0.2
    assert record.folds == "5 folds, dealt 3 times"
    assert record.temperature > 0.02  # where all folds are right, it must not promise certainty
    assert all(one.intent != one.taken_for for one in (*record.confusions, *record.doubtful))


def test_the_same_examples_give_the_same_bytes(examples, encoder, made):
    assert fit_router(examples, encoder, name="shop").files == made.files
    assert fit_router(examples, encoder, name="shop", false_rejection=0.2).files != made.files


def test_the_threshold_rejects_the_share_that_was_asked_for(examples, encoder):
    table = tabulate(examples.rows, examples.labels, encoder)
    held = hold_out(table, 0)
    for asked in (0.05, 0.2, 0.5):
        assert falsely_rejected(held, asked).mean() == pytest.approx(asked, abs=0.08)


def test_every_row_is_scored_by_a_head_that_did_not_see_it(examples, encoder):
    """Labels dealt by chance cannot be foretold: a leak would."""
    table = tabulate(examples.rows, examples.labels, encoder)
    chance = np.where(table.numbers < 0, -1, np.random.default_rng(3).permutation(np.arange(len(table.numbers)) % 6))
    held = hold_out(Table(table.features, chance, table.labels), 0)
    assert held.right.mean() < 0.4
    seen = solve(Table(table.features, chance, table.labels)).logits(table.features[chance >= 0]).argmax(axis=1)
    assert (seen == chance[chance >= 0]).mean() > 0.9
    counts = np.bincount(held.rows)
    assert counts.tolist() == [held.repeats] * int(np.sum(chance >= 0))


def test_examples_that_are_almost_the_same_stay_together(encoder):
    messages = {
        "where is my parcel": "a",
        "where is my parcel now": "a",
        "where is my parcel now please": "a",
        "has the courier been here": "a",
        "track the shipment": "a",
        "give me my money back": "b",
        "please give me my money back": "b",
    }
    table = tabulate(rows_of(messages), ("a", "b"), encoder)
    assert groups_of(table, 3) == ["0", "0", "0", "3", "4", "5", "6"]  # of b there would be one group only
    assert groups_of(table, 1) == ["0", "0", "0", "3", "4", "5", "5"]


def test_examples_out_of_scope_push_the_energy_of_their_like_down(examples, encoder):
    table = tabulate(examples.rows, examples.labels, encoder)
    outside = table.features[table.numbers < 0]

    def gap(head):
        return (
            np.logaddexp.reduce(head.logits(table.features[table.numbers >= 0]), axis=1).mean()
            - np.logaddexp.reduce(head.logits(outside), axis=1).mean()
        )

    assert gap(solve(table)) > gap(solve(table.only(table.numbers >= 0))) + 0.2


def test_without_evidence_a_head_is_its_prototypes(encoder):
    rows = rows_of({"open the door": "a", "close the window": "b"})
    head = solve(tabulate(rows, ("a", "b"), encoder))
    assert np.linalg.norm(head.weight, axis=1) == pytest.approx([LENGTH, LENGTH], rel=0.2)


def test_with_two_intents_none_can_be_left_out(examples, encoder):
    two = tuple(row for row in examples.rows if row.label in {"refund", "voucher"})
    assert unseen(tabulate(two, ("refund", "voucher"), encoder), 0) is None
    record = fit_router(Examples(two, 0, ""), encoder).record
    assert record.unseen_auc is None
    assert record.outside_auc is None
    assert "AUC" not in render_card(record)


def test_a_wrong_label_is_listed_as_doubtful(examples, encoder):
    rows = [*examples.rows, TextRow(id="slip", text="send me my money back for the returned jacket", label="voucher", group="slip")]
    record = fit_router(Examples(tuple(rows), 0, ""), encoder).record
    assert record.doubtful[0].id == "slip"
    assert record.doubtful[0].taken_for == "refund"
    assert "send me my money back" in render_card(record)


def test_a_router_takes_the_place_of_an_older_one(made, examples, encoder, tmp_path):
    write_router(made, tmp_path)
    other = fit_router(examples, encoder, name="shop", false_rejection=0.3)
    assert write_router(other, tmp_path).fingerprint == other.manifest.fingerprint != made.manifest.fingerprint
    fewer = fit_router(Examples(tuple(row for row in examples.rows if row.label != "voucher"), 0, ""), encoder, name="shop")
    assert write_router(fewer, tmp_path).labels == ("account", "cancel", "invoice", "parcel", "refund")
    assert len(list(tmp_path.glob("head-*.bin"))) == 1
    assert read_head(tmp_path, base=encoder.fingerprint).fingerprint == fewer.manifest.fingerprint
    record = json.loads((tmp_path / "record.json").read_text())
    assert record["fingerprint"] == fewer.manifest.fingerprint
    assert (tmp_path / "README.md").read_text().startswith("# shop\n")


def test_what_cannot_be_fitted_is_refused(examples, encoder, made, tmp_path):
    with pytest.raises(InputError, match="no share of messages"):
        fit_router(examples, encoder, false_rejection=0)
    long = TextRow(id="long", text="word " * 300, label="refund", group="long")
    with pytest.raises(InputError, match="the example `long` has 300 word pieces"):
        fit_router(Examples((*examples.rows, long), 0, ""), encoder)
    head = write_router(made, tmp_path)
    with pytest.raises(InputError, match="`weather` is no intent of this router"):
        measure(head, rows_of({"rain": "weather"}), encoder)
    with pytest.raises(InputError, match="no row is in scope"):
        measure(head, rows_of({"rain": OUT_OF_SCOPE}), encoder)
