"""What a lab fits to its data where its stack brings no analysis: numpy and scipy, nothing of ours.

Runs in other people's environments. Times in us, frequencies in Hz unless a name says otherwise.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import curve_fit

Reals = NDArray[np.float64]
Complexes = NDArray[np.complex128]
FIRST_US, FIRST_SHOTS = 150.0, 1000
"""Length and shots of T1's first scan."""
LIFETIMES, SHOTS = 2.5, 30_000
"""Length, in T1, and shots of its second."""
DELAYS = 21
"""Points of both."""


def along(signal: Complexes) -> Reals:
    """Return where complex points are on the line on which they lie, which is 1 long."""
    centred = signal - signal.mean()
    angle = 0.5 * np.angle(np.sum(centred**2))
    part = (centred * np.exp(-1j * angle)).real
    return part / np.ptp(part)


def fitted(model: Callable, x: Reals, y: Reals, guesses: list) -> tuple[Reals, Reals]:
    """Return the best parameters of several fits and their sigmas."""
    found = []
    for guess in guesses:
        try:
            best, covariance = curve_fit(model, x, y, guess, maxfev=20_000)
        except RuntimeError:
            continue
        sigma = np.sqrt(np.diag(covariance))
        if np.all(np.isfinite(sigma)):
            found.append((np.sum((model(x, *best) - y) ** 2), best, sigma))
    _, best, sigma = min(found, key=lambda one: one[0])
    return best, sigma


def line_centre(hz: Reals, heard: Complexes) -> float:
    """Return where a line is that is seen as a distance from the median."""
    seen = np.abs(heard - np.median(heard.real) - 1j * np.median(heard.imag))
    step, guess = hz[1] - hz[0], hz[np.argmax(seen)]

    def model(x, height, centre, width, floor):
        return floor + height / (1 + ((x - centre) / width) ** 2)

    best, _ = fitted(model, (hz - guess) / step, seen / seen.max(), [(1, 0, 2, 0)])
    return float(guess + step * best[1]) if abs(best[1]) < 4 else float(guess)


def half_turn(part: Reals, heard: Complexes) -> tuple[float, float]:
    """Return the amplitude of half a turn and its sigma: a cosine in the amplitude."""
    y = along(heard)

    def model(x, height, turns, floor):
        return floor + height * np.cos(2 * np.pi * turns * x)

    each = [t / np.ptp(part) for t in (0.5, 0.75, 1, 1.5, 2, 3)]
    best, sigma = fitted(model, part, y, [(0.5, t, 0.0) for t in each])
    turns = abs(best[1])
    return float(0.5 / turns), float(0.5 * sigma[1] / turns**2)


def fringe(us: Reals, heard: Complexes) -> tuple[float, float, float, float]:
    """Return a Ramsey fringe's frequency, Hz, and decay time, s: value and sigma of each."""
    y = along(heard)

    def model(t, height, mhz, phase, rate, floor):
        return floor + height * np.exp(-t * rate) * np.cos(2 * np.pi * mhz * t + phase)

    spectrum = np.abs(np.fft.rfft(y - y.mean()))
    mhz = np.fft.rfftfreq(len(y), us[1] - us[0])[np.argmax(spectrum)]
    best, sigma = fitted(model, us, y, [(0.5, mhz, phase, 0.1, 0) for phase in (0, np.pi)])
    rate = abs(best[3])
    return (
        1e6 * abs(float(best[1])), 1e6 * float(sigma[1]),
        1e-6 / rate, 1e-6 * float(sigma[3]) / rate**2,
    )  # fmt: skip


def decay(us: Reals, heard: Complexes) -> tuple[float, float]:
    """Return the time of an exponential decay and its sigma, s."""
    y = along(heard)

    def model(t, height, tau, floor):
        return floor + height * np.exp(-t / tau)

    best, sigma = fitted(model, us, y, [(y[0] - y[-1], 30, y[-1])])
    return 1e-6 * float(best[1]), 1e-6 * float(sigma[1])


def lifetime(scan: Callable[[int, int], tuple[Reals, Complexes]]) -> tuple[float, float]:
    """Return T1 and its sigma, s.

    ``scan`` takes the step of ``DELAYS`` delays, ns, a multiple of 4, and a number of shots. It
    returns delays, us, and what was heard. The first scan says about where T1 is, the second is
    laid out by that. It ends early: a warm bath lifts some of level 1 to 2, and what comes down
    from there is seen late in a decay.
    """

    def step_ns(longest_us: float) -> int:
        return 4 * round(250 * longest_us / (DELAYS - 1))

    about_s, _ = decay(*scan(step_ns(FIRST_US), FIRST_SHOTS))
    return decay(*scan(step_ns(min(1e6 * LIFETIMES * about_s, FIRST_US)), SHOTS))


def farthest(hz: Reals, ground: Complexes, excited: Complexes) -> float:
    """Return the frequency of the readout at which two levels are farthest apart."""
    return float(hz[np.argmax(np.abs(excited - ground))])


def told_apart(ground: Complexes, excited: Complexes) -> float:
    """Return the assignment fidelity of single shots, by a threshold between two clouds."""
    turned = np.exp(-1j * np.angle(np.median(excited) - np.median(ground)))
    zero, one = (ground * turned).real, (excited * turned).real
    at = np.sort(np.concatenate([zero, one]))
    below = np.searchsorted(np.sort(zero), at) / len(zero)
    missed = np.searchsorted(np.sort(one), at) / len(one)
    return float(np.max(1 - (1 - below + missed) / 2))


def chevron(parts: Reals, ns: Reals, seen: Reals) -> dict[str, float]:
    """Return where two levels meet and how far apart they stay there, Hz, and sigmas.

    ``seen``: amplitude by duration. Two levels that are ``d`` apart pass their excitation to and
    fro with the frequency ``sqrt(gap**2 + d**2)``; ``d`` is straight in the amplitude. What edges
    are is a time that all durations have in common.
    """
    x, t = np.meshgrid((parts - parts.mean()) / np.ptp(parts), 1e-3 * ns, indexing="ij")

    def model(_, at, gap, slope, late, height, floor):
        apart = slope * (x - at)
        square = gap**2 + apart**2
        gone = gap**2 / square * np.sin(np.pi * np.sqrt(square) * (t + 1e-3 * late)) ** 2
        return (floor + height * gone).ravel()

    away = np.abs(seen - np.median(seen))
    across = x[np.argmax(away.mean(axis=1)), 0]
    height = float(seen.ravel()[np.argmax(away)] - np.median(seen))
    guesses = [
        (at, gap, slope, 0.0, height, np.median(seen))
        for at in (across, 0.0) for gap in (9.0, 12.0, 15.0, 18.0) for slope in (30.0, 60.0)
    ]  # fmt: skip
    best, sigma = fitted(model, np.zeros(seen.size), seen.ravel(), guesses)
    rest = seen.ravel() - model(None, *best)
    return {
        "resonance": float(parts.mean() + best[0] * np.ptp(parts)),
        "resonance_sigma": float(sigma[0] * np.ptp(parts)),
        "gap": 1e6 * abs(float(best[1])),
        "gap_sigma": 1e6 * float(sigma[1]),
        "late_ns": float(best[3]),
        "height": float(best[4]),
        "rest": float(np.std(rest)),
    }


def crossing(x: Reals, y: Reals, level: float) -> tuple[float, float]:
    """Return where a line through the five points nearest to a level crosses it, and sigma."""
    near = np.sort(np.argsort(np.abs(y - level))[:5])
    (slope, height), covariance = np.polyfit(x[near] - x[near].mean(), y[near], 1, cov=True)
    at = (level - height) / slope
    return float(x[near].mean() + at), float(np.sqrt(covariance[1, 1]) / abs(slope))


def fringe_phase(angles: Reals, seen: Reals) -> float:
    """Return the phase of ``cos(angle + phase)`` in what was seen, rad: by a sum, no guess."""
    columns = np.column_stack([np.cos(angles), -np.sin(angles), np.ones_like(angles)])
    (real, imaginary, _), *_ = np.linalg.lstsq(columns, seen, rcond=None)
    return float(np.arctan2(imaginary, real))
