"""Envelopes at the sample rates of the instruments.

The reference samples are 1 ns apart. A waveform stretched by the ratio of the two rates has at 1 ns
the samples that the waveform itself has at the instrument's.
"""

from dataclasses import replace
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import (
    Drag,
    FlatTop,
    Gaussian,
    NetZero,
    Sampled,
    Square,
    Waveform,
)

REFERENCE_HZ = 1_000_000_000


def stretched(waveform: Waveform, by: Fraction) -> Waveform:
    """Return ``waveform`` so many times as long, and of the same shape."""
    if isinstance(waveform, Sampled):
        return Sampled(waveform.real, waveform.imaginary, round(waveform.step_fs * by))
    lasting = replace(waveform, duration_fs=round(waveform.duration_fs * by))
    match lasting:
        case Gaussian():
            return replace(lasting, sigma_fs=round(lasting.sigma_fs * by))
        case Drag(_, sigma_fs, beta_s):
            return replace(lasting, sigma_fs=round(sigma_fs * by), beta_s=beta_s * float(by))
        case FlatTop():
            return replace(lasting, rise_fs=round(lasting.rise_fs * by))
        case NetZero():
            rise_fs, gap_fs = round(lasting.rise_fs * by), round(lasting.gap_fs * by)
            return replace(lasting, rise_fs=rise_fs, gap_fs=gap_fs)
        case _:
            return lasting


def samples_at(waveform: Waveform, rate_hz: int, late_fs: int = 0) -> NDArray[np.complex128]:
    """Return the samples of ``waveform``, whose duration is a whole number of them.

    ``late_fs``: by how much it begins later than the first, of the stretched waveform.
    """
    return sample_envelope(stretched(waveform, Fraction(rate_hz, REFERENCE_HZ)), late_fs)


def plateau(waveform: Waveform, samples: NDArray[np.complex128]) -> tuple[int, int]:
    """Return where the longest stretch of samples that are exactly 1 begins and ends."""
    ones = np.flatnonzero(samples == 1)
    if not isinstance(waveform, FlatTop | Square):
        return 0, 0
    return (int(ones[0]), int(ones[-1]) + 1) if len(ones) else (0, 0)
