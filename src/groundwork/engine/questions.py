"""What kind of question the offline reader is asked: it can quote a fact, and nothing else.

Rules on words, for English. They err towards `fact`: a quote that misses is shown with its source, and the reader abstains by score.
"""

import re
import unicodedata
from typing import Literal

from groundwork.core.text import STOPWORDS, words

Kind = Literal["fact", "explain", "foreign"]

_HELPERS = (
    r"(?:do|does|did|don't|doesn't|to|can|could|can't|is|are|was|were|isn't|aren't|has|have|should|would|will|might|must|come|comes|about|exactly|best"
    r"|i|we|you|one|it|the|a|an|my|its|safe|safely|well)"
)
"""After `how`, these ask for a way or a reason; anything else (`how many`, `how heavy`) asks for a measure, which a quote can hold."""
_EXPLAIN = re.compile(
    rf"^\W*(?:(?:but|and|so|please|tell me|explain|can you tell me|i wonder|could you)\b[\s,]*)*"
    rf"(?:why\b|how\s+{_HELPERS}\b|how\W*$|explain\b|compare\b|describe\b|summari[sz]e\b|discuss\b|outline\b|walk me through\b)"
    r"|\b(?:difference|differences|differ)\b.{0,60}\b(?:between|from)\b|\bcompared? (?:to|with|against)\b|\b(?:versus|vs\.?)\s|\bpros and cons\b"
    r"|\b(?:advantages|disadvantages|trade-?offs) of\b|\bstep[- ]by[- ]step\b|\bwhy (?:is|are|does|do|did|was|were|would|should|can|can't|doesn't|isn't)\b",
    re.IGNORECASE | re.DOTALL,
)
_OTHER_WORDS = frozenset(
    """as auf avec che com combien come comment como con cuál cuáles cuándo cuántos cómo dans das del dem den der des di die dos dónde
    een ein eine einen el en es est et für gli het hoeveel ich il is ist je kann la las le les lo los met mit nicht niet no nous não
    o os para pas per perché por posso pour pourquoi puedo quais qual quand quando quanti quantos que quel quelle quels qui qué sind
    son sono sont sur são um uma un una und une unos van von voor vous waarom wann wanneer warum wat welche welcher welke werden wie
    wir wird y zijn zu é""".split()  # noqa: SIM905  a list of words reads as one
)
"""The commonest words of German, French, Spanish, Italian, Portuguese and Dutch."""
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
