"""Lines in the spectrum of samples that a converter plays again and again.

A converter holds each sample: a line at f of samples at the rate r is weaker by sinc(f / r) in
amplitude. Above half the rate nothing is left (ASSUMED: a filter as steep as that).
"""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.continuous_tone import ContinuousTone

LOAD_OHM = 50.0
LINES_MAX = 1000
"""The strongest; a waveform of noise has more."""
LEAST_DBM = -150.0


def lines_of(volts: NDArray[np.float64], rate_hz: float) -> tuple[ContinuousTone, ...]:
    """Return the lines of one period ``volts`` (n,), as 50 Ohm take them, without what is static.

    ``rate_hz``: samples per second.
    """
    count = volts.size
    amplitude_v = 2.0 * np.abs(np.fft.rfft(volts)) / count
    at = np.arange(amplitude_v.size) / count
    if count % 2 == 0:
        amplitude_v[-1] /= 2.0**0.5  # alternating samples: the mean of their square is not half
    amplitude_v *= np.sinc(at)
    dbm = 10 * np.log10(np.maximum(amplitude_v**2 / 2 / LOAD_OHM / 1e-3, 1e-30))
    dbm[0] = -np.inf
    strongest = np.argsort(dbm)[::-1][:LINES_MAX]
    return tuple(
        ContinuousTone(float(at[one] * rate_hz), float(dbm[one]))
        for one in strongest
        if dbm[one] > LEAST_DBM
    )
