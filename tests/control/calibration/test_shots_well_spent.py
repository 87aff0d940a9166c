"""What the shots of T1 and f01 give, against what they could give at best (Cramer-Rao).

At best: every shot at the delay and phase that tell most of the one unknown quantity, all
else known, readout without error. The routines spend some shots on what else they must know.
"""

import numpy as np
import pytest

from podium.control.calibration.fits.oscillation import envelope
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.routines.ramsey import FREQUENCY_SHOTS, steep_points
from podium.control.calibration.routines.relaxation import FAR, SHOTS, Layout

LEVELS = Levels(0j, 1 + 0j, 0.035, 0.05)
"""Of a readout with an assignment fidelity of 99 %."""


def best_t1(t1_s: float, shots: int) -> float:
    x = np.linspace(0.5, 3, 2000)
    return t1_s / float(np.sqrt(shots * np.max(x**2 / np.expm1(x))))


def best_frequency(t2_s: float, gaussian: float, shots: int) -> float:
    delay = np.linspace(0.01, 3, 2000) * t2_s
    slope = 2 * np.pi * delay * envelope(delay, t2_s, gaussian)
    return 1 / float(np.sqrt(shots) * np.max(slope))


def sigmas(jacobian: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    weighted = jacobian / sigma[:, None]
    return np.sqrt(np.diag(np.linalg.inv(weighted.T @ weighted)))


@pytest.mark.parametrize("t1_s", [22e-6, 33e-6, 48e-6])
def test_t1_is_known_to_less_than_twice_the_best(t1_s):
    """Laid out for a T1 of 33 µs, or anew where it is as far from that as the routine says."""
    low, high = FAR
    layout = Layout.of(33e-6 if low < t1_s / 33e-6 < high else t1_s)
    x = layout.delay_s / t1_s
    decay = np.exp(-x) * layout.excited
    noise = LEVELS.sigma(decay, SHOTS)
    rows = np.stack([x / t1_s * decay, decay, np.ones_like(x)], axis=1)
    found = sigmas(rows, noise)[0]
    assert found < 2 * best_t1(t1_s, SHOTS * len(x))


@pytest.mark.parametrize("t2_s", [15e-6, 27e-6, 40e-6])
@pytest.mark.parametrize("gaussian", [0.0, 0.35, 0.8])
def test_f01_is_known_to_less_than_twice_the_best(t2_s, gaussian):
    delay, phase = steep_points(t2_s)
    height = 0.48 * envelope(delay, t2_s, gaussian)
    angle = -2 * np.pi * phase
    noise = LEVELS.sigma(0.5 + height * np.cos(angle), FREQUENCY_SHOTS)
    turn = -height * np.sin(angle) * 2 * np.pi
    rows = np.stack([turn * delay, turn, np.ones_like(delay)], axis=1)
    found = sigmas(rows, noise)[0]
    assert found < 2 * best_frequency(t2_s, gaussian, FREQUENCY_SHOTS * len(delay))
