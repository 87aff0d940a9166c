"""Fields whose photons pull the line, against the equation of motion solved by other means."""

import itertools

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from podium.control.calibration.fits.driven_resonator import (
    SCALE_HZ,
    DrivenResonator,
    KnownResonator,
    fit_resonator,
    resonator_of,
    vector_of,
)

ONE = DrivenResonator(
    critical_amplitude=0.1, kappa_hz=4e6, bare_hz=7.25e9, ground_hz=7.256e9, excited_hz=7.2535e9
)
OPENS_S, CLOSES_S = 60e-9, 900e-9


def line_hz(level: int, photons: float) -> float:
    low = (ONE.ground_hz, ONE.excited_hz)[level]
    return ONE.bare_hz + (low - ONE.bare_hz) / np.sqrt(1 + photons)


def solved(frequency_hz: float, amplitude: float) -> tuple[float, float, float]:
    """Return the distance of 0 and 1, and the photons of 1 times time at both ends."""

    def slope(_: float, y: np.ndarray) -> np.ndarray:
        rates = [
            2j * np.pi * (line_hz(s, abs(y[s]) ** 2) - frequency_hz) - np.pi * ONE.kappa_hz
            for s in (0, 1)
        ]
        drive = np.pi * ONE.kappa_hz * amplitude / ONE.critical_amplitude
        fields = [rates[s] * y[s] + drive for s in (0, 1)]
        return np.array([*fields, y[1] - y[0], abs(y[1]) ** 2])

    ends = [OPENS_S, CLOSES_S]
    y = solve_ivp(slope, (0, CLOSES_S), np.zeros(4, complex), t_eval=ends, rtol=1e-8, atol=1e-14).y
    apart = abs(y[2, 1] - y[2, 0]) / np.sqrt(CLOSES_S - OPENS_S)
    return float(apart), float(y[3, 0].real), float(y[3, 1].real)


@pytest.mark.parametrize("amplitude", [0.005, 0.05, 0.1, 0.2])
@pytest.mark.parametrize("frequency_hz", [7.2518e9, 7.2535e9, 7.2551e9])
def test_fields_are_those_of_the_equation_of_motion(frequency_hz: float, amplitude: float) -> None:
    ring = ONE.ring_up(np.array([frequency_hz]), np.array([amplitude]), 1.5 * CLOSES_S)
    apart, early, late = solved(frequency_hz, amplitude)
    assert ring.distance(OPENS_S, np.array([[CLOSES_S]]))[0, 0] == pytest.approx(apart, rel=3e-3)
    pulse = ring.integrated(OPENS_S, np.array([[OPENS_S, CLOSES_S]]), 9)
    assert pulse.distance[0, 1] == pytest.approx(apart, rel=3e-3)
    lit_s = np.sum(pulse.lit_s[0], axis=-1)
    assert lit_s == pytest.approx([early, late], rel=5e-3, abs=1e-3 * late)


@pytest.mark.parametrize(("frequency_hz", "amplitude"), [(7.2545e9, 0.08), (7.252e9, 0.15)])
def test_full_photons_are_those_of_the_line_where_they_pull_it(
    frequency_hz: float, amplitude: float
) -> None:
    """n = (A / A_c)**2 / (1 + (2 (f - f(n)) / kappa)**2), the fixed point found by bisection."""

    def left(photons: float) -> float:
        widths = 2 * (frequency_hz - line_hz(1, photons)) / ONE.kappa_hz
        return photons - (amplitude / ONE.critical_amplitude) ** 2 / (1 + widths**2)

    photons = brentq(left, 0.0, 10.0)
    ring = ONE.ring_up(np.array([frequency_hz]), np.array([amplitude]), 6e-6)
    last_s = ring.integrated(OPENS_S, np.array([[6e-6]]), 6).lit_s[0, 0, -1]
    assert last_s / 1e-6 == pytest.approx(photons, rel=2e-3)


def test_settings_keep_their_shape() -> None:
    ring = ONE.ring_up(np.full((3, 1), 7.253e9), np.full((1, 4), 0.1), CLOSES_S)
    pulse = ring.integrated(OPENS_S, np.linspace(0.5, 1, 5)[None, None, :] * CLOSES_S, 7)
    assert pulse.distance.shape == (3, 4, 5)
    assert pulse.place.shape == pulse.lit_s.shape == (3, 4, 5, 7)


@pytest.mark.parametrize("amplitude", [0.01, 0.12])
@pytest.mark.parametrize("frequency_hz", [7.2518e9, 7.2545e9])
def test_a_decay_leaves_the_field_of_1_slowly(frequency_hz: float, amplitude: float) -> None:
    """Solved from the decay on: the difference from the field of 0 rings down at its line."""
    parts, drive = 6, np.pi * ONE.kappa_hz * amplitude / ONE.critical_amplitude

    def slope(t: float, y: np.ndarray, decay_s: float) -> np.ndarray:
        zero, one, off = y[:3]
        rates = [
            2j * np.pi * (line_hz(s, abs(field) ** 2) - frequency_hz) - np.pi * ONE.kappa_hz
            for s, field in enumerate((zero, one))
        ]
        slopes = [rates[0] * zero + drive, rates[1] * one + drive]
        change = slopes[1] - slopes[0] if t < decay_s else rates[0] * off
        heard = t >= OPENS_S
        return np.array([*slopes, change, heard * off, heard * (one - zero)])

    ring = ONE.ring_up(np.array([frequency_hz]), np.array([amplitude]), CLOSES_S)
    place = ring.integrated(OPENS_S, np.array([[CLOSES_S]]), parts).place[0, 0]
    for part in range(parts):
        decay_s = (part + 0.5) / parts * CLOSES_S
        y = np.zeros(5, complex)
        for begin, end in itertools.pairwise(sorted({0.0, OPENS_S, decay_s, CLOSES_S})):
            # Up to its end a stretch is on one side of the decay, and of the window's opening.
            inside = np.nextafter(end, 0)
            y = solve_ivp(
                lambda t, y, decay_s=decay_s, end=inside: slope(min(t, end), y, decay_s),
                (begin, end),
                y,
                rtol=1e-8,
                atol=1e-14,
            ).y[:, -1]
        expected = np.real(y[3] * np.conj(y[4])) / abs(y[4]) ** 2
        assert place[part] == pytest.approx(expected, abs=0.01)


SIGMAS = np.array([0.3, 0.03, 0.3, 0.1, 0.8])
"""Of what is known before: of :func:`vector_of`."""


def measured(
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Return settings, distances and sigmas of a wide map and of one of many shots."""
    wide = np.meshgrid(7.2545e9 + np.linspace(-4e6, 1.2e6, 9), np.geomspace(0.03, 0.25, 8))
    narrow = np.meshgrid(7.2535e9 + np.linspace(-6e5, 6e5, 5), np.geomspace(0.07, 0.11, 5))
    frequency, amplitude = (
        np.append(*pair) for pair in zip(map(np.ravel, wide), map(np.ravel, narrow), strict=True)
    )
    sigma = np.append(np.full(72, 0.3), np.full(25, 0.04))
    ring = ONE.ring_up(frequency, amplitude, CLOSES_S)
    apart = ring.distance(OPENS_S, np.full((97, 1), CLOSES_S))[:, 0]
    distance = 9 * apart / apart.max() + rng.normal(0, sigma)
    return frequency, np.log(amplitude), np.full(97, CLOSES_S), distance, sigma


def test_distances_tell_the_resonator_within_its_sigmas() -> None:
    """False alarms of the rms of 40 pulls: below 1e-5."""
    true, pulls, sigmas = vector_of(ONE), [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        before = KnownResonator(
            resonator_of(true + SIGMAS * rng.normal(size=5)), np.diag(SIGMAS**2)
        )
        found = fit_resonator(before, OPENS_S, *measured(rng))
        sigma = np.sqrt(np.diag(found.covariance))
        pulls.append((vector_of(found.resonator) - true) / sigma)
        sigmas.append(sigma)
    assert 0.4 < np.sqrt(np.mean(np.square(pulls))) < 1.7
    assert np.max(np.abs(pulls)) < 5
    learned = np.mean(sigmas, axis=0) / SIGMAS
    assert learned[0] < 0.3, "the critical amplitude"
    assert learned[4] < 0.3, "how far the lines are apart"


def test_where_the_fit_begins_does_not_tell_in_what_it_finds() -> None:
    rng = np.random.default_rng(3)
    before = KnownResonator(ONE, np.diag(SIGMAS**2))
    seen = measured(rng)
    fewer = fit_resonator(before, OPENS_S, *(one[:72] for one in seen))
    assert fewer.resonator != ONE
    found = fit_resonator(before, OPENS_S, *seen)
    sooner = fit_resonator(before, OPENS_S, *seen, near=fewer.resonator)
    sigma = np.sqrt(np.diag(found.covariance))
    away = (vector_of(sooner.resonator) - vector_of(found.resonator)) / sigma
    assert np.max(np.abs(away)) < 0.02
    assert sooner.covariance == pytest.approx(found.covariance, rel=0.02)


def test_distances_that_nothing_stands_out_of_leave_what_was_known() -> None:
    before = KnownResonator(ONE, np.diag(SIGMAS**2))
    frequency, log_amplitude, length_s, _, sigma = measured(np.random.default_rng(0))
    noise = np.abs(np.random.default_rng(1).normal(0, sigma))
    assert (
        fit_resonator(before, OPENS_S, frequency, log_amplitude, length_s, noise, sigma) is before
    )


def test_a_resonator_one_sigma_off_is_that_in_all_directions_together() -> None:
    before = KnownResonator(ONE, np.diag(SIGMAS**2))
    off = np.array([vector_of(one) - vector_of(ONE) for one in before.others()])
    assert off.T @ off == pytest.approx(np.diag(SIGMAS**2), abs=1e-4)
    assert SCALE_HZ * vector_of(ONE)[4] == pytest.approx(-2.5e6)
