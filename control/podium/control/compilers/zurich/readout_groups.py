"""Groups a shot's readouts into starts of the channel: those that overlap, or begin too close."""

from collections.abc import Sequence

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedPulse, PlacedWindow
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.readout_items import Item
from podium.control.compilers.zurich.readout_steps import START_SPACING, Group
from podium.firmware_interfaces.zurich.awg_limits import (
    INTEGRATION_STEP,
    READOUT_SAMPLES,
    WAVE_MIN,
)


def groups_of(names: str, items: Sequence[Item], column: list[int]) -> list[Group]:
    """Return what is read out together, in time, with instants on the grid of the run.

    ``column``: when each item begins, how long the shot is, and by how much it begins beside the
    grid. Raises :class:`DoesNotFit`.
    """
    *starts, shot, offset = column
    made: list[list[int]] = []
    until = -1
    for k in sorted(range(len(starts)), key=lambda k: starts[k]):
        begin, end = offset + starts[k], offset + starts[k] + items[k].samples
        if made and floor(begin) < max(until, floor(offset + starts[made[-1][0]]) + START_SPACING):
            made[-1].append(k)
            until = max(until, end)
        else:
            made.append([k])
            until = end
        what = items[k].what
        if isinstance(what, PlacedWindow) and starts[k] + items[k].samples > shot:
            over = (starts[k] + items[k].samples - shot) / 2
            raise DoesNotFit(
                f"{items[k].frame}: capture {what.name!r} is open {over:g} ns beyond "
                f"the end of the shot; add a Delay of {over:g} ns at the end"
            )
    groups: list[Group] = []
    for one in made:
        begin = floor(offset + starts[one[0]])
        begin = min(begin, floor(offset + shot) - START_SPACING)
        free = groups[-1].begin + START_SPACING if groups else 0
        if begin < free or (not groups and begin < WAVE_MIN):
            begin = free
        groups.append(_group(names, items, begin, {k: offset + starts[k] - begin for k in one}))
    return groups


def _group(names: str, items: Sequence[Item], begin: int, at: dict[int, int]) -> Group:
    sounds = [k for k in at if isinstance(items[k].what, PlacedPulse)]
    windows = [k for k in at if k not in sounds]
    played = max((at[k] + items[k].samples for k in sounds), default=0)
    if played > READOUT_SAMPLES:
        raise too_long(names, "pulses that are played", played)
    listens = min((at[k] for k in windows), default=None)
    deaf = max((at[k] + items[k].samples for k in windows), default=0)
    return Group(
        begin,
        at,
        tuple(sounds),
        tuple(windows),
        None if listens is None else listens // INTEGRATION_STEP * INTEGRATION_STEP,
        deaf,
    )


def too_long(names: str, what: str, samples: int) -> DoesNotFit:
    """Return the complaint about a readout of so many samples."""
    return DoesNotFit(
        f"{names}: {what} in one readout last {samples / 2:g} ns, at most "
        f"{READOUT_SAMPLES / 2:g} ns: the channel holds {READOUT_SAMPLES} samples; make them "
        "shorter"
    )
