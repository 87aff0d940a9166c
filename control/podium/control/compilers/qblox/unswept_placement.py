"""Pass 1 for a program without axes: plain numbers in place of arrays, thousands of pulses long.

Says the same as ``place``, in a fraction of the time; whatever is out of the ordinary (a time off
the grid, a statement that is not known here) is left to ``place``, which has the words for it.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

from podium.control.compilers.clocks import CLOCK_MAX_FS
from podium.control.compilers.qblox.outputs import TOLERANCE
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

StillItem: TypeAlias = tuple[int, int, Play | Capture | SetFrequency, float]
"""Start in ns, index in the body, statement, all phase shifts of the frame up to here."""


@dataclass(slots=True, eq=False)
class UnsweptFrame:
    """Holds one frame's statements in the shot, in the program's order."""

    frame: Frame
    items: list[StillItem] = field(default_factory=list)
    clock_fs: int = 0
    turns: float = 0.0
    shifted_fs: list[int] = field(default_factory=list)
    shifted_to: list[float] = field(default_factory=list)
    """When shifts come, and what all are then together."""


@dataclass(frozen=True, slots=True, eq=False)
class UnsweptPlacement:
    """A shot without axes."""

    lanes: tuple[UnsweptFrame, ...]
    shot_ns: int


def place_unswept(program: Program) -> UnsweptPlacement | None:
    """Return the timeline of a validated program; None where ``place`` is to be asked."""
    if program.axes:
        return None
    lanes = {frame.name: UnsweptFrame(frame) for frame in program.frames}
    for index, statement in enumerate(program.body):
        if not _take(lanes, index, statement):
            return None
    for lane in lanes.values():
        _finish_captures(lane)
    shot_ns, off = divmod(max(lane.clock_fs for lane in lanes.values()), FS_PER_NS)
    if off or shot_ns * FS_PER_NS > CLOCK_MAX_FS:
        return None
    return UnsweptPlacement(tuple(lanes.values()), shot_ns)


def _take(lanes: dict[str, UnsweptFrame], index: int, statement: Statement) -> bool:
    """Take a statement in; whether it is one of those that are known here."""
    if isinstance(statement, Play):
        lane = lanes[statement.frame]
        start_ns, off = divmod(lane.clock_fs, FS_PER_NS)
        lane.items.append((start_ns, index, statement, lane.turns))
        lane.clock_fs += statement.waveform.duration_fs
        whole = not off and statement.waveform.duration_fs % FS_PER_NS == 0
        return whole and isinstance(statement.amplitude, float | int)
    if isinstance(statement, ShiftPhase):
        lane = lanes[statement.frame]
        if not isinstance(statement.turns, float | int):
            return False
        lane.turns += statement.turns
        lane.shifted_fs.append(lane.clock_fs)
        lane.shifted_to.append(lane.turns)
        return True
    if isinstance(statement, Capture):
        lane = lanes[statement.frame]
        start_ns, off = divmod(lane.clock_fs + statement.delay_fs, FS_PER_NS)
        lane.items.append((start_ns, index, statement, 0.0))
        return not off and statement.duration_fs % FS_PER_NS == 0
    if isinstance(statement, Delay):
        if not isinstance(statement.duration_fs, int):
            return False
        for name in statement.frames:
            lanes[name].clock_fs += statement.duration_fs
        return True
    if isinstance(statement, Barrier):
        latest = max((lanes[name].clock_fs for name in statement.frames), default=0)
        for name in statement.frames:
            lanes[name].clock_fs = latest
        return True
    if isinstance(statement, SetFrequency):
        lane = lanes[statement.frame]
        start_ns, off = divmod(lane.clock_fs, FS_PER_NS)
        lane.items.append((start_ns, index, statement, 0.0))
        return not off and isinstance(statement.frequency_hz, float | int)
    return False


def _finish_captures(lane: UnsweptFrame) -> None:
    """Give each window the phase that its frame has when it opens, later shifts included."""
    for k, (start_ns, index, statement, _) in enumerate(lane.items):
        if isinstance(statement, Capture):
            count = bisect_right(lane.shifted_fs, start_ns * FS_PER_NS)
            turns = lane.shifted_to[count - 1] if count else 0.0
            lane.items[k] = (start_ns, index, statement, turns)


def too_loud(lanes: Sequence[UnsweptFrame]) -> bool:
    """Return whether pulses of frames that share an output may add up to more than 1."""
    if sum(any(type(s) is Play for _, _, s, _ in lane.items) for lane in lanes) < 2:
        return False
    plays = sorted(
        (start_ns, start_ns + s.waveform.duration_fs // FS_PER_NS, abs(s.amplitude))
        for lane in lanes
        for start_ns, _, s, _ in lane.items
        if isinstance(s, Play) and isinstance(s.amplitude, float | int)
    )
    sounding: list[tuple[int, float]] = []
    for k, (start_ns, end_ns, amplitude) in enumerate(plays):
        sounding = [one for one in sounding if one[0] > start_ns]
        sounding.append((end_ns, amplitude))
        last = k + 1 == len(plays) or plays[k + 1][0] > start_ns
        if last and sum(one[1] for one in sounding) > 1 + TOLERANCE / 2:
            return True
    return False
