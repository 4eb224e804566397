import asyncio
import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from groundwork.core.errors import InputError, UpstreamError
from groundwork.evaluate.likelihood import Dialect, Likelihood, Token, count, measure, opened, windows
from tests.evaluate.language_model import NEXT, LanguageModel, serving
from tests.evaluate.scorers.asking import ask

DIALECTS: tuple[Dialect, ...] = ("echo", "prompt_logprobs")


def nats(text: str) -> float:
    """Of all but the first character."""
    return -sum(math.log(NEXT[before][after]) for before, after in pairwise(text))


async def measured(model: LanguageModel, text: str, dialect: Dialect = "echo", **more: Any) -> Likelihood:
    async with serving(model) as url, opened(url, "tiny", dialect=dialect) as server:
        return await measure(server, text, **more)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_figures_are_those_of_the_known_probabilities(dialect: Dialect) -> None:
    found = await measured(LanguageModel(), "abba", dialect)  # 1/4 · 1/8 · 1/2: 1/64 over three tokens
    assert found == pytest.approx((math.log(64), 3, 3, 3))
    assert found.bits_per_token == pytest.approx(2)
    assert found.cross_entropy == pytest.approx(2 * math.log(2))
    assert found.perplexity == pytest.approx(4)
    assert found.bits_per_byte == found.bits_per_character == pytest.approx(2)


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_mark_before_the_prompt_makes_the_first_token_count(dialect: Dialect) -> None:
    found = await measured(LanguageModel(mark=True), "abba", dialect)
    assert found == pytest.approx((math.log(128), 4, 4, 4))


@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_context_is_read_and_not_counted(dialect: Dialect) -> None:
    found = await measured(LanguageModel(), "ba", dialect, context="ab ")
    assert found == pytest.approx((-math.log(1 / 4 * 1 / 2), 2, 2, 2))


async def test_a_token_across_the_border_counts_whole() -> None:
    found = await measured(LanguageModel(joined="ab"), "ba", context=" a")
    assert found == pytest.approx((-math.log(3 / 4 * 1 / 4 * 1 / 2), 2, 2, 2))


@pytest.mark.parametrize(("window", "overlap"), [(20, 5), (7, 1), (1000, 0)])
async def test_a_long_text_read_in_windows_has_the_same_likelihood(window: int, overlap: int) -> None:
    text = "ab ba aab abab b a" * 12  # a bigram model needs one character of context
    text = text.replace("  ", " ")
    model = LanguageModel()
    found = await measured(model, text, window=window, overlap=overlap)
    assert found.nats == pytest.approx(nats(text))
    assert found.tokens == len(text) - 1
    assert max(len(prompt) for prompt in model.prompts) <= window


async def test_bytes_and_characters_differ_where_text_is_not_ascii() -> None:
    class Uniform:
        async def tokens(self, text: str, /) -> Sequence[Token]:
            return [Token(character, -math.log(16)) for character in text]

    found = await measure(Uniform(), "€é")
    assert (found.bits_per_token, found.bits_per_character, found.bits_per_byte) == pytest.approx((4, 4, 8 / 5))


async def test_a_perplexity_past_all_floats_is_infinite() -> None:
    assert Likelihood(nats=10_000.0, tokens=1, bytes=1, characters=1).perplexity == math.inf


@pytest.mark.parametrize(("text", "more"), [("", {}), ("  ", {}), ("ab", {"window": 5, "overlap": 5}), ("a", {})])
async def test_what_has_no_likelihood_is_refused(text: str, more: dict[str, Any]) -> None:
    with pytest.raises(InputError):
        await measured(LanguageModel(), text, **more)


def test_tokens_that_do_not_spell_the_text_are_not_cut_apart() -> None:
    pieces = [Token("�", -1.0), Token("�", -2.0)]
    assert count(pieces, "", "€") == Likelihood(3.0, 2, 3, 1)
    with pytest.raises(UpstreamError, match="do not spell"):
        count(pieces, "x", "€")


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"choices": []},
        {"choices": [{"text": "x"}]},
        {"choices": [{"logprobs": None}]},
        {"choices": [{"logprobs": {"tokens": ["a"], "token_logprobs": []}}]},
        [],
    ],
)
@pytest.mark.parametrize("dialect", DIALECTS)
async def test_a_server_without_log_probabilities_is_told_from_one_with_them(said: Any, dialect: Dialect) -> None:
    model = LanguageModel()
    model.said = said
    with pytest.raises(UpstreamError, match="did not return") as error:
        await measured(model, "ab", dialect)
    assert "dialect" in error.value.fix


async def test_a_server_that_is_not_there_is_an_upstream_error() -> None:
    async with opened("http://127.0.0.1:9/v1", "tiny") as server:
        with pytest.raises(UpstreamError, match="cannot be reached"):
            await measure(server, "ab")


async def test_windows_are_asked_side_by_side_but_not_all_at_once() -> None:
    class Counting:
        now = most = 0

        async def tokens(self, text: str, /) -> Sequence[Token]:
            self.now += 1
            self.most = max(self.most, self.now)
            await asyncio.sleep(0.01)
            self.now -= 1
            return [Token(character, -1.0) for character in text]

    model = Counting()
    await measure(model, "a" * 100, window=10, overlap=2, concurrency=3)
    assert model.most == 3


@given(st.text(alphabet="ab ", max_size=80), st.text(alphabet="ab ", max_size=20), st.integers(2, 30), st.data())
def test_windows_cover_a_text_once_each_after_what_precedes_it(text: str, context: str, window: int, data: st.DataObject) -> None:
    overlap = data.draw(st.integers(0, window - 1))
    pieces = list(windows(text, context, window=window, overlap=overlap))
    assert "".join(piece for _, piece in pieces) == text
    at = len(context)
    for before, piece in pieces:
        assert (context + text)[:at].endswith(before)
        assert piece
        assert len(before) + len(piece) <= window
        at += len(piece)


async def test_the_scorer_measures_the_answer_after_its_question() -> None:
    class Uniform(LanguageModel):
        def tokens(self, text: str) -> list[tuple[str, float | None]]:
            return [(character, -math.log(8)) for character in text]

    async with serving(Uniform()) as url:
        settings = {"url": url, "model": "tiny"}
        found = await ask("bits_per_byte", "Paris", settings=settings)
        assert found.value == pytest.approx(3)
        assert found.evidence == {"tokens": 5, "perplexity": 8.0}
        assert (await ask("bits_per_byte", "x", reference="Rome", settings=settings | {"of": "reference"})).evidence["tokens"] == 4
        assert (await ask("bits_per_byte", " ", settings=settings)).status == "unparseable"
        assert (await ask("bits_per_byte", "x", settings=settings | {"of": "reference"})).status == "unscored"
        assert "NO_SUCH" in (await ask("bits_per_byte", "x", settings=settings | {"key": "env:NO_SUCH"})).detail
