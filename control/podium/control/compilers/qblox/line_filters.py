"""Says which filters the outputs of a program have, and how much later their signals leave."""

from collections.abc import Iterable, Mapping, Sequence

from podium.control.compilers.qblox.allocate import SequencerAllocation
from podium.control.compilers.qblox.place import FrameTimeline
from podium.control.compilers.qblox.predistortion import (
    OutputFilters,
    Value,
    bypassed,
    predistortion_of,
)
from podium.control.compilers.qblox.target import QbloxTarget, is_flux


def filters_of(one: SequencerAllocation) -> OutputFilters | None:
    """Return the filters of its output; None: its line is not corrected.

    Raises :class:`.DoesNotFit` for more than there are.
    """
    port = one.port
    if port.response is None:
        return None
    return predistortion_of(one.timeline.frame.port, port.response)


def filter_delay_ns(one: SequencerAllocation) -> int:
    """Return by how much later its signal leaves than without filters."""
    filters = filters_of(one)
    return 0 if filters is None else filters.delay_ns


def latest_ns(
    frames: Iterable[FrameTimeline], allocated: Sequence[SequencerAllocation], target: QbloxTarget
) -> int:
    """Return by how much all that begins together is held back for the slowest of the filters.

    On whichever cluster: ``frames`` are all of the program, ``allocated`` those that are played
    here. Raises :class:`.DoesNotFit` for a line that is beyond its filters.
    """
    here = [filter_delay_ns(one) for one in allocated]
    ports = dict.fromkeys(one.frame.port for one in frames if one.heard)
    others = [
        (port, target.lines_elsewhere[port]) for port in ports if port in target.lines_elsewhere
    ]
    return max([*here, *(predistortion_of(*one).delay_ns for one in others)], default=0)


def undone(one: SequencerAllocation) -> tuple[str, ...]:
    """Return what its filters undo of the line, in words, and what they leave."""
    filters = filters_of(one)
    if filters is None:
        return ()
    return (*filters.parts, f"nothing in samples; {filters.residual:.1e} of a step is left")


def filters_at(
    slot: int, allocated: Sequence[SequencerAllocation]
) -> dict[str, Mapping[str, Value]]:
    """Return the settings of a module's outputs that play on flux lines, by output."""
    found: dict[str, Mapping[str, Value]] = {}
    for one in allocated:
        if one.port.slot == slot and is_flux(one.port):
            filters = filters_of(one)
            found[one.port.output] = bypassed() if filters is None else filters.settings
    return found
