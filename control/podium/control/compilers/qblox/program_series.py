"""Holds the programs that are played in turns (most often one), frame by frame.

A program without axes is a train; one with axes, or with something a train does not know, goes
through ``place``, ``lower``, ``schedule`` and ``nest``. What was made of a program is kept, so that
a series is cut into batches without making it again.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.qblox.allocate import SequencerAllocation
from podium.control.compilers.qblox.code_block import BlockTrain
from podium.control.compilers.qblox.latches import listen
from podium.control.compilers.qblox.line_filters import filter_delay_ns
from podium.control.compilers.qblox.loops import Node, nest
from podium.control.compilers.qblox.lower import LoweredFrame, lower, quantise
from podium.control.compilers.qblox.outputs import check_sum
from podium.control.compilers.qblox.place import (
    FrameTimeline,
    PlacedCapture,
    PlacedPlay,
    Timeline,
    place,
)
from podium.control.compilers.qblox.pulse_train import PulseTrains, asked_of
from podium.control.compilers.qblox.result_lines import ResultRoutes, routes_of
from podium.control.compilers.qblox.rounding import frequency_words
from podium.control.compilers.qblox.schedule import schedule
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.compilers.qblox.triggers import NO_ROUTES, Triggers, triggers_of
from podium.control.compilers.qblox.unswept_placement import (
    UnsweptFrame,
    UnsweptPlacement,
    place_unswept,
    too_loud,
)
from podium.control.compilers.qblox.waveform_memory import Shapes, WaveformMemory
from podium.control.program.program import Capture, Play, Program, has_branches, walk
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.compiled_program import Quantised
from podium.firmware_interfaces.exact_time import FS_PER_NS, TickGrid
from podium.firmware_interfaces.qblox_cluster.q1asm import Register

BIN = Register(1)
"""The register that counts bins, where there are several (see ``emit``)."""

NS_GRID = TickGrid.from_rate_hz(1_000_000_000)


@dataclass(frozen=True, slots=True, eq=False)
class FrameTrack:
    """Holds one frame's code in all programs."""

    nco: int
    captures: tuple[tuple[str, int], ...]
    """Name and duration in ns, by acquisition index."""
    memory: WaveformMemory
    quantised: Sequence[Quantised]
    lowered: LoweredFrame | None
    """Where there is one program, and no train."""
    turns: tuple[tuple[Node | BlockTrain, ...], ...] = ()
    """The code of each program otherwise."""
    listens: tuple[int, ...] = ()
    """Trigger addresses of results that something in it depends on."""


class ProgramSeries:
    """Programs that have the same frames, axes and captures."""

    def __init__(self, programs: Sequence[Program], rest_fs: int = 0) -> None:
        """``rest_fs``: by how much all shots come later than the grid, see ``first_sample``."""
        self.programs = tuple(programs)
        self.shapes: Shapes = {}
        """What all sequencers together have sampled."""
        self._rest_fs = rest_fs
        self._still: list[UnsweptPlacement | None] = [
            place_unswept(program) for program in programs
        ]
        self._placed: dict[int, Timeline] = {}
        self._triggers: Triggers | None = None
        self._listens: dict[tuple[int, str], tuple[int, ...]] = {}
        self._made: dict[
            tuple[str, bool], tuple[PulseTrains, dict[int, tuple[Node | BlockTrain, ...]]]
        ] = {}

    @property
    def alone(self) -> bool:
        """Return whether there is one program, and no train."""
        return len(self.programs) == 1 and self._still[0] is None

    @property
    def branches(self) -> bool:
        """Return whether what is played depends on what is measured."""
        return any(
            made is None and has_branches(program)
            for made, program in zip(self._still, self.programs, strict=True)
        )

    def connect(
        self,
        here: Collection[str],
        reserved: Collection[int],
        routes: ResultRoutes = NO_ROUTES,
    ) -> Triggers | None:
        """Allot trigger addresses to the frames whose results are used; None where none are.

        ``here``: frames on this controller; ``reserved``: addresses in use; ``routes``: of results
        that travel from and to others. Raises :class:`DoesNotFit`.
        """
        if self.branches:
            timelines = self.timelines()
            after_fs = self.programs[0].results_after_fs
            after_ns = None if after_fs is None else NS_GRID.ticks(after_fs)
            self._triggers = triggers_of(timelines, here, reserved, after_ns, routes)
        return self._triggers

    def routes(self, target: QbloxTarget) -> ResultRoutes:
        """Return which results travel to and from ``target`` by wire. Raises :class:`DoesNotFit`.

        None do where nothing branches.
        """
        if not self.branches:
            return NO_ROUTES
        return routes_of(self.timelines(), target, dict(self.programs[0].result_latencies))

    def timelines(self) -> list[Timeline]:
        """Return where the statements of all programs are placed."""
        return [self.timeline(number) for number in range(len(self.programs))]

    def timeline(self, number: int) -> Timeline:
        """Return where a program's statements are placed; raises :class:`OffGridError`."""
        if number not in self._placed:
            self._placed[number] = place(self.programs[number])
        return self._placed[number]

    def frames(self) -> tuple[FrameTimeline, ...]:
        """Return all frames, with as much as tells who plays and who captures."""
        if self.alone:
            return self.timeline(0).frames
        frames = {frame.name: FrameTimeline(frame, ()) for frame in self.programs[0].frames}
        for number, made in enumerate(self._still):
            if made is None:
                for one in self.timeline(number).frames:
                    frames[one.frame.name] = _more(frames[one.frame.name], one)
            else:
                for lane in made.lanes:
                    frames[lane.frame.name] = _more(frames[lane.frame.name], _outline(lane))
        return tuple(frames.values())

    def check_outputs(self, outputs: dict[str, list[str]]) -> None:
        """Raise :class:`DoesNotFit` where frames add up to too much; ``outputs``: their frames."""
        for number, made in enumerate(self._still):
            for connector, names in outputs.items():
                if len(names) < 2:
                    continue
                if made is not None:
                    if not too_loud([lane for lane in made.lanes if lane.frame.name in names]):
                        continue
                    self._still[number] = None  # ``check_sum`` has the words
                timeline = self.timeline(number)
                frames = [one for one in timeline.frames if one.frame.name in names]
                check_sum(connector, frames, timeline.axes)

    def lasts_ns(self, number: int) -> int:
        """Return how long all points of a program take together."""
        made = self._still[number]
        if made is not None:
            return made.shot_ns
        shot_ns = self.timeline(number).shot_ns
        points = math.prod(axis.count for axis in self.programs[number].axes)
        return int(shot_ns.sum()) * (points // shot_ns.size)

    def track(self, one: SequencerAllocation, turns: range, *, several_bins: bool) -> FrameTrack:
        """Return what a frame does in the programs ``turns``; raises :class:`DoesNotFit`."""
        frame = one.timeline.frame
        lo_hz, axes = one.port.lo_hz, self.programs[0].axes
        captures = tuple(
            (s.name, s.duration_fs // FS_PER_NS)
            for _, s in walk(self.programs[0].body)
            if isinstance(s, Capture) and s.frame == frame.name
        )
        if self.alone:
            lowered = lower(one.timeline, lo_hz, axes, self._rest_fs, self.shapes)
            lowered = self._listening(lowered, 0, one.timeline, filter_delay_ns(one))
            return FrameTrack(
                lowered.nco,
                captures,
                lowered.memory,
                lowered.quantised,
                lowered,
                listens=lowered.listens,
            )
        key = (frame.name, several_bins)
        if key not in self._made:
            memory = WaveformMemory(frame.name, self._rest_fs, self.shapes)
            self._made[key] = (PulseTrains(lo_hz, memory, BIN if several_bins else None), {})
        trains, made = self._made[key]
        for number in turns:
            if number not in made:
                made[number] = self._turn(number, one, trains)
        return FrameTrack(
            int(frequency_words(np.array(frame.frequency_hz - lo_hz))),
            captures,
            trains.memory,
            LazySequence(lambda: [q for number in turns for q in self._rounded(number, one)]),
            None,
            tuple(made[number] for number in turns),
            tuple(
                sorted({n for number in turns for n in self._listens.get((number, frame.name), ())})
            ),
        )

    def _listening(
        self, lowered: LoweredFrame, number: int, timeline: FrameTimeline, ahead_ns: int
    ) -> LoweredFrame:
        """Return what a frame does with what it does only if something was measured.

        ``ahead_ns``: by how much its sequencer plays ahead of those that measure.
        """
        if self._triggers is None or not timeline.guarded:
            return lowered
        whole = self.timeline(number)
        triggers = self._triggers
        return listen(lowered, timeline, triggers, number, whole.shot_ns, whole.axes, ahead_ns)

    def _turn(
        self, number: int, one: SequencerAllocation, trains: PulseTrains
    ) -> tuple[Node | BlockTrain, ...]:
        name = one.timeline.frame.name
        made = self._still[number]
        if made is not None:
            lane = next(lane for lane in made.lanes if lane.frame.name == name)
            train = trains.train(lane, made.shot_ns)
            if train is not None:
                return (train,)
        axes = self.programs[number].axes
        timeline = self.timeline(number)
        frame = next(placed for placed in timeline.frames if placed.frame.name == name)
        lowered = lower(frame, trains.lo_hz, axes, memory=trains.memory)
        lowered = self._listening(lowered, number, frame, filter_delay_ns(one))
        self._listens[number, name] = lowered.listens
        shape = tuple(axis.count for axis in axes)
        return nest(schedule(lowered, timeline.shot_ns, axes), shape)

    def _rounded(self, number: int, one: SequencerAllocation) -> Sequence[Quantised]:
        """Return what is rounded for a frame in one program."""
        frame, axes = one.timeline.frame, self.programs[number].axes
        made = self._still[number]
        if made is None:
            timeline = self.timeline(number)
            here = next(part for part in timeline.frames if part.frame.name == frame.name)
            found = lower(here, one.port.lo_hz, axes, self._rest_fs, self.shapes).quantised
        else:
            lane = next(lane for lane in made.lanes if lane.frame.name == frame.name)
            found = [quantise(frame.name, *asked, one.port.lo_hz, axes) for asked in asked_of(lane)]
        if len(self.programs) == 1:
            return found
        return [replace(q, what=f"{self.programs[number].name}: {q.what}") for q in found]


_ZERO = np.zeros(1, np.int64)
_SOUND = PlacedPlay(0, _ZERO, 4, Square(4 * FS_PER_NS), np.zeros(1), np.zeros(1))
_WINDOW = PlacedCapture(0, "", _ZERO, 4, np.zeros(1))


def _outline(lane: UnsweptFrame) -> FrameTimeline:
    """Return a frame that plays and captures something where ``lane`` does."""
    plays = any(isinstance(statement, Play) for _, _, statement, _ in lane.items)
    captures = any(isinstance(statement, Capture) for _, _, statement, _ in lane.items)
    return FrameTimeline(lane.frame, (*((_SOUND,) * plays), *((_WINDOW,) * captures)))


def _more(frame: FrameTimeline, other: FrameTimeline) -> FrameTimeline:
    return FrameTimeline(frame.frame, frame.placed + other.placed)
