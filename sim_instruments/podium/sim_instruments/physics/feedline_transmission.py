"""Transmission of a feedline under one weak or strong tone, in the steady state.

With the resonators of :mod:`.field` beside the feedline and ``p_n`` the populations that a qubit's
jumps lead to, a tone that is on for much longer than the qubits live is passed on as

    S21(f) = t_in g_out exp(-2j pi f tau) (1 - sum over qubits and levels of
             p_n (kappa_c/2) / (kappa/2 + 2j pi (f - f_n)))

``f_n`` falls from its low-power value to that of the bare resonator with the photon number,
``f_n = bare + pull / sqrt(1 + x/n_crit)`` with ``x (h**2 + (d - pull/sqrt(1 + x/n_crit))**2) = A``;
photons mix the levels but leave them in balance, as in :mod:`.readout`.

ASSUMED: where several photon numbers are possible, the smallest one, which a resonator that was
dark comes to; the tone leaves the qubits' levels and their populations where they are (no Stark
shift of a neighbour, no heating); the gain of the chain does not compress.
"""

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.readout import photons_per
from podium.sim_instruments.physics.relaxation import equilibrium

LINEAR_BELOW = 1e-5
"""Photons over n_crit below which the shift by photons is left out: 1e-5 of the pull, halved."""
GRID = 160
"""Photon numbers at which the first crossing is looked for, from the smallest possible one on."""
HALVINGS = 40
CHUNK = 4096
"""Frequencies of which the photon numbers are found at once."""


def transmission(
    feedline: FeedlinePoint, frequency_hz: NDArray[np.float64], power_w: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return S21 from the source's connector to the listener's, shape (n,).

    ``frequency_hz`` (n,): of the tone; ``power_w`` (n,): at the source's connector.
    """
    at_chip_w = power_w * feedline.transmission_in**2
    passed = np.ones(frequency_hz.size, np.complex128)
    for qubit in feedline.qubits:
        passed -= taken_share(qubit, frequency_hz, at_chip_w)
    delay_s = 1e-9 * (feedline.delay_in_ns + feedline.delay_out_ns)
    turns = (frequency_hz * delay_s) % 1.0
    factor = feedline.transmission_in * feedline.gain_out
    return np.asarray(factor * np.exp(-2j * np.pi * turns) * passed)


def taken_share(
    qubit: QubitPoint, frequency_hz: NDArray[np.float64], at_chip_w: NDArray[np.float64]
) -> NDArray[np.complex128]:
    """Return what a resonator takes of a tone's amplitude, mean over the qubit's levels, (n,)."""
    detuning = 2e-9 * np.pi * (frequency_hz - qubit.bare_resonator_hz)  # rad/ns
    half_kappa = 1e-9 * np.pi * qubit.kappa_hz
    half_coupling = 1e-9 * np.pi * qubit.kappa_coupling_hz
    strength = photons_per(qubit) * at_chip_w
    share = np.zeros(frequency_hz.size, np.complex128)
    for resonator_hz, n_crit, population in zip(
        qubit.resonator_hz.tolist(),
        qubit.n_crits.tolist(),
        equilibrium(qubit.rates_1_s).tolist(),
        strict=True,
    ):
        low = 2e-9 * np.pi * (resonator_hz - qubit.bare_resonator_hz)
        photons = photon_numbers(detuning, strength, low, half_kappa, n_crit)
        pull = low / np.sqrt(1.0 + photons / n_crit)
        share += population * half_coupling / (half_kappa + 1j * (detuning - pull))
    return share


def photon_numbers(
    detuning: NDArray[np.float64],
    strength: NDArray[np.float64],
    pull: float,
    half_kappa: float,
    n_crit: float,
) -> NDArray[np.float64]:
    """Return the smallest photon number that each tone can hold, shape (n,).

    ``detuning`` (n,): from the bare resonator, rad/ns; ``strength`` (n,): the photon number for a
    response of one over a rad/ns; ``pull``: of the low-power frequency from the bare one, rad/ns.
    """
    photons = strength / (half_kappa**2 + (detuning - pull) ** 2)
    strong = np.flatnonzero(strength / half_kappa**2 > LINEAR_BELOW * n_crit)
    for begin in range(0, strong.size, CHUNK):
        at = strong[begin : begin + CHUNK]
        photons[at] = _first_crossing(detuning[at], strength[at], pull, half_kappa, n_crit)
    return photons


def _first_crossing(
    detuning: NDArray[np.float64],
    strength: NDArray[np.float64],
    pull: float,
    half_kappa: float,
    n_crit: float,
) -> NDArray[np.float64]:
    def excess(photons: NDArray[np.float64]) -> NDArray[np.float64]:
        off = detuning - pull / np.sqrt(1.0 + photons / n_crit)
        return np.asarray(photons * (half_kappa**2 + off**2) - strength)

    farthest = np.maximum(np.abs(detuning), np.abs(detuning - pull))
    least = strength / (half_kappa**2 + farthest**2)
    most = strength / half_kappa**2
    low, high = least, least
    found = np.zeros(detuning.size, np.bool_)
    step = (most / least) ** (1.0 / GRID)
    for _ in range(GRID + 1):
        found |= excess(high) >= 0
        if found.all():
            break
        low = np.where(found, low, high)
        high = np.where(found, high, high * step * (1 + 1e-12))
    for _ in range(HALVINGS):
        middle = 0.5 * (low + high)
        above = excess(middle) >= 0
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.asarray(0.5 * (low + high))
