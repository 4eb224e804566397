"""Overlap with reference texts: edit distance, BLEU, chrF, TER, ROUGE, as the well-kept libraries compute them (extra `metrics`).

They count shared characters and words; they do not know what is true. On model summaries judged by people for factual consistency (FRANK)
ROUGE-L correlates with the judgement at 0.18: use them for translation and for near-verbatim text, and look elsewhere for facts.

All but the cheapest are computed in a thread, their libraries' loading (a second) included: it must not lengthen answers that come meanwhile.

The figures of a run are means over answers. BLEU, chrF and TER of a whole corpus are no such means: `corpus` computes them.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from typing import Any, Literal

from groundwork.core.errors import ConfigError, InputError
from groundwork.evaluate.registry import Answered, Unscored, scorer
from groundwork.evaluate.scorers.reference import NO_REFERENCE, accepted

Part = Literal["f1", "precision", "recall"]
Metric = Literal["bleu", "chrf", "ter"]


@scorer("edit", better="higher")
def edit(answered: Answered, *, fold_case: bool = False) -> float | Unscored:
    """1 less the share of characters to insert, delete or replace (Levenshtein) to make the answer the reference; the nearest of several."""
    distance = _rapidfuzz("distance").Levenshtein
    return _best(answered, lambda said, wanted: float(distance.normalized_similarity(_case(said, fold_case), _case(wanted, fold_case))))


@scorer("fuzzy", better="higher")
def fuzzy(answered: Answered, *, how: Literal["ratio", "partial", "token_sort", "token_set"] = "ratio") -> float | Unscored:
    """Similarity by rapidfuzz, case folded: of the whole texts, of the best part, or of their words in any order."""
    fuzz = _rapidfuzz("fuzz")
    compare = {"ratio": fuzz.ratio, "partial": fuzz.partial_ratio, "token_sort": fuzz.token_sort_ratio, "token_set": fuzz.token_set_ratio}[
        how
    ]
    return _best(answered, lambda said, wanted: float(compare(said.casefold(), wanted.casefold())) / 100)


@scorer("bleu", better="higher", unit="points", bounds=(0.0, 100.0))
async def bleu(answered: Answered, *, tokenize: str = "13a", lowercase: bool = False) -> float | Unscored:
    """Sentence BLEU in points, by sacrebleu: exponential smoothing, effective order, all references together. Source: Papineni et al., ACL 2002."""
    return await asyncio.to_thread(_sentence, answered, "bleu", tokenize=tokenize, lowercase=lowercase, effective_order=True)


@scorer("chrf", better="higher", unit="points", bounds=(0.0, 100.0))
async def chrf(answered: Answered, *, word_order: int = 0, lowercase: bool = False) -> float | Unscored:
    """Character n-gram F-score in points, by sacrebleu; chrF++ with `word_order = 2`. Source: Popović, WMT 2015 and 2017."""
    return await asyncio.to_thread(_sentence, answered, "chrf", word_order=word_order, lowercase=lowercase)


@scorer("ter", better="lower", unit="points", bounds=(0.0, float("inf")))
async def ter(answered: Answered, *, case_sensitive: bool = False, normalized: bool = False) -> float | Unscored:
    """Translation edit rate, by sacrebleu: edits and shifts per hundred reference words; can exceed 100. Slow: tens of milliseconds, and more for long texts.

    Source: Snover et al., AMTA 2006.
    """
    return await asyncio.to_thread(_sentence, answered, "ter", case_sensitive=case_sensitive, normalized=normalized)


@scorer("rouge1", better="higher")
async def rouge1(answered: Answered, *, part: Part = "f1", stem: bool = False) -> float | Unscored:
    """ROUGE-1, shared words, by rouge-score; the best of several references. Source: Lin, "ROUGE", 2004."""
    return await asyncio.to_thread(_rouge, answered, "rouge1", part, stem=stem)


@scorer("rouge2", better="higher")
async def rouge2(answered: Answered, *, part: Part = "f1", stem: bool = False) -> float | Unscored:
    """ROUGE-2, shared pairs of words, by rouge-score; the best of several references."""
    return await asyncio.to_thread(_rouge, answered, "rouge2", part, stem=stem)


@scorer("rougeL", better="higher")
async def rouge_l(answered: Answered, *, part: Part = "f1", stem: bool = False) -> float | Unscored:
    """ROUGE-L, the longest common subsequence of words, by rouge-score; the best of several references."""
    return await asyncio.to_thread(_rouge, answered, "rougeL", part, stem=stem)


@scorer("rougeLsum", better="higher")
async def rouge_lsum(answered: Answered, *, part: Part = "f1", stem: bool = False) -> float | Unscored:
    """ROUGE-L of summaries, by rouge-score: line by line, so that each sentence must stand on a line of its own; the best of several references."""
    return await asyncio.to_thread(_rouge, answered, "rougeLsum", part, stem=stem)


def corpus(metric: Metric, answers: Sequence[str], references: Sequence[Sequence[str]], **settings: Any) -> float:
    """BLEU, chrF or TER of all answers together, in points, as published figures are. `references[i]` are those of `answers[i]`, as many for each.

    Raises InputError for no answers, or lists of unlike lengths.
    """
    counts = {len(texts) for texts in references}
    if not answers or len(answers) != len(references) or len(counts) != 1 or 0 in counts:
        raise InputError(
            f"{len(answers)} answers and {len(references)} lists of references cannot be held together",
            fix="give each answer its references, as many for each",
        )
    streams = [list(stream) for stream in zip(*references, strict=True)]
    return float(sacrebleu(metric, **settings).corpus_score(list(answers), streams).score)


@functools.cache
def sacrebleu(metric: Metric, **settings: Any) -> Any:
    """The metric of sacrebleu with these settings. Raises ConfigError where the library is missing or does not take them."""
    try:
        from sacrebleu.metrics.bleu import BLEU
        from sacrebleu.metrics.chrf import CHRF
        from sacrebleu.metrics.ter import TER
    except ImportError:
        raise _missing("sacrebleu") from None
    try:
        return {"bleu": BLEU, "chrf": CHRF, "ter": TER}[metric](**settings)
    except (TypeError, ValueError, AssertionError, KeyError) as error:
        raise ConfigError(
            f"sacrebleu's {metric} does not take {settings}: {error}", fix="see its documentation for the values it knows"
        ) from None


def _sentence(answered: Answered, metric: Metric, **settings: Any) -> float | Unscored:
    """The metric of one answer. BLEU and chrF end a rounding above 100 now and then, which they cannot be."""
    references = accepted(answered)
    if not references:
        return NO_REFERENCE
    value = float(sacrebleu(metric, **settings).sentence_score(answered.reply.text, list(references)).score)
    return value if metric == "ter" else min(100.0, value)


def _rouge(answered: Answered, kind: str, part: Part, *, stem: bool) -> float | Unscored:
    found = _rouge_scorer(kind, stem)
    place = {"precision": 0, "recall": 1, "f1": 2}[part]
    return _best(answered, lambda said, wanted: float(found.score(wanted, said)[kind][place]))


@functools.cache
def _rouge_scorer(kind: str, stem: bool) -> Any:
    try:
        from rouge_score.rouge_scorer import RougeScorer
    except ImportError:
        raise _missing("rouge-score") from None
    return RougeScorer([kind], use_stemmer=stem)


@functools.cache
def _rapidfuzz(module: Literal["distance", "fuzz"]) -> Any:
    try:
        from rapidfuzz import distance, fuzz
    except ImportError:
        raise _missing("rapidfuzz") from None
    return distance if module == "distance" else fuzz


def _best(answered: Answered, similarity: Callable[[str, str], float]) -> float | Unscored:
    references = accepted(answered)
    return max(similarity(answered.reply.text, wanted) for wanted in references) if references else NO_REFERENCE


def _case(text: str, fold_case: bool) -> str:
    return text.casefold() if fold_case else text


def _missing(library: str) -> ConfigError:
    return ConfigError(f"`{library}` is not installed", fix="pip install 'groundwork-ai[metrics]'")
