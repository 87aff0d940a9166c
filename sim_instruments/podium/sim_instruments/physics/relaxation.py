"""Incoherent jumps of a qubit among its levels, and what a lab sees of them.

Loss is dielectric-like. Of a transmon: a fixed quality factor, so the rate goes with the
frequency, and the ladder of rates with the squares of the charge operator's elements. Of a
fluxonium, whose lines lie octaves apart: the loss tangent of its capacitance, on all lines, and
where the world says so the loss of its inductance and quasiparticles at its small junction. Jumps
up follow from detailed balance with one effective temperature.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.constants import Boltzmann, Planck, elementary_charge


def boltzmann_factor(frequency_hz: float, temperature_k: float) -> float:
    """exp(-h f / k T); 0 at zero temperature."""
    if temperature_k <= 0:
        return 0.0
    return math.exp(-Planck * frequency_hz / (Boltzmann * temperature_k))


def temperature_of(frequency_hz: float, population: float) -> float:
    """The temperature at which a two-level system at ``frequency_hz`` has P(1) = population, K.

    Raises ValueError unless 0 <= population < 0.5.
    """
    if not 0 <= population < 0.5:
        raise ValueError(f"a thermal population lies in 0..0.5, not {population!r}")
    if population == 0:
        return 0.0
    return float(Planck * frequency_hz / (Boltzmann * math.log(1 / population - 1)))


def jump_rates(
    levels_hz: NDArray[np.float64],
    ladder: NDArray[np.float64],
    quality: float,
    temperature_k: float,
    upper_quality: float | None = None,
) -> NDArray[np.float64]:
    """Jump rates [to, from] between neighbouring levels, shape (L, L), 1/s.

    Down from n: ``2 pi f / quality * ladder[n-1]**2``, f the transition's own frequency.
    ``upper_quality``: of the transitions above 0-1, where it is not theirs.
    """
    upper = quality if upper_quality is None else upper_quality
    count = levels_hz.size
    rates = np.zeros((count, count))
    for n in range(1, count):
        step_hz = float(levels_hz[n] - levels_hz[n - 1])
        own = quality if n == 1 else upper
        down = 2 * math.pi * step_hz / own * float(ladder[n - 1]) ** 2
        rates[n - 1, n] = down
        rates[n, n - 1] = down * boltzmann_factor(step_hz, temperature_k)
    return rates


def dielectric_rates(
    levels_hz: NDArray[np.float64],
    charges: NDArray[np.float64],
    charging_hz: float,
    quality: float,
    temperature_k: float,
) -> NDArray[np.float64]:
    """Jump rates [to, from] by the loss of a capacitance, between all levels, (L, L), 1/s.

    Nguyen et al., Phys. Rev. X 9, 041041 (2019), Eq. 8, in the charge operator (phi_nm =
    8 EC n_nm / f_nm): 2 pi 16 EC n_nm**2 / quality, times n_th + 1 down and n_th up, n_th the
    thermal photons at the line. ``quality``: one over the loss tangent, of all frequencies.
    """

    def cold(m: int, n: int, _: float) -> float:
        return 2 * math.pi * 16 * charging_hz * float(charges[m, n]) ** 2 / quality

    return _between_all(levels_hz, temperature_k, cold)


@dataclass(frozen=True, slots=True)
class FluxoniumLoss:
    """Losses of a fluxonium beside that of its capacitance."""

    inductive_quality: float = math.inf
    """One over the loss tangent of its inductance, of all frequencies."""
    quasiparticles: float = 0.0
    """Density of quasiparticles at the small junction over that of Cooper pairs, x_qp."""


NO_MORE_LOSS = FluxoniumLoss()
GAP_HZ = 3.4e-4 * elementary_charge / Planck
"""Of aluminium, over h."""


def inductive_rates(
    levels_hz: NDArray[np.float64],
    charges: NDArray[np.float64],
    charging_hz: float,
    inductive_hz: float,
    quality: float,
    temperature_k: float,
) -> NDArray[np.float64]:
    """Return jump rates [to, from] by the loss of an inductance, between all levels, (L, L), 1/s.

    Smith et al., npj Quantum Information 6, 8 (2020), Eq. 14: 2 pi 2 EL phi_nm**2 / quality, times
    n_th + 1 down and n_th up; phi_nm = 8 EC n_nm / f_nm by the charge operator.
    """

    def cold(m: int, n: int, line_hz: float) -> float:
        phase = 8 * charging_hz * float(charges[m, n]) / line_hz
        return 2 * math.pi * 2 * inductive_hz * phase**2 / quality

    return _between_all(levels_hz, temperature_k, cold)


def quasiparticle_rates(
    levels_hz: NDArray[np.float64],
    half_sines: NDArray[np.float64],
    josephson_hz: float,
    quasiparticles: float,
    temperature_k: float,
) -> NDArray[np.float64]:
    """Return jump rates [to, from] by quasiparticles at the small junction, (L, L), 1/s.

    Smith et al. (as above), Eqs. 19 and S23: the real part of the junction's admittance, thermal
    quasiparticles of density ``quasiparticles``; ``half_sines``: elements of the sine of half of
    the junction's phase, which vanish between 0 and 1 at the sweet spot.
    """
    from scipy.special import kve  # heavy: see lifetime_s

    def cold(m: int, n: int, line_hz: float) -> float:
        half = Planck * line_hz / (2 * Boltzmann * temperature_k) if temperature_k else math.inf
        # sqrt(x) K0(x) sinh(x), and its limit of high lines, sqrt(pi / 8)
        thermal = math.sqrt(math.pi / 8)
        if half < QUANTUM_LIMIT:
            thermal = math.sqrt(half) * float(kve(0, half)) * (1 - math.exp(-2 * half)) / 2
        admittance = 8 * math.sqrt(2 / math.pi) * josephson_hz / GAP_HZ
        admittance *= (2 * GAP_HZ / line_hz) ** 1.5 * quasiparticles * thermal
        return float(2 * line_hz * admittance * float(half_sines[m, n]) ** 2)

    return _between_all(levels_hz, temperature_k, cold)


QUANTUM_LIMIT = 200.0
"""Half a line's quantum over k T from which on nothing is thermal."""


def _between_all(
    levels_hz: NDArray[np.float64],
    temperature_k: float,
    cold_1_s: Callable[[int, int, float], float],
) -> NDArray[np.float64]:
    """Return jump rates [to, from] of what a bath makes both ways of rates down without heat.

    ``cold_1_s``: of the lower level, the upper one, and the line between them, Hz.
    """
    rates = np.zeros((levels_hz.size,) * 2)
    for n in range(levels_hz.size):
        for m in range(n):
            line_hz = float(levels_hz[n] - levels_hz[m])
            cold, factor = cold_1_s(m, n, line_hz), boltzmann_factor(line_hz, temperature_k)
            rates[m, n] = cold / (1 - factor)
            rates[n, m] = cold * factor / (1 - factor)
    return rates


def generator(rates_1_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """The matrix G of dp/dt = G p for jump rates [to, from]; its columns sum to zero."""
    return rates_1_s - np.diag(rates_1_s.sum(axis=0))


def equilibrium(rates_1_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Populations that the jumps lead to, shape (L,)."""
    count = rates_1_s.shape[0]
    conditions = np.vstack([generator(rates_1_s), np.full(count, np.abs(rates_1_s).max())])
    wanted = np.zeros(count + 1)
    wanted[-1] = conditions[-1, 0]
    return np.asarray(np.linalg.lstsq(conditions, wanted, rcond=None)[0])


def lifetime_s(rates_1_s: NDArray[np.float64]) -> float:
    """The 1/e time of P(1) towards its thermal value after a perfect pi pulse on equilibrium, s."""
    from scipy.optimize import brentq  # a fifth of a second, which a twin's start need not take

    thermal = equilibrium(rates_1_s)
    start = thermal.copy()
    start[[0, 1]] = thermal[[1, 0]]
    values, vectors = np.linalg.eig(generator(rates_1_s))
    parts = np.linalg.solve(vectors, (start - thermal).astype(complex)) * vectors[1]

    def excess(time_s: float) -> float:
        return float(np.sum(parts * np.exp(values * time_s)).real)

    two_level = 1 / float(rates_1_s[0, 1] + rates_1_s[1, 0])
    target = excess(0.0) / math.e
    return float(brentq(lambda t: excess(t) - target, 0.2 * two_level, 5 * two_level, rtol=1e-10))


def jump_dephasing_1_s(rates_1_s: NDArray[np.float64]) -> float:
    """Return half of all jump rates out of 0 and 1: their share of 0-1 dephasing, 1/s."""
    return float(rates_1_s[:, 0].sum() + rates_1_s[:, 1].sum()) / 2


def ramsey_time_s(rate_1_s: float, slow_sigma_hz: float) -> float:
    """1/e time of exp(-rate t - (2 pi sigma t)**2 / 2): the ensemble's free decay, s."""
    half_square = (2 * math.pi * slow_sigma_hz) ** 2 / 2
    return 2 / (rate_1_s + math.sqrt(rate_1_s**2 + 4 * half_square))


def slow_sigma_of(rate_1_s: float, ramsey_s: float) -> float:
    """The slow noise that makes :func:`ramsey_time_s` equal ``ramsey_s``, Hz.

    Raises ValueError when the white part alone is already faster.
    """
    left = 1 - rate_1_s * ramsey_s
    if left < 0:
        raise ValueError(
            f"a Ramsey time of {ramsey_s:.3g} s is longer than the {1 / rate_1_s:.3g} s that "
            "relaxation and white dephasing leave"
        )
    return math.sqrt(2 * left) / (2 * math.pi * ramsey_s)
