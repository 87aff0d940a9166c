"""Results that come to generators over cables from other controllers, and that go out on markers.

Where one acts, a generator reads the level of its second digital trigger while a marker elsewhere
is up; the first one takes the start. Where one measures, a generator that plays nothing else takes
the result from its analyser and sets the marker.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard
from podium.control.compilers.placing import PlacedFrame, PlacedShot, PlacedTuning
from podium.control.compilers.points import IntArray
from podium.control.compilers.result_routes import (
    MEASURED_DOUBT_NS,
    START_DOUBT_NS,
    ResultLineTarget,
    lines_taken,
    travelling,
)
from podium.control.compilers.zurich.target import ZurichTarget
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.awg_limits import SHF_RATE_HZ

SAMPLES_PER_NS = SHF_RATE_HZ // 10**9
SAMPLE_FS = 10**15 // SHF_RATE_HZ


@dataclass(frozen=True, slots=True, eq=False)
class LevelAvailability:
    """One capture of another controller, as generators find its result at a trigger input.

    In samples from the shot's start.
    """

    line: str
    channel: int
    """Of the trigger input."""
    up: IntArray
    """From then on the marker is up in any case."""
    down: IntArray
    """From then on it may be down again."""
    latest: bool = False
    """Whether it is read as late as what depends on it allows, up or not: so latencies are
    measured."""


@dataclass(frozen=True, slots=True)
class ShownResults:
    """The results of one frame that go out on a marker."""

    line: ResultLineTarget
    frame: PlacedFrame
    ends: tuple[tuple[str, int], ...]
    """Captures with the ends of their windows, in samples from the shot's start, ascending."""


@dataclass(frozen=True, slots=True)
class ResultCables:
    """Results that come to one instrument by wire, and that leave it."""

    levels: Mapping[str, LevelAvailability] = field(default_factory=dict)
    """By capture."""
    shown: tuple[ShownResults, ...] = ()


def cables_of(
    placed: PlacedShot,
    target: ZurichTarget,
    latencies: Mapping[str, int],
    after_fs: int | None = None,
) -> ResultCables:
    """Return which results of a program travel to and from ``target`` by wire.

    ``latencies``: by line, from the end of a window to what depends on it at the earliest, fs, as
    measured; ``after_fs``: results are looked for so long behind their windows, there or not; None:
    when they are there in any case. Raises :class:`DoesNotFit` where a result has no line to travel
    on, or none that fits.
    """
    places = {one.frame.name: target.place_of(one.frame.port) for one in placed.frames}
    frame_of = {window.name: one.frame.name for one in placed.frames for window in one.windows}
    guards = [
        (one.frame.name, item.guard)
        for one in placed.frames
        for item in one.items
        if not isinstance(item, PlacedTuning)
    ]
    travel = travelling(guards, frame_of, places)
    if not travel:
        return ResultCables()
    by_name = {one.frame.name: one for one in placed.frames}
    levels: dict[str, LevelAvailability] = {}
    shown: list[ShownResults] = []
    for name, line in lines_taken(travel, target.result_lines, (target.controller,)):
        _check_sent_at_one(name, (guard for _, guard in guards), frame_of)
        ends = _ends(by_name[name], line, placed)
        if line.sink == target.controller and target.is_device(line.sink_slot):
            if after_fs is None:
                up_ns = _up_ns(line, latencies.get(line.name))
                levels |= {capture: _level(line, end, up_ns) for capture, end in ends}
            else:
                levels |= {
                    capture: _looked_for(line, end, after_fs, placed) for capture, end in ends
                }
        elif line.source == target.controller and target.is_device(line.slot):
            shown.append(ShownResults(line, by_name[name], ends))
    return ResultCables(levels, tuple(shown))


def _up_ns(line: ResultLineTarget, measured_fs: int | None) -> int:
    """Return how long after a window's end a line's level can be read, at the latest.

    Raises :class:`DoesNotFit` for a latency that is shorter than what both ends take.
    """
    acts_ns = line.acts_ns or 0
    if measured_fs is None:
        return line.raised_ns + line.known_ns + line.doubt_ns
    measured_ns = -(-measured_fs // FS_PER_NS)
    least_ns = line.shown_ns - line.shown_doubt_ns + line.known_ns + acts_ns - START_DOUBT_NS
    if measured_ns < least_ns:
        raise DoesNotFit(
            f"result line {line.name}: a latency of {measured_ns} ns; without any cable it takes "
            f"{least_ns} ns at least from a window's end to what depends on it: {line.shown_ns} "
            f"until the marker is up, {line.known_ns} to the generator, {acts_ns} to act, less "
            f"{START_DOUBT_NS} by which starts differ; measure it anew (podium link latency)"
        )
    return measured_ns - acts_ns + MEASURED_DOUBT_NS


def _level(line: ResultLineTarget, end: int, up_ns: int) -> LevelAvailability:
    down_ns = up_ns - 2 * line.doubt_ns + line.level_ns
    up, down = (np.array(end + SAMPLES_PER_NS * ns) for ns in (up_ns, down_ns))
    return LevelAvailability(line.name, line.channel, up, down)


def _looked_for(
    line: ResultLineTarget, end: int, after_fs: int, placed: PlacedShot
) -> LevelAvailability:
    """Return a level that is read in any case, until the shot is over."""
    begin, shot = end + -(-after_fs // SAMPLE_FS), int(placed.shot_fs.max()) // SAMPLE_FS
    return LevelAvailability(line.name, line.channel, np.array(begin), np.array(shot), latest=True)


def _ends(
    frame: PlacedFrame, line: ResultLineTarget, placed: PlacedShot
) -> tuple[tuple[str, int], ...]:
    """Return when windows end in each shot; raises :class:`DoesNotFit` where that moves."""
    if np.ptp(placed.shot_fs):
        raise DoesNotFit(
            f"result line {line.name}: shots last {int(placed.shot_fs.min()) / 1e6:g} to "
            f"{int(placed.shot_fs.max()) / 1e6:g} ns; where results travel from one controller to "
            "another all of them last equally long"
        )
    found: dict[str, int] = {}
    for window in frame.windows:
        if np.ptp(window.start_fs):
            raise DoesNotFit(
                f"result line {line.name}: the window of {window.name} moves from point to point; "
                "the results that travel are of windows that stand still in the shot"
            )
        if window.name in found:
            raise DoesNotFit(
                f"result line {line.name}: {window.name} is captured more than once in a shot "
                "(each try of a RepeatUntil does so); write the tries out: captures with names of "
                "their own, and an If behind each"
            )
        found[window.name] = -(-(int(window.start_fs.flat[0]) + window.duration_fs) // SAMPLE_FS)
    return tuple(sorted(found.items(), key=lambda one: one[1]))


def _check_sent_at_one(name: str, guards: Iterable[Guard], frame_of: Mapping[str, str]) -> None:
    """Raise :class:`DoesNotFit` for results of which a cluster would send the zeros."""
    wanted = {
        result.wanted
        for guard in guards
        for term in guard
        for result in term.results
        if frame_of[result.capture] == name
    }
    if 0 in wanted:
        raise DoesNotFit(
            f"{name}: repeated until its result is 0, and its results travel by wire to or from "
            "instruments of Zurich Instruments, which take an edge for a 1: repeat it until 1, or "
            "write the tries out, each with an If behind its readout"
        )
