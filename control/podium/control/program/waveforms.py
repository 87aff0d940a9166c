"""Defines envelopes of pulses as values, before any hardware rounds them.

People write them in nanoseconds, ``Gaussian(ns=40, sigma_ns=10)``: a number that is not a whole
number of femtoseconds is refused (:class:`~podium.control.program.durations.NotATime`).
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from struct import pack

from podium.control.program.durations import Ns, given_time
from podium.firmware_interfaces.exact_time import FS_PER_NS


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


@dataclass(frozen=True, slots=True, init=False)
class NetZero:
    """Two halves of opposite sign, 1 and then ``-ratio``, ``gap_fs`` near 0 between them.

    What a flux line keeps of the one is taken back by the other: Rol et al., Phys. Rev. Lett. 123,
    120502 (2019). The first half of the gap is at ``gap_level``, the second at ``-ratio`` times
    that, which sets the phase between the halves (Negîrneac et al., Phys. Rev. Lett. 126, 220502
    (2021)); its edges are square. Each half rises as the first quarter of a sine over ``rise_fs``
    and falls as the second: a frequency that goes with the square of the flux, as at a sweet spot,
    moves as a raised cosine. Without a top it is a whole sine. The duration includes all of it.
    """

    duration_fs: int
    rise_fs: int
    gap_fs: int
    ratio: float
    gap_level: float

    def __init__(
        self,
        duration_fs: int | None = None,
        rise_fs: int | None = None,
        gap_fs: int | None = None,
        ratio: float = 1.0,
        gap_level: float = 0.0,
        *,
        ns: Ns | None = None,
        rise_ns: Ns | None = None,
        gap_ns: Ns | None = None,
    ) -> None:
        rise_fs = 0 if rise_fs is None and rise_ns is None else rise_fs
        gap_fs = 0 if gap_fs is None and gap_ns is None else gap_fs
        object.__setattr__(self, "duration_fs", given_time("NetZero ns", duration_fs, ns))
        object.__setattr__(self, "rise_fs", given_time("NetZero rise_ns", rise_fs, rise_ns))
        object.__setattr__(self, "gap_fs", given_time("NetZero gap_ns", gap_fs, gap_ns))
        object.__setattr__(self, "ratio", ratio)
        object.__setattr__(self, "gap_level", gap_level)


@dataclass(frozen=True, slots=True, init=False)
class Slepian:
    """Moves two levels towards each other and back, fast and yet adiabatically.

    Martinis and Geller, Phys. Rev. A 90, 022307 (2014): the angle of the control vector, ``tan
    theta = 2 g / (detuning)``, goes as ``theta_i + (theta_f - theta_i) sum_n lambda_n (1 - cos(2 pi
    n t / T))``, n = 1 to 3, ``lambda_1 = 1/2 - lambda_3``: in the middle it is ``theta_f``. The
    envelope is the share of the way of the detuning, 1 in the middle; ``quadratic``: its square
    root, for a line whose frequency goes with the square of the flux, as at a sweet spot.
    """

    duration_fs: int
    theta_initial: float
    """Radians, above 0: 2 g over the detuning at rest, nearly."""
    theta_final: float
    """Radians, more than the first and below pi."""
    lambda_2: float
    lambda_3: float
    quadratic: bool

    def __init__(
        self,
        duration_fs: int | None = None,
        theta_initial: float = 0.05,
        theta_final: float = 1.5,
        lambda_2: float = 0.0,
        lambda_3: float = 0.0,
        quadratic: bool = True,
        *,
        ns: Ns | None = None,
    ) -> None:
        object.__setattr__(self, "duration_fs", given_time("Slepian ns", duration_fs, ns))
        object.__setattr__(self, "theta_initial", theta_initial)
        object.__setattr__(self, "theta_final", theta_final)
        object.__setattr__(self, "lambda_2", lambda_2)
        object.__setattr__(self, "lambda_3", lambda_3)
        object.__setattr__(self, "quadratic", bool(quadratic))


@dataclass(frozen=True, slots=True, init=False, eq=False)
class Sampled:
    """Samples given one by one, each held for ``step_fs``: ``Sampled((0.0, 0.5, 1.0))``.

    Real for flux; with ``imaginary`` ones beside them where there is a carrier. Equal where the
    contents are, which is seen by a hash: a long one costs no more than a short one wherever it is
    looked up.
    """

    real: tuple[float, ...]
    imaginary: tuple[float, ...]
    """As many as real ones, or none: all 0."""
    step_fs: int
    digest: str
    """SHA-256 (hex) of the content."""

    def __init__(
        self,
        real: Sequence[float],
        imaginary: Sequence[float] = (),
        step_fs: int | None = None,
        digest: str | None = None,
        *,
        step_ns: Ns | None = None,
    ) -> None:
        """Take samples 1 ns apart where no step is given; ``digest`` is made, whatever it is."""
        if step_fs is None and step_ns is None:
            step_fs = FS_PER_NS
        there = tuple(map(float, real)), tuple(map(float, imaginary))
        step = given_time("Sampled step_ns", step_fs, step_ns)
        content = pack(f"<{len(there[0])}d", *there[0]) + pack(f"<{len(there[1])}d", *there[1])
        heading = f"{len(there[0])},{len(there[1])},{step};".encode()
        object.__setattr__(self, "real", there[0])
        object.__setattr__(self, "imaginary", there[1])
        object.__setattr__(self, "step_fs", step)
        object.__setattr__(self, "digest", hashlib.sha256(heading + content).hexdigest())

    @property
    def duration_fs(self) -> int:
        """From the first sample to the end of the last."""
        return len(self.real) * self.step_fs

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sampled) and self.digest == other.digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return f"Sampled({len(self.real)} samples, step_fs={self.step_fs}, {self.digest:.12})"


Waveform = Square | Gaussian | Drag | FlatTop | NetZero | Slepian | Sampled
