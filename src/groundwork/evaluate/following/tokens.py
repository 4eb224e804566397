"""Sentences and words as the official checks count them: NLTK's Punkt and Treebank tokenizers, with parameters of our own.

The official checks download a Punkt model that was trained on newspaper text. Ours is written by hand from what that model is known to do:
it knows titles, months, states and some initials as abbreviations, and not "e.g.", "i.e.", "etc." or "P.S.". Where a text holds abbreviations
that are in neither list, or in one only, counts may differ.
Source: Kiss and Strunk, "Unsupervised Multilingual Sentence Boundary Detection", Computational Linguistics 32 (2006).
"""

import functools
from typing import Any

from groundwork.core.errors import ConfigError
from groundwork.core.text import STOPWORDS

_TITLES = "mr mrs ms messrs dr prof gen col maj lt adm sen rep reps jr sr ph.d m.b.a"
_FIRMS = "inc corp co cos ltd bros cie s.a s.p.a b.v n.v"
_MONTHS = "jan feb aug sep sept oct nov dec"
_DAYS = "tues wed fri"
_STATES = """ala ariz calif colo conn fla ga ill kan ky mich minn nev okla ore pa tenn va vt wash wis n.c n.d n.h n.j n.m n.y r.i s.c w.va d.c l.a
    u.s u.s.a u.k u.n u.s.s.r"""
_NAMES = "a.g d.h e.l g.k j.b j.c j.j j.k j.p j.r l.p m.j r.a r.h r.j t.j w.r"
_OTHERS = "vs st ave ft yr mg chg ct ok sw a.m p.m a.d"
_INITIALS = "c d e f g h k l m n p r s t v w"
"""Single letters that open no sentence where a stop follows; the others are told by what comes next."""
_OPENERS = """according although among both but despite even he however i if in indeed instead it many meanwhile moreover most nevertheless
    nonetheless nor separately similarly since so some the there these they this though thus under when while yet"""
"""Words that begin a sentence also after an abbreviation."""
_AFTER_NUMBERS = "business corrections credit dividend financing insider international leisure letters notable pepper review who"
"""Words that do not open a sentence after a number: newspaper headings, and now and then an item of a list."""
_MIDDLE_CAPITAL, _MIDDLE_SMALL = 4, 32
"""Punkt's marks for words seen in capitals, and in small letters, within a sentence."""


def count_sentences(text: str) -> int:
    """Sentences of a text, as Punkt splits it."""
    return len(_splitter().tokenize(text))


def word_tokens(text: str) -> list[str]:
    """Words of a text as the Penn Treebank splits them: "don't" is "do" and "n't", a full stop is apart at the end of a sentence."""
    words = _words()
    return [token for sentence in _splitter().tokenize(text) for token in words.tokenize(sentence)]


@functools.cache
def _splitter() -> Any:
    try:
        from nltk.tokenize.punkt import PunktParameters, PunktSentenceTokenizer
    except ImportError:
        raise _missing() from None
    known = PunktParameters()
    known.abbrev_types = set(f"{_TITLES} {_FIRMS} {_MONTHS} {_DAYS} {_STATES} {_NAMES} {_OTHERS} {_INITIALS}".split())
    known.sent_starters = set(_OPENERS.split())
    known.collocations = {("##number##", word) for word in _AFTER_NUMBERS.split()}
    for word in STOPWORDS:
        known.ortho_context[word] = _MIDDLE_CAPITAL | _MIDDLE_SMALL
    return PunktSentenceTokenizer(known)


@functools.cache
def _words() -> Any:
    try:
        from nltk.tokenize.destructive import NLTKWordTokenizer
    except ImportError:
        raise _missing() from None
    return NLTKWordTokenizer()


def _missing() -> ConfigError:
    return ConfigError("`nltk` is not installed, which the official checks count with", fix="pip install 'groundwork-ai[metrics]'")
