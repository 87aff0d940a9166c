"""Passes 3 to 5 for one sequencer, made once for all sequencers that do the same.

Eight qubits that are driven and read alike differ in carrier and RF switch, which are two lines of
the text. What is known is kept for one compilation and found by value.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields, is_dataclass, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.qblox.assembly import Assembly, bare_line, bare_text
from podium.control.compilers.qblox.code_block import BlockTrain
from podium.control.compilers.qblox.emit import LEAD_NS, SequencerRun, emit
from podium.control.compilers.qblox.loops import nest
from podium.control.compilers.qblox.lower import LoweredFrame
from podium.control.compilers.qblox.program_series import FrameTrack, ProgramSeries
from podium.control.compilers.qblox.queue_timing import check_queue_timing
from podium.control.compilers.qblox.schedule import schedule
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction

WORDS = frozenset({"note", "name", "statement", "frame", "nco", "memory", "quantised", "given"})
"""Fields that are for people, or found elsewhere: code does not depend on them."""
OWN = ("set_mrk", "set_freq")
"""The first of each is a sequencer's own; :class:`SequencerRun` gives both."""


@dataclass(frozen=True, slots=True, eq=False)
class SequencerCode:
    """The program of a sequencer."""

    lines: Sequence[Instruction]
    """With comments; made when they are looked at."""
    count: int
    """Of instructions."""
    text: str
    registers: int
    written: tuple[str, ...] = ()
    """Axes whose points are written out, where a loop over them would not do."""


@dataclass(frozen=True, slots=True, eq=False)
class _Known:
    parts: tuple[str, ...]
    """The text without the lines of :data:`OWN`, which belong between its parts."""
    count: int
    registers: int
    written: int
    """So many of the innermost axes are written out."""


class CodeGenerator:
    """Gives each sequencer of a program its code."""

    def __init__(self, members: ProgramSeries) -> None:
        """``members``: what is played."""
        self._members = members
        self._known: dict[object, _Known] = {}

    def code(self, track: FrameTrack, run: SequencerRun, most: int) -> SequencerCode:
        """Return the code of one sequencer; raises :class:`DoesNotFit`.

        ``most``: how many instructions it holds. Where there are several programs, what takes
        more is refused before it is made.
        """
        if track.lowered is None:
            return self._join(track, run, most)
        lowered = track.lowered
        own = (
            bare_line(Instruction("set_mrk", (run.marker,))),
            bare_line(Instruction("set_freq", (run.nco,))),
        )
        key = (_value(lowered), replace(run, frame="", nco=0, marker=0))
        known = self._known.get(key)
        if known is None:
            assembly, written = self._loop_or_write_out(lowered, run, most)
            made = assembly.finish()
            at = [next(k for k, line in enumerate(made) if line.mnemonic == name) for name in OWN]
            cuts = ((0, at[0]), (at[0] + 1, at[1]), (at[1] + 1, len(made)))
            parts = tuple(bare_text(made[begin:end]) for begin, end in cuts)
            known = self._known[key] = _Known(parts, len(made), assembly.registers_used, written)
            lines: Sequence[Instruction] = made
        else:
            alike = known.written
            lines = LazySequence(lambda: self._assemble(lowered, run, alike).finish())
        first, second, third = known.parts
        text = f"{first}{own[0]}{second}{own[1]}{third}"
        axes = tuple(axis.name for axis in self._members.programs[0].axes)
        named = axes[len(axes) - known.written :]
        return SequencerCode(lines, known.count, text, known.registers, named)

    def _loop_or_write_out(
        self, lowered: LoweredFrame, run: SequencerRun, most: int
    ) -> tuple[Assembly, int]:
        """Return the code, and how many axes are written out: none, if loops do.

        Loops cost time between shots, and registers. Where the processor has too few of either,
        points are written out, the innermost axes first, as long as they fit (fewer points may);
        where that does not help the error is that of the loops.
        """
        written = 0
        first: DoesNotFit | None = None
        counts = [axis.count for axis in self._members.programs[0].axes]
        while True:
            try:
                assembly = self._assemble(lowered, run, written)
                check_queue_timing(run.frame, assembly.bodies, assembly.between_ns, LEAD_NS)
            except DoesNotFit as error:
                first = first or error
            else:
                if first is None:
                    return assembly, written
                if (needed := len(assembly.finish())) <= most:
                    return assembly, written
                raise TooLarge(str(first), needed, most) from first
            written += 1
            shots = math.prod(counts[len(counts) - written :])
            if written > len(counts):
                raise first
            if (needed := shots * len(lowered.events)) > most:
                raise TooLarge(str(first), needed, most) from first

    def _assemble(self, lowered: LoweredFrame, run: SequencerRun, written: int) -> Assembly:
        axes = self._members.programs[0].axes
        shot_ns = self._members.timeline(0).shot_ns
        shape = tuple(axis.count for axis in axes)
        return emit(run, nest(schedule(lowered, shot_ns, axes), shape, written))

    def _join(self, track: FrameTrack, run: SequencerRun, most: int) -> SequencerCode:
        counts = tuple(
            sum(node.count for node in turn if isinstance(node, BlockTrain)) for turn in track.turns
        )
        if len(counts) > 1 and sum(counts) > most:
            raise TooLarge(
                f"{run.frame}: {len(counts)} programs need {sum(counts)} instructions, at most "
                f"{most} in one sequencer; play fewer at once",
                sum(counts),
                most,
                counts=counts,
            )
        assembly = emit(run, [node for turn in track.turns for node in turn])
        check_queue_timing(run.frame, assembly.bodies, assembly.between_ns, LEAD_NS)
        lines = assembly.finish()
        listed = LazySequence(lambda: assembly.finish(noted=True))
        return SequencerCode(listed, len(lines), bare_text(lines), assembly.registers_used)


def _value(part: object) -> object:
    """Return what stands for ``part`` as a key: equal where the code is equal."""
    if isinstance(part, np.ndarray):
        return part.shape, part.tobytes()
    if isinstance(part, tuple):
        return tuple([_value(one) for one in part])
    cls = type(part)
    names = _FIELDS.get(cls)
    if names is None:
        names = _FIELDS[cls] = _fields_of(cls)
    if not names:
        return part
    return cls, *[_value(getattr(part, name)) for name in names]


_FIELDS: dict[type, tuple[str, ...]] = {}
"""Of each class those that count; empty: it stands for itself."""


def _fields_of(cls: type) -> tuple[str, ...]:
    if not is_dataclass(cls):
        return ()
    return tuple(one.name for one in fields(cls) if one.name not in WORDS)
