"""A herald's blind time, against shots that are lifted at a time drawn for each."""

from dataclasses import replace

import numpy as np
import pytest

from podium.control.calibration.fits.driven_resonator import DrivenResonator
from podium.control.calibration.fits.herald_window import unseen_lift_s

ONE = DrivenResonator(
    critical_amplitude=0.1, kappa_hz=4e6, bare_hz=7.25e9, ground_hz=7.256e9, excited_hz=7.2535e9
)
OPENS_S, CLOSES_S, STEP_S = 56e-9, 460e-9, 4e-9
EMPTY_S = 400e-9
AT_HZ = 7.2538e9


def field(level_of: np.ndarray, amplitude: float) -> np.ndarray:
    """Return fields by steps of time, shape (steps + 1, shots); ``level_of`` (steps, shots)."""
    lines = np.array([ONE.ground_hz, ONE.excited_hz]) - ONE.bare_hz
    drive = np.pi * ONE.kappa_hz * amplitude / ONE.critical_amplitude
    found = [np.zeros(level_of.shape[1], complex)]

    def slope(now: np.ndarray, level: np.ndarray, on: bool) -> np.ndarray:
        line = ONE.bare_hz + lines[level] / np.sqrt(1 + np.abs(now) ** 2)
        return np.asarray((2j * np.pi * (line - AT_HZ) - np.pi * ONE.kappa_hz) * now + drive * on)

    for k, level in enumerate(level_of):
        now, on = found[-1], k * STEP_S < CLOSES_S - STEP_S / 2
        half = now + STEP_S / 2 * slope(now, level, on)
        found.append(now + STEP_S * slope(half, level, on))
    return np.array(found)


@pytest.mark.parametrize(("amplitude", "off"), [(0.02, 0.03), (0.1, 0.04), (0.15, 0.1)])
@pytest.mark.parametrize("sigma", [0.08, 0.15, 0.22])
def test_the_blind_time_is_that_of_shots_that_are_lifted(
    amplitude: float, off: float, sigma: float
) -> None:
    """Each field by its own equation of motion, photons of 0 and all; the law is of first order."""
    steps = round((CLOSES_S + EMPTY_S) / STEP_S)
    lifted = np.arange(steps + 1)  # the last one never is: 0; the first is 1 throughout
    levels = (np.arange(steps)[:, None] >= lifted).astype(int)
    fields = field(levels, amplitude)
    opens, closes = round(OPENS_S / STEP_S), round(CLOSES_S / STEP_S)
    points = np.sum(0.5 * (fields[opens:closes] + fields[opens + 1 : closes + 1]), axis=0)
    axis = points[0] - points[-1]
    place = np.real((points - points[-1]) * np.conj(axis)) / abs(axis) ** 2
    rng = np.random.default_rng(3)
    cut = min(2 * sigma, 1 - 4 * sigma)
    draws = rng.normal(0, sigma, 200_000)
    taken = np.array([np.mean(one + draws < cut) for one in place])
    rate = 1 + np.abs(fields[:-1, -1]) ** 2
    # A lift after the pulse is seen by nobody: that wait, without photons, is none of it.
    middle = 0.5 * (taken[1:] + taken[:-1])
    each = STEP_S * np.where(np.arange(steps) < closes, middle * rate, middle * (rate - 1))
    expected = float(np.sum(each) / taken[-1])
    found = unseen_lift_s(ONE, AT_HZ, amplitude, OPENS_S, CLOSES_S, cut, sigma)
    assert found == pytest.approx(expected, rel=off)
    assert found != pytest.approx(CLOSES_S - OPENS_S, rel=0.05)


def test_more_photons_and_a_later_cut_blind_for_longer() -> None:
    def blind(amplitude: float, cut: float) -> float:
        return unseen_lift_s(ONE, AT_HZ, amplitude, OPENS_S, CLOSES_S, cut, 0.1)

    assert blind(0.02, 0.2) < blind(0.1, 0.2) < blind(0.1, 0.5)
    far = replace(ONE, critical_amplitude=1e3)
    none = unseen_lift_s(far, AT_HZ, 0.1, OPENS_S, CLOSES_S, 1.5, 0.02)
    assert none == pytest.approx(CLOSES_S, rel=0.02), "whoever sees nothing is blind all the time"
