"""Rows of a sequencer mean samples and markers of a play, and phases of oscillators.

Precompensation, output delays and filters are not here.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.sequencer.image import DoesNotRun, Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    CHANNELS,
    FREQUENCY_TURN,
    MARKER_SHIFT,
    OSCILLATORS,
    RATE_SHIFT,
    SUPPRESS_SHIFT,
    SUPPRESS_STEP,
    Kind,
    Row,
)

FULL_SCALE: Final = 32_767
"""The word that the compiler makes of 1.0."""
_PHASE_MODULUS: Final = np.uint64(FREQUENCY_TURN - 1)

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class Oscillators:
    """Frequencies at the start of a run, from the nodes; or as they are at a later sample."""

    hz: tuple[float, ...] = (0.0,) * OSCILLATORS
    phases: tuple[float, ...] = field(default=(0.0,) * OSCILLATORS)
    """Turns at the start."""
    since: int = 0
    """The sample that is meant by the start: what a trace did before it has been done."""


def paths_and_markers(row: list[int], image: Image) -> tuple[Reals, NDArray[np.uint8]]:
    """Return the paths of a play and its markers, on two outputs, at its own rate."""
    config = row[Row.CONFIG]
    samples = row[Row.A] >> (config >> RATE_SHIFT & 15)
    words = image.waveform_at(row[Row.B]).words()[:samples]
    if len(words) < samples or words.shape[1] < (config & CHANNELS).bit_count():
        raise DoesNotRun(
            f"{samples} samples of {(config & CHANNELS).bit_count()} channels are played of a "
            f"waveform of {len(words)} samples of {words.shape[1]}"
        )
    values, bits = np.zeros((2, 2, samples)), np.zeros((2, samples), np.uint8)
    for channel in range((config & CHANNELS).bit_count()):
        mask = config >> MARKER_SHIFT + 2 * channel & 3
        word = words[:, channel].astype(np.int64)
        for output in range(2):
            suppress = config >> SUPPRESS_SHIFT + SUPPRESS_STEP * channel + output & 1
            if not suppress:
                values[output, channel] = (word & ~mask) / FULL_SCALE
                bits[output] |= (word & mask).astype(np.uint8)
    return values, bits


def markers_of(row: list[int], image: Image) -> NDArray[np.uint8]:
    """Return the markers of a play, shape (2, samples): see :attr:`AwgOutput.markers`.

    Raises DoesNotRun where the waveform is not there.
    """
    _, bits = paths_and_markers(row, image)
    rate = row[Row.CONFIG] >> RATE_SHIFT & 15
    return np.repeat(bits, 1 << rate, axis=1)


def waveform_of(row: list[int], image: Image) -> Reals:
    """Return what a play puts out without amplitudes: output, channel, sample of the instrument.

    Raises DoesNotRun where the waveform is not there.
    """
    values, _ = paths_and_markers(row, image)
    rate = row[Row.CONFIG] >> RATE_SHIFT & 15
    return np.repeat(values, 1 << rate, axis=2)


def oscillator_at(
    trace: Trace, oscillators: Oscillators, which: int, rate_hz: float, times: Integers
) -> tuple[Reals, Reals]:
    """Return phase, turns, and frequency, Hz, of an oscillator at ``times`` (n,), exact alike."""
    return stretches_of(trace, oscillators, which, rate_hz).at(times)


@dataclass(frozen=True, slots=True, eq=False)
class Stretches:
    """Stretches of equal frequency of one oscillator.

    The accumulator is counted modulo 2^64, of which a turn is a part.
    """

    begins: Integers
    """The first sample of each."""
    phases: NDArray[np.uint64]
    """There."""
    steps: Integers
    """A sample."""
    rate_hz: float

    def at(self, times: Integers) -> tuple[Reals, Reals]:
        """Return phase, turns, and frequency, Hz, at ``times`` (n,), exact alike."""
        at = np.searchsorted(self.begins, times, side="right") - 1
        count, steps = (times - self.begins[at]).view(np.uint64), self.steps[at]
        grown = steps.view(np.uint64) * count + self.phases[at]
        turns = (grown & _PHASE_MODULUS) / FREQUENCY_TURN
        return np.asarray(turns), steps / FREQUENCY_TURN * self.rate_hz


def stretches_of(trace: Trace, oscillators: Oscillators, which: int, rate_hz: float) -> Stretches:
    """Return the stretches in which the frequency of an oscillator stays."""
    rows = trace.oscillator_rows()
    if oscillators.since:
        rows = rows[rows[:, Row.TIME] >= oscillators.since]
    time, step, tuned = rows[:, Row.TIME], rows[:, Row.B], rows[:, Row.KIND] == Kind.FREQUENCY
    mine = np.where(tuned, rows[:, Row.A] == which, rows[:, Row.A] >> which & 1) != 0
    if not np.all(mine):
        time, step, tuned = time[mine], step[mine], tuned[mine]
    begins = np.concatenate([np.array([oscillators.since]), time])
    first_step = round(oscillators.hz[which] / rate_hz * FREQUENCY_TURN)
    known = np.concatenate([np.array([first_step], np.int64), step])
    # A reset leaves the step as it is: that of the last tuning before it.
    set_at = np.concatenate([np.zeros(1, np.int64), np.where(tuned, np.arange(1, len(known)), 0)])
    steps = known[np.maximum.accumulate(set_at)]
    first_phase = round(oscillators.phases[which] * FREQUENCY_TURN) % FREQUENCY_TURN
    grown = steps[:-1].view(np.uint64) * np.diff(begins).view(np.uint64)
    phases = np.concatenate([np.array([first_phase], np.uint64), grown]).cumsum(dtype=np.uint64)
    reset_at = np.concatenate([np.zeros(1, np.int64), np.where(tuned, 0, np.arange(1, len(known)))])
    last = np.maximum.accumulate(reset_at)
    return Stretches(begins, np.where(last > 0, phases - phases[last], phases), steps, rate_hz)


def oscillators_later(
    trace: Trace, oscillators: Oscillators, rate_hz: float, until: int
) -> Oscillators:
    """Return the oscillators as they are when sample ``until`` begins, exact alike."""
    rows = trace.oscillator_rows()
    before = replace(trace, rows=rows[rows[:, Row.TIME] < until])
    phases, hz = [], []
    for which in range(len(oscillators.hz)):
        turns, frequency = oscillator_at(before, oscillators, which, rate_hz, np.array([until]))
        phases.append(float(turns[0]))
        hz.append(float(frequency[0]))
    return Oscillators(tuple(hz), tuple(phases), until)
