import pytest

from groundwork.context.config import ChunkSection, ContextSection
from groundwork.context.labels import Labeller
from groundwork.core.config import decode, parse_toml
from groundwork.core.errors import ConfigError

DEFAULTS = 'sources = ["docs/**/*.md"]\n'


def test_the_defaults_are_valid() -> None:
    section = decode(parse_toml(DEFAULTS, "groundwork.toml"), ContextSection)
    assert (section.chunk.tokens, section.chunk.overlap, section.retrieve.fuse, section.retrieve.keep) == (200, 24, "rrf", 6)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("[chunk]\ntokens = 31", "32"),
        ("[chunk]\ntokens = 40\noverlap = 21", "half"),
        ("[retrieve]\nterms = 0", "between"),
        ("[retrieve]\ndense = 1001", "between"),
        ("[retrieve]\nkeep = 0", "between"),
        ('[retrieve]\nfuse = "both"', "fuse"),
        ('[chunk]\nby = "page"', "by"),
        ('[retrieve]\nwhere = "year >"', "a value is missing"),
        ("[retrieve]\nduplicates = 0.1", "duplicates"),
        ("[retrieve]\ndiversity = 1.5", "diversity"),
        ("[retrieve]\naround = -1", "around"),
        ("[retrieve]\napproximate = { above = 10 }", "less than 1000"),
        ("[retrieve]\napproximate = { above = true }", "above"),
        ('[retrieve]\napproximate = { above = "never" }', "unknown value"),
        ("[retrieve]\napproximate = { recall = 95 }", "between"),
        ("[retrieve]\nweights = { terms = 0.0, dense = 0.0 }", "above 0"),
        ("[retrieve]\nweights = { terms = -1.0 }", "from 0 on"),
        ("[retrieve]\nrecency = { share = 1.0 }", "share"),
        ('[retrieve]\nrecency = { half_life = "0d" }', "no time"),
        ("[retrieve]\nrecency = { half_life = 90 }", "unit"),
        ('[[retrieve.boost]]\nwhere = "year"\nby = 2.0', "missing after `year`"),
        ('[[retrieve.boost]]\nwhere = "year = 1"\nby = 0.0', "by = "),
        ('[[metadata]]\nmatch = "docs/**"\nvalues = { a = { b = 1 } }', "values.a"),
        ('[[metadata]]\nmatch = "docs/**"', "values"),
        ('[permissions]\notherwise = ["anybody"]', "names no reader"),
        ('[[permissions.rules]]\nmatch = "docs/**"\nallow = ["hr"]', "names no reader"),
        ('[[permissions.rules]]\nmatch = "docs/**"', "allow"),
        ("[chunk]\nsize = 100", "means nothing where by = 'heading'"),
        ('[chunk]\nby = "characters"\nsize = 49', "less than the 50 characters"),
    ],
)
def test_what_is_out_of_range_is_refused_with_its_line(line: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        decode(parse_toml(DEFAULTS + line, "groundwork.toml"), ContextSection)
    assert error.value.where.startswith("groundwork.toml:")


def test_chunks_fit_into_the_window_of_their_encoder() -> None:
    def read(tokens: int, encoder: str = "") -> ContextSection:
        return decode(parse_toml(f"{DEFAULTS}{encoder}\n[chunk]\ntokens = {tokens}", "groundwork.toml"), ContextSection)

    service = 'encoder = { url = "http://127.0.0.1:1/v1", model = "m", window = 1000 }'
    assert read(254).chunk.tokens == 254
    assert read(800, service).chunk.tokens == 800
    for tokens, encoder, most in ((255, "", 254), (801, service, 800)):
        with pytest.raises(ConfigError, match=f"between 32 and {most}"):
            read(tokens, encoder)


@pytest.mark.parametrize(
    ("encoder", "says"),
    [
        ('"openai"', "unknown value"),
        ("{}", "either a `url`"),
        ('{ url = "http://h/v1" }', "needs the `model`"),
        ('{ url = "h/v1", model = "m" }', "no URL"),
        ('{ url = "http://me:secret@h/v1", model = "m" }', "named by `key`"),
        ('{ url = "http://h/v1?key=secret", model = "m" }', "named by `key`"),
        ('{ url = "http://h/v1", model = "m", key = "sk-secret" }', "never written"),
        ('{ url = "http://h/v1", model = "m", sentence_transformers = "x" }', "either a `url`"),
        ('{ sentence_transformers = "x", model = "m" }', "belong to a `url`"),
        ('{ url = "http://h/v1", model = "m", dimensions = 0 }', "dimensions"),
        ('{ url = "http://h/v1", model = "m", window = 63 }', "window"),
        ('{ url = "http://h/v1", model = "m", batch = 0 }', "batch"),
    ],
)
def test_an_encoder_that_says_too_little_or_too_much_is_refused(encoder: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says) as error:
        decode(parse_toml(f"{DEFAULTS}encoder = {encoder}", "groundwork.toml"), ContextSection)
    assert "secret" not in str(error.value).replace("a secret is named", "")


def test_fields_and_permissions_are_read_as_they_are_written() -> None:
    text = """
[[metadata]]
match = "docs/**"
values = { product = "db", year = 2024, rate = 0.5, live = true, day = 2024-05-01, tags = ["a", "b"] }
[permissions]
otherwise = ["everyone"]
[[permissions.rules]]
match = "docs/hr/**"
allow = ["group:hr", "user:acme/anna"]
"""
    section = decode(parse_toml(DEFAULTS + text, "groundwork.toml"), ContextSection)
    labels = Labeller(section)
    assert labels.configured("docs/a.md") == {
        "product": "db",
        "year": 2024,
        "rate": 0.5,
        "live": True,
        "day": "2024-05-01",
        "tags": ["a", "b"],
    }
    assert labels.configured("other.md") == {}
    assert labels.rules("docs/hr/a.md", {}) == [["group:local/hr", "user:acme/anna"]]
    assert labels.rules("docs/a.md", {}) == [["everyone"]]
    assert labels.rules("docs/a.md", {"allow": "user:zoe"}) == [["user:local/zoe"]]


def test_an_unknown_chunking_is_refused_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"chunk\.by") as error:
        decode(parse_toml(DEFAULTS + '[chunk]\nby = "sentence"', "groundwork.toml"), ContextSection)
    assert "sentences" in error.value.fix


def test_a_chunking_that_knows_no_size_is_named_as_before_there_was_one() -> None:
    assert ChunkSection().made_with == {"tokens": 200, "overlap": 24, "by": "heading"}
    assert ChunkSection(by="words", size=90).made_with["size"] == 90
