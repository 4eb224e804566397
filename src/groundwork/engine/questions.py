"""What kind of question the offline reader is asked: it can quote a fact, and nothing else.

Rules on words, for English. They err towards `fact`: a quote that misses is shown with its source, and the reader abstains by score.
"""

import re
import unicodedata
from typing import Literal

from groundwork.core.text import STOPWORDS, words

Kind = Literal["fact", "explain", "foreign"]

_MEASURE = (
    r"(?:many|much|long|large|big|small|often|old|far|fast|slow|deep|wide|high|tall|soon|late|close|few|frequently|precise|accurate|likely)"
)
_EXPLAIN = re.compile(
    rf"^\W*(?:(?:but|and|so|please|tell me|explain|can you tell me|i wonder|could you)\b[\s,]*)*"
    rf"(?:why\b|how(?!\s+{_MEASURE}\b)(?!'s\s+{_MEASURE}\b)|explain\b|compare\b|describe\b|summari[sz]e\b|discuss\b|outline\b|walk me through\b)"
    r"|\b(?:difference|differences|differ)\b.{0,60}\b(?:between|from)\b|\bcompared? (?:to|with|against)\b|\b(?:versus|vs\.?)\s|\bpros and cons\b"
    r"|\b(?:advantages|disadvantages|trade-?offs) of\b|\bstep[- ]by[- ]step\b|\bwhy (?:is|are|does|do|did|was|were|would|should|can|can't|doesn't|isn't)\b",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_WORDS = frozenset(
    [
        "der",
        "die",
        "das",
        "und",
        "ist",
        "nicht",
        "wie",
        "welche",
        "welcher",
        "wann",
        "warum",
        "ein",
        "eine",
        "einen",
        "für",
        "mit",
        "auf",
        "von",
        "zu",
        "kann",
        "ich",
        "wir",
        "sind",
        "werden",
        "wird",
        "dem",
        "den",
        "des",
        "le",
        "la",
        "les",
        "un",
        "une",
        "des",
        "est",
        "et",
        "pas",
        "que",
        "qui",
        "quel",
        "quelle",
        "quels",
        "quand",
        "pourquoi",
        "comment",
        "pour",
        "avec",
        "dans",
        "sur",
        "sont",
        "combien",
        "je",
        "nous",
        "vous",
        "el",
        "los",
        "las",
        "una",
        "unos",
        "es",
        "y",
        "no",
        "qué",
        "cuál",
        "cuáles",
        "cuándo",
        "cómo",
        "por",
        "para",
        "con",
        "del",
        "son",
        "cuántos",
        "puedo",
        "dónde",
        "il",
        "lo",
        "gli",
        "che",
        "di",
        "per",
        "come",
        "quando",
        "perché",
        "sono",
        "quanti",
        "o",
        "os",
        "as",
        "um",
        "uma",
        "é",
        "não",
        "qual",
        "quais",
        "quando",
        "como",
        "por",
        "com",
        "dos",
        "são",
        "quantos",
        "posso",
        "het",
        "een",
        "en",
        "is",
        "niet",
        "wat",
        "welke",
        "wanneer",
        "waarom",
        "voor",
        "met",
        "van",
        "zijn",
        "hoeveel",
    ]
)
_SHARED = frozenset(STOPWORDS) | {"is", "no", "as", "die", "on", "me", "an", "was", "in", "so", "to", "of", "a", "i", "at"}


def kind_of_question(text: str) -> Kind:
    """`fact`: a quote can answer it. `explain`: how, why, compare, summarise. `foreign`: not English, as far as words tell."""
    if _is_foreign(text):
        return "foreign"
    return "explain" if _EXPLAIN.search(text) else "fact"


def _is_foreign(text: str) -> bool:
    letters = [character for character in text if character.isalpha()]
    if not letters:
        return False
    if sum("LATIN" not in unicodedata.name(letter, "LATIN") for letter in letters) / len(letters) > 0.3:
        return True
    asked = words(text)
    english = sum(word in STOPWORDS for word in asked)
    other = sum(word in _OTHER_WORDS and word not in _SHARED for word in asked)
    return other >= 2 and other > english
