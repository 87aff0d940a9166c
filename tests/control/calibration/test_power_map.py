"""Critical photons from maps over power, against fields that are solved in small steps."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from tests.benches.calibration.pulled_line import mean_field
from tests.benches.thoroughness import sampled

from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.fits.power_map import PowerMap, fit_power_map, longest_step_s
from podium.control.calibration.fits.resonator import ReadoutWindow

BARE_HZ, CRITICAL, DELAY_S = 7.0e9, 0.02, 35e-9
AMPLITUDE = CRITICAL * np.array([0.5, 1.2, 2.5, 5.7, 14.0])


def probes(pull_hz: float, kappa_hz: float) -> tuple[np.ndarray, ReadoutWindow]:
    """Return the frequencies and the window of a scan."""
    reach = 1.1 * abs(pull_hz) + 2 * kappa_hz
    window = ReadoutWindow(0.6 / (np.pi * kappa_hz), 9.4 / (np.pi * kappa_hz))
    return BARE_HZ + 0.6 * pull_hz + np.linspace(-1, 1, 49) * reach, window


@cache
def solved(pull_hz: float, kappa_hz: float) -> np.ndarray:
    """Return the mean fields; it takes most of a second."""
    frequency, window = probes(pull_hz, kappa_hz)
    photons = (AMPLITUDE[:, None] / CRITICAL) ** 2
    return mean_field(frequency, photons, BARE_HZ, pull_hz, kappa_hz, window)


def scanned(pull_hz: float, kappa_hz: float, seed: int = 1) -> PowerMap:
    """Return a map as punch-out measures it, with the noise of its points."""
    frequency, window = probes(pull_hz, kappa_hz)
    field = solved(pull_hz, kappa_hz)
    line = (1.3 + 0.02 * (frequency - BARE_HZ) / 1e7) * np.exp(
        0.7j - 2j * np.pi * (DELAY_S + 2e-9) * (frequency - BARE_HZ)
    )
    noise = np.random.default_rng(seed).normal(0, 0.03 * AMPLITUDE[0], (2, *field.shape))
    normal = (
        line * (1 - 0.93 * np.exp(0.1j) * field) + (noise[0] + 1j * noise[1]) / AMPLITUDE[:, None]
    )
    return PowerMap(frequency, AMPLITUDE, normal, window, longest_step_s(kappa_hz, pull_hz))


def found(seen: PowerMap, pull_hz: float, kappa_hz: float, late: float) -> Fit:
    """Fit from where dips would have it: the critical amplitude that many times too large."""
    start = {
        "bare": BARE_HZ + 0.1 * pull_hz,
        "pull": 0.9 * pull_hz,
        "kappa": 1.05 * kappa_hz,
        "coupling": kappa_hz,
        "twist": 0.0,
        "critical": float(np.log(late * CRITICAL)),
        "expected": float(np.log(1.8 * CRITICAL)),
    }
    return fit_power_map(seen, start, DELAY_S)


@pytest.mark.parametrize(
    ("pull_hz", "kappa_hz", "late"),
    sampled(
        [(7e6, 4e6, 1.3), (10.4e6, 1.8e6, 2.9), (-6e6, 4e6, 1.3), (5e6, 5.6e6, 1.2)],
        kept=[(10.4e6, 1.8e6, 2.9), (-6e6, 4e6, 1.3)],
    ),
)
def test_the_critical_amplitude_is_found_where_dips_have_it_far_too_large(
    pull_hz: float, kappa_hz: float, late: float
) -> None:
    """The narrow line is pulled by six of its widths: below it there are two steady states."""
    fit = found(scanned(pull_hz, kappa_hz), pull_hz, kappa_hz, late)
    assert np.exp(fit.values["critical"]) == pytest.approx(CRITICAL, rel=0.03)
    assert fit.values["bare"] == pytest.approx(BARE_HZ, abs=0.015 * kappa_hz)
    assert fit.values["pull"] == pytest.approx(pull_hz, abs=0.04 * kappa_hz)
    assert fit.values["kappa"] == pytest.approx(kappa_hz, rel=0.02)


def test_sigmas_are_those_of_the_points_whatever_the_noise_was_taken_for() -> None:
    """Of six draws; the scatter is within a factor of 3 in all but 10**-3 cases."""
    fits = [found(scanned(7e6, 4e6, seed), 7e6, 4e6, 1.3) for seed in range(6)]
    for name in ("critical", "bare"):
        scatter = np.std([fit.values[name] for fit in fits], ddof=1)
        sigma = np.mean([fit.sigmas[name] for fit in fits])
        assert 1 / 3 < scatter / sigma < 3
    assert all(abs(fit.chi2 - 1) < 0.3 for fit in fits)


def test_a_map_of_something_else_is_refused() -> None:
    seen = scanned(7e6, 4e6)
    offset = (seen.frequency_hz - BARE_HZ) / 1e7
    ripple = seen.normal * (1 + 0.5 * np.cos(9 * offset + AMPLITUDE[:, None] / CRITICAL))
    other = replace(seen, normal=ripple)
    with pytest.raises(FitFailed, match="the map is something else's"):
        found(other, 7e6, 4e6, 1.3)


def test_fields_of_several_parameters_are_those_of_each() -> None:
    seen = scanned(-6e6, 4e6)
    each = [
        {"bare": BARE_HZ, "pull": pull, "kappa": kappa, "critical": critical}
        for pull, kappa, critical in ((-6e6, 4e6, -4.0), (5e6, 3e6, -3.5), (-6e6, 4e6, -6.0))
    ]
    together = {name: np.array([one[name] for one in each])[:, None, None] for name in each[0]}
    fields = seen.filled(together, 1.3)
    for values, field in zip(each, fields, strict=True):
        assert field == pytest.approx(seen.filled(values, 1.3), rel=1e-12)
