"""A probe whose photons move a narrow line too far is weakened before chi is told."""

import numpy as np
import pytest

from podium.control.calibration.fits.resonator import (
    DispersiveScan,
    ReadoutWindow,
    dispersive_rows,
)
from podium.control.calibration.routines.dispersive_shift import GENTLE, POWERS, _share_left

KAPPA, CHI, CENTRE = 1.8e6, -1.6e6, 6.809e9
WINDOW = ReadoutWindow(0.7e-6, 2.0e-6)


def rows(pull_hz: float, seed: int) -> np.ndarray:
    frequency = CENTRE + np.linspace(-7e6, 7e6, 49)
    scan = DispersiveScan(
        frequency,
        np.zeros((2, 49), complex),
        np.array(POWERS) ** 2,
        np.zeros(2),
        np.ones(2),
        WINDOW,
        CENTRE - 9e6,
    )
    line = {"gain": 1.0, "phase": 0.4, "delay": 3e-8, "slope": 0.0, "twist": 0.1}
    known = {"resonance": CENTRE, "chi": CHI, "kappa": KAPPA, "coupling": 0.95 * KAPPA}
    iq = dispersive_rows(scan, {**line, **known, "pull": pull_hz})[0]
    noise = np.random.default_rng(seed).normal(scale=0.004, size=(2, *iq.shape))
    return np.asarray(iq + noise[0] + 1j * noise[1])


def share_left(iq: np.ndarray) -> float:
    return _share_left(CENTRE + np.linspace(-7e6, 7e6, 49), iq, WINDOW, KAPPA)


@pytest.mark.parametrize("seed", range(3))
def test_a_line_that_moves_little_is_left_alone(seed: int) -> None:
    assert share_left(rows(-0.08 * KAPPA, seed)) == 1.0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("moved", [0.4, 0.6])
def test_photons_that_move_a_line_too_far_become_as_few_as_move_it_gently(
    moved: float, seed: int
) -> None:
    share = share_left(rows(-moved * KAPPA, seed))
    assert share**2 * moved == pytest.approx(GENTLE, rel=0.5)


def test_noise_is_left_to_the_fit_of_all_rows() -> None:
    data = rows(-0.08 * KAPPA, 1)
    data[:] = np.random.default_rng(5).normal(size=(2, 49))
    assert share_left(data) == 1.0
