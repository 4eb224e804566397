import random

import pytest
from hypothesis import given
from hypothesis.strategies import integers, lists, sampled_from

from groundwork.core.errors import InputError
from groundwork.core.ngrams import Watch, ngrams, shared, spans, tokens

WORDS = [f"w{number}" for number in range(400)]
TEXT = "The cache holds two thousand pages unless the application says otherwise when it opens the file"


def test_words_are_compared_without_case_width_and_punctuation() -> None:
    assert tokens("Don't STOP, now!").tolist() == tokens("don t　stop (now)").tolist()
    assert tokens("ＦＵＬＬ Straße").tolist() == tokens("full STRASSE").tolist()
    assert ["Page-size: 4,096."[start:end] for start, end in spans("Page-size: 4,096.")] == ["Page", "size", "4", "096"]


def test_there_are_no_ngrams_of_a_shorter_text() -> None:
    assert len(ngrams(tokens("one two"), 3)) == 0
    assert len(ngrams(tokens("one two three four"), 3)) == 2


def test_a_copy_is_found_where_it_stands_with_the_share_that_it_covers() -> None:
    watch = Watch([TEXT, "Nothing of this stands anywhere else, however long one looks for it in all the books there are"])
    watch.read(
        "Something else entirely, of no concern to anybody at all, and long enough to hold many n-grams of its own", "a.txt", offset=0
    )
    watch.read(f"Before it. {TEXT.upper()}! After it.", "b.txt", offset=1_000)
    copied, other = watch.seen()
    assert (copied.share, copied.source, copied.place) == (1.0, "b.txt", 1_011)
    assert TEXT[copied.start : copied.end].split() == TEXT.split()[:13]
    assert (other.share, other.source) == (0.0, "")


def test_twelve_shared_words_are_no_shared_run_of_thirteen() -> None:
    words = TEXT.split()
    assert shared(TEXT, [" ".join(words[:12])]) == 0
    assert shared(TEXT, [" ".join(words[:13])]) == 13 / 16
    assert shared(TEXT, [" ".join(words[:12]), " ".join(words[4:])]) == 0
    assert shared(TEXT, [" ".join(words[:12]), " ".join(words[4:])], n=12) == 1


def test_characters_find_a_copy_with_other_spacing() -> None:
    reflowed = TEXT.replace(" ", "").replace("pages", "pa-\nges")
    assert shared(TEXT, [reflowed]) == 0
    assert shared(TEXT, [reflowed], unit="characters") == 1


def test_a_short_text_is_looked_for_as_a_whole_and_a_very_short_one_not_at_all() -> None:
    watch = Watch(["How large is a page?", "Why?", ""])
    watch.read("He asked: how large is a page? Nobody knew. Why?", "talk.txt", 7)
    whole, short, empty = watch.seen()
    assert (whole.share, whole.place) == (1.0, 7)
    assert (short.share, empty.share) == (0.0, 0.0)
    assert watch.too_short == (1, 2)


@given(texts=lists(lists(sampled_from(WORDS), min_size=1, max_size=40), min_size=1, max_size=5), seed=integers(0, 1_000))
def test_what_is_covered_is_what_a_plain_search_finds(texts: list[list[str]], seed: int) -> None:
    chooser = random.Random(seed)
    other = [chooser.choice(WORDS) for _ in range(60)]
    taken = texts[0][: chooser.randint(1, len(texts[0]))]
    other[10:10] = taken
    watch = Watch([" ".join(text) for text in texts], n=6)
    watch.read(" ".join(other), "x")
    for text, seen in zip(texts, watch.seen(), strict=True):
        n = min(6, len(text))
        runs = {tuple(other[place : place + n]) for place in range(len(other) - n + 1)}
        covered = {place + step for place in range(len(text) - n + 1) for step in range(n) if tuple(text[place : place + n]) in runs}
        assert seen.covered == (len(covered) if n >= 5 else 0)


def test_one_word_is_no_ngram() -> None:
    with pytest.raises(InputError, match="say nothing"):
        Watch(["a"], n=1)
