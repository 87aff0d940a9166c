"""Defines one shot's view: a lane for each frame, with pulses, windows and switch.

The same values hold what a program means and what a machine code plays, so that one drawing and
one table serve both.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Signal without a break: a pulse, or a part of one."""

    start_ns: int
    """From the start of the shot."""
    samples: NDArray[np.complex128]
    """I + j Q, one each nanosecond, shape (n,); 1 is the full scale of the port."""
    turns: float
    """Phase of the pulse about the frame's carrier, 0 to 1: what the frame was shifted by."""
    frequency_hz: float
    """Of the carrier, absolute."""
    name: str
    """What it is, e.g. ``Drag 40 ns``; of a machine code, how it is made."""
    statement: int | None = None
    """Index in the program's body; None: told by a machine code."""
    condition: str = ""
    """What must have been measured for it, e.g. ``m = 1``; empty: it is played in any case."""

    @property
    def end_ns(self) -> int:
        """Return when it is over."""
        return self.start_ns + len(self.samples)

    @property
    def peak(self) -> float:
        """The greatest amplitude, with the sign of I where it is real."""
        if not len(self.samples):
            return 0.0
        largest = self.samples[int(np.argmax(np.abs(self.samples)))]
        return float(np.abs(largest)) * (-1 if largest.real < 0 else 1)


@dataclass(frozen=True, slots=True)
class Opening:
    """A window in which a capture listens."""

    start_ns: int
    duration_ns: int
    name: str
    frequency_hz: float
    turns: float
    """Of the carrier that demodulates, at its opening, about the local oscillator, 0 to 1."""
    statement: int | None = None
    bin: int | None = None
    """Where the result goes; None: told by a program."""
    condition: str = ""
    """As of a stretch."""

    @property
    def end_ns(self) -> int:
        """Return when it closes."""
        return self.start_ns + self.duration_ns


@dataclass(frozen=True, slots=True)
class Tuning:
    """The frame's carrier from an instant on."""

    since_ns: int
    frequency_hz: float


@dataclass(frozen=True, slots=True, eq=False)
class Lane:
    """Holds one frame's pulses and windows in a shot."""

    frame: str
    port: str
    connector: str
    """E.g. ``cluster_a slot4.out0``."""
    lo_hz: float
    """Of the local oscillator, or the external modulator."""
    tunings: tuple[Tuning, ...]
    """The first is the carrier at the start of the shot."""
    stretches: tuple[Stretch, ...]
    openings: tuple[Opening, ...]
    switch: tuple[tuple[int, int], ...] | None = None
    """From, to: when the output's RF switch is closed. None: nobody has said."""

    def carrier_turns(self, at_ns: float) -> float:
        """Return the carrier's phase about the local oscillator, without shifts, 0 to 1."""
        turns = 0.0
        ends = [one.since_ns for one in self.tunings[1:]] + [np.inf]
        for one, end_ns in zip(self.tunings, ends, strict=True):
            span_ns = max(0.0, min(end_ns, at_ns) - one.since_ns)
            turns += (one.frequency_hz - self.lo_hz) * span_ns * 1e-9 % 1.0
        return turns % 1.0


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """One shot."""

    title: str
    """Who says so: ``program`` or ``machine code``."""
    duration_ns: int
    lanes: tuple[Lane, ...]
