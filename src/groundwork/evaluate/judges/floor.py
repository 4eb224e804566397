"""What a gate asks of a judge before it believes it: a calibration under the judge's own id that clears the judge's floor.

Calibrations stand in the state folder as `judges/ID.json`. A judge that was changed has another id, so it has no calibration until it gets one.
"""

import math
from collections.abc import Iterable
from pathlib import Path

import msgspec

from groundwork.core.errors import StoreError
from groundwork.core.measure import Estimate, Ruling
from groundwork.evaluate.judges.calibrate import Calibration
from groundwork.evaluate.judges.judge import FloorSection, Judge
from groundwork.store.files import guarding, write_whole


def keep_calibration(folder: Path, calibration: Calibration) -> Path:
    """Write a calibration down, in place of an earlier one of the same judge; `folder` is `Folder.judge_files`."""
    path = folder / f"{calibration.judge}.json"
    write_whole(path, msgspec.json.format(msgspec.json.encode(calibration), indent=2) + b"\n")
    return path


def find_calibration(folder: Path, judge: str) -> Calibration | None:
    """The calibration of a judge, by its id. Raises StoreError for a damaged file."""
    path = folder / f"{judge}.json"
    with guarding(path):
        if not path.exists():
            return None
        data = path.read_bytes()
    try:
        return msgspec.json.decode(data, type=Calibration)
    except msgspec.DecodeError as error:
        raise StoreError(f"{path} is damaged: {error}", fix="remove it and calibrate the judge again") from None


def check_floor(calibration: Calibration, floor: FloorSection, *, name: str = "") -> tuple[Ruling, ...]:
    """One ruling for each thing the floor asks, by the interval: pass where its nearer bound clears the floor, fail where no value in it does.

    `name` is what the judge is called where that is not what it was called when it was calibrated.
    """
    return tuple(_ruling(calibration, name or calibration.name, figure, limit) for figure, limit in floor.asked.items())


def floor_rulings(judges: Iterable[Judge], folder: Path) -> tuple[Ruling, ...]:
    """What a gate adds for the judges of its suite. One with a floor that was never calibrated fails; one without a floor is believed."""
    rulings: list[Ruling] = []
    for judge in judges:
        if not judge.floor.asked:
            continue
        calibration = find_calibration(folder, judge.id)
        if calibration is None:
            asked = ", ".join(f"{name} {limit:g}" for name, limit in judge.floor.asked.items())
            sentence = f"it was never calibrated as it is now ({judge.id}): groundwork judge calibrate {judge.name} --labels FILE"
            rulings.append(Ruling(requirement=f"judge:{judge.name} has a floor ({asked})", decision="fail", sentence=sentence))
        else:
            rulings += check_floor(calibration, judge.floor, name=judge.name)
    return tuple(rulings)


def _ruling(found: Calibration, judge: str, name: str, limit: float) -> Ruling:
    is_most = name == "unparseable"
    requirement = f"judge:{judge} {name} {'<=' if is_most else '>='} {limit:g}"
    estimate = _figure(found, name)
    if estimate is None:
        return Ruling(requirement=requirement, decision="fail", sentence="the calibration did not measure it: give verdicts in both orders")
    shown = f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}], n = {estimate.n}"
    clears = estimate.high <= limit if is_most else estimate.low >= limit
    misses = estimate.low > limit if is_most else estimate.high < limit
    if clears or misses:
        sentence = f"{name} is {shown}" if clears else f"{name} is {shown}: the judge is not to be believed"
        return Ruling(requirement=requirement, decision="pass" if clears else "fail", sentence=sentence, estimate=estimate)
    more = _more_items(estimate, limit, is_most=is_most)
    needs = f"; if that is its true value, {more} more labelled items would show it" if more else ""
    sentence = f"{name} is {shown}, not shown to clear the floor{needs}"
    return Ruling(requirement=requirement, decision="undecided", sentence=sentence, estimate=estimate, more_items=more)


def _figure(found: Calibration, name: str) -> Estimate | None:
    if name == "consistency":
        return found.orders.consistency if found.orders is not None else None
    figures = {"kappa": found.kappa, "agreement": found.agreement, "unparseable": found.unparseable}
    return figures[name]


def _more_items(estimate: Estimate, limit: float, *, is_most: bool) -> int | None:
    """How many more items would bring the nearer bound to the floor, as intervals shrink with the root of n; None where the value misses it."""
    margin = limit - estimate.value if is_most else estimate.value - limit
    half = estimate.high - estimate.value if is_most else estimate.value - estimate.low
    if margin <= 0:
        return None
    return max(1, math.ceil(estimate.n * (half / margin) ** 2) - estimate.n)
