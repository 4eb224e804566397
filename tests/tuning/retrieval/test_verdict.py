import random
import tomllib

import pytest

from groundwork.context.config import ChunkSection, ContextSection, RetrieveSection
from groundwork.core.errors import InputError
from groundwork.tuning.retrieval.candidates import Candidate, candidates, in_force
from groundwork.tuning.retrieval.sought import Sought
from groundwork.tuning.retrieval.trial import Measured
from groundwork.tuning.retrieval.verdict import Tuned, verdict

NOW = ContextSection(sources=("docs",), retrieve=RetrieveSection(fuse="terms"))
N = 60


def cases(count: int = N, *, clusters: int = 0) -> list[Sought]:
    return [Sought(str(place), "?", (), str(place % clusters if clusters else place)) for place in range(count)]


def measured(held: list[float]) -> Measured:
    return Measured(tuple(held), tuple(held), 10, ())


def decide(values: dict[str, list[float]], *, only_chunks: bool = False, clusters: int = 0) -> Tuned:
    """`values` maps `now` and names of candidates (all others fare like now) to the share that each question got."""
    found = [in_force(NOW), *candidates(NOW)]
    asked = cases(len(values["now"]), clusters=clusters)
    shares = [measured(values.get(one.name, values["now"])) for one in found]
    return verdict(asked, found, shares, asked="test", left_out={}, budget=1_000, only_chunks=only_chunks)


def right(count: int, *, of: int = N) -> list[float]:
    return [1.0] * count + [0.0] * (of - count)


def test_a_candidate_that_is_clearly_better_is_named_with_its_evidence() -> None:
    found = decide({"now": right(20), "retrieve.fuse = dense": right(45)})
    assert found.winner == "retrieve.fuse = dense"
    (winner,) = (one for one in found.tried if one.better)
    assert winner.difference.low > 0
    assert winner.settings == {"context.retrieve.fuse": "dense"}
    assert "+41.7% [" in found.sentence
    assert found.toml == ""


def test_where_nothing_is_better_it_says_so_with_what_could_have_been_seen() -> None:
    found = decide({"now": right(40), "retrieve.fuse = dense": [*right(38)[:-3], 1.0, 1.0, 1.0]})
    assert found.winner == ""
    assert found.sentence.startswith("nothing beats what you have (66.7%")
    assert "60 questions" in found.sentence
    assert "four times in five" in found.sentence
    assert all(one.detectable is None or 0 < one.detectable < 1 for one in found.tried)


def test_one_gain_in_many_is_corrected_for_how_many_were_tried() -> None:
    """Six questions gained and none lost: p = 0.031 by itself, and no finding among so many candidates."""
    found = decide({"now": right(30), "retrieve.fuse = dense": right(36)})
    (dense,) = (one for one in found.tried if one.name == "retrieve.fuse = dense")
    assert dense.difference.low > 0
    assert dense.p > 0.05
    assert found.winner == ""


def test_a_fusion_gives_way_to_a_single_retriever_that_it_does_not_beat() -> None:
    close = decide({"now": right(20), "retrieve.fuse = dense": right(45), "retrieve.fuse = rrf": right(47)})
    assert close.winner == "retrieve.fuse = dense"
    apart = decide({"now": right(10), "retrieve.fuse = dense": right(30), "retrieve.fuse = rrf": right(55)})
    assert apart.winner == "retrieve.fuse = rrf"


def test_another_chunking_comes_as_the_table_to_write() -> None:
    found = decide({"now": right(20), "chunk.by = recursive": right(50)})
    assert found.winner == "chunk.by = recursive"
    assert tomllib.loads(found.toml)["context"]["chunk"] == {"tokens": 200, "overlap": 24, "by": "recursive"}


def test_questions_that_flatter_a_retriever_name_none() -> None:
    values = {"now": right(20), "retrieve.fuse = dense": right(50)}
    assert decide(values).winner
    assert decide(values, only_chunks=True).winner == ""
    assert decide(values | {"chunk.by = recursive": right(50)}, only_chunks=True).winner == "chunk.by = recursive"


def test_questions_of_few_documents_are_not_counted_as_if_they_were_many() -> None:
    """Every second question gained, all of them in three documents of six."""
    gained = [1.0 if place % 6 < 3 else 0.0 for place in range(N)]
    values = {"now": [0.0] * N, "retrieve.fuse = dense": gained}
    assert decide(values).winner
    assert decide(values, clusters=6).winner == ""


def test_too_few_questions_are_refused() -> None:
    with pytest.raises(InputError, match="9 questions"):
        decide({"now": right(4, of=9)})


def test_equal_candidates_are_rarely_named() -> None:
    """All candidates are as good as what is in force: at most one search in twenty may name one."""
    chooser = random.Random(1)
    found = [in_force(NOW), *[Candidate({f"context.retrieve.terms{n}": n}, ChunkSection(), RetrieveSection()) for n in range(5)]]
    named = 0
    for _ in range(120):
        difficulty = [chooser.random() for _ in range(40)]
        shares = [measured([float(chooser.random() < one) for one in difficulty]) for _ in found]
        named += bool(verdict(cases(40), found, shares, asked="", left_out={}, budget=1).winner)
    assert named <= 10
