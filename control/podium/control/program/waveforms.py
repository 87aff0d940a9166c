"""Defines envelopes of pulses as values, before any hardware rounds them.

People write them in nanoseconds, ``Gaussian(ns=40, sigma_ns=10)``: a number that is not a whole
number of femtoseconds is refused (:class:`~podium.control.program.durations.NotATime`).
"""

from dataclasses import dataclass

from podium.control.program.durations import Ns, given_time


@dataclass(frozen=True, slots=True, init=False)
class Square:
    """Constant 1 for the whole duration: ``Square(ns=800)``."""

    duration_fs: int

    def __init__(self, duration_fs: int | None = None, *, ns: Ns | None = None) -> None:
        object.__setattr__(self, "duration_fs", given_time("Square ns", duration_fs, ns))


@dataclass(frozen=True, slots=True, init=False)
class Gaussian:
    """Gaussian about the middle, shifted and scaled: it starts and ends at 0 and peaks at 1."""

    duration_fs: int
    sigma_fs: int

    def __init__(
        self,
        duration_fs: int | None = None,
        sigma_fs: int | None = None,
        *,
        ns: Ns | None = None,
        sigma_ns: Ns | None = None,
    ) -> None:
        object.__setattr__(self, "duration_fs", given_time("Gaussian ns", duration_fs, ns))
        object.__setattr__(self, "sigma_fs", given_time("Gaussian sigma_ns", sigma_fs, sigma_ns))


@dataclass(frozen=True, slots=True, init=False)
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

    def __init__(
        self,
        duration_fs: int | None = None,
        sigma_fs: int | None = None,
        beta_s: float | None = None,
        *,
        ns: Ns | None = None,
        sigma_ns: Ns | None = None,
    ) -> None:
        if beta_s is None:
            raise TypeError("Drag beta_s is missing: seconds; without one, take a Gaussian")
        object.__setattr__(self, "duration_fs", given_time("Drag ns", duration_fs, ns))
        object.__setattr__(self, "sigma_fs", given_time("Drag sigma_ns", sigma_fs, sigma_ns))
        object.__setattr__(self, "beta_s", beta_s)


@dataclass(frozen=True, slots=True, init=False)
class FlatTop:
    """Constant 1 between raised-cosine edges of ``rise_fs`` each, which the duration includes."""

    duration_fs: int
    rise_fs: int

    def __init__(
        self,
        duration_fs: int | None = None,
        rise_fs: int | None = None,
        *,
        ns: Ns | None = None,
        rise_ns: Ns | None = None,
    ) -> None:
        object.__setattr__(self, "duration_fs", given_time("FlatTop ns", duration_fs, ns))
        object.__setattr__(self, "rise_fs", given_time("FlatTop rise_ns", rise_fs, rise_ns))


Waveform = Square | Gaussian | Drag | FlatTop
