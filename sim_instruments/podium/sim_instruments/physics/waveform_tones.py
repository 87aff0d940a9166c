"""A sampled waveform is split into tones, each a carrier with an envelope that is slow about it.

The world holds the samples of an envelope for a nanosecond and delays them by whole nanoseconds: a
line's rest below one, and what a resonator does at a frequency, go by the carrier alone. What turns
in an envelope, as one tone of several does about their mean, would come back turned by up to
``360 deg * f * 1 ns`` and weakened by ``sinc(f * 1 ns)``. A waveform of several tones is therefore
the sum of them: tones of constant amplitude, from wherever they begin to wherever they end, are
found exactly (least squares in amplitudes and frequencies), others by their bands: each peak of the
spectrum has a band to itself, neighbours share what lies between them, and envelopes add up to the
waveform, sample by sample.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import combinations, pairwise
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
Bools = NDArray[np.bool_]

TONES_MAX: Final = 16
"""Tones of constant amplitude that are looked for in one waveform."""
HALVED: Final = 4
"""How often a waveform is halved, at most, in search of a stretch in which no tone begins or
ends."""
SHORTEST: Final = 32
"""Samples of such a stretch, at least."""
OFF: Final = 4.0
"""A sample that tones miss by so many times ``REST`` of the waveform's root mean square is one at
which another tone begins or one of them ends."""
SURE: Final = 8
"""Samples behind it that tell which."""
AT_ONCE: Final = 8
"""Of more tones that sound at once it is not looked for several that end at the same sample, but
for all of them."""
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
STRIDE: Final = 32
"""Samples for which turns are worked out once."""
SMALL: Final = 1e-12
"""A step, turns a sample, below which they end."""
KEPT: Final = 64
"""Waveforms whose tones are kept; of a piece by itself, whichever samples it has."""
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


@lru_cache(maxsize=KEPT)
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


@lru_cache(maxsize=KEPT)
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
        for tone in found:
            hz = _millihertz(tone.turns, rate_hz)
            envelope = np.zeros(len(signal), np.complex128)
            level = tone.amplitude * np.exp(-2j * np.pi * tone.turns * heard.start)
            envelope[heard.start + tone.begin : heard.start + tone.end] = level
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


@dataclass(frozen=True, slots=True)
class _Tone:
    """A tone of constant amplitude in a signal."""

    turns: float
    """Its frequency, turns a sample."""
    amplitude: complex
    """Referred to sample 0 of the signal."""
    begin: int
    end: int
    """Samples in which it sounds, the last not included."""

    def value(self, sample: int) -> complex:
        """Return its value at a sample, where it sounds."""
        return complex(self.amplitude * np.exp(2j * np.pi * self.turns * sample))

    def within(self, count: int) -> Complexes:
        """Return its samples in a signal of so many."""
        heard = np.zeros(count, np.complex128)
        each = np.arange(self.begin, self.end)
        heard[self.begin : self.end] = self.amplitude * np.exp(2j * np.pi * self.turns * each)
        return heard


def _constant_tones(signal: Complexes) -> list[_Tone] | None:
    """Return tones of constant amplitude that add up to a signal; None: it is no sum of such.

    They are looked for in parts of it at first: most often some end before others do, and what
    fits a part to its end fits the whole.
    """
    return _tones_of_parts(signal) or _steady_tones(signal)


def _tones_of_parts(signal: Complexes) -> list[_Tone] | None:
    """Return the same, where parts of the signal have tones that sound throughout them."""
    size = np.sqrt(np.mean(np.abs(signal) ** 2))
    found: list[_Tone] = []
    rest = signal
    while np.linalg.norm(rest) > REST * np.linalg.norm(signal):
        off = np.flatnonzero(np.abs(rest) > OFF * REST * size)
        if not off.size:
            break
        first, end = int(off[0]), int(off[-1]) + 1
        halved = 1 if rest is signal and end - first == len(signal) else 0
        further = _stretched_tones(rest, first, end, OFF * REST * size, halved)
        if not further or len(found) + len(further) > TONES_MAX:
            return None
        found += further
        rest = rest - sum(one.within(len(rest)) for one in further)
    return _refined_together(signal, _joined(found, OFF * REST * size))


def _joined(tones: list[_Tone], off: float) -> list[_Tone]:
    """Return tones with each joined to the one that goes on where it ends, if it is the same."""
    joined: list[_Tone] = []
    for one in sorted(tones, key=lambda tone: tone.begin):
        for k, before in enumerate(joined):
            length = min(before.end - before.begin, one.end - one.begin)
            at_once = before.end == one.begin
            if at_once and float(_apart(np.array([before.turns]), one.turns)[0]) < 0.1 / length:
                there = before.value(one.begin), one.value(one.begin)
                if abs(there[0] - there[1]) <= off:
                    longer = before if before.end - before.begin > length else one
                    joined[k] = replace(longer, begin=before.begin, end=one.end)
                    break
        else:
            joined.append(one)
    return joined


def _stretched_tones(rest: Complexes, first: int, end: int, off: float, halved: int) -> list[_Tone]:
    """Return tones of one stretch of a signal, each from where it begins to where it ends.

    ``halved``: how often what they are looked for in is halved already at first.
    """
    for halves in range(halved, HALVED + 1):
        edges = np.linspace(first, end, 2**halves + 1).astype(int).tolist()
        for a, b in pairwise(edges):
            if b - a < SHORTEST or np.abs(rest[a:b]).max() <= off:
                continue
            tones = _steady_tones(rest[a:b])
            if tones is None:
                continue
            turns = [one.turns for one in tones]
            amplitudes = np.array(
                [one.amplitude * np.exp(-2j * np.pi * one.turns * a) for one in tones]
            )
            waves = amplitudes * np.exp(2j * np.pi * np.outer(np.arange(len(rest)), turns))
            ends = _ends(rest[a:end], waves[a:end], off)
            begins = _ends(rest[first:b][::-1], waves[first:b][::-1], off)
            if min(begins) < b - a or min(ends) < b - a:
                continue
            return [
                _Tone(one, complex(amplitude), b - before, a + after)
                for one, amplitude, before, after in zip(
                    turns, amplitudes, begins, ends, strict=True
                )
            ]
    return []


def _ends(signal: Complexes, waves: Complexes, off: float) -> list[int]:
    """Return behind which sample each of the waves (n, tones) ends that a signal begins with."""
    sounding = list(range(waves.shape[1]))
    ends = [len(signal)] * len(sounding)
    place = 0
    while sounding:
        missed = np.abs(signal[place:] - waves[place:][:, sounding].sum(axis=1)) > off
        if not missed.any():
            break
        place += int(np.argmax(missed))
        left = _left(signal[place : place + SURE], waves[place : place + SURE], sounding, off)
        for one in set(sounding) - set(left):
            ends[one] = place
        sounding = left
    return ends


def _left(signal: Complexes, waves: Complexes, sounding: Sequence[int], off: float) -> list[int]:
    """Return which of the tones go on in a few samples where not all do; none: nobody knows."""
    for fewer in range(len(sounding) - 1, 0, -1):
        for some in combinations(sounding, fewer):
            if np.all(np.abs(signal - waves[:, some].sum(axis=1)) <= off):
                return list(some)
        if len(sounding) > AT_ONCE:
            break
    return []


def _refined_together(signal: Complexes, tones: Sequence[_Tone]) -> list[_Tone] | None:
    """Return tones with the frequencies and amplitudes that fit best; None: they do not add up."""
    middle = (len(signal) - 1) / 2
    each = np.asarray(np.arange(len(signal)) - middle, np.float64)
    place = np.arange(len(signal))[:, None]
    begins, ends = np.array([[one.begin, one.end] for one in tones]).T
    there = (place >= begins) & (place < ends)
    at_first = np.array([one.turns for one in tones])
    turns, amplitudes, rest = _refined(signal, each, at_first, STEPS_MAX, there)
    if np.linalg.norm(rest) > REST * np.linalg.norm(signal):
        return None
    at_start = amplitudes * np.exp(-2j * np.pi * turns * middle)
    return [
        replace(one, turns=float(a), amplitude=complex(b))
        for one, a, b in zip(tones, turns, at_start, strict=True)
    ]


def _steady_tones(signal: Complexes) -> list[_Tone] | None:
    """Return tones that sound throughout and add up to a signal; None: there are none."""
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
            both = zip(turns.tolist(), at_start.tolist(), strict=True)
            return [_Tone(one, amplitude, 0, len(signal)) for one, amplitude in both]
    return None


def _refined(
    signal: Complexes, each: Reals, turns: Reals, steps: int, there: Bools | bool = True
) -> tuple[Reals, Complexes, Complexes]:
    """Return frequencies after so many steps of Gauss and Newton, amplitudes, and what is left.

    ``there``: where each tone sounds, shape (samples, tones).
    """
    count = len(turns)
    for _ in range(steps):
        waves = _waves(each, turns) * there
        both = np.concatenate([waves, each[:, None] * waves], axis=1)
        adjoint = both.conj().T
        # Of waves and of what they grow by: all that a step takes are their products.
        products, heard = adjoint @ both, adjoint @ signal
        among, across = products[:count, :count], products[:count, count:]
        fitted = np.linalg.solve(among, np.column_stack([heard[:count], across]))
        amplitudes = fitted[:, 0]
        # Amplitudes follow: what they can take up of a slope is taken out of it.
        grown = products[count:, count:] - across.conj().T @ fitted[:, 1:]
        curvature = (amplitudes.conj()[:, None] * grown * amplitudes).real
        left = heard[count:] - across.conj().T @ amplitudes
        pull = (-1j * amplitudes.conj() * left).real
        step = np.linalg.solve(curvature, pull) / (2 * np.pi)
        turns = turns + np.clip(step, -0.5 / len(each), 0.5 / len(each))
        if np.abs(step).max() < SMALL:
            break
    waves = _waves(each, turns) * there
    adjoint = waves.conj().T
    amplitudes = np.asarray(np.linalg.solve(adjoint @ waves, adjoint @ signal))
    return turns, amplitudes, signal - waves @ amplitudes


def _waves(each: Reals, turns: Reals) -> Complexes:
    """Return waves at samples ``each`` (n,), one apart, shape (n, tones), to the last bits.

    A sample is some samples and some strides of :data:`STRIDE` from the first: so are its turns.
    """
    strides = -(-len(each) // STRIDE)
    near = np.exp(2j * np.pi * np.arange(STRIDE)[:, None] * turns)
    far = np.exp(2j * np.pi * (each[0] + STRIDE * np.arange(strides))[:, None] * turns)
    return np.asarray((far[:, None] * near).reshape(-1, len(turns))[: len(each)])


def _apart(turns: Reals, other: float) -> Reals:
    """Return how far frequencies are from another one, turns a sample."""
    return np.asarray(np.abs((turns - other + 0.5) % 1.0 - 0.5))


def _strongest(signal: Complexes) -> float:
    """Return the frequency of the strongest tone, turns a sample, to a quarter of a bin."""
    size = _sizes(signal)
    place = int(np.argmax(size))
    return (place if 2 * place < len(size) else place - len(size)) / len(size)


def _spectrum(signal: Complexes) -> tuple[Reals, Reals]:
    """Return how strong a signal is at frequencies from -1/2 turn a sample on, a peak as such."""
    size = _sizes(signal)
    return np.fft.fftshift(size), np.fft.fftshift(np.fft.fftfreq(len(size)))


def _sizes(signal: Complexes) -> Reals:
    """Return the same from 0 turns a sample on."""
    points = 4 << int(np.ceil(np.log2(len(signal))))
    return np.asarray(np.abs(np.fft.fft(signal * _soft(len(signal)), points)))


@lru_cache(maxsize=16)
def _soft(count: int) -> Reals:
    return np.asarray(np.blackman(count + 2)[1:-1])


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
