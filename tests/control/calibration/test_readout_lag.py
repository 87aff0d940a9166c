"""When a tone arrives, from phases that its photons turn, against fields and states solved here."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp
from tests.benches.calibration.honest_sigmas import FALSE_ALARM
from tests.benches.thoroughness import cases

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.readout_lag import PhotonPhase, fit_readout_lag

PULSE_NS = 52
KAPPA_HZ, CHI_HZ, DETUNING_HZ = 4.0e6, -1.2e6, 1.9e6
PHOTONS = 12.0
LAG_NS = 33.0
CHI_DOUBT = 0.5
TIME = np.arange(PULSE_NS) + 0.5


def bell(time_ns: float) -> float:
    """Return the pulse's height, up to a factor, as the house plays it."""
    middle = PULSE_NS / 2
    if not 0 < time_ns < PULSE_NS:
        return 0.0
    return float(np.exp(-((time_ns - middle) ** 2) / (2 * 13.0**2)) - np.exp(-2.0))


ENVELOPE = np.array([bell(one) for one in TIME])
SHAKEN = PhotonPhase(ENVELOPE, KAPPA_HZ, CHI_HZ, DETUNING_HZ)
PULL_HZ, CRITICAL = 9.7e6, 32.0
FALLING = replace(SHAKEN, pull_hz=PULL_HZ, critical_photons=CRITICAL)


def solved(
    begins_ns: float, turns: float, photons: float, pull_hz: float = 0.0, critical: float = np.inf
) -> float:
    """Return the share of 1: fields, coherence and pulse as one differential equation, in ns.

    The tone arrives at 0; the pulse begins at ``begins_ns``. ``pull_hz``: of the qubit in 0; it
    falls with the photons, of which ``critical`` are many.
    """
    half = 1e-9 * np.pi * KAPPA_HZ
    strength = half * np.sqrt(photons)
    unpulled = 2e-9 * np.pi * (DETUNING_HZ - pull_hz)
    pulls = 2e-9 * np.pi * np.array([pull_hz, pull_hz + 2 * CHI_HZ])
    rabi = np.pi / 2 / ENVELOPE.sum()
    axis = np.exp(-2j * np.pi * turns)

    def change(t: float, y: np.ndarray) -> np.ndarray:
        zero, one, coherence, upper = y
        on = strength if t > 0 else 0.0
        ground, excited = pulls / np.sqrt(1 + np.abs(y[:2]) ** 2 / critical)
        drive = rabi * bell(t - begins_ns) * axis
        return np.array(
            [
                on - (half + 1j * (unpulled + ground)) * zero,
                on - (half + 1j * (unpulled + excited)) * one,
                -1j * (excited - ground) * one * np.conj(zero) * coherence
                + 0.5j * drive * (2 * upper.real - 1),
                np.imag(np.conj(drive) * coherence) * -1,
            ]
        )

    start = min(0.0, begins_ns)
    end = begins_ns + PULSE_NS
    run = solve_ivp(
        change,
        (start, end),
        np.array([0, 0, -0.5j, 0.5], dtype=complex),
        rtol=1e-8,
        atol=1e-10,
        max_step=1.0,
    )
    return float(run.y[3, -1].real)


@pytest.mark.parametrize("begins_ns", [-90.0, -40.0, -20.0, 0.0, 25.0, 60.0])
def test_the_share_of_1_is_that_of_the_equations_of_motion(begins_ns: float) -> None:
    turns = np.array([0.0, 0.25, 0.5, 0.75])
    ours = SHAKEN.excited(np.full(4, begins_ns), turns, PHOTONS)
    reference = [solved(begins_ns, one, PHOTONS) for one in turns.tolist()]
    assert ours == pytest.approx(reference, abs=2e-3)


@pytest.mark.parametrize("begins_ns", [-40.0, 0.0, 60.0])
def test_a_pull_falls_with_the_photons(begins_ns: float) -> None:
    turns = np.array([0.0, 0.25, 0.5, 0.75])
    ours = FALLING.excited(np.full(4, begins_ns), turns, PHOTONS)
    reference = [solved(begins_ns, one, PHOTONS, PULL_HZ, CRITICAL) for one in turns.tolist()]
    assert ours == pytest.approx(reference, abs=4e-3)


def test_a_pull_that_falls_does_not_move_the_arrival() -> None:
    """Points without noise. Taken as constant, the pull moves it by 0.6 ns."""
    begins, turns, _, sigma = drawn(np.random.default_rng(6), 180)
    share = FALLING.excited(begins - LAG_NS, turns, PHOTONS)
    found, constant = (
        fit_readout_lag(one, begins, turns, share, sigma, PHOTONS, CHI_DOUBT)
        for one in (FALLING, SHAKEN)
    )
    assert found.values["lag"] == pytest.approx(LAG_NS, abs=0.2)
    assert abs(constant.values["lag"] - LAG_NS) > 0.5


def test_without_photons_two_half_pulses_are_a_whole_one() -> None:
    turns = np.array([0.0, 0.25, 0.5, 0.75])
    assert SHAKEN.excited(np.full(4, 30.0), turns, 0.0) == pytest.approx([1, 0.5, 0, 0.5])


def drawn(rng: np.random.Generator, shots: int) -> tuple[np.ndarray, ...]:
    begins, turns = (
        one.ravel()
        for one in np.meshgrid(np.arange(22) * 12.0 - 88, np.array([0, 0.25, 0.5, 0.75]))
    )
    share = np.clip(SHAKEN.excited(begins - LAG_NS, turns, PHOTONS), 0, 1)
    sigma = np.sqrt(np.maximum(share * (1 - share), 0.01) / shots)
    return begins, turns, rng.binomial(shots, share) / shots, sigma


def test_the_lag_is_found_within_its_sigma() -> None:
    """The rms of the pulls leaves its limits in fewer than one of 10**6 draws."""
    rng = np.random.default_rng(1)
    pulls, sigmas = [], []
    for _ in range(cases(8, 40)):
        begins, turns, share, sigma = drawn(rng, 180)
        found = fit_readout_lag(SHAKEN, begins, turns, share, sigma, 1.6 * PHOTONS, CHI_DOUBT)
        pulls.append((found.values["lag"] - LAG_NS) / found.sigmas["lag"])
        sigmas.append(found.sigmas["lag"])
    chi2 = stats.chi2(len(pulls))
    assert chi2.ppf(FALSE_ALARM / 2) < np.sum(np.square(pulls)) < chi2.isf(FALSE_ALARM / 2)
    assert np.max(sigmas) < 4.0


def test_noise_is_refused_without_a_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the eight one would get as far as a fit in 10**-4 of all draws."""
    monkeypatch.delattr("podium.control.calibration.fits.readout_lag.fit_many_at_once")
    rng = np.random.default_rng(3)
    begins, turns, _, sigma = drawn(rng, 180)
    for scatter in (0.03, 0.03, 0.1, 0.1, 0.3, 0.3, 1.0, 1.0):
        share = 0.5 + rng.normal(0, scatter, begins.size)
        with pytest.raises(FitFailed, match="no phase turns while the tone begins"):
            fit_readout_lag(SHAKEN, begins, turns, share, sigma, PHOTONS, CHI_DOUBT)


def test_a_lag_is_found_where_photons_are_far_from_what_is_expected() -> None:
    rng = np.random.default_rng(4)
    begins, turns, share, sigma = drawn(rng, 180)
    for factor in (0.2, 5.0):
        found = fit_readout_lag(SHAKEN, begins, turns, share, sigma, factor * PHOTONS, CHI_DOUBT)
        assert found.values["lag"] == pytest.approx(LAG_NS, abs=5 * found.sigmas["lag"])


@pytest.mark.parametrize("wrong", [0.65, 1.5])
def test_a_pull_that_is_a_third_off_does_not_make_the_tone_later(wrong: float) -> None:
    """Points without noise. With the pull held where it is expected, it is more than 1 ns off."""
    begins, turns, _, sigma = drawn(np.random.default_rng(5), 180)
    share = SHAKEN.excited(begins - LAG_NS, turns, PHOTONS)
    expected = replace(SHAKEN, chi_hz=wrong * CHI_HZ)
    found, held = (
        fit_readout_lag(expected, begins, turns, share, sigma, PHOTONS, doubt)
        for doubt in (CHI_DOUBT, 1e-3)
    )
    assert found.values["lag"] == pytest.approx(LAG_NS, abs=0.2)
    assert np.exp(found.values["log_chi"]) == pytest.approx(abs(CHI_HZ), rel=0.02)
    assert abs(held.values["lag"] - LAG_NS) > 1.2


@pytest.mark.slow
def test_half_pulses_without_a_tone_have_no_lag() -> None:
    rng = np.random.default_rng(2)
    begins, turns, _, sigma = drawn(rng, 180)
    share = np.clip(0.5 + 0.48 * np.cos(2 * np.pi * (turns - begins / 70)), 0, 1)
    with pytest.raises(FitFailed):
        fit_readout_lag(SHAKEN, begins, turns, share, sigma, PHOTONS, CHI_DOUBT)
