"""What the shots of T1 and f01 give, against what they could give at best (Cramer-Rao).

At best: every shot at the delay and phase that tell most of the one unknown quantity, all
else known, readout without error. The routines spend some shots on what else they must know.
"""

import numpy as np
import pytest

from podium.control.calibration.fits.oscillation import envelope
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.routines import echo, ramsey
from podium.control.calibration.routines.ramsey import FREQUENCY_SHOTS, steep_points
from podium.control.calibration.routines.relaxation import FAR, FLIPPING, WAITING, DelayPlan, Layout

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


FLIPS_S = 7.6e-6
"""What a shot takes beside its delay where flips reset the qubits."""
LATE, SOONER = 1.02, 0.9
"""Of the scan for shots that wait: the sigma is as good, the time with flips is shorter."""


def sigma_of_t1(layout: Layout, plan: DelayPlan, t1_s: float) -> float:
    """Return the sigma of T1, s: with its height, its end, and what flips have left."""
    x = layout.delay_s / t1_s
    decay = np.exp(-x) * layout.excited
    rows = np.stack([x / t1_s * decay, decay, np.ones_like(x)], axis=1)
    if plan.late:
        rest = np.where(layout.excited, -1, 1) * np.exp(-x)
        rows = np.column_stack([rows, rest])
    return float(sigmas(rows, LEVELS.sigma(decay, plan.shots))[0])


@pytest.mark.parametrize("t1_s", [22e-6, 33e-6, 48e-6])
def test_t1_is_known_to_less_than_twice_the_best(t1_s):
    """Laid out for a T1 of 33 µs, or anew where it is as far from that as the routine says."""
    low, high = FAR
    layout = Layout.of(33e-6 if low < t1_s / 33e-6 < high else t1_s)
    count = WAITING.shots * len(layout.delay_s)
    assert sigma_of_t1(layout, WAITING, t1_s) < 2 * best_t1(t1_s, count)


@pytest.mark.parametrize("t1_s", [31.5e-6, 33e-6, 34.5e-6])
def test_a_scan_of_t1_after_flips_takes_less_time_for_the_sigma(t1_s):
    """Laid out for a T1 of 33 µs: a first scan has told it to several per cent."""
    late = DelayPlan(3, 28, (0.8, 2.2), 3, 6, 700)
    before, after = Layout.of(33e-6, late), Layout.of(33e-6, FLIPPING)
    times = [  # for one sigma
        plan.shots * np.sum(layout.delay_s + FLIPS_S) * sigma_of_t1(layout, plan, t1_s) ** 2
        for plan, layout in ((late, before), (FLIPPING, after))
    ]
    assert times[1] < 0.7 * times[0]


def sigma_of_echo(shares: np.ndarray, shots: int, t2_s: float, share: float) -> float:
    x = shares / share
    height = 0.46 * np.exp(-x)
    noise = np.hypot(LEVELS.sigma(0.5 + height, shots), LEVELS.sigma(0.5 - height, shots))
    rows = np.stack([x * height * share, height / 0.46], axis=1)
    return float(sigmas(rows, noise / np.sqrt(8))[0]) * t2_s


@pytest.mark.parametrize("share", [0.75, 1.0])
def test_an_echo_after_flips_takes_less_time_for_the_sigma(share):
    """``share``: the decay, of the one that the delays are laid out for."""
    before, after = (echo.WAITING, echo.SHOTS), (echo.FLIPPING, echo.FLIPPING_SHOTS)
    t2_s = 40e-6
    assert sigma_of_echo(*after, t2_s, share) < LATE * sigma_of_echo(*before, t2_s, share)
    times = [shots * np.sum(x * t2_s + FLIPS_S) for x, shots in (before, after)]
    assert times[1] < SOONER * times[0]


def sigma_of_t2(shares: np.ndarray, gaussian: float) -> float:
    """Return the sigma of T2*, relative, of as many shots at each delay."""
    delay, phase = np.meshgrid(shares, [0, 0.25, 0.5, 0.75], indexing="ij")
    delay, phase = delay.ravel(), 2 * np.pi * phase.ravel()
    height = 0.47 * envelope(delay, 1.0, gaussian)
    inside = height * np.cos(phase)
    turn = -height * np.sin(phase) * 2 * np.pi
    steep = (1 - gaussian) * delay + 2 * gaussian * delay**2
    rows = [inside * steep, inside * (delay - delay**2), inside, turn, turn * delay]
    rows.append(np.ones_like(delay))
    return float(sigmas(np.stack(rows, axis=1), LEVELS.sigma(0.5 + inside, 280))[0])


@pytest.mark.parametrize("gaussian", [0.05, 0.35, 0.8])
def test_fringes_after_flips_take_less_time_for_the_sigma(gaussian):
    before, after = ramsey.WAITING, ramsey.FLIPPING
    assert len(after) == len(before)
    assert sigma_of_t2(after, gaussian) < LATE * sigma_of_t2(before, gaussian)
    times = [np.sum(x * 27e-6 + FLIPS_S) for x in (before, after)]
    assert times[1] < SOONER * times[0]


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
