"""From what a sequencer put out to samples: waveforms, markers, digital modulation.

Slow and plain, sample by sample where something plays: what compiled programs are held against.
The twin takes the rows themselves to the world.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import (
    Complexes,
    Oscillators,
    Reals,
    oscillator_at,
    paths_and_markers,
)
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    PHASE_TURN,
    RATE_SHIFT,
    Kind,
    Row,
)

_PHASED = (Kind.WAVE, Kind.SETTING, Kind.SINE_PHASE, Kind.HOLD)


@dataclass(frozen=True, slots=True, eq=False)
class AwgOutput:
    """The two outputs of an AWG before any modulation."""

    outputs: Reals
    """Shape (2, samples), full scale 1: waveforms without amplitudes."""
    paths: Reals
    """Shape (2, 2, samples): what of an output comes from which channel of the waveform. Digital
    modulation weighs them one by one."""
    markers: NDArray[np.uint8]
    """Shape (2, samples): bit 0 marker 1, bit 1 marker 2, of each output."""
    amplitudes: Reals
    """Shape (4, samples): what a command table had set."""
    phases: Reals
    """Shape (2, samples), turns: of the sine generators."""
    selected: NDArray[np.int64]
    """Shape (samples): the oscillator that a command table had selected."""


def play(trace: Trace, image: Image, start: int, stop: int) -> AwgOutput:
    """Return what is played from sample ``start`` to ``stop``.

    Raises DoesNotRun where a waveform is played that is not there.
    """
    size = stop - start
    paths, markers = np.zeros((2, 2, size)), np.zeros((2, size), np.uint8)
    held = np.zeros((2, 2))
    for row in trace.kinds(Kind.WAVE, Kind.HOLD, Kind.ZERO).tolist():
        begin, length = row[Row.TIME], row[Row.A]
        first, last = max(begin, start), min(begin + length, stop)
        if row[Row.KIND] == Kind.WAVE and begin < stop:
            values, bits = paths_and_markers(row, image)
            held = values[..., -1]
            if first < last:
                rate = row[Row.CONFIG] >> RATE_SHIFT & 15
                taken = (np.arange(first, last) - begin) >> rate
                paths[..., first - start : last - start] = values[..., taken]
                markers[:, first - start : last - start] = bits[:, taken]
        elif row[Row.KIND] == Kind.HOLD and first < last:
            paths[..., first - start : last - start] = held[..., None]
        elif row[Row.KIND] == Kind.ZERO:
            held = np.zeros((2, 2))
    return AwgOutput(paths.sum(axis=1), paths, markers, *_settings(trace, start, stop))


def _settings(trace: Trace, start: int, stop: int) -> tuple[Reals, Reals, NDArray[np.int64]]:
    """Return amplitudes, phases and the oscillator at each sample."""
    rows = trace.kinds(*_PHASED)
    rows = rows[np.argsort(rows[:, Row.TIME], kind="stable")]
    at = np.searchsorted(rows[:, Row.TIME], np.arange(start, stop), side="right") - 1
    # Before the first row: as that found them.
    known = np.maximum(at, 0)
    if not len(rows):
        size = stop - start
        return np.ones((4, size)), np.zeros((2, size)), np.zeros(size, np.int64)
    amplitudes = _unpack(rows[:, [Row.AMPLITUDES_01, Row.AMPLITUDES_23]]) / AMPLITUDE_ONE
    phases = _unpack(rows[:, [Row.PHASES]]) / PHASE_TURN
    return (
        np.ascontiguousarray(amplitudes[known].T),
        np.where(at < 0, 0.0, phases[known].T),
        np.where(at < 0, 0, rows[known, Row.CONFIG] >> 32),
    )


def _unpack(columns: Integers) -> Reals:
    """Return the signed words of 32 bits that columns of 64 hold, low ones first."""
    return np.ascontiguousarray(columns).view("<i4").astype(np.float64)


def oscillator_turns(
    trace: Trace, oscillators: Oscillators, which: int, rate_hz: float, start: int, stop: int
) -> Reals:
    """Return the phase of an oscillator at each sample, in turns between 0 and 1.

    Exact: the accumulator has 48 bits, as the frequencies that programs set.
    """
    each = np.arange(start, stop, dtype=np.int64)
    return oscillator_at(trace, oscillators, which, rate_hz, each)[0]


def modulate_iq(
    played: AwgOutput,
    trace: Trace,
    oscillators: Oscillators,
    rate_hz: float,
    start: int,
) -> Complexes:
    """Return an SHFSG's signal after digital modulation, shape (samples).

    Real and imaginary part are outputs 1 and 2: what each gets of the waveform's two channels,
    times the sines, that the amplitudes 00, 01, 10 and 11 weigh (zhinst-toolkit,
    ``configure_pulse_modulation``: gains 1, -1, 1, 1 shift the pulse to the upper side of the
    oscillator). A complex pulse has both channels on both outputs, ``(1,2,i, 1,2,q)``: so LabOne Q
    (Apache-2.0, ``seqc_generator``) writes it wherever modulation is digital.
    """
    stop = start + played.outputs.shape[1]
    turns = np.zeros(stop - start)
    for which in np.unique(played.selected).tolist():
        here = played.selected == which
        turns[here] = oscillator_turns(trace, oscillators, which, rate_hz, start, stop)[here]
    angle = 2 * np.pi * (turns + played.phases[0])
    cosine, sine = np.cos(angle), np.sin(angle)
    (real_i, real_q), (imaginary_i, imaginary_q) = played.paths
    a = played.amplitudes
    real = a[0] * real_i * cosine + a[1] * real_q * sine
    imaginary = a[2] * imaginary_i * sine + a[3] * imaginary_q * cosine
    return np.asarray(real + 1j * imaginary, np.complex128)


def modulate_sines(
    played: AwgOutput,
    trace: Trace,
    oscillators: Oscillators,
    rate_hz: float,
    start: int,
    sines: tuple[int | None, int | None],
) -> Reals:
    """Return an HDAWG's two outputs, shape (2, samples): each times its amplitude, and times the
    sine generator that its modulation mode names, where it names one.

    ASSUMED: sine generator k turns with oscillator k (its node ``oscselect`` after power-on).
    """
    stop = start + played.outputs.shape[1]
    outputs = played.outputs * played.amplitudes[:2]
    for output, which in enumerate(sines):
        if which is not None:
            turns = oscillator_turns(trace, oscillators, which, rate_hz, start, stop)
            outputs[output] *= np.sin(2 * np.pi * (turns + played.phases[which]))
    return outputs
