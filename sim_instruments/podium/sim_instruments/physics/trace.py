"""The raw trace of one acquisition, sample by sample: what an oscilloscope would show."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.episodes import Episodes, envelope_of
from podium.sim_instruments.physics.noise import gaussians
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import Tones, coupling, flight, ring_up, tones_of
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain
from podium.sim_instruments.physics.walk import Paths

TRACE_NS = 16_384
"""A trace is at least so long: the scope memory of a readout module."""
GONE = 1e-20
"""A response that has rung down to this share of its largest is left out: far below a bit of the
noise beside it."""
HISTORY_FOLDS = 14.0
"""How many e-folds of amplitude before the trace the fields are followed from."""


def trace_of(
    feedline: FeedlinePoint,
    episodes: Episodes,
    trains: Sequence[PulseTrain],
    capture: CaptureTrain,
    place: int,
    paths: Sequence[Paths],
    reading_of: Sequence[NDArray[np.int64]],
    key: int,
    run: int,
) -> NDArray[np.complex128]:
    """Return the trace of the last acquisition of ``capture``, noise included, sqrt(W).

    Demodulated by the acquisition's own oscillator (its frequency, its phase at the first
    sample), so that the integrated value is the mean of the window's part. ``place``: which
    of the feedline's capture trains it is. Levels after the acquisition's episode are those
    at its end.
    """
    whole, fraction = flight(feedline)
    window = capture.windows[capture.window[-1]]
    length = max(window.duration_ns, TRACE_NS)
    rows = np.flatnonzero(
        (episodes.train == place) & (episodes.element == capture.start_ns.size - 1)
    )
    episode = int(np.searchsorted(episodes.first_window, rows[0], side="right")) - 1
    opened = int(capture.start_ns[-1]) - whole
    slowest = min((qubit.kappa_hz for qubit in feedline.qubits), default=1e6)
    begin = min(
        int(episodes.start_ns[episode]),
        opened - int(np.ceil(HISTORY_FOLDS / (1e-9 * np.pi * slowest))),
    )
    tones = _tones(feedline, trains, begin, opened + length)
    demod = 1e-9 * window.demod_hz
    sample = np.arange(length)
    span = opened - begin + length
    # the oscillator of the demodulation at sample k of the fields: j = k - (opened - begin)
    turning = np.exp(-2j * np.pi * ((demod * sample + capture.phase_turns[-1]) % 1.0))
    at_chip = 1e-9 * (fraction + (opened - begin) + sample)
    signal = np.zeros(length, np.complex128)
    if tones is not None:
        for q, frequency in enumerate(tones.frequency_hz):
            held = tones.envelope[q, opened - begin : span]
            there = _there(held, 0.0)
            signal[there] += held[there] * np.exp(
                1j * tones.start_phase[q] + 2j * np.pi * ((frequency * at_chip[there]) % 1.0)
            )
        for m, qubit in enumerate(feedline.qubits):
            shift = int(episodes.start_ns[episode]) - begin
            response = _response(
                qubit, tones, fraction, span, paths[m], reading_of[m], episode, shift
            )
            there = _there(response[opened - begin :], GONE)
            signal[there] -= (
                coupling(qubit)
                * response[opened - begin :][there]
                * np.exp(2j * np.pi * ((qubit.bare_resonator_hz * at_chip[there]) % 1.0))
            )
    noise = np.sqrt(0.5e9 * feedline.noise_w_per_hz) * gaussians(key, run, length)
    return np.asarray(feedline.gain_out * signal * turning + noise)


def _there(values: NDArray[np.complex128], share: float) -> slice:
    """Return from the first to the last value above this share of the largest."""
    size = np.abs(values)
    above = np.flatnonzero(size > share * np.max(size, initial=0.0))
    return slice(int(above[0]), int(above[-1]) + 1) if above.size else slice(0, 0)


def _tones(
    feedline: FeedlinePoint, trains: Sequence[PulseTrain], begin: int, end: int
) -> Tones | None:
    """Return all tones that play between two times at the connector."""
    frequency, phase, values = [], [], []
    for train in trains:
        there = (train.start_ns < end) & (train.start_ns + train.lasts_ns > begin)
        for row in np.flatnonzero(there):
            piece = train.pieces[train.piece[row]]
            offset = int(train.start_ns[row]) - begin
            envelope = np.zeros(end - begin, np.complex128)
            inside = envelope_of(piece)[max(0, -offset) : end - begin - offset]
            envelope[max(0, offset) : max(0, offset) + inside.size] = inside
            frequency.append(piece.carrier_hz)
            turns = train.phase_turns[row] - (1e-9 * piece.carrier_hz * offset) % 1.0
            phase.append(2 * np.pi * (turns % 1.0))
            values.append(envelope * feedline.transmission_in)
    if not values:
        return None
    return tones_of(np.array(values), np.array(frequency), np.array(phase))


def _response(
    qubit: QubitPoint,
    tones: Tones,
    fraction: float,
    span: int,
    path: Paths,
    reading_of: NDArray[np.int64],
    episode: int,
    shift: int,
) -> NDArray[np.complex128]:
    """Return the resonator's response, (span,), along the path of the episode's levels."""
    reading = np.flatnonzero(reading_of == episode)
    level = int(path.level[reading[0]]) if reading.size else 0
    fields = {level: ring_up(qubit, tones, level, fraction, span)}
    response = fields[level].response.copy()
    jumps = np.flatnonzero(path.jump_reading == reading[0]) if reading.size else np.zeros(0, int)
    times = np.minimum(path.jump_at[jumps] + shift, span)
    for k, later, after in zip(times, [*times[1:], span], path.jump_to[jumps], strict=False):
        if k >= span:
            break
        if after not in fields:
            fields[after] = ring_up(qubit, tones, int(after), fraction, span)
        until = slice(k, later + 1)  # with the sample at which the next jump begins
        field = fields[after]
        apart = response[k] - field.response[k]
        exponent = np.cumsum(1j * field.pull[until] - 1e-9 * np.pi * qubit.kappa_hz)
        decay = np.exp(np.append(0, exponent[:-1]))
        response[until] = field.response[until] + apart * decay
    return response
