"""Questions made unanswerable by one small edit, by rules: what was asked is no longer what the paragraph says.

The kinds are those that people wrote for SQuAD 2.0 (negation, antonym, another entity, another number) and one of ours, `without`: the
sentence that holds the answer is taken out of the paragraph. An edit may by chance leave a question answerable; the rules avoid the ways
we know of (the entity put in stands in no sentence that speaks of the rest of the question).
"""

import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from groundwork.core.text import STOPWORDS, content_words, sentences, words
from groundwork.tuning.prepare.sources import Question, locate, may_answer

NAME = re.compile(r"(?<![\w.])[A-Z][\w'’-]*(?:\s+(?:of|de|the|von|van|du)\s+(?=[A-Z])[A-Z][\w'’-]*|\s+[A-Z][\w'’-]*)*")
NUMBER = re.compile(r"(?<![\w.,])\d{1,3}(?:,\d{3})+(?:\.\d+)?(?!\w)|(?<![\w.,])\d+(?:\.\d+)?(?!\w)")
YEAR = re.compile(r"1\d{3}|20\d{2}")
_ASKING = frozenset("who what which when where why how whose whom in on at of for to from by with during after before under".split())  # noqa: SIM905
_SHORTEST_NAME = 3
_NEGATABLE = re.compile(r"\b(did|does|do|is|are|was|were|can|could|will|would|has|have|had|should)\b", re.IGNORECASE)

_ANTONYMS = """first:last largest:smallest biggest:smallest highest:lowest greatest:least most:least more:fewer increase:decrease increased:decreased
increases:decreases increasing:decreasing before:after begin:end began:ended beginning:end start:end started:ended early:late earlier:later
earliest:latest oldest:newest older:younger north:south northern:southern east:west eastern:western northeast:southwest northwest:southeast
major:minor majority:minority maximum:minimum inside:outside internal:external include:exclude included:excluded includes:excludes
allow:prohibit allowed:prohibited allows:prohibits support:oppose supported:opposed supports:opposes win:lose won:lost accept:reject
accepted:rejected common:rare high:low higher:lower large:small larger:smaller long:short longer:shorter strong:weak stronger:weaker
rich:poor public:private same:opposite positive:negative male:female men:women above:below upper:lower create:destroy created:destroyed
gain:lose gained:lost rise:fall rose:fell best:worst better:worse easy:difficult simple:complex modern:ancient enter:leave entered:left
arrive:depart arrived:departed buy:sell bought:sold cause:prevent caused:prevented causes:prevents success:failure successful:unsuccessful
legal:illegal formal:informal direct:indirect active:inactive open:closed opened:closed built:demolished full:empty wet:dry hot:cold
winter:summer heavy:light fast:slow tall:short young:old wide:narrow thick:thin deep:shallow many:few always:never all:none
natural:artificial domestic:foreign urban:rural temporary:permanent primary:secondary advantage:disadvantage strength:weakness
approve:reject approved:rejected popular:unpopular known:unknown important:unimportant dependent:independent finite:infinite even:odd"""


def _antonyms() -> dict[str, str]:
    pairs = [pair.split(":") for pair in _ANTONYMS.split()]
    return {right: left for left, right in reversed(pairs)} | {left: right for left, right in pairs}  # noqa: C416


ANTONYMS = _antonyms()
_ANTONYM = re.compile(rf"\b(?:{'|'.join(sorted(ANTONYMS, key=len, reverse=True))})\b", re.IGNORECASE)


class Edited(NamedTuple):
    """An unanswerable question, its paragraph, and how it was made."""

    question: str
    passage: str
    how: str


class Article(NamedTuple):
    """What can be put in the place of something else."""

    names: tuple[str, ...]
    numbers: tuple[str, ...]


def article_of(passages: Sequence[str]) -> Article:
    """Names and numbers of an article's paragraphs. A name is a run of capitalised words that does not only begin sentences."""
    names: dict[str, None] = {}
    numbers: dict[str, None] = {}
    for passage in passages:
        starts = {start for start, _ in sentences(passage)}
        for match in NAME.finditer(passage):
            if match.start() not in starts and len(match.group()) >= _SHORTEST_NAME and match.group().casefold() not in STOPWORDS:
                names[match.group()] = None
        numbers.update(dict.fromkeys(match.group() for match in NUMBER.finditer(passage)))
    return Article(tuple(names), tuple(numbers))


def another_name(question: Question, article: Article, rng: random.Random) -> Edited | None:
    """A name in the question becomes another name of the article, one of the same paragraph if it can."""
    found = [match for match in NAME.finditer(question.question) if match.start() and match.group().casefold() not in _ASKING]
    if not found:
        return None
    match = rng.choice(found)
    taken = set(words(question.question)) | {word for answer in question.answers for word in words(answer)}
    asked = set(content_words(question.question.replace(match.group(), " ")))
    fitting = [name for name in article.names if not taken & set(words(name)) and abs(len(name.split()) - len(match.group().split())) <= 1]
    near = [name for name in fitting if name in question.passage and not _speaks(question.passage, name, asked)]
    far = [name for name in fitting if name not in question.passage]
    chosen = rng.choice(near) if near and rng.random() < 0.7 else rng.choice(far) if far else None
    return None if chosen is None else _put(question, match.start(), match.end(), chosen, "name")


def _speaks(passage: str, name: str, asked: set[str]) -> bool:
    """Whether some sentence with the name has half of what is asked."""
    inside = [set(content_words(passage[start:end])) for start, end in sentences(passage) if name in passage[start:end]]
    return any(len(asked & sentence) * 2 >= len(asked) for sentence in inside)


def another_number(question: Question, article: Article, rng: random.Random) -> Edited | None:
    """A number or year in the question becomes another of the article."""
    found = list(NUMBER.finditer(question.question))
    if not found:
        return None
    match = rng.choice(found)
    year = bool(YEAR.fullmatch(match.group()))
    taken = {number.group() for number in NUMBER.finditer(question.question)} | set(question.answers)
    fitting = [number for number in article.numbers if number not in taken and bool(YEAR.fullmatch(number)) == year]
    fitting = [number for number in fitting if number not in question.passage] or fitting
    return _put(question, match.start(), match.end(), rng.choice(fitting), "number") if fitting else None


def antonym(question: Question, _article: Article, rng: random.Random) -> Edited | None:
    """A word becomes its opposite."""
    text = question.question
    found = [match for match in _ANTONYM.finditer(text) if not text[: match.start()].casefold().endswith("how ")]  # "how many" asks
    if not found:
        return None
    match = rng.choice(found)
    put = ANTONYMS[match.group().casefold()]
    return _put(question, match.start(), match.end(), put.capitalize() if match.group()[0].isupper() else put, "antonym")


def negated(question: Question, _article: Article, rng: random.Random) -> Edited | None:
    """What was asked is asked about its contrary: "What did they not build?"."""
    found = list(_NEGATABLE.finditer(question.question))
    if not found or re.search(r"\bnot\b|n't\b|\bnever\b", question.question):
        return None
    match = found[0]
    after = question.question[match.end() :]
    if match.group().casefold() in {"did", "does", "do"}:
        verb = re.match(r"(?:\s+(?:the|an?|its?|their|his|her|[A-Z][\w'’-]*|they|he|she|we|you|people))+(?=\s)", after)
        if verb is None:
            return None
        place = match.end() + verb.end()
        return _put(question, place, place, " never" if rng.random() < 0.3 else " not", "negation")
    return _put(question, match.end(), match.end(), " never" if rng.random() < 0.2 else " not", "negation")


def without(question: Question, _article: Article, _rng: random.Random) -> Edited | None:
    """The sentences that hold an answer are taken out of the paragraph."""
    spans = locate(question)
    bounds = sentences(question.passage)
    held = {
        place for place, (start, end) in enumerate(bounds) for span in spans if start < span.start + len(span.text) and span.start < end
    }
    kept = [question.passage[start:end] for place, (start, end) in enumerate(bounds) if place not in held]
    passage = " ".join(kept)
    if len(kept) < 2 or len(passage) < 150 or may_answer(question.answers, passage):
        return None
    return Edited(question.question, passage, "without")


Rule = Callable[[Question, Article, random.Random], Edited | None]
RULES: Mapping[str, tuple[Rule, float]] = {
    "without": (without, 0.35),
    "name": (another_name, 0.3),
    "number": (another_number, 0.1),
    "antonym": (antonym, 0.15),
    "negation": (negated, 0.1),
}
"""Each kind of edit and its share, where the questions allow it."""


def _put(question: Question, start: int, end: int, text: str, how: str) -> Edited:
    return Edited(f"{question.question[:start]}{text}{question.question[end:]}", question.passage, how)
