"""Several runs, or several systems that judges compared in pairs: one rating each, with its interval.

Two runs meet on every item that both scored; the better score wins. Ratings are Bradley-Terry's, on the scale of Elo with mean 1000, and Elo's
own beside them with what the order of the games alone does to it.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import NamedTuple

import msgspec

from groundwork.core import statistics
from groundwork.core.errors import InputError
from groundwork.core.measure import Estimate
from groundwork.core.statistics import Transitivity
from groundwork.core.statistics.elo import START
from groundwork.core.statistics.ratings import ELO_PER_LOG_ODDS
from groundwork.evaluate.comparable import check_same_cases, scored_otherwise
from groundwork.evaluate.compare import Difference, differences_of
from groundwork.evaluate.figures import figure_of, items_of, rescaled
from groundwork.evaluate.registry import Metric
from groundwork.evaluate.report import Evaluated
from groundwork.evaluate.win_rates import preference

_MOVES, _ORDERS_LEAST = 2_000_000, 20
"""Games that Elo is played through in all; of very many games it sees fewer orders."""


class Game(NamedTuple):
    """One comparison of two systems: 1 where the first is better, 0 where the second is, a half for a tie."""

    first: str
    second: str
    score: float
    item: str
    """What they were compared on: games over one item are not independent."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """One system's place in the table."""

    name: str
    rating: Estimate
    """On the scale of Elo, their mean 1000: 100 points more win 64 of 100 games."""
    elo: Estimate
    games: int
    won: float
    """Ties as half."""
    figure: Estimate | None = None
    """What it scored, where systems are runs."""


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Ratings, best first, and whether one number a system can say it at all."""

    metric: str
    standings: tuple[Standing, ...]
    transitivity: Transitivity
    method: str
    pairwise: dict[str, Difference] = {}
    """For runs: `B less A` of each pair under `A B`, corrected for all pairs."""


def rate_runs(runs: Sequence[Evaluated], metric: Metric, *, level: float = 0.95) -> Table:
    """Runs over the same cases, rated by one metric; and every pair of them compared, corrected for all pairs (Holm).

    Raises InputError for fewer than two runs, runs over other cases or scored otherwise, and where no item was scored.
    """
    if len(runs) < 2:
        raise InputError("one run has nothing to be held against", fix="name two runs or more")
    if len({one.run.id for one in runs}) < len(runs):
        raise InputError("a run is named twice", fix="name each run once")
    for a, b in combinations(runs, 2):
        check_same_cases(a, b)
        unlike = scored_otherwise(a.run, b.run, metric)
        if unlike:
            raise InputError(unlike, fix="score one of them again as the other was: `groundwork eval --rescore RUN`")
    figures = {one.run.id: figure_of(items_of(one.results, metric), metric, level=level) for one in runs}
    pairs = list(combinations(runs, 2))
    differences = differences_of([(a, b, metric) for a, b in pairs], level=level)
    if len(differences) < len(pairs):
        raise InputError(f"not every two of these runs scored an item on `{metric.name}`", fix="name a metric that all were scored on")
    table = rate(games_of(runs, metric), metric=metric.name, figures=figures, level=level)
    named = {f"{a.run.id} {b.run.id}": difference for (a, b), difference in zip(pairs, differences, strict=True)}
    return msgspec.structs.replace(table, pairwise=named)


def games_of(runs: Sequence[Evaluated], metric: Metric) -> list[Game]:
    """Every item that two runs both scored is a game of these two."""
    sign = 1 if metric.scorer.better == "higher" else -1
    values = [(one.run.id, items_of(one.results, metric)) for one in runs]
    return [
        Game(a, b, preference(sign * (item.value - theirs[example].value)), item.cluster or example)
        for (a, ours), (b, theirs) in combinations(values, 2)
        for example, item in ours.items()
        if example in theirs
    ]


def rate(games: Sequence[Game], *, metric: str = "", figures: Mapping[str, Estimate] | None = None, level: float = 0.95) -> Table:
    """Ratings from pairwise verdicts. Games over one item are a cluster. Raises InputError where groups of systems never met."""
    if not games:
        raise InputError("there are no games to rate", fix="name runs that scored the same items, or verdicts of pairs")
    plain = [(game.first, game.second, game.score) for game in games]
    items = [game.item for game in games]
    strengths = statistics.bradley_terry(plain, clusters=items if 1 < len(set(items)) < len(items) else None, level=level)
    spread = statistics.elo_spread(plain, orders=max(_ORDERS_LEAST, min(200, _MOVES // len(plain))), level=level)
    standings = tuple(
        Standing(
            name=name,
            rating=_on_elos_scale(strength),
            elo=spread[name],
            games=sum(name in {game.first, game.second} for game in games),
            won=sum(game.score if game.first == name else 1 - game.score for game in games if name in {game.first, game.second}),
            figure=(figures or {}).get(name),
        )
        for name, strength in strengths.strengths.items()
    )
    return Table(metric=metric, standings=standings, transitivity=statistics.transitivity(plain), method=strengths.method)


class _Verdict(msgspec.Struct, frozen=True, forbid_unknown_fields=False):
    """A line of a file of verdicts."""

    first: str
    second: str
    score: float
    item: str = ""


def read_games(path: Path) -> list[Game]:
    """Verdicts from a file, one JSON object a line: `{"first": "a", "second": "b", "score": 1, "item": "q1"}`; a tie is 0.5.

    Raises InputError with file and line.
    """
    found: list[Game] = []
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror}", fix="name a run, or a file of verdicts") from None
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            verdict = msgspec.json.decode(line, type=_Verdict)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{path}:{number} is no verdict: {error}", fix='write {"first": "a", "second": "b", "score": 1}') from None
        if not 0 <= verdict.score <= 1:
            raise InputError(f"{path}:{number}: the score {verdict.score:g} is not between 0 and 1", fix="1 won, 0.5 tied, 0 lost")
        found.append(Game(verdict.first, verdict.second, verdict.score, verdict.item or f"line {number}"))
    return found


def _on_elos_scale(strength: Estimate) -> Estimate:
    scaled = rescaled(strength, ELO_PER_LOG_ODDS)
    return msgspec.structs.replace(scaled, value=START + scaled.value, low=START + scaled.low, high=START + scaled.high)


def circles_in_words(found: Transitivity) -> Iterable[str]:
    """What a reader of a rating must know: where A beats B, B beats C and C beats A, no rating is right."""
    if found.cyclic:
        first = " beats ".join((*found.examples[0], found.examples[0][0]))
        yield f"{found.cyclic} of {found.triads} triples go in circles ({first}): one number a system does not say this"
