"""Routes results between clusters: which line carries which frame's results, and for how long.

One line carries the results of one frame. The cluster that measures raises a marker where a result
is the one at which its frame sends; an input of the other cluster's QTM puts that edge on its own
trigger network. So a result is there later than within a cluster, and nothing else differs.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.place import PlacedCapture, PlacedTuning, Timeline
from podium.control.compilers.qblox.target import QbloxTarget, ResultLineTarget
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster import limits

LOOK_NS = 4
"""So long after a result has arrived the marker is raised."""
START_DOUBT_NS = 26
"""By so much the starts of two clusters may differ in all. ASSUMED: 13 ns from each counter to TAI
(:data:`.CLOCK_WINDOW_FS`), as they differ before skews are measured."""
MEASURED_DOUBT_NS = 8
"""What a latency that was measured is taken to be off, to either side. ASSUMED: two cycles of
4 ns on which clusters start."""
SIGMAS = 5
"""A cable's delay is believed to so many standard deviations."""


@dataclass(frozen=True, slots=True)
class CarriedResults:
    """The results of one frame on their way from one cluster to another."""

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
    for (source, sink), frames in _travelling(timelines, places).items():
        if target.cluster not in (source, sink):
            continue
        lines = [one for one in target.result_lines if (one.source, one.sink) == (source, sink)]
        if len(lines) < len(frames):
            raise DoesNotFit(_missing(source, sink, frames, lines))
        for frame, line in zip(frames, lines, strict=False):
            carried = _carried(frame, line, latencies.get(line.name))
            if sink == target.cluster:
                incoming[frame] = carried
            else:
                outgoing.append(carried)
    return ResultRoutes(elsewhere, incoming, tuple(outgoing))


def _travelling(
    timelines: Sequence[Timeline], places: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Return frames whose results somebody else needs, by who measures and who needs them."""
    order = list(places)
    frame_of = {
        item.name: one.frame.name
        for timeline in timelines
        for one in timeline.frames
        for item in one.placed
        if isinstance(item, PlacedCapture)
    }
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for timeline in timelines:
        for one in timeline.frames:
            here = places[one.frame.name]
            for item in one.placed:
                guard = () if isinstance(item, PlacedTuning) else item.guard
                for result in (result for term in guard for result in term.results):
                    frame = frame_of[result.capture]
                    if places[frame] != here:
                        found[places[frame], here].add(frame)
    return {ends: sorted(frames, key=order.index) for ends, frames in sorted(found.items())}


def _carried(frame: str, line: ResultLineTarget, measured_fs: int | None) -> CarriedResults:
    before_ns = limits.THRESHOLD_TRIGGER_NS + LOOK_NS + round(line.delay_fs / FS_PER_NS)
    if measured_fs is not None:
        latest_ns = -(-measured_fs // FS_PER_NS) + MEASURED_DOUBT_NS
        raised_ns = latest_ns - MEASURED_DOUBT_NS - limits.COUNT_TRIGGER_NS
        return CarriedResults(frame, line, raised_ns, latest_ns, 2 * MEASURED_DOUBT_NS)
    doubt_ns = START_DOUBT_NS + math.ceil(SIGMAS * line.sigma_fs / FS_PER_NS)
    latest_ns = before_ns + limits.COUNT_TRIGGER_NS + doubt_ns
    return CarriedResults(frame, line, before_ns, latest_ns, 2 * doubt_ns)


def _missing(
    source: str, sink: str, frames: Sequence[str], lines: Sequence[ResultLineTarget]
) -> str:
    """Return in words which results have nothing to travel on."""
    names = ", ".join(frames)
    if not lines:
        return (
            f"{names}: something that {sink} plays depends on these results, and {source} measures "
            "them: results do not travel from one cluster to another but by a line of the facility "
            "file (timing > result_lines), and none goes that way; run it in parts "
            "(podium run --cut)"
        )
    have = ", ".join(one.name for one in lines)
    return (
        f"results of {len(frames)} frames ({names}) travel from {source} to {sink}, and each line "
        f"carries those of one: there is {have}; add {len(frames) - len(lines)} more under timing "
        "> result_lines, or capture one after the other on one frame"
    )
