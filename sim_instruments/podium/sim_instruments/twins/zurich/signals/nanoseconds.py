"""From two samples a nanosecond to the one that a chip takes.

The world holds each sample for a nanosecond. The mean of two samples, held, has what lies on the
carrier as it was, and less of what lies beside it: 9 % less 175 MHz away, where the second of two
pulses in one waveform may lie. So a waveform that has more than its carrier is filtered until it is
flat within 300 MHz. What that spreads before the first sample that is not 0, or behind the last
one, where a block is filled up with zeros, is added to these: nothing is played where an instrument
plays nothing, and on the carrier all is there. Readout tones that share a waveform come one by one
(:mod:`podium.sim_instruments.physics.waveform_tones`).

Weights are held against one sample of a nanosecond. Each other one of them counts by what is
between two of these, which the samples around tell.
"""

from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes

FLAT_HZ: Final = 300e6
"""How far from its carrier a signal keeps its strength. ASSUMED of the instruments' own filters
that they are flat as far; what lies beyond is weaker than it should be."""
TAPS: Final = 4
"""To each side. The rest of the droop is 0.03 %."""
AROUND: Final = 6
"""Samples to each side of what is between two: 2e-5 is lost."""
TURNING: Final = 0.01
"""How much the samples of a waveform change from one to the next, of their power, if it has more
than its carrier: 0.3 of a tone at 175 MHz; a Drag pulse of 20 ns has 0.007."""


def _inverse_droop() -> NDArray[np.float64]:
    """Return the filter at 1 GSa/s by which the mean of two samples, held, is flat.

    Least squares, exact on the carrier.
    """
    ghz = np.linspace(0, FLAT_HZ * 1e-9, 301)
    wanted = 1 / (np.cos(np.pi * ghz * 0.5) * np.sinc(ghz))
    each = np.arange(1, TAPS + 1)
    grows = 2 * (np.cos(2 * np.pi * ghz[:, None] * each) - 1)
    sides, *_ = np.linalg.lstsq(grows, wanted - 1)
    return np.concatenate([sides[::-1], [1 - 2 * sides.sum()], sides])


_FILTER: Final = _inverse_droop()


OWN: Final = 2
"""Samples a nanosecond of these instruments; a cable takes them as they are."""


def in_nanoseconds(signal: Complexes, late: int = 0, samples_per_ns: int = 1) -> Complexes:
    """Return a signal of 2 GSa/s, ``late`` samples after the nanosecond, in whole nanoseconds.

    ``samples_per_ns``: of the line that takes it, 1 or :data:`OWN`.
    """
    padded = np.concatenate([np.zeros(late), signal, np.zeros((late + len(signal)) % 2)])
    if samples_per_ns == OWN:
        return np.asarray(padded, np.complex128)
    means = np.asarray(padded.reshape(-1, 2).mean(axis=1), np.complex128)
    if not _turns(signal):
        return means
    heard = np.flatnonzero(means)
    first, last = int(heard[0]), int(heard[-1])
    spread = np.convolve(means[first : last + 1], _FILTER)
    means[first : last + 1] = spread[TAPS:-TAPS]
    means[first] += spread[:TAPS].sum()
    means[last] += spread[-TAPS:].sum()
    return means


def weights_in_nanoseconds(weights: Complexes) -> Complexes:
    """Return weights for one sample a nanosecond that sum up what ``weights`` do of two.

    ``weights`` are an even number, without the carrier of the window.
    """
    whole, between = weights[::2], weights[1::2]
    if not _turns(weights):
        return np.asarray(whole + between, np.complex128)
    return np.asarray(whole + np.convolve(between, _BETWEEN)[AROUND - 1 : AROUND - 1 + len(whole)])


def _between() -> NDArray[np.float64]:
    """Return how much samples around count in what is between two: least squares, in FLAT_HZ."""
    ghz = np.linspace(0, FLAT_HZ * 1e-9, 301)
    each = np.arange(1, AROUND + 1) - 0.5
    sides, *_ = np.linalg.lstsq(2 * np.cos(2 * np.pi * ghz[:, None] * each), np.ones(len(ghz)))
    return np.concatenate([sides[::-1], sides])


_BETWEEN: Final = _between()


def _turns(signal: Complexes) -> bool:
    """Tell whether a signal has more than its carrier; edges to silence are of no account."""
    heard = (signal[1:] != 0) & (signal[:-1] != 0)
    changes = np.abs(np.diff(signal))[heard]
    return bool((changes**2).sum() > TURNING * (np.abs(signal) ** 2).sum())


@njit(cache=True, nogil=True)
def each_ns(time: Any, words: Any, before: int) -> Any:
    """Return changes of words, in samples of 2 GSa/s, as nanoseconds and twice their means.

    A nanosecond has two samples, whose mean is sent; the last word holds on. ``before``: the word
    before the first change.
    """
    count = len(time)
    ns, doubled = np.empty(2 * count, np.int64), np.empty(2 * count, np.int64)
    found, k = 0, 0
    while k < count:
        now = time[k] >> 1
        first = before
        if time[k] & 1 == 0:
            first = words[k]
            k += 1
        second = first
        if k < count and time[k] >> 1 == now:
            second = words[k]
            k += 1
        ns[found], doubled[found] = now, first + second
        found += 1
        if first != second and (k == count or time[k] >> 1 > now + 1):
            ns[found], doubled[found] = now + 1, 2 * second
            found += 1
        before = second
    return ns[:found], doubled[:found]
