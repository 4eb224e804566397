"""The graph writer: the shipped encoder's very bytes from its weights, and task graphs beside the networks that are trained."""

from pathlib import Path

import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.encoder import session
from tests.engine import tiny

onnx = pytest.importorskip("onnx", reason="needs onnx: run `make test-all`")

from groundwork.tuning.graph import Fp32, Int8, adapter_inputs, quantise_rows, shape_of, task_graph  # noqa: E402


def outputs(content: bytes, folder: Path, feed: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    path = folder / "layers.onnx"
    path.write_bytes(content)
    running = session(path)
    return dict(zip([each.name for each in running.get_outputs()], running.run(None, feed), strict=True))


def window(ids: list[int], first: int, state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """One window, padded by three pieces that must not count."""
    size = len(ids)
    feed = {name: np.zeros((1, size + 3), dtype=np.int64) for name in ("token_type_ids", "attention_mask", "passage_mask")}
    feed["token_type_ids"][0, first:size] = 1
    feed["attention_mask"][0, :size] = 1
    feed["passage_mask"][0, first : size - 1] = 1
    table = tiny.served(state["embeddings.word_embeddings.weight"])
    return feed | {"rows": table[[*ids, 0, 0, 0]][None].astype(np.float32)}


IDS = [101, 103, 104, 105, 102, *range(1, 20), 102]


def test_the_tiny_models_are_written_to_the_byte(tmp_path: Path) -> None:
    """Same inputs, same bytes; where another version of onnx writes other bytes, `python -m tests.engine.tiny` renews them."""
    tiny.write_all(tmp_path)
    written = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    kept = {path.relative_to(tiny.FOLDER): path.read_bytes() for path in tiny.FOLDER.rglob("*.*") if path.is_file()}
    assert len(kept) == 9
    assert written == kept


def test_the_span_graph_computes_what_the_paper_says(tmp_path: Path) -> None:
    state = tiny.weights("span")
    logits, answerable = tiny.answers(state, IDS, 5)
    found = outputs(task_graph("x", state, "span", Fp32(), tiny.HEADS, tokens=True), tmp_path, window(IDS, 5, state))
    assert np.abs(found["span"][0, : len(IDS)] - logits).max() < 1e-4
    assert found["answerable"].shape == (1,)
    assert abs(found["answerable"][0] - answerable) < 1e-4
    assert np.abs(found["tokens"][0, : len(IDS)] - tiny.forward(state, IDS, 5)).max() < 1e-4


@pytest.mark.parametrize(("task", "output"), [("classify", "logits"), ("pair", "score")])
def test_int8_stays_close(tmp_path: Path, task: str, output: str) -> None:
    state = tiny.weights(task)
    feed = {name: value for name, value in window(IDS, 5, state).items() if name != "passage_mask"}
    exact, served = (outputs(task_graph("x", state, task, each, tiny.HEADS), tmp_path, feed)[output] for each in (Fp32(), Int8()))  # type: ignore[arg-type]
    assert 0 < np.abs(exact - served).max() < 0.1


def test_adapters_as_inputs_are_what_merged_weights_are(tmp_path: Path) -> None:
    chooser = np.random.default_rng(3)
    state, rank = tiny.weights("classify"), 4
    shape = shape_of(state, tiny.HEADS)
    given: dict[str, np.ndarray] = {}
    merged = dict(state)
    for name, (into, out) in adapter_inputs(shape).items():
        place = name[:-2]
        if name.endswith(".A"):
            given[name] = chooser.normal(0, 0.2, (into, rank)).astype(np.float32)
            continue
        given[name] = chooser.normal(0, 0.2, (rank, out)).astype(np.float32)
        change = (given[f"{place}.A"] @ given[name]).T
        parts = ("query", "key", "value") if place.endswith("query") else ("",)
        for part, rows in zip(parts, np.split(change, len(parts)), strict=True):
            weight = place.removesuffix("query") + (part or "") + ".weight" if part else place + ".weight"
            merged[weight] = merged[weight] + rows
    feed = {name: value for name, value in window(IDS, 5, state).items() if name != "passage_mask"}
    plain = outputs(task_graph("x", state, "classify", Fp32(), tiny.HEADS), tmp_path, feed)["logits"]
    one = outputs(task_graph("x", state, "classify", Fp32(), tiny.HEADS, adapters=True), tmp_path, feed | given)["logits"]
    other = outputs(task_graph("x", merged, "classify", Fp32(), tiny.HEADS), tmp_path, feed)["logits"]
    assert np.abs(one - other).max() < 1e-4
    assert np.abs(one - plain).max() > 0.01


def test_a_row_of_zeros_is_quantised_to_zeros() -> None:
    values, scales = quantise_rows(np.array([[0, 0], [1, -2]], dtype=np.float32))
    assert values.tolist() == [[0, 0], [64, -127]]
    assert (values * scales)[0].tolist() == [0, 0]


@pytest.mark.parametrize("missing", ["encoder.layer.0.output.dense.bias", "answerable.weight", "embeddings.position_embeddings.weight"])
def test_missing_weights_are_named(missing: str) -> None:
    state = {name: value for name, value in tiny.weights("span").items() if name != missing}
    with pytest.raises(InputError, match=missing):
        task_graph("x", state, "span", Int8(), tiny.HEADS)


def test_heads_that_do_not_divide_the_width_are_refused() -> None:
    with pytest.raises(InputError, match="7 heads do not divide a width of 16"):
        shape_of(tiny.weights("span"), 7)


@pytest.mark.torch
@pytest.mark.parametrize("task", ["span", "classify", "pair"])
def test_the_fp32_graph_says_what_the_trained_network_says(tmp_path: Path, task: str) -> None:
    torch = pytest.importorskip("torch", reason="needs torch: run `make test-all`")
    transformers = pytest.importorskip("transformers", reason="needs transformers: run `make test-all`")
    from groundwork.tuning.network import Batch, Network, arrays

    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "vocab_size": 200}
    torch.manual_seed(1)
    config = transformers.BertConfig(**sizes, max_position_embeddings=64, layer_norm_eps=1e-12)
    network = Network(transformers.BertModel(config, add_pooling_layer=False), task, 3).eval()
    for head in network.children():
        if isinstance(head, torch.nn.Linear):
            head.weight.data *= 20
    lengths, first = (40, 23, 9), 6
    ids = torch.randint(1, 200, (3, 40))
    mask, types, passage = (torch.zeros_like(ids) for _ in range(3))
    for line, length in enumerate(lengths):
        mask[line, :length] = 1
        types[line, first:length] = 1
        passage[line, first : length - 1] = 1
    batch = Batch(ids, types, mask, passage)
    state = arrays(network)
    feed = {
        "rows": state["embeddings.word_embeddings.weight"][ids.numpy()],
        "token_type_ids": types.numpy(),
        "attention_mask": mask.numpy(),
    }
    feed |= {"passage_mask": passage.numpy()} if task == "span" else {}
    found = outputs(task_graph("x", state, task, Fp32(), 4), tmp_path, feed)
    with torch.no_grad():
        if task == "span":
            start, end, answerable = (value.numpy() for value in network.spans(batch))
            inside = passage.bool().numpy()
            inside[:, 0] = True
            assert np.abs(found["span"][..., 0] - start)[inside].max() < 1e-4
            assert np.abs(found["span"][..., 1] - end)[inside].max() < 1e-4
            assert np.abs(found["answerable"] - answerable.reshape(-1)).max() < 1e-4
        elif task == "classify":
            assert np.abs(found["logits"] - network.classes(batch).numpy()).max() < 1e-4
        else:
            assert np.abs(found["score"] - network.scores(batch).numpy()).max() < 1e-4
