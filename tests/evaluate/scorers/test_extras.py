"""What comes with an extra: without it, a scorer says what to install."""

import sys
from collections.abc import Callable

import pytest

from groundwork.core.errors import ConfigError
from groundwork.evaluate.following import language, tokens
from groundwork.evaluate.scorers import lexical, structure

NEEDS: list[tuple[str, str, Callable[[], object]]] = [
    ("sacrebleu.metrics.bleu", "metrics", lambda: lexical.sacrebleu.__wrapped__("bleu")),
    ("rouge_score.rouge_scorer", "metrics", lambda: lexical._rouge_scorer.__wrapped__("rouge1", stem=False)),
    ("rapidfuzz", "metrics", lambda: lexical._rapidfuzz.__wrapped__("fuzz")),
    ("langdetect", "metrics", language._guesser.__wrapped__),
    ("nltk.tokenize.punkt", "metrics", tokens._splitter.__wrapped__),
    ("nltk.tokenize.destructive", "metrics", tokens._words.__wrapped__),
    ("jsonschema_rs", "structured", lambda: structure._validator.__wrapped__("{}")),
]


@pytest.mark.parametrize(("module", "extra", "use"), NEEDS, ids=[module for module, _, _ in NEEDS])
def test_a_library_that_is_missing_is_asked_for_by_its_extra(
    module: str, extra: str, use: Callable[[], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(ConfigError, match="not installed") as error:
        use()
    assert error.value.fix == f"pip install 'groundwork-ai[{extra}]'"
