"""Says when results are there that come to a cluster by wire, and which leave it.

Where one measures, a marker is raised for results at which its frame sends; an input of the QTM
of the cluster that acts puts that edge on its own trigger network. So a result is there later than
within a cluster, and nothing else differs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podium.control.compilers.qblox.place import PlacedCapture, PlacedTuning, Timeline
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.compilers.result_routes import (
    MEASURED_DOUBT_NS,
    ResultLineTarget,
    lines_taken,
    travelling,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits


@dataclass(frozen=True, slots=True)
class CarriedResults:
    """The results of one frame on their way from one controller to another."""

    frame: str
    line: ResultLineTarget
    raised_ns: int
    """From the end of a window to the edge at the other end, as the file says."""
    takes_ns: int
    """From the end of a window to when all sequencers of the other cluster know it, at most."""
    doubt_ns: int
    """It may be there so much earlier."""


@dataclass(frozen=True, slots=True)
class ResultRoutes:
    """Results that come to one cluster by wire, and that leave it."""

    elsewhere: Mapping[str, str] = field(default_factory=dict)
    """By frame that is not played here: the controller that plays it."""
    incoming: Mapping[str, CarriedResults] = field(default_factory=dict)
    """By frame that measures elsewhere."""
    outgoing: tuple[CarriedResults, ...] = ()


def routes_of(
    timelines: Sequence[Timeline],
    target: QbloxTarget,
    latencies: Mapping[str, int],
) -> ResultRoutes:
    """Return which results of the programs travel to and from ``target`` by wire.

    ``latencies``: by line, from the end of a window to the arrival, fs, as measured. Raises
    :class:`DoesNotFit` where a result has no line to travel on.
    """
    places = {
        one.frame.name: target.place_of(one.frame.port)
        for timeline in timelines
        for one in timeline.frames
    }
    elsewhere = {frame: at for frame, at in places.items() if at != target.cluster}
    incoming: dict[str, CarriedResults] = {}
    outgoing: list[CarriedResults] = []
    travel = _travelling(timelines, places)
    for frame, line in lines_taken(travel, target.result_lines, (target.cluster,)):
        carried = _carried(frame, line, latencies.get(line.name))
        if line.sink == target.cluster:
            incoming[frame] = carried
        else:
            outgoing.append(carried)
    return ResultRoutes(elsewhere, incoming, tuple(outgoing))


def _travelling(
    timelines: Sequence[Timeline], places: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Return frames whose results somebody else needs, by who measures and who needs them."""
    frame_of = {
        item.name: one.frame.name
        for timeline in timelines
        for one in timeline.frames
        for item in one.placed
        if isinstance(item, PlacedCapture)
    }
    guards = (
        (one.frame.name, item.guard)
        for timeline in timelines
        for one in timeline.frames
        for item in one.placed
        if not isinstance(item, PlacedTuning)
    )
    return travelling(guards, frame_of, places)


def _carried(frame: str, line: ResultLineTarget, measured_fs: int | None) -> CarriedResults:
    if measured_fs is not None:
        latest_ns = -(-measured_fs // FS_PER_NS) + MEASURED_DOUBT_NS
        raised_ns = latest_ns - MEASURED_DOUBT_NS - limits.COUNT_TRIGGER_NS
        return CarriedResults(frame, line, raised_ns, latest_ns, 2 * MEASURED_DOUBT_NS)
    latest_ns = line.raised_ns + limits.COUNT_TRIGGER_NS + line.doubt_ns
    return CarriedResults(frame, line, line.raised_ns, latest_ns, 2 * line.doubt_ns)
