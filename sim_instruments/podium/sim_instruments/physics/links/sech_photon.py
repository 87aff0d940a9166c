"""Drives that emit and catch a photon whose envelope is a hyperbolic secant, in closed form.

A photon of width Gamma has the amplitude ``sqrt(Gamma / 4) sech(Gamma t / 2)``. A resonator with
kappa >= Gamma emits it from f under a real drive; the catch is the emission's time reverse with
the catching end's own kappa (Kurpiers et al. 2018, there for kappa = Gamma; derived here for any).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from podium.sim_instruments.physics.links.link_window import Sideband


def emission(
    gamma_hz: float, kappa_hz: float, time_ns: ArrayLike, detuning_hz: float = 0.0
) -> NDArray[np.complex128]:
    """Return g / 2 pi, Hz, at times from the photon's centre, ascending; real on resonance.

    ``gamma_hz``: width of the photon over 2 pi; ``kappa_hz`` of the resonator, whose frequency is
    ``detuning_hz`` above the photon's. With amplitudes a of f0 and b of g1,
    ``i da/dt = g b`` and ``i db/dt = conj(g) a + (detuning - i kappa / 2) b`` are solved for g.
    Raises ValueError where the resonator is narrower than the photon.
    """
    if not 0 < gamma_hz <= kappa_hz:
        raise ValueError(
            f"a photon of {gamma_hz / 1e6:.3f} MHz from a resonator of {kappa_hz / 1e6:.3f} MHz: "
            f"at most {kappa_hz / 1e6:.3f} MHz"
        )
    times = np.asarray(time_ns, np.float64)
    ratio = gamma_hz / kappa_hz
    x = np.clip(np.pi * gamma_hz * 1e-9 * times, -300, 300)  # Gamma t / 2
    sech, tanh = 1 / np.cosh(x), np.tanh(x)
    low = 0.5 * np.exp(-x) * sech  # (1 - tanh x) / 2, exact where tanh x is 1
    left = 1 - ratio + ratio * low
    resonator, atom = 0.5 * np.sqrt(ratio) * sech, np.sqrt(low * left)
    found = resonator * (kappa_hz - gamma_hz * tanh - 2j * detuning_hz) / (2 * atom)
    if detuning_hz == 0:
        return np.asarray(found)
    # the phase of f0 grows with detuning * b^2 / a^2: Simpson's rule between the times given
    rate = ratio * (1 - low) / left
    between = 0.5 * (times[1:] + times[:-1])
    y = np.clip(np.pi * gamma_hz * 1e-9 * between, -300, 300)
    low_between = 0.5 * np.exp(-y) / np.cosh(y)
    middle = ratio * (1 - low_between) / (1 - ratio + ratio * low_between)
    grown = np.cumsum(np.diff(times) * (rate[1:] + rate[:-1] + 4 * middle) / 6)
    return np.asarray(found * np.exp(2e-9j * np.pi * detuning_hz * np.append(0.0, grown)))


def catch(
    gamma_hz: float, kappa_hz: float, time_ns: ArrayLike, detuning_hz: float = 0.0
) -> NDArray[np.complex128]:
    """Return g / 2 pi, Hz, that catches such a photon, at times from its centre, ascending."""
    times = np.asarray(time_ns, np.float64)
    reverse = emission(gamma_hz, kappa_hz, -np.atleast_1d(times)[::-1], detuning_hz)
    return np.asarray(np.conj(reverse[::-1]).reshape(times.shape))


def sideband(
    kind: str,
    gamma_hz: float,
    kappa_hz: float,
    *,
    length_ns: float,
    centre_fs: int,
    sample_fs: int = 1_000_000,
    above_hz: float = 0.0,
    detuning_hz: float = 0.0,
) -> Sideband:
    """Return a drive that is cut off to ``length_ns`` about the photon's centre.

    ``kind``: ``emission`` or ``catch``. Each sample has the value of its middle. ``above_hz``: the
    resonator's frequency less the photon's; ``detuning_hz``: as of :class:`.Sideband`.
    """
    shape = {"emission": emission, "catch": catch}[kind]
    count = round(1e6 * length_ns / sample_fs)
    middle = (np.arange(count) + 0.5 - count / 2) * 1e-6 * sample_fs
    return Sideband(
        shape(gamma_hz, kappa_hz, middle, above_hz),
        centre_fs - count * sample_fs // 2,
        sample_fs,
        detuning_hz,
    )


def _over_sinh(x: ArrayLike) -> NDArray[np.float64]:
    value = np.asarray(x, np.float64)
    safe = np.where(np.abs(value) < 1e-6, 1.0, value)
    return np.where(np.abs(value) < 1e-6, 1 - value**2 / 6, safe / np.sinh(safe))


def overlap_of_skew(gamma_hz: float, skew_ns: ArrayLike) -> NDArray[np.float64]:
    """Return the overlap of two such photons that are ``skew_ns`` apart: x / sinh x."""
    return _over_sinh(np.pi * gamma_hz * 1e-9 * np.asarray(skew_ns, np.float64))


def overlap_of_detuning(gamma_hz: float, detuning_hz: ArrayLike) -> NDArray[np.float64]:
    """Return the overlap of two such photons that are ``detuning_hz`` apart: y / sinh y."""
    return _over_sinh(np.pi * np.asarray(detuning_hz, np.float64) / gamma_hz)


def bell_of_overlap(
    overlap: ArrayLike, transmission: float = 1.0, phase: float = 0.0
) -> NDArray[np.float64]:
    """Return the fidelity of a Bell pair of which half a photon was sent and caught.

    ``phase``, rad: the unknown part of the way's.
    """
    amplitude = np.sqrt(transmission) * np.asarray(overlap, np.float64)
    return np.asarray(0.25 * (1 + 2 * amplitude * np.cos(phase) + amplitude**2))
