"""Says which filters the outputs of a program have, and how much later their signals leave."""

from collections.abc import Collection, Mapping, Sequence

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.allocate import SequencerAllocation
from podium.control.compilers.qblox.predistortion import (
    OutputFilters,
    Value,
    bypassed,
    predistortion_of,
)
from podium.control.compilers.qblox.target import QbloxTarget, is_flux
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart


def filters_of(one: SequencerAllocation) -> OutputFilters | None:
    """Return the filters of its output; None: its line is not corrected.

    Raises :class:`.DoesNotFit` for more than there are.
    """
    port = one.port
    if port.response is None:
        return None
    return predistortion_of(one.timeline.frame.port, port.response)


def filter_delay_ns(one: SequencerAllocation) -> int:
    """Return by how much later its signal arrives than without filters, on a line without delay.

    Below 0: the line brings it earlier than a drive.
    """
    filters = filters_of(one)
    return 0 if filters is None else filters.delay_ns


def latest_ns(ports: Collection[str], target: QbloxTarget) -> int:
    """Return by how much the latest of a cluster's outputs is late that plays at ``ports``, or 0.

    Raises :class:`.DoesNotFit` for a line that is beyond its filters.
    """
    found = (
        predistortion_of(name, port.response).delay_ns
        for name, port in target.ports.items()
        if name in ports and port.response is not None
    )
    return max([0, *found])


def held_back_ns(
    allocated: Sequence[SequencerAllocation], target: QbloxTarget, start: ExternalStart | None
) -> int:
    """Return by how much all that begins together is held back for the slowest of the filters.

    Raises :class:`.DoesNotFit` for filters here that take longer than what begins together has
    agreed on.
    """
    latest = max(allocated, key=filter_delay_ns, default=None)
    late_ns = 0 if latest is None else max(0, filter_delay_ns(latest))
    if start is None or latest is None:
        return late_ns if start is None else start.held_ns
    if late_ns > start.held_ns:
        raise DoesNotFit(
            f"{latest.timeline.frame.name}: the filters of its flux line make it {late_ns} ns late "
            f"on {target.cluster}, and what begins with it is held back by {start.held_ns} ns: "
            f"hold all of it back by {late_ns} ns, or run without corrections of this line"
        )
    return start.held_ns


def waits_longest_ns(allocated: Sequence[SequencerAllocation]) -> int:
    """Return by how much later than others the last one plays, as its line is the quickest."""
    return max(0, *(-filter_delay_ns(one) for one in allocated))


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
