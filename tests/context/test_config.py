import pytest

from groundwork.context.config import ContextSection
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
    ],
)
def test_what_is_out_of_range_is_refused_with_its_line(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        decode(parse_toml(DEFAULTS + line, "groundwork.toml"), ContextSection)
    assert error.value.where.startswith("groundwork.toml:")
