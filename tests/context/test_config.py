import pytest

from groundwork.context.config import ChunkSection, ContextSection
from groundwork.core.config import decode, parse_toml
from groundwork.core.errors import ConfigError

DEFAULTS = 'sources = ["docs/**/*.md"]\n'


def test_the_defaults_are_valid() -> None:
    section = decode(parse_toml(DEFAULTS, "groundwork.toml"), ContextSection)
    assert (section.chunk.tokens, section.chunk.overlap, section.retrieve.fuse, section.retrieve.keep) == (200, 24, "rrf", 6)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[chunk]\ntokens = 255", "254"),
        ("[chunk]\ntokens = 31", "32"),
        ("[chunk]\ntokens = 40\noverlap = 21", "half"),
        ("[retrieve]\nterms = 0", "between"),
        ("[retrieve]\ndense = 1001", "between"),
        ("[retrieve]\nkeep = 0", "between"),
        ('[retrieve]\nfuse = "both"', "fuse"),
        ('[chunk]\nby = "page"', "by"),
        ("[chunk]\nsize = 100", "means nothing where by = 'heading'"),
        ('[chunk]\nby = "characters"\nsize = 49', "less than the 50 characters"),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_line(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        decode(parse_toml(DEFAULTS + line, "groundwork.toml"), ContextSection)
    assert error.value.where.startswith("groundwork.toml:")


def test_an_unknown_chunking_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"chunk\.by") as error:
        decode(parse_toml(DEFAULTS + '[chunk]\nby = "sentence"', "groundwork.toml"), ContextSection)
    assert "sentences" in error.value.fix


def test_a_chunking_that_knows_no_size_is_named_as_before_there_was_one() -> None:
    assert ChunkSection().made_with == {"tokens": 200, "overlap": 24, "by": "heading"}
    assert ChunkSection(by="words", size=90).made_with["size"] == 90
