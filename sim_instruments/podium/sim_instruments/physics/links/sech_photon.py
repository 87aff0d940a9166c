"""Drives that emit and catch a photon whose envelope is a hyperbolic secant, in closed form.

A photon of width Gamma has the amplitude ``sqrt(Gamma / 4) sech(Gamma t / 2)``. A resonator with
kappa >= Gamma emits it from f under a real drive; the catch is the emission's time reverse with
the catching end's own kappa (Kurpiers et al. 2018, there for kappa = Gamma; derived here for any).
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from podium.sim_instruments.physics.links.link_window import Sideband


def emission(gamma_hz: float, kappa_hz: float, time_ns: ArrayLike) -> NDArray[np.float64]:
    """Return g / 2 pi, Hz, at times from the photon's centre.

    ``gamma_hz``: width of the photon over 2 pi; ``kappa_hz`` of the resonator. Raises ValueError
    where the resonator is narrower than the photon.
    """
    if not 0 < gamma_hz <= kappa_hz:
        raise ValueError(
            f"a photon of {gamma_hz / 1e6:.3f} MHz from a resonator of {kappa_hz / 1e6:.3f} MHz: "
            f"at most {kappa_hz / 1e6:.3f} MHz"
        )
    gamma, kappa = gamma_hz, kappa_hz
    x = np.pi * gamma_hz * 1e-9 * np.asarray(time_ns, np.float64)  # Gamma t / 2
    # with T = tanh x: (1 - T)/2 = e^-x sech(x)/2, which stays exact where T is 1
    sech = 1 / np.cosh(np.clip(x, -300, 300))
    resonator = 0.5 * np.sqrt(gamma / kappa) * sech
    low = 0.5 * np.exp(-np.clip(x, -300, 300)) * sech
    atom = np.sqrt(low * (1 - gamma * (1 + np.tanh(x)) / (2 * kappa)))
    return np.asarray(resonator * (kappa - gamma * np.tanh(x)) / (2 * atom))


def catch(gamma_hz: float, kappa_hz: float, time_ns: ArrayLike) -> NDArray[np.float64]:
    """Return g / 2 pi, Hz, that catches such a photon, at times from its centre."""
    return emission(gamma_hz, kappa_hz, -np.asarray(time_ns, np.float64))


def sideband(
    kind: str,
    gamma_hz: float,
    kappa_hz: float,
    *,
    length_ns: float,
    centre_fs: int,
    sample_fs: int = 1_000_000,
    detuning_hz: float = 0.0,
) -> Sideband:
    """Return a drive that is cut off to ``length_ns`` about the photon's centre.

    ``kind``: ``emission`` or ``catch``. Each sample has the value of its middle.
    """
    shape = {"emission": emission, "catch": catch}[kind]
    count = round(1e6 * length_ns / sample_fs)
    middle = (np.arange(count) + 0.5 - count / 2) * 1e-6 * sample_fs
    return Sideband(
        shape(gamma_hz, kappa_hz, middle).astype(np.complex128),
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
