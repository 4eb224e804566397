"""Saying what a judge said, and what its calibration came to."""

from collections.abc import Sequence

from groundwork.cli.measured import colour
from groundwork.cli.terminal import bad, bold, dim, good, out, table, talk
from groundwork.core.measure import Estimate, Ruling
from groundwork.evaluate.judges.ask import Opinion, agreed
from groundwork.evaluate.judges.bias import shown
from groundwork.evaluate.judges.calibrate import Calibration
from groundwork.evaluate.judges.judge import Judge
from groundwork.evaluate.judges.verdict import worth

_COLOURS = {"alarm": bad, "warning": bold, "note": dim}
_MOST_SLICES = 20


def say_opinion(judge: Judge, opinions: Sequence[Opinion]) -> None:
    """One verdict, or those of both orders, with reasons and cost."""
    orders = ("",) if len(opinions) == 1 else ("as given: ", "swapped: ")
    for order, one in zip(orders, opinions, strict=True):
        if one.verdict is None:
            out(f"{order}{bad('unreadable')}: {one.problem}\n  said: {one.said}")
        else:
            value = f"  {dim(f'worth {worth(judge, one.verdict):.2f}')}"
            out(f"{order}{bold(str(one.verdict))}{value}\n  {one.reason}")
    if len(opinions) == 2:
        out(f"together: {bold(agreed(opinions[0].verdict, opinions[1].verdict) or 'unreadable')}")
    costs = [one.cost for one in opinions]
    known = [cost for cost in costs if cost is not None]
    price = f"${sum(known):.5f}" if len(known) == len(costs) else "no price is known"
    calls = sum(one.attempts for one in opinions)
    talk(dim(f"{opinions[0].model}, {calls} {'call' if calls == 1 else 'calls'}, {price}; judge {judge.id}"))


def say_calibration(judge: Judge, found: Calibration) -> None:
    """The report: agreement with its base rates, orders, leanings, slices, and every finding as a sentence."""
    out(f"{bold(judge.name)}, asked of {found.model}: {found.items} items, {found.n} with a label and a verdict  {dim(found.judge)}")
    table(_figures(found), ("figure", "value", "95 % interval", "n", "what it is"))
    out(f"\n{bold('verdicts')} (rows: what people say; columns: what the judge says)")
    names = list(found.confusion)
    rates = [f"{100 * found.base_rates[name][0]:.0f} %" for name in names]
    rows = [(name, *(str(found.confusion[name][other]) for other in names), rate) for name, rate in zip(names, rates, strict=True)]
    table([*rows, ("share", *(f"{100 * found.base_rates[name][1]:.0f} %" for name in names), "")], ("", *names, "share"))
    if found.slices:
        out(f"\n{bold('agreement by kind of item')}, lowest first")
        lowest = sorted(found.slices, key=lambda one: one.agreement.value)[:_MOST_SLICES]
        table(
            [
                (f"{one.key} = {one.value}", shown(one.agreement), shown(one.standing) if one.standing else "", str(one.agreement.n))
                for one in lowest
            ],
            ("kind", "agreement", "where both orders agree", "n"),
        )
    out(f"\n{bold('findings')}")
    if not found.findings:
        out(f"  {good('none')} that the intervals show")
    for one in found.findings:
        p = (
            "" if one.p is None else f"  {dim('p < 0.0001' if one.p < 1e-4 else f'p = {one.p:.4f}')}"
        )  # adjusted for all that was looked for
        out(f"  {_COLOURS[one.severity](one.severity)}: {one.sentence}{p}")


def say_rulings(rulings: Sequence[Ruling]) -> None:
    """Whether the judge clears its floor."""
    if rulings:
        out(f"\n{bold('floor')}")
    for ruling in rulings:
        out(f"  {colour(ruling.decision)}  {ruling.requirement}: {ruling.sentence}")


def _figures(found: Calibration) -> list[tuple[str, ...]]:
    rows = [
        _row("agreement", found.agreement, "final verdicts equal to people's"),
        _row("kappa", found.kappa, "agreement beyond chance"),
        _row("AC1", found.ac1, "the same where one verdict is frequent"),
        _row("unparseable", found.unparseable, "items without a readable verdict"),
    ]
    if found.orders is not None:
        orders = found.orders
        rows.append(_row("consistency", orders.consistency, "pairs judged alike in both orders"))
        rows.append(_row("first", orders.first, "verdicts for what stands first; half is fair"))
        rows += [_row("once", orders.once, "agreement of one order; a tie is half")] if orders.once else []
        rows += [_row("standing", orders.standing, "agreement where both orders say the same")] if orders.standing else []
    if found.length is not None and found.length.slope is not None:
        theirs = found.length.people_slope
        beside = f"; people: {theirs.value:.3f}" if theirs is not None else ""
        rows.append(_row("length", found.length.slope, f"log-odds per doubling of the length, at equal labels{beside}"))
    if found.mean is not None and found.mean.people is not None:
        rows.append(_row("mean", found.mean.judge, f"worth; people: {found.mean.people.value:.3f}"))
    if found.corrected is not None:
        rows.append(_row("corrected", found.corrected, f"mean worth without the judge's errors ({found.corrected.method})"))
    if found.people is not None:
        rows.append(_row("people", found.people.alpha, f"alpha of {len(found.people.annotators)} annotators: the ceiling"))
    cost = "no price is known" if found.cost is None else f"${found.cost / max(1, found.items):.6f} an item"
    rows.append(("cost", "" if found.cost is None else f"${found.cost:.4f}", "", str(found.items), cost))
    return rows


def _row(name: str, estimate: Estimate, what: str) -> tuple[str, ...]:
    return (name, f"{estimate.value:.3f}", f"[{estimate.low:.3f}, {estimate.high:.3f}]", str(estimate.n), dim(what))
