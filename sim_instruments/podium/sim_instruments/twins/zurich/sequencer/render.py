"""From what a sequencer put out to samples: waveforms, markers, digital modulation.

Slow and plain, sample by sample where something plays; physics takes the rows themselves.
Precompensation, output delays and filters are not here.
"""

from dataclasses import dataclass, field, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.sequencer.image import DoesNotRun, Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    AMPLITUDE_ONE,
    CHANNELS,
    FREQUENCY_TURN,
    MARKER_SHIFT,
    OSCILLATORS,
    PHASE_TURN,
    RATE_SHIFT,
    SUPPRESS_SHIFT,
    SUPPRESS_STEP,
    Kind,
    Row,
)

FULL_SCALE: Final = 32_767
"""The word that the compiler makes of 1.0."""
_PHASED: Final = (Kind.WAVE, Kind.SETTING, Kind.SINE_PHASE, Kind.HOLD)
_PHASE_MODULUS: Final = np.uint64(FREQUENCY_TURN - 1)

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]


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


@dataclass(frozen=True, slots=True)
class Oscillators:
    """Frequencies at the start of a run, from the nodes; or as they are at a later sample."""

    hz: tuple[float, ...] = (0.0,) * OSCILLATORS
    phases: tuple[float, ...] = field(default=(0.0,) * OSCILLATORS)
    """Turns at the start."""
    since: int = 0
    """The sample that is meant by the start: what a trace did before it has been done."""


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
            values, bits = _waveform(row, image)
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


def _waveform(row: list[int], image: Image) -> tuple[Reals, NDArray[np.uint8]]:
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
    _, bits = _waveform(row, image)
    rate = row[Row.CONFIG] >> RATE_SHIFT & 15
    return np.repeat(bits, 1 << rate, axis=1)


def waveform_of(row: list[int], image: Image) -> Reals:
    """Return what a play puts out without amplitudes: output, channel, sample of the instrument.

    Raises DoesNotRun where the waveform is not there.
    """
    values, _ = _waveform(row, image)
    rate = row[Row.CONFIG] >> RATE_SHIFT & 15
    return np.repeat(values, 1 << rate, axis=2)


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


def oscillator_at(
    trace: Trace, oscillators: Oscillators, which: int, rate_hz: float, times: Integers
) -> tuple[Reals, Reals]:
    """Return phase, turns, and frequency, Hz, of an oscillator at ``times`` (n,), exact alike."""
    begins, phases, steps = _stretches(trace, oscillators, which, rate_hz)
    at = np.searchsorted(begins, times, side="right") - 1
    count = (times - begins[at]).view(np.uint64)
    turns = ((steps[at].view(np.uint64) * count + phases[at]) & _PHASE_MODULUS) / FREQUENCY_TURN
    return np.asarray(turns), steps[at] / FREQUENCY_TURN * rate_hz


def _stretches(
    trace: Trace, oscillators: Oscillators, which: int, rate_hz: float
) -> tuple[Integers, NDArray[np.uint64], Integers]:
    """Return where each stretch of equal frequency begins, its phase there, and its step a sample.

    The accumulator is counted modulo 2^64, of which a turn is a part.
    """
    rows = trace.kinds(Kind.FREQUENCY, Kind.RESET_OSCILLATORS)
    rows = rows[rows[:, Row.TIME] >= oscillators.since]
    tuned = rows[:, Row.KIND] == Kind.FREQUENCY
    mine = np.where(tuned, rows[:, Row.A] == which, rows[:, Row.A] >> which & 1)
    rows, tuned = rows[mine != 0], tuned[mine != 0]
    begins = np.concatenate([np.array([oscillators.since]), rows[:, Row.TIME]])
    first_step = round(oscillators.hz[which] / rate_hz * FREQUENCY_TURN)
    known = np.concatenate([np.array([first_step], np.int64), rows[:, Row.B]])
    # A reset leaves the step as it is: that of the last tuning before it.
    set_at = np.concatenate([np.zeros(1, np.int64), np.where(tuned, np.arange(1, len(known)), 0)])
    steps = known[np.maximum.accumulate(set_at)]
    first_phase = round(oscillators.phases[which] * FREQUENCY_TURN) % FREQUENCY_TURN
    grown = steps[:-1].view(np.uint64) * np.diff(begins).view(np.uint64)
    phases = np.concatenate([np.array([first_phase], np.uint64), grown]).cumsum(dtype=np.uint64)
    reset_at = np.concatenate([np.zeros(1, np.int64), np.where(tuned, 0, np.arange(1, len(known)))])
    last = np.maximum.accumulate(reset_at)
    return begins, np.where(last > 0, phases - phases[last], phases), steps


def oscillators_later(
    trace: Trace, oscillators: Oscillators, rate_hz: float, until: int
) -> Oscillators:
    """Return the oscillators as they are when sample ``until`` begins, exact alike."""
    rows = trace.kinds(Kind.FREQUENCY, Kind.RESET_OSCILLATORS)
    before = replace(trace, rows=rows[rows[:, Row.TIME] < until])
    phases, hz = [], []
    for which in range(len(oscillators.hz)):
        turns, frequency = oscillator_at(before, oscillators, which, rate_hz, np.array([until]))
        phases.append(float(turns[0]))
        hz.append(float(frequency[0]))
    return Oscillators(tuple(hz), tuple(phases), until)


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
