"""Describes parameters and their changes in words, and puts older values on top again."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import BY_NAME, alone, told
from podium.control.parameters.store import ParameterStore

REVERT = "revert"
"""The routine of an entry that was put back."""


class NotReverted(ValueError):
    """A value is not put back, for the reason that the message gives; nothing was changed."""


def told_value(entry: ParameterEntry) -> str:
    """Return value, sigma and unit for people."""
    return told(entry.value, entry.sigma, entry.unit, percent=_percent(entry))


def told_origin(entry: ParameterEntry) -> str:
    """Return where it comes from: the routine and its run, or who set it and why."""
    if entry.who:
        how = "put back by" if entry.put_tai_s is not None else "set by"
        return f"{how} {entry.who}: {entry.why}"
    return f"by {entry.routine}" + (f", run {entry.run}" if entry.run else "")


@dataclass(frozen=True, slots=True)
class Change:
    """One parameter that is not the same in two states; one of them may not have it."""

    name: str
    before: ParameterEntry | None
    after: ParameterEntry | None

    def __str__(self) -> str:
        match self.before, self.after:
            case None, ParameterEntry() as new:
                return f"{self.name} is new: {told_value(new)}, {told_origin(new)}"
            case ParameterEntry() as old, None:
                return f"{self.name} is not there any longer: it was {told_value(old)}"
            case ParameterEntry() as old, ParameterEntry() as new:
                return f"{self.name} {_moved(old, new)}, {told_origin(new)}"
        return f"{self.name} is in neither"


def changes(
    before: Mapping[str, ParameterEntry], after: Mapping[str, ParameterEntry]
) -> tuple[Change, ...]:
    """Return what differs in value, sigma or unit, by name in alphabetical order."""
    found = (Change(name, before.get(name), after.get(name)) for name in sorted({*before, *after}))
    return tuple(
        one
        for one in found
        if one.before is None
        or one.after is None
        or (one.before.value, one.before.sigma, one.before.unit)
        != (one.after.value, one.after.sigma, one.after.unit)
    )


def _moved(old: ParameterEntry, new: ParameterEntry) -> str:
    both = f"from {told_value(old)} to {told_value(new)}"
    if old.unit != new.unit:
        return f"is in another unit: {both}"
    step = new.value - old.value
    if step == 0:
        return f"is known {'better' if new.sigma < old.sigma else 'worse'}: {both}"
    sigma = (old.sigma**2 + new.sigma**2) ** 0.5
    # Towards and away from zero would mislead for negative quantities.
    verb = "rose" if step > 0 else "fell"
    by = alone(abs(step), new.unit, percent=_percent(new))
    return f"{verb} by {by} ({abs(step) / sigma:.1f} sigma): {both}"


def _percent(entry: ParameterEntry) -> bool:
    known = BY_NAME.get(entry.name.rpartition(".")[2])
    return known is not None and known.percent


def below(name: str, known: Mapping[str, ParameterEntry]) -> dict[str, ParameterEntry]:
    """Return what is meant by ``name``: whole words of parameters' names, from their beginning.

    Where nothing begins with it, what has it anywhere: ``q0``, ``q0.f01``, ``f01``.
    """
    first = {full: one for full, one in known.items() if f"{full}.".startswith(f"{name}.")}
    return first or {full: one for full, one in known.items() if f".{name}." in f".{full}."}


def signed(who: str, why: str) -> tuple[str, str]:
    """Return who changes a parameter by hand, and why; raises :class:`NotReverted` without."""
    if not who.strip():
        raise NotReverted("who does it is not named")
    if not why.strip():
        raise NotReverted("no reason is given; the others will want one")
    return who.strip(), why.strip()


def time_of(store: ParameterStore, host_tai_s: float) -> float:
    """Return the present for a store, TAI s: a facility's clock may be ahead of this computer's."""
    return max([host_tai_s, *(one.put_tai_s or one.tai_s for one in store.all().values())])


@dataclass(frozen=True, slots=True)
class Reversal:
    """Older values, ready to be put on top again: nothing is ever deleted."""

    changes: tuple[Change, ...]
    entries: tuple[ParameterEntry, ...]
    kept: tuple[str, ...]
    """Those that had no other value then."""


def reversal(
    store: ParameterStore,
    name: str,
    signature: tuple[str, str],
    now_tai_s: float,
    to_tai_s: float | None = None,
) -> Reversal:
    """Return what puts ``name``, or all below it, back to the values of a time.

    ``signature``: who and why, of :func:`signed`; ``to_tai_s``: None, one value back. Raises
    :class:`NotReverted` where the store has no such parameter, and ``StoreError``.
    """
    now = store.all(name)
    if not now:
        raise NotReverted(f"no parameter {name!r} in the store")
    if to_tai_s is not None:
        then = store.all(name, to_tai_s)
    else:
        then = {one: old for one in now if (old := _one_back(store, one)) is not None}
    wanted = tuple(one for one in changes(now, then) if one.after is not None)
    who, why = signature
    entries = tuple(
        replace(one.after, routine=REVERT, who=who, why=why, put_tai_s=now_tai_s)
        for one in wanted
        if one.after is not None
    )
    return Reversal(wanted, entries, tuple(one for one in now if one not in then))


def _one_back(store: ParameterStore, name: str) -> ParameterEntry | None:
    """Return the newest value that is not the one in force, or None."""
    *older, newest = store.history(name)
    for one in reversed(older):
        if (one.value, one.sigma) != (newest.value, newest.sigma):
            return one
    return None
