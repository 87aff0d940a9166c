"""A sampled waveform is split into tones, each a carrier with an envelope that is slow about it.

The world holds the samples of an envelope for a nanosecond and delays them by whole nanoseconds: a
line's rest below one, and what a resonator does at a frequency, go by the carrier alone. What turns
in an envelope, as one tone of several does about their mean, would come back turned by up to
``360 deg * f * 1 ns`` and weakened by ``sinc(f * 1 ns)``. A waveform of several tones is therefore
the sum of them: tones of constant amplitude are found exactly (least squares in amplitudes and
frequencies), others by their bands: each peak of the spectrum has a band to itself, neighbours
share what lies between them, and envelopes add up to the waveform, sample by sample.
"""

from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.signals import Piece, PulseTrain

Complexes = NDArray[np.complex128]
Reals = NDArray[np.float64]

TURNING: Final = 1e-4
"""Typical second difference of an envelope's samples, of their root mean square, above which it may
hold more than its carrier: at 2 GSa/s that of two equal tones 7 MHz apart, or of one 107 MHz beside
its carrier that is a thousandth as strong. A pulse of 200 ns that is soft throughout has less."""
TONES_MAX: Final = 16
"""Tones of constant amplitude that are looked for in one waveform."""
RESOLVED: Final = 2.5
"""Tones of constant amplitude turn against each other so often in a waveform, at least."""
REST: Final = 5e-4
"""What may be left of a waveform, in amplitude, when all its tones are found: converters' words."""
STRONG: Final = 0.01
"""How strong a part of the spectrum is, of the strongest, to have a carrier of its own."""
APART_HZ: Final = 10e6
"""Carriers of bands are so far from each other at least: what is nearer is a slow envelope."""
WIDE_HZ: Final = 40e6
"""What is so far from all carriers has one of its own, though it is no peak."""
STEPS_MAX: Final = 6
"""Of least squares."""
SMALL: Final = 1e-12
"""A step, turns a sample, below which they end."""
ON_CARRIER_HZ: Final = 1e4
"""A piece whose only tone is so near its carrier is left as it is: a nanosecond turns it 0.004
degrees."""


def tone_trains(train: PulseTrain) -> Iterator[PulseTrain]:
    """Yield trains whose pieces are slow about their carriers and add up to those of ``train``.

    ``train`` has one sample a nanosecond. A train of such pieces is yielded as it is.
    """
    tones = [_tone_pieces(piece) for piece in train.pieces]
    if all(
        len(one) == 1 and one[0] is piece for one, piece in zip(tones, train.pieces, strict=True)
    ):
        yield train
        return
    count = np.array([len(one) for one in tones])[train.piece]
    for number in range(max(map(len, tones))):
        there = count > number
        yield replace(
            train,
            start_ns=train.start_ns[there],
            piece=train.piece[there],
            phase_turns=train.phase_turns[there],
            pieces=tuple(one[min(number, len(one) - 1)] for one in tones),
        )


def _tone_pieces(piece: Piece) -> tuple[Piece, ...]:
    """Return pieces that add up to one and are slow about their carriers."""
    if not _turns(piece.samples):
        return (piece,)
    tones = split_tones(piece.samples, 1e9)
    if len(tones) == 1 and abs(tones[0][0]) < ON_CARRIER_HZ:
        return (piece,)
    lasts = len(piece.samples)
    found = [Piece(piece.carrier_hz + hz, one, 0j, lasts) for hz, one in tones]
    if piece.level and piece.duration_ns > lasts:
        found.append(replace(piece, samples=np.zeros(lasts, np.complex128)))
    return tuple(found)


def split_tones(signal: Complexes, rate_hz: float) -> tuple[tuple[float, Complexes], ...]:
    """Return the tones of a signal: carriers, Hz, and envelopes, each as long as the signal.

    ``signal[m] = sum of envelope[m] * exp(2j pi carrier m / rate)``. A signal on one carrier is
    one tone.
    """
    signal = np.ascontiguousarray(signal, np.complex128)
    return _split(signal.tobytes(), rate_hz)


def demodulated(signal: Complexes, rate_hz: float) -> tuple[float, Complexes]:
    """Return the mean frequency of a signal, Hz, and the signal without it.

    It is the mean turn from sample to sample: exact to 1 mHz for a real envelope on one carrier,
    which then is real, too.
    """
    return _demodulated(signal, signal[:-1], rate_hz)


@lru_cache(maxsize=64)
def _split(stored: bytes, rate_hz: float) -> tuple[tuple[float, Complexes], ...]:
    signal = np.frombuffer(stored, np.complex128)
    one = demodulated(signal, rate_hz)
    if not _turns(one[1]):
        return (one,)
    sounds = np.flatnonzero(signal)
    heard = slice(int(sounds[0]), int(sounds[-1]) + 1)
    found = _constant_tones(signal[heard])
    if found is not None:
        tones = []
        for turns, amplitude in found:
            hz = _millihertz(turns, rate_hz)
            envelope = np.zeros(len(signal), np.complex128)
            envelope[heard] = amplitude * np.exp(-2j * np.pi * turns * heard.start)
            tones.append((hz, envelope))
    else:
        tones = _bands(signal, heard, rate_hz)
    return tuple(tones) if len(tones) > 1 else (one,)


def _turns(envelope: Complexes) -> bool:
    """Tell whether an envelope may hold more than its carrier; its edges are of no account."""
    sounds = envelope != 0
    inside = sounds[2:] & sounds[1:-1] & sounds[:-2]
    if not inside.any():
        return False
    bends = np.abs(np.diff(envelope, 2))[inside]
    size = np.sqrt(np.mean(np.abs(envelope[sounds]) ** 2))
    return bool(np.median(bends) > TURNING * size)


def _constant_tones(signal: Complexes) -> list[tuple[float, complex]] | None:
    """Return turns a sample and amplitude at sample 0 of each tone; None: they are not constant."""
    least = REST * float(np.linalg.norm(signal))
    middle = (len(signal) - 1) / 2
    each = np.asarray(np.arange(len(signal)) - middle, np.float64)
    turns = np.zeros(0)
    rest = signal
    for _ in range(TONES_MAX):
        further = _strongest(rest)
        if np.any(_apart(turns, further) < RESOLVED / len(signal)):
            return None
        turns, amplitudes, rest = _refined(signal, each, np.append(turns, further), 2)
        if np.linalg.norm(rest) <= least:
            turns, amplitudes, _ = _refined(signal, each, turns, STEPS_MAX)
            at_start = amplitudes * np.exp(-2j * np.pi * turns * middle)
            return list(zip(turns.tolist(), at_start.tolist(), strict=True))
    return None


def _refined(
    signal: Complexes, each: Reals, turns: Reals, steps: int
) -> tuple[Reals, Complexes, Complexes]:
    """Return frequencies after so many steps of Gauss and Newton, amplitudes, and what is left."""
    for _ in range(steps):
        waves = np.exp(2j * np.pi * each[:, None] * turns)
        amplitudes = _fitted(waves, signal)
        slopes = 2j * np.pi * each[:, None] * waves * amplitudes
        # Amplitudes follow: what they can take up of a slope is taken out of it.
        slopes -= waves @ _fitted(waves, slopes)
        rest = signal - waves @ amplitudes
        curvature = (slopes.conj().T @ slopes).real
        step = np.linalg.solve(curvature, (slopes.conj().T @ rest).real)
        turns = turns + np.clip(step, -0.5 / len(each), 0.5 / len(each))
        if np.abs(step).max() < SMALL:
            break
    waves = np.exp(2j * np.pi * each[:, None] * turns)
    amplitudes = _fitted(waves, signal)
    return turns, amplitudes, signal - waves @ amplitudes


def _fitted(waves: Complexes, signals: Complexes) -> Complexes:
    """Return by least squares how much of each wave there is in signals."""
    adjoint = waves.conj().T
    return np.asarray(np.linalg.solve(adjoint @ waves, adjoint @ signals))


def _apart(turns: Reals, other: float) -> Reals:
    """Return how far frequencies are from another one, turns a sample."""
    return np.asarray(np.abs((turns - other + 0.5) % 1.0 - 0.5))


def _strongest(signal: Complexes) -> float:
    """Return the frequency of the strongest tone, turns a sample, to a quarter of a bin."""
    size, turns = _spectrum(signal)
    return float(turns[np.argmax(size)])


def _spectrum(signal: Complexes) -> tuple[Reals, Reals]:
    """Return how strong a signal is at frequencies from -1/2 turn a sample on, a peak as such."""
    points = 4 << int(np.ceil(np.log2(len(signal))))
    size = np.abs(np.fft.fft(signal * np.blackman(len(signal) + 2)[1:-1], points))
    return np.fft.fftshift(size), np.fft.fftshift(np.fft.fftfreq(points))


def _bands(signal: Complexes, heard: slice, rate_hz: float) -> list[tuple[float, Complexes]]:
    """Return carriers, Hz, and envelopes of what is about each of them."""
    size, turns = _spectrum(signal[heard])
    peaks = (size >= np.roll(size, 1)) & (size > np.roll(size, -1))
    carriers = turns[:0]
    for found, distance_hz in ((peaks, APART_HZ), (peaks | True, WIDE_HZ)):
        places = np.flatnonzero(found & (size >= STRONG * size.max()))
        for one in turns[places[np.argsort(-size[places], kind="stable")]].tolist():
            if np.all(_apart(carriers, one) * rate_hz >= distance_hz):
                carriers = np.append(carriers, one)
    several = np.sort(carriers)
    length = 2 << int(np.ceil(np.log2(len(signal))))
    frequencies = np.asarray(np.fft.fftfreq(length), np.float64)
    whole, shares = np.fft.fft(signal, length), _shares(several, frequencies)
    bands = [np.fft.ifft(whole * share)[: len(signal)] for share in shares]
    # At its edges a band has what belongs to others.
    soft = np.zeros(len(signal))
    soft[heard] = np.blackman(heard.stop - heard.start)
    return [_demodulated(band, (soft * band)[:-1], rate_hz) for band in bands]


def _shares(carriers: Reals, turns: Reals) -> Reals:
    """Return how much of what is at ``turns`` (n,) belongs to each carrier, shape (carriers, n).

    ``carriers`` ascend, turns a sample. A quarter of the way to the next is all the carrier's.
    """
    shares = np.zeros((len(carriers), len(turns)))
    for k, carrier in enumerate(carriers.tolist()):
        following = (k + 1) % len(carriers)
        gap = (float(carriers[following]) - carrier) % 1.0 or 1.0
        way = (turns - carrier) % 1.0 / gap
        between = way < 1
        passed = np.sin(np.pi / 2 * np.clip(2 * way[between] - 0.5, 0, 1)) ** 2
        shares[k, between] += 1 - passed
        shares[following, between] += passed
    return shares


def _demodulated(signal: Complexes, weighed: Complexes, rate_hz: float) -> tuple[float, Complexes]:
    """Return the mean frequency, Hz, and the signal without it, all but its last sample weighed."""
    hz = _millihertz(float(np.angle(np.vdot(weighed, signal[1:]))) / (2 * np.pi), rate_hz)
    turning = np.exp(-2j * np.pi * hz / rate_hz * np.arange(len(signal)))
    return hz, np.asarray(signal * turning)


def _millihertz(turns: float, rate_hz: float) -> float:
    """Return a frequency of so many turns a sample, Hz, to 1 mHz: equal ones are found equal."""
    return round(turns * rate_hz, 3)
