"""A Q1 processor's real-time side leaves one row for each instruction that latches."""

from dataclasses import dataclass, fields, replace
from enum import Enum, IntEnum

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS


class EventKind(IntEnum):
    """The effect of a row's real-time instruction besides latching the parameters."""

    UPDATE = 0
    """``upd_param``, or a play or acquire whose index was refused (see the flags)."""
    PLAY = 1
    ACQUIRE = 2
    ACQUIRE_WEIGHED = 3
    CLOSE_WINDOW = 4
    """``acquire_timetags`` with enable 0: the window ends, its result goes to acquisition and bin.
    ``weight0`` holds the fine delay, as with :attr:`OPEN_WINDOW`."""
    OPEN_WINDOW = 5
    LEVEL = 6
    """``acquire_digital``."""
    THRESHOLD = 7
    """``upd_thres``: number ``bin`` becomes ``weight0``."""
    OPEN_TTL = 8
    """``acquire_ttl`` with enable 1: from here on triggers go to acquisition and bin."""
    CLOSE_TTL = 9


class Ending(Enum):
    """The reason why a processor is no longer running."""

    STOPPED = "stopped"
    """By ``stop``, or by an error that the flags name."""
    WAITS_FOR_SYNC = "waits for sync"
    """For ever: a sequencer that it waits for never came to its ``wait_sync``."""
    WAITS_FOR_TRIGGER = "waits for trigger"
    WAITS_FOR_MESSAGE = "waits for message"
    """In ``fb_pop_data`` or ``fb_pull_data``, and none comes."""
    WAITS_TO_KNOW = "waits to know"
    """What it does depends on triggers up to its time, and these are not known yet."""
    PAUSED = "paused"
    """Whoever runs it wants to hear of others first: it goes on when it is told to."""
    CUT = "cut"
    """It would have gone on: the limit on time, events or instructions was reached."""


@dataclass(frozen=True, slots=True, eq=False)
class RealTimeTrace:
    """The timeline of one sequencer in one run. All arrays have shape (n,), ascending in time.

    On a time-tag sequencer ``gain0`` is the level of its output, ``offs0`` the fine delay of that
    level, and ``offs1`` the number of time references taken so far.

    Gains, offsets, frequency, phase and markers hold from ``time_ns`` to the next row.
    """

    time_ns: NDArray[np.int64]
    """From the instant at which the sequencers started."""
    kind: NDArray[np.int8]
    """An :class:`EventKind`."""
    wave0: NDArray[np.int32]
    """Waveform index on path 0, -1: none is started (one still playing plays on)."""
    wave1: NDArray[np.int32]
    gain0: NDArray[np.int32]
    """Signed 16 bit: a sample becomes ``sample * gain >> 15``."""
    gain1: NDArray[np.int32]
    offs0: NDArray[np.int32]
    """Signed 16 bit, added after the gain."""
    offs1: NDArray[np.int32]
    nco_freq: NDArray[np.int32]
    """In steps of 0.25 Hz."""
    nco_phase: NDArray[np.int64]
    """Phase of the NCO at ``time_ns``, in 1e-9 turns, 0 to 999 999 999."""
    marker: NDArray[np.int8]
    """Four bits."""
    acq: NDArray[np.int32]
    """Acquisition index, -1: none."""
    bin: NDArray[np.int32]
    """Bin index, -1: none."""
    weight0: NDArray[np.int32]
    """Weight index of path 0, -1: none."""
    weight1: NDArray[np.int32]
    end_ns: int
    """When the real-time side came to its end."""
    ending: Ending
    flags: tuple[str, ...]
    """In the words of the answer to ``SEQuencer#:STATE?``, e.g. ``ACQ BIN INDEX INVALID``."""
    exit_code: int
    """Operand of ``stop``; 0 otherwise."""
    instructions: int
    """How many instructions were executed."""
    log: tuple[str, ...]
    """For a person: where and why it was stopped, stale register reads."""
    registers: tuple[int, ...] = (0,) * REGISTERS
    """At the end, 0 to 2**32 - 1."""

    def __len__(self) -> int:
        return len(self.time_ns)

    def without_rows(self) -> "RealTimeTrace":
        """Return how it ended, alone."""
        rows = (one.name for one in fields(self) if isinstance(getattr(self, one.name), np.ndarray))
        return replace(self, **{name: getattr(self, name)[:0].copy() for name in rows})


PASSES = 4
"""Of rows that come again and again so many are written out."""


@dataclass(frozen=True, slots=True, eq=False)
class RepeatedTrace:
    """A part of a trace that comes again and again."""

    begin: RealTimeTrace
    """The first :data:`PASSES` of all."""
    times: int
    """More than are written out."""
    step_ns: int
    """From each time to the next."""
    phase: int
    """By which the oscillator is ahead each time, 1e-9 turns."""

    def __len__(self) -> int:
        return len(self.begin)

    @property
    def end_ns(self) -> int:
        """Return when the whole trace comes to its end."""
        return self.begin.end_ns
