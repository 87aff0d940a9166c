"""Rows of a sequencer mean samples and markers of a play, and phases of oscillators.

Precompensation, output delays and filters are not here.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numba import njit
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
_OF_OSCILLATORS: Final = (Row.TIME, Row.KIND, Row.A, Row.B)

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
        at: Integers | int = 0  # the usual case: one for all
        if len(self.begins) > 1:
            at = np.searchsorted(self.begins, times, side="right") - 1
        count, steps = (times - self.begins[at]).view(np.uint64), self.steps[at]
        grown = steps.view(np.uint64) * count + self.phases[at]
        turns = (grown & _PHASE_MODULUS) / FREQUENCY_TURN
        hz = steps / FREQUENCY_TURN * self.rate_hz
        return np.asarray(turns), np.broadcast_to(hz, turns.shape)


def stretches_of(trace: Trace, oscillators: Oscillators, which: int, rate_hz: float) -> Stretches:
    """Return the stretches in which the frequency of an oscillator stays."""
    rows = trace.oscillator_rows()
    if oscillators.since:
        rows = rows[rows[:, Row.TIME] >= oscillators.since]
    room = len(rows) + 1
    begins, steps = np.empty(room, np.int64), np.empty(room, np.int64)
    phases = np.empty(room, np.uint64)
    begins[0], steps[0] = oscillators.since, round(oscillators.hz[which] / rate_hz * FREQUENCY_TURN)
    phases[0] = round(oscillators.phases[which] * FREQUENCY_TURN) % FREQUENCY_TURN
    time, kind, a, b = (np.ascontiguousarray(rows[:, one]) for one in _OF_OSCILLATORS)
    count = _follow(time, kind == Kind.FREQUENCY, a, b, which, begins, phases, steps)
    return Stretches(begins[:count], phases[:count], steps[:count], rate_hz)


@njit(cache=True, nogil=True)
def _follow(
    time: Any, tunes: Any, a: Any, b: Any, which: int, begins: Any, phases: Any, steps: Any
) -> int:
    """Fill in the stretches of one oscillator behind the first; return how many there are.

    Rows (n,): when, whether it tunes one or resets several, which, and the step that it tunes to.
    """
    count = 1
    for row in range(time.size):
        tuned = tunes[row]
        if not (a[row] == which if tuned else a[row] >> which & 1):
            continue
        lasts = np.uint64(time[row] - begins[count - 1])
        phases[count] = phases[count - 1] + np.uint64(steps[count - 1]) * lasts
        steps[count] = steps[count - 1]
        if tuned:
            steps[count] = b[row]
        else:  # a reset leaves the step as it is
            phases[count] = 0
        begins[count] = time[row]
        count += 1
    return count


def oscillators_later(
    trace: Trace, oscillators: Oscillators, rate_hz: float, until: int
) -> Oscillators:
    """Return the oscillators as they are when sample ``until`` begins, exact alike."""
    rows = trace.oscillator_rows()
    rows = rows[(rows[:, Row.TIME] >= oscillators.since) & (rows[:, Row.TIME] < until)]
    steps = [round(hz / rate_hz * FREQUENCY_TURN) for hz in oscillators.hz]
    phases = [round(turns * FREQUENCY_TURN) for turns in oscillators.phases]
    begins = [oscillators.since] * len(steps)
    for at, kind, a, b in rows[:, _OF_OSCILLATORS].tolist():
        tuned = kind == Kind.FREQUENCY
        for which in range(len(steps)):
            if a == which if tuned else a >> which & 1:
                phases[which] += steps[which] * (at - begins[which])
                steps[which] = b if tuned else steps[which]
                phases[which] = phases[which] if tuned else 0
                begins[which] = at
    grown = [phases[k] + steps[k] * (until - begins[k]) for k in range(len(steps))]
    return Oscillators(
        tuple(step / FREQUENCY_TURN * rate_hz for step in steps),
        tuple(turns % FREQUENCY_TURN / FREQUENCY_TURN for turns in grown),
        until,
    )
