"""A readout sequencer starts readouts, which play pulses."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

Complexes = NDArray[np.complex128]
Integers = NDArray[np.int64]

SAMPLE_RATE_HZ: Final = 2_000_000_000
UNITS: Final = 16
"""Generators, and integrators, of a channel at most."""
MASK: Final = 0xFFFF
_TRIGGER_SHIFT: Final = 24
_REGISTER_SHIFT, _REGISTER_MASK = 22, 0x1F
_MONITOR: Final = 1 << 31
"""In the words of ``startQA``: compiled with each argument alone."""


@dataclass(frozen=True, slots=True, eq=False)
class Readouts:
    """Every ``startQA`` of a run, shape (n) each."""

    time: Integers
    """Samples from the program's start."""
    generators: Integers
    """Bit k plays waveform k."""
    integrators: Integers
    """Bit k integrates with weights k."""
    monitor: NDArray[np.bool_]
    """Whether the scope is triggered."""
    trigger: Integers
    """Eight bits that go to the outside."""
    register: Integers
    """Of a PQSC, which takes the results."""


@dataclass(frozen=True, slots=True, eq=False)
class IntegratorSums:
    """Sums of a channel's integrators over readouts, V: most integrators listen to none."""

    readouts: int
    units: int
    """Integrators of the channel."""
    of_unit: Mapping[int, Complexes]
    """By integrator, of those that listened: shape (readouts,), zero where one did not."""

    def __len__(self) -> int:
        """Return of how many readouts they are."""
        return self.readouts

    def at(self, which: Integers) -> "IntegratorSums":
        """Return those of some readouts, by their numbers, which ascend."""
        count = len(which)
        part: slice | Integers = which
        if count and which[-1] - which[0] == count - 1:
            part = slice(int(which[0]), int(which[0]) + count)
        of_unit = {unit: sums[part] for unit, sums in self.of_unit.items()}
        return IntegratorSums(count, self.units, of_unit)

    def all(self) -> Complexes:
        """Return all, shape (readouts, units): zero where none listened."""
        found = np.zeros((self.readouts, self.units), np.complex128)
        for unit, sums in self.of_unit.items():
            found[:, unit] = sums
        return found


def joined(parts: Sequence[IntegratorSums]) -> IntegratorSums:
    """Return the sums of one analyser's readouts, some after the others."""
    if len(parts) == 1:
        return parts[0]
    listened = sorted(set[int]().union(*(one.of_unit for one in parts)))
    of_unit = {
        unit: np.concatenate(
            [one.of_unit.get(unit, np.zeros(len(one), np.complex128)) for one in parts]
        )
        for unit in listened
    }
    return IntegratorSums(sum(map(len, parts)), parts[0].units, of_unit)


def readouts(trace: Trace) -> Readouts:
    """Return what a program of a readout sequencer started."""
    time, generate, integrate = trace.columns((Kind.START_QA,), (Row.TIME, Row.A, Row.B))
    return Readouts(
        time,
        generate & MASK,
        integrate & MASK,
        (integrate & _MONITOR) != 0,
        generate >> _TRIGGER_SHIFT & 0xFF,
        integrate >> _REGISTER_SHIFT & _REGISTER_MASK,
    )


def part_of(started: Readouts, which: Integers) -> Readouts:
    """Return some of the readouts, by their places."""
    if len(which) == len(started.time):
        return started
    return Readouts(
        started.time[which],
        started.generators[which],
        started.integrators[which],
        started.monitor[which],
        started.trigger[which],
        started.register[which],
    )


def trigger_edges(trace: Trace, bit: int, before: int = 0) -> Integers:
    """Return when ``setTrigger``, or the last argument of ``startQA``, raised a bit: what starts
    spectroscopy and the scope. ``before``: the outputs before the trace's first row."""
    times, levels = trigger_levels(trace)
    return rising_edges(times, levels, bit, before)


def rising_edges(times: Integers, levels: Integers, bit: int, before: int) -> Integers:
    """Return which of ``times`` raise a bit of ``levels``, which were ``before`` before them."""
    high = levels >> bit & 1
    rising = np.diff(high, prepend=before >> bit & 1) == 1
    return np.asarray(times[rising], np.int64)


def last_level(trace: Trace, before: int) -> int:
    """Return what the trigger outputs are after a trace."""
    _, levels = trigger_levels(trace)
    return int(levels[-1]) if len(levels) else before


def trigger_levels(trace: Trace) -> tuple[Integers, Integers]:
    """Return when the trigger outputs were set, and to what.

    ASSUMED: ``startQA`` with triggers sets them as ``setTrigger`` does, and without any leaves
    them as they are. LabOne Q 26.7.0 triggers spectroscopy so, and takes the trigger back.
    """
    wanted = Kind.TRIGGER, Kind.START_QA
    time, kind, level = trace.columns(wanted, (Row.TIME, Row.KIND, Row.A))
    starts = kind == Kind.START_QA
    levels = np.where(starts, level >> _TRIGGER_SHIFT & 0xFF, level)
    sets = ~starts | (levels != 0)
    return time[sets], levels[sets]


def busy(times: Integers, duration: int, free: int = 0) -> NDArray[np.bool_]:
    """Return which starts come while the one before still goes on, or before ``free``: a hold-off
    error each.

    ASSUMED: such a start is counted and lost.
    """
    lost = np.zeros(len(times), np.bool_)
    if not len(times) or (times[0] >= free and np.all(np.diff(times) >= duration)):
        return lost  # the usual case, at once
    for k, time in enumerate(times.tolist()):
        if time < free:
            lost[k] = True
        else:
            free = time + duration
    return lost
