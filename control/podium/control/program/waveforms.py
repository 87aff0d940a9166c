"""Envelopes of pulses, as values: what is asked for, before any hardware rounds it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Square:
    """Constant 1 for the whole duration."""

    duration_fs: int


@dataclass(frozen=True, slots=True)
class Gaussian:
    """Gaussian about the middle, shifted and scaled: it starts and ends at 0 and peaks at 1."""

    duration_fs: int
    sigma_fs: int


@dataclass(frozen=True, slots=True)
class Drag:
    """Gaussian with ``beta_s`` times its time derivative in quadrature.

    Motzoi et al., Phys. Rev. Lett. 103, 110501 (2009). The signal is the real part of the
    envelope times ``exp(+2 pi i f t)``; with that sign, the first-order choice against leakage
    is ``beta_s = 1 / (2 pi a)`` for an anharmonicity ``a`` (Hz, negative for a transmon), and half
    of it against phase errors.
    """

    duration_fs: int
    sigma_fs: int
    beta_s: float


@dataclass(frozen=True, slots=True)
class FlatTop:
    """Constant 1 between raised-cosine edges of ``rise_fs`` each, which the duration includes."""

    duration_fs: int
    rise_fs: int


Waveform = Square | Gaussian | Drag | FlatTop
