import numpy as np
import pytest

from groundwork.core.errors import InputError
from groundwork.engine.encoder import Encoder
from groundwork.engine.heads import MANIFEST, Head, HeadManifest, head_files, read_head
from groundwork.engine.intents import ENERGY, TASK, IntentRouter, parts, pooled, reads, shortened

QUESTIONS = {"weather": "Will it rain tomorrow?", "music": "Play some jazz.", "money": "How much is in my account?"}


class Embedder:
    """The real encoder, without a thread of its own."""

    def __init__(self, encoder):
        self.encoder = encoder
        self.fingerprint = encoder.fingerprint
        self.dimensions = encoder.dimensions
        self.calls = []

    async def embed(self, texts, /):
        self.calls.append(list(texts))
        return self.encoder.encode(texts)


@pytest.fixture(scope="module")
def encoder():
    return Encoder()


@pytest.fixture
def router(tmp_path, encoder):
    """A head whose weights are ten times the embeddings of the questions."""
    weight = 10 * reads(384).features(encoder.encode(list(QUESTIONS.values())), list(QUESTIONS.values()))
    made = HeadManifest(
        name="mine",
        task=TASK,
        fingerprint="",
        base=encoder.fingerprint,
        labels=tuple(QUESTIONS),
        reads=reads(384),
        thresholds={ENERGY: 6.0},
        files={},
        licence="Apache-2.0",
        made_by="a test",
    )
    for name, data in head_files(made, weight, np.zeros(3)).items():
        (tmp_path / name).write_bytes(data)
    return IntentRouter(read_head(tmp_path, base=encoder.fingerprint), Embedder(encoder))


@pytest.mark.parametrize(
    ("said", "label"),
    [
        ("is it going to rain this weekend", "weather"),
        ("play some blues please", "music"),
        ("how much money is in my account now", "money"),
    ],
)
async def test_a_message_gets_its_intent(router, said, label):
    found = await router.classify(said)
    assert found.label == label
    assert found.in_scope
    assert found.probability > 0.5
    assert found.read == len(said)


@pytest.mark.parametrize("said", ["who painted the Mona Lisa", "", "👍", "\x00"])
async def test_what_is_like_no_example_is_out_of_scope(router, said):
    assert not (await router.classify(said)).in_scope


async def test_a_long_message_is_read_in_parts_and_a_very_long_one_at_both_ends(router):
    long = "Will it rain tomorrow, or shall we take the coats off and stay? " * 30
    found = await router.classify(long)
    assert (found.label, found.read) == ("weather", len(long))
    assert len(router._embedder.calls[-1]) > 1
    endless = await router.classify("play some jazz. " * 100_000)
    assert (endless.label, endless.read) == ("music", 3_201)


@pytest.mark.parametrize("letter", ["한", "字", "a", "ﷺ", "🙂", "é"])
async def test_no_script_is_too_long(router, letter):
    found = await router.classify(letter * 5_000)
    assert found.label in QUESTIONS


def test_parts_hold_the_whole_text_and_nothing_twice():
    text = "one two  three\n" * 200 + "x" * 2_000
    found = parts(text, 100)
    assert "".join("".join(found).split()) == "".join(text.split())
    assert max(map(len, found)) <= 100
    assert parts("", 100) == [""]
    assert parts(" " * 300, 100) == [" " * 100]
    assert shortened("abc") == "abc"


def test_the_parts_vectors_become_one_of_length_one():
    assert np.allclose(pooled(np.array([[1.0, 0.0], [0.0, 1.0]], dtype=np.float32)), [[0.70710677, 0.70710677]])
    assert np.isfinite(pooled(np.zeros((1, 2), dtype=np.float32))).all()


def test_another_head_is_no_router(router):
    manifest = router.head.manifest
    import msgspec

    for change in ({"thresholds": {}}, {"task": "injection"}):
        head = Head(msgspec.structs.replace(manifest, **change), np.zeros((3, manifest.reads.width), np.float32), np.zeros(3, np.float32))
        with pytest.raises(InputError, match="no router of intents"):
            IntentRouter(head, router._embedder)


def test_the_manifest_stands_beside_the_weights(router, tmp_path):
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".bin", ".json"]
    assert (tmp_path / MANIFEST).is_file()
