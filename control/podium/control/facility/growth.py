"""Checks that a facility file has only grown: everything that it said still holds.

What is up may take such a file over as it runs; anything else asks for a restart.
"""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace

from podium.control.facility.facility import Facility, InstrumentEntry
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.problems import FacilityError
from podium.control.facility.timing import TimingPlane

TOLD = 5
"""So many changes are named."""


class NotGrown(Exception):
    """The file cannot be taken over as things run. The message says why, and what would help."""


def grown(present: Facility, wanted: str, read: Callable[[], Facility]) -> Facility:
    """Return the facility whose digest is ``wanted``: ``present``, or what ``read`` returns.

    ``read`` raises OSError or FacilityError. Raises :class:`NotGrown`.
    """
    if present.digest == wanted:
        return present
    try:
        larger = read()
    except (OSError, FacilityError) as error:
        raise NotGrown(f"its copy of the facility file cannot be read: {error}") from error
    if larger.digest != wanted:
        raise NotGrown(
            f"its copy of the facility file says something else (hash {larger.digest:.12}, wanted "
            f"{wanted:.12}): bring it up to date there"
        )
    changed = what_changed(present, larger)
    if changed:
        told = "; ".join(changed[:TOLD]) + (" ..." if len(changed) > TOLD else "")
        raise NotGrown(f"the facility file has not only grown: {told}; start `podium up` again")
    return larger


def what_changed(before: Facility, after: Facility) -> list[str]:
    """Return what ``after`` does not say as ``before`` did, in words; empty: it has only grown.

    New entries are growth, and so are new ones in an instrument's options (a switch's links).
    """
    if before.name != after.name:
        return [f"the facility was called {before.name!r} and is called {after.name!r}"]
    told: list[str] = []
    for field in fields(Facility):
        if field.name == "validity":
            continue  # how long values are good for is asked anew each time
        old, new = getattr(before, field.name), getattr(after, field.name)
        match old, new:
            case TimingPlane(), TimingPlane():
                told += _timing(old, new)
            case Mapping(), Mapping():
                told += _section(field.name, old, new)
            case _:
                pass  # the name is the same, the digest is not
    return told


def _timing(before: TimingPlane, after: TimingPlane) -> list[str]:
    told = _section("timing > triggers", before.triggers, after.triggers)
    told += _section("timing > markers", before.markers, after.markers)
    told += _section("timing > result_lines", before.result_lines, after.result_lines)
    if before.phase_reference not in (None, after.phase_reference):
        told.append("timing > phase_reference is another one")
    return told


def _section(section: str, before: Mapping[str, object], after: Mapping[str, object]) -> list[str]:
    told = []
    for name, entry in before.items():
        if name not in after:
            told.append(f"{section} > {name} is gone")
        elif not _holds(entry, after[name]):
            told.append(f"{section} > {name} is another one")
    return told


def _holds(before: object, after: object) -> bool:
    """Say whether an entry says what it did, and at most more of its options."""
    if isinstance(before, InstrumentEntry) and isinstance(after, InstrumentEntry):
        for key, old in before.options.items():
            new = after.options.get(key)
            if isinstance(old, FrozenMap) and isinstance(new, FrozenMap):
                if not old.items() <= new.items():
                    return False
            elif old != new:
                return False
        return replace(before, options=FrozenMap()) == replace(after, options=FrozenMap())
    return before == after
