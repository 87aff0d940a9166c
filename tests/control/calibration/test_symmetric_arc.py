"""A fluxonium's half flux by the symmetry of its resonator's arc, against spectra of the circuit.

The arcs are those of scqubits-like spectra of the twins' own circuit solver, which shares no line
with the shape that control plans with: pulls of 0 and of 1, mixed as a bath of 20 to 30 mK does,
and lines that cross the resonator.
"""

from functools import cache

import numpy as np
import pytest
from tests.benches.thoroughness import sampled

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.symmetric_arc import (
    find_middles,
    fit_symmetric_arc,
    symmetric_arc,
)
from podium.sim_instruments.physics.circuit_inversion import Circuit
from podium.sim_instruments.physics.fluxonium import Fluxonium

NOISE_HZ = 8e3
PERIOD_V = 1.5
KAPPA_HZ = 1.6e6
CIRCUITS = {
    "0.30 GHz": (1.41e9, 6.27e9, 0.80e9, 6.4e7, 7.19e9),
    "0.22 GHz": (1.30e9, 5.71e9, 0.59e9, 4.5e7, 7.08e9),
    "1.31 GHz": (1.572e9, 2.086e9, 0.537e9, 1.42e8, 7.05e9),
}
"""EC, EJ, EL, coupling and resonator, Hz."""
FLUX = np.linspace(0, 0.5, 126)


@cache
def lines(circuit: str) -> np.ndarray:
    """Return resonator in 0 and in 1 and f01 over the flux from half a quantum, (3, fluxes), Hz."""
    charging, josephson, inductive, coupling, resonator = CIRCUITS[circuit]
    whole = Circuit(Fluxonium(charging, josephson, inductive), coupling, resonator)
    points = [whole.at(float(flux)) for flux in FLUX]
    return np.array([[*p.resonator_hz[:2], p.f01_hz] for p in points]).T


def seen(circuit: str, spot_v: float, bias_v: np.ndarray, hot_k: float, seed: int) -> np.ndarray:
    """Return where a dip is found at each bias: of both lines, where these overlap."""
    zero, one, f01 = lines(circuit)
    flux = (bias_v - spot_v) / PERIOD_V
    apart = np.abs(flux - np.rint(flux))
    zero, one, f01 = (np.interp(apart, FLUX, line) for line in (zero, one, f01))
    in_one = 1 / (1 + np.exp(4.799e-11 * f01 / hot_k))
    mixed = np.where(np.abs(one - zero) < KAPPA_HZ, (1 - in_one) * zero + in_one * one, zero)
    return mixed + np.random.default_rng(seed).normal(0, NOISE_HZ, bias_v.size)


def shape_of(circuit: str):
    """Return the pull in 0 as a design would have it that is off by a tenth, and not bent."""
    zero = lines(circuit)[0] - CIRCUITS[circuit][4]
    return lambda flux: 1.1 * np.interp(np.abs(flux - np.rint(flux)), FLUX, zero)


def found(circuit: str, spot_v: float, hot_k: float, seed: int, period_v: float = PERIOD_V):
    """Measure over a period, then closely about what that has shown; return the fit."""
    shape, far = shape_of(circuit), np.linspace(-1, 1, 33) * 0.55 * PERIOD_V
    line = seen(circuit, spot_v, far, hot_k, seed)
    sigma = np.full(far.size, NOISE_HZ)
    first = find_middles(far, line, sigma, shape, period_v)
    near = first.half_v + np.linspace(-0.09, 0.09, 15) * first.period_v
    bias = np.concatenate([far, near])
    line = np.concatenate([line, seen(circuit, spot_v, near, hot_k, seed + 1)])
    sigma = np.full(bias.size, NOISE_HZ)
    middles = find_middles(bias, line, sigma, shape, period_v)
    return fit_symmetric_arc(bias, line, sigma, middles), bias, line


@pytest.mark.parametrize("circuit", CIRCUITS)
@pytest.mark.parametrize("hot_k", [1e-3, 0.03])
@pytest.mark.parametrize(
    "spot_v", sampled((0.265, 0.31, 0.372, -0.36, -0.211, 0.05), (0.31, -0.36))
)
def test_half_flux_is_found_whatever_heat_and_crossings_make_of_the_arc(
    circuit: str, hot_k: float, spot_v: float
) -> None:
    fit, _, _ = found(circuit, spot_v, hot_k, seed=round(1000 * abs(spot_v)))
    sigma = np.hypot(fit.sigmas["sweet_spot"], 0.0007 * PERIOD_V)
    assert fit.values["sweet_spot"] == pytest.approx(spot_v, abs=4 * sigma)
    assert sigma < 3e-3
    assert fit.values["period"] == pytest.approx(PERIOD_V, abs=4 * fit.sigmas["period"])


def test_the_even_function_goes_through_the_lines() -> None:
    fit, bias, line = found("1.31 GHz", 0.31, 0.03, 5)
    near = np.abs(bias - 0.31) < 0.05 * PERIOD_V
    drawn = symmetric_arc(bias[near], fit.values)
    assert np.sqrt(np.mean((drawn - line[near]) ** 2)) < 10 * NOISE_HZ
    assert np.all(np.isnan(symmetric_arc(np.array([0.31 + 0.2 * PERIOD_V]), fit.values)))


def test_a_period_that_is_off_by_a_twentieth_is_found() -> None:
    fit, _, _ = found("0.22 GHz", 0.31, 0.03, 7, period_v=1.05 * PERIOD_V)
    assert fit.values["sweet_spot"] == pytest.approx(0.31, abs=3e-3)


@pytest.mark.parametrize("seed", range(20))
def test_noise_and_a_dead_line_have_no_middle(seed: int) -> None:
    rng = np.random.default_rng(seed)
    bias, sigma = np.linspace(-0.8, 0.8, 33), np.full(33, NOISE_HZ)
    shape = shape_of("1.31 GHz")
    still = 7e9 + rng.normal(0, NOISE_HZ, 33)
    with pytest.raises(FitFailed, match="is the flux line connected"):
        find_middles(bias, still, sigma, shape, PERIOD_V)
    with pytest.raises(FitFailed, match=r"even about no two biases|looks like half"):
        find_middles(bias, 7e9 + rng.normal(0, 1e6, 33), sigma, shape, PERIOD_V)


def test_the_other_middle_is_not_taken_for_it() -> None:
    """The arc upside down has its middles where it had them, and looks like the other one."""
    bias, sigma = np.linspace(-1, 1, 33) * 0.55 * PERIOD_V, np.full(33, NOISE_HZ)
    line = seen("1.31 GHz", 0.31, bias, 0.03, 3)
    shape = shape_of("1.31 GHz")
    turned = find_middles(bias, line, sigma, lambda flux: shape(flux + 0.5), PERIOD_V)
    assert abs(turned.half_v - (0.31 - PERIOD_V / 2)) < 0.02
