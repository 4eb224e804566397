import pytest

from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.core.errors import InputError
from groundwork.tuning.retrieval.candidates import candidates, in_force

NOW = ContextSection(sources=("docs",))


def test_each_candidate_differs_in_one_thing_and_none_is_what_is_now() -> None:
    found = candidates(NOW)
    assert {one.kind for one in found} == {"chunk", "retrieve"}
    for one in found:
        assert (one.chunk == NOW.chunk) != (one.retrieve == NOW.retrieve)
    assert len({(one.chunk, one.retrieve) for one in found}) == len(found)
    assert {one.retrieve.fuse for one in found if not one.is_fusion} == {"terms", "dense"}
    assert in_force(NOW).name == "in force"


def test_only_the_kind_that_is_asked_for_is_tried_and_what_is_named_besides() -> None:
    assert {one.kind for one in candidates(NOW, kinds=("retrieve",))} == {"retrieve"}
    found = candidates(NOW, kinds=("retrieve",), more={"context.chunk.tokens": 120})
    assert [one.name for one in found if one.kind == "chunk"] == ["chunk.tokens = 120"]
    assert found[-1].chunk == ChunkSection(tokens=120)


def test_what_is_in_force_already_is_not_tried_again() -> None:
    section = ContextSection(sources=("docs",), retrieve=RetrieveSection(fuse="terms", terms=200, dense=200))
    names = {one.name for one in candidates(section, kinds=("retrieve",))}
    assert "retrieve.fuse = terms" not in names
    assert not any("150" in name for name in names)


def test_a_size_in_force_goes_with_the_way_that_counts_it() -> None:
    section = ContextSection(sources=("docs",), chunk=ChunkSection(by="words", size=90))
    found = {one.name: one.chunk for one in candidates(section, kinds=("chunk",))}
    assert found["chunk.by = recursive"].size == 0


@pytest.mark.parametrize(
    ("path", "value", "says"),
    [
        ("context.sources", "docs", "no setting of chunking or retrieval"),
        ("gate.margin", 0.1, "no setting of chunking or retrieval"),
        ("context.retrieve.fuse", "bothh", "cannot be tried"),
        ("context.retrieve.kep", 8, "cannot be tried"),
        ("context.chunk.tokens", 4_000, "cannot be tried"),
        ("context.chunk.tokens", "many", "cannot be tried"),
    ],
)
def test_what_cannot_be_tried_is_refused(path: str, value: object, says: str) -> None:
    with pytest.raises(InputError, match=says):
        candidates(NOW, more={path: value})
