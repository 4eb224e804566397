"""Plain functions on text: folding, words, sentences. English, and enough for it; no claims about other languages."""

import re
import unicodedata

_SPACE = re.compile(r"\s+")
_WORD = re.compile(r"[^\W_]+(?:['’_.-][^\W_]+)*", re.UNICODE)
_SENTENCE_END = re.compile(
    r"""\n{2,}"""  # a paragraph
    r"""|(?P<item>\n)(?=[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]|[^\n|]*[ ]\|[ ])"""  # an item of a list, a row of a table
    r"""|(?<=[.!?])["'”’)\]]*\s+(?=["'“‘(\[]?[A-Z0-9])"""
)
_NUMBERING = re.compile(r"\s*\(?\d{1,3}(?:\.\d{1,3})*[.)]")
_LONGEST_ABBREVIATION = len("approx.")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|etc|vs|cf|Dr|Mr|Mrs|Ms|Prof|Fig|No|approx|Inc|Ltd|St)\.|\b[A-Z]\.)$")

STOPWORDS = frozenset(
    """a about above after again all also am an and any are as at be been before being below between both but by can could did do does doing
    down during each few for from further get had has have having he her here hers him his how i if in into is it its itself just may me
    might more most must my no nor not now of off on once one only or other our out over own per please same shall she should so some such
    tell than that the their them then there these they this those through to too under until up use used uses using very was we were what
    when where which while who whom whose why will with would you your""".split()  # noqa: SIM905
)


def fold(text: str) -> str:
    """Case, width and spacing folded: for comparing what two people would call the same."""
    return _SPACE.sub(" ", unicodedata.normalize("NFKC", text)).strip().casefold()


def words(text: str) -> list[str]:
    """The words of a text, lower case; identifiers like `page_size` and `3.40.1` stay whole."""
    return [match.group().casefold() for match in _WORD.finditer(text)]


def content_words(text: str) -> list[str]:
    """The words that carry meaning, crudely stemmed so that a plural finds its singular."""
    return [stem(word) for word in words(text) if word not in STOPWORDS]


def stem(word: str) -> str:
    """A light stemmer: strips the commonest English endings. Wrong now and then, and the same way on both sides."""
    for ending, stays in (("ies", 3), ("sses", 4), ("ing", 4), ("ed", 4), ("es", 4), ("s", 3)):
        if word.endswith(ending) and len(word) - len(ending) >= stays - 1 and not word.endswith("ss"):
            return word[: -len(ending)] + ("y" if ending == "ies" else "")
    return word


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans (start, end) of the sentences of a text, in code points; blank lines, list items and table rows end a sentence too."""
    spans: list[tuple[int, int]] = []
    start = 0
    for match in _SENTENCE_END.finditer(text):
        if _is_inside(text, start, match):
            continue
        _add_span(spans, text, start, match.start())
        start = match.end()
    _add_span(spans, text, start, len(text))
    return spans


def _is_inside(text: str, start: int, match: re.Match[str]) -> bool:
    """Whether the full stop belongs to an abbreviation or to an item's number."""
    if match["item"] or "\n\n" in match.group():
        return False
    near = max(start, match.start() - _LONGEST_ABBREVIATION)
    return bool(_ABBREVIATION.search(text, near, match.start()) or _NUMBERING.fullmatch(text, start, match.start()))


def _add_span(spans: list[tuple[int, int]], text: str, start: int, end: int) -> None:
    closing = end
    while closing < len(text) and text[closing] in "\"'”’)]":
        closing += 1
    piece = text[start:closing]
    left = start + len(piece) - len(piece.lstrip())
    right = start + len(piece.rstrip())
    if right > left:
        spans.append((left, right))


def shorten(text: str, length: int) -> str:
    """The text on one line, cut at a word to at most `length` characters, with an ellipsis where something was cut."""
    line = _SPACE.sub(" ", text).strip()
    if len(line) <= length:
        return line
    return line[: length - 1].rsplit(" ", 1)[0] + "…"
