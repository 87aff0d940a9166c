"""Routes results between controllers: which line carries which frame's results.

A line is a cable from a marker or a digital output of the controller that measures to an input of
the one that acts, and carries the results of one frame. Compilers of both ends come to the same
answer by themselves.
"""

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard
from podium.firmware_interfaces.exact_time import FS_PER_NS

START_DOUBT_NS = 26
"""By so much the starts of two controllers may differ in all. ASSUMED: 13 ns from each counter to
TAI (:data:`.CLOCK_WINDOW_FS`), as clusters differ before skews are measured."""
MEASURED_DOUBT_NS = 8
"""What a latency that was measured is taken to be off, to either side. ASSUMED: two cycles of
4 ns on which controllers start."""
SIGMAS = 5
"""A cable's delay is believed to so many standard deviations."""


@dataclass(frozen=True, slots=True)
class ResultLineTarget:
    """A line that carries results from one controller to another."""

    name: str
    source: str
    """The controller that measures."""
    slot: int
    """Of the module whose marker or output is raised, or its serial number."""
    module: str
    bit: int
    """Its place among the markers, or the digital outputs, of its module."""
    sink: str
    """The controller that acts."""
    sink_slot: int
    """Of the module whose input it ends at, or its serial number."""
    channel: int
    """Number of that input."""
    delay_fs: int
    sigma_fs: float
    """One standard deviation of the delay."""
    shown_ns: int
    """From the end of a window to the marker being up, where the result is 1."""
    shown_doubt_ns: int
    level_ns: int
    """So long it is up."""
    known_ns: int
    """From the edge at the input to all at that end knowing of it, at most."""
    acts_ns: int | None = None
    """From there to what depends on it, at most, where a level is read; None: an edge is taken."""

    @property
    def raised_ns(self) -> int:
        """Return how long after the end of a window the edge is at the other end."""
        return self.shown_ns + round(self.delay_fs / FS_PER_NS)

    @property
    def doubt_ns(self) -> int:
        """Return by how much it may be there earlier or later, as starts and cables go."""
        cable_ns = math.ceil(SIGMAS * self.sigma_fs / FS_PER_NS)
        return START_DOUBT_NS + cable_ns + self.shown_doubt_ns


def travelling(
    guards: Iterable[tuple[str, Guard]], frame_of: Mapping[str, str], places: Mapping[str, str]
) -> dict[tuple[str, str], list[str]]:
    """Return frames whose results somebody else needs, by who measures and who needs them.

    ``guards``: of all that happens on frames, with the frame; ``frame_of``: by capture;
    ``places``: the controller of each frame, in the order of frames.
    """
    order = list(places)
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for frame, guard in guards:
        for result in (one for term in guard for one in term.results):
            measured = frame_of[result.capture]
            if places[measured] != places[frame]:
                found[places[measured], places[frame]].add(measured)
    return {ends: sorted(frames, key=order.index) for ends, frames in sorted(found.items())}


def lines_taken(
    travel: Mapping[tuple[str, str], Sequence[str]],
    lines: Sequence[ResultLineTarget],
    controllers: Collection[str],
) -> list[tuple[str, ResultLineTarget]]:
    """Return frames with the lines of ``controllers`` that carry their results.

    Raises :class:`DoesNotFit` where a result has no line to travel on.
    """
    found: list[tuple[str, ResultLineTarget]] = []
    for (source, sink), frames in travel.items():
        if source not in controllers and sink not in controllers:
            continue
        there = [one for one in lines if (one.source, one.sink) == (source, sink)]
        if len(there) < len(frames):
            raise DoesNotFit(_missing(source, sink, frames, there))
        found += zip(frames, there, strict=False)
    return found


def _missing(
    source: str, sink: str, frames: Sequence[str], lines: Sequence[ResultLineTarget]
) -> str:
    """Return in words which results have nothing to travel on."""
    names = ", ".join(frames)
    if not lines:
        return (
            f"{names}: something that {sink} plays depends on these results, and {source} measures "
            "them: results do not travel from one controller to another but by a line of the "
            "facility file (timing > result_lines), and none goes that way; run it in parts "
            "(podium run --cut)"
        )
    have = ", ".join(one.name for one in lines)
    return (
        f"results of {len(frames)} frames ({names}) travel from {source} to {sink}, and each line "
        f"carries those of one: there is {have}; add {len(frames) - len(lines)} more under timing "
        "> result_lines, or capture one after the other on one frame"
    )
