"""A release moves the pointer forward, a rollback moves it back; both are entries in one history, and neither removes anything."""

from groundwork.core.errors import InputError
from groundwork.core.measure import Change, GateResult, Release
from groundwork.store.releases import ReleaseTable
from groundwork.store.runs import RunTable

AS_WRITTEN = "written"
"""Where a rollback goes that takes every release back: the application as its files say."""


async def release(
    change: Change,
    evidence: GateResult | None,
    *,
    releases: ReleaseTable,
    runs: RunTable,
    identifier: str,
    at: float,
    config: str = "",
    note: str = "",
    force: bool = False,
) -> Release:
    """Put a change in force, on top of those that are.

    `config` is the hash of the configuration with it. The evidence must be a gate's pass for this change, against the release that serves
    now; `force` goes without, and needs a note that says why (both are kept in the release). Raises InputError (409) where one is missing,
    or where another release came first.
    """
    current = await releases.current()
    in_force = current.changes if current else ()
    serving = current.id if current else ""
    if change.id in in_force:
        raise InputError(f"{change.id} is in force already", fix="see `groundwork list releases`", status=409)
    if force and not note.strip():
        raise InputError("a forced release needs a note", fix='say why the gate is passed over: --note "…"')
    if not force:
        await _check_evidence(change, evidence, serving, runs)
    made = Release(
        id=identifier,
        at=at,
        changes=(*in_force, change.id),
        parent=serving,
        config=config,
        evidence=evidence,
        note=_noted(note, evidence, force=force),
    )
    await releases.add(made)
    return made


async def rollback(
    releases: ReleaseTable, *, identifier: str, at: float, to: str = "", note: str = "", written_config: str = ""
) -> Release:
    """Go back to the release before the one that serves, or to a named one; `written` takes every release back.

    Rolling back twice goes two releases back. Raises NotFound for an unknown release, InputError where there is nothing to go back to.
    """
    current = await releases.current()
    if current is None:
        raise InputError("nothing was released yet, so there is nothing to roll back", fix="see `groundwork list releases`")
    target = to or await _before(current, releases)
    if target == AS_WRITTEN:
        changes, config = (), written_config
    else:
        found = await releases.get(target)
        target = found.rollback_to or target
        changes, config = found.changes, found.config
    if changes == current.changes:
        raise InputError(f"what {target} has in force serves now", fix="name an earlier release: see `groundwork list releases`")
    made = Release(id=identifier, at=at, changes=changes, parent=current.id, config=config, note=note.strip(), rollback_to=target)
    await releases.add(made)
    return made


async def _before(current: Release, releases: ReleaseTable) -> str:
    """What served before the state that serves now. A rollback's state is that of the release it went back to."""
    if current.rollback_to == AS_WRITTEN:
        raise InputError("the application serves as written: there is no release before that", fix="release a change first")
    origin = await releases.get(current.rollback_to) if current.rollback_to else current
    if not origin.parent:
        return AS_WRITTEN
    parent = await releases.get(origin.parent)
    return parent.rollback_to or parent.id


async def _check_evidence(change: Change, evidence: GateResult | None, serving: str, runs: RunTable) -> None:
    if evidence is None:
        raise _refused(f"{change.id} has not been through the gate", "run `groundwork gate` first")
    if evidence.change != change.id:
        raise _refused(f"the gate judged {evidence.change or 'no change'}, not {change.id}", "run `groundwork gate` for this change")
    if evidence.decision != "pass":
        open_points = "; ".join(f"{ruling.requirement}: {ruling.sentence}" for ruling in evidence.rulings if ruling.decision != "pass")
        raise _refused(f"the gate says {evidence.decision} ({open_points})", "improve the change or add items; --force needs a note")
    judged = (await runs.get(evidence.current)).release
    if judged != serving:
        raise _refused(
            f"the gate held it against {judged or 'the application as written'}, and {serving or 'the application as written'} serves now",
            "evaluate it against what serves now, and run the gate again",
        )


def _refused(what: str, fix: str) -> InputError:
    return InputError(what, fix=fix, code="gate_not_passed", status=409)


def _noted(note: str, evidence: GateResult | None, *, force: bool) -> str:
    if not force:
        return note.strip()
    return f"forced (gate: {evidence.decision if evidence else 'not asked'}): {note.strip()}"
