"""What readouts of one qubit are, by small steps of time: for tests of the search for the best.

Fields of 0 and 1 by Runge and Kutta, and beside them one of each decay, 25 ns apart: from then on
its difference from the field of 0 rings down at the line that the photons of 0 have pulled.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.interpolate import RegularGridInterpolator
from scipy.optimize import minimize
from scipy.special import ndtr

from podium.control.calibration.fits.driven_resonator import DrivenResonator

Array = np.ndarray
ONE = DrivenResonator(
    critical_amplitude=0.11, kappa_hz=4e6, bare_hz=7.25e9, ground_hz=7.2565e9, excited_hz=7.254e9
)
T1_S, ARRIVES_S, OPENS_S = 28e-6, 50e-9, 60e-9
DISTANCE = 5.2
"""The greatest of all with pulses of 500 ns."""
STEP_S, PART, LATEST_S = 5e-9, 5, 1.8e-6
FREQUENCIES = 7.2535e9 + np.linspace(-6.5e6, 3.5e6, 27)
LOGS = np.log(np.geomspace(0.028, 0.42, 19))
LENGTHS_S = np.arange(100e-9, LATEST_S, 75e-9)
Uneven = tuple[float, float]
EVEN: Uneven = (0.0, 0.0)
TOP = (7.2526e9, float(np.log(0.157)))
"""Where ``uneven`` counts from: about the best setting."""


@dataclass(frozen=True)
class Readouts:
    """Holds frequencies x amplitudes x lengths; ``place`` and ``lit_s`` x decays."""

    distance: Array
    place: Array
    lit_s: Array
    in_time: Array
    """Shape lengths x decays: they come before the pulse has ended."""


@cache
def readouts() -> Readouts:
    frequency, log = (one.ravel() for one in np.meshgrid(FREQUENCIES, LOGS, indexing="ij"))
    half = np.pi * ONE.kappa_hz
    drive = half * np.exp(log) / ONE.critical_amplitude
    pull = np.array([[ONE.ground_hz], [ONE.excited_hz]]) - ONE.bare_hz

    def rate(field: Array) -> Array:
        line = ONE.bare_hz + pull / np.sqrt(1 + np.abs(field) ** 2)
        return np.asarray(2j * np.pi * (line - frequency) - half)

    def slope(field: Array) -> Array:
        return rate(field) * field + drive

    steps = round(LATEST_S / STEP_S)
    count = steps // PART
    field = np.zeros((2, frequency.size), complex)
    off = np.zeros((count, frequency.size), complex)
    taken = np.zeros((count, frequency.size), complex)
    whole = np.zeros(frequency.size, complex)
    lit = np.zeros((count, frequency.size))
    found = []
    for k in range(steps):
        a = slope(field)
        b = slope(field + STEP_S / 2 * a)
        c = slope(field + STEP_S / 2 * b)
        d = slope(field + STEP_S * c)
        after = field + STEP_S / 6 * (a + 2 * b + 2 * c + d)
        part, begun = k // PART, (k + PART // 2) // PART  # a decay is in the middle of its part
        if k % PART == (PART + 1) // 2:
            off[part] = field[1] - field[0]
        rings = np.exp(rate((field + after) / 2)[0] * STEP_S)
        now = 0.5 * ((after - field)[1] - (after - field)[0]) + field[1] - field[0]
        if k * STEP_S >= OPENS_S - 1e-12:
            whole = whole + STEP_S * now
            taken[begun:] += STEP_S * now
            taken[:begun] += STEP_S * off[:begun] * (1 + rings) / 2
        off[:begun] *= rings
        lit[part] += STEP_S * np.mean(np.abs(np.stack([field, after])[:, 1]) ** 2, axis=0)
        field = after
        if np.any(np.isclose(LENGTHS_S, (k + 1) * STEP_S, atol=STEP_S / 4)):
            window_s = (k + 1) * STEP_S - OPENS_S
            place = np.real(taken * np.conj(whole)) / np.abs(whole) ** 2
            found.append((np.abs(whole) / np.sqrt(window_s), place, lit.copy()))
    shape = (len(FREQUENCIES), len(LOGS))
    distance = np.stack([one[0].reshape(shape) for one in found], axis=-1)
    place, lit_s = (
        np.stack([one[n].T.reshape(*shape, count) for one in found], axis=2) for n in (1, 2)
    )
    middles_s = (np.arange(count) + 0.5) * PART * STEP_S
    at_500 = RegularGridInterpolator((FREQUENCIES, LOGS, LENGTHS_S), distance)
    f, a = np.meshgrid(FREQUENCIES, LOGS)
    size = DISTANCE / np.max(at_500(np.stack([f, a, np.full_like(f, 500e-9)], axis=-1)))
    return Readouts(size * distance, place, lit_s, middles_s < LENGTHS_S[:, None])


@cache
def surfaces(uneven: Uneven = EVEN) -> tuple[RegularGridInterpolator, ...]:
    """Return logarithms of the distance, of what of 1 is lost halfway, and of what is read wrongly.

    ``uneven``: by how much more photons hasten the decay a width and a factor of e above TOP.
    """
    one = readouts()
    widths = (FREQUENCIES - TOP[0]) / ONE.kappa_hz
    tilt = np.exp(uneven[0] * widths[:, None] + uneven[1] * (LOGS - TOP[1]))[..., None, None]
    waits_s = PART * STEP_S * one.in_time
    folds = ARRIVES_S + np.cumsum(waits_s + tilt * one.lit_s, axis=-1)
    alive = np.exp(-folds / T1_S)
    before = 1 - np.exp(-ARRIVES_S / T1_S)
    shares = -np.diff(alive, axis=-1, prepend=1 - before)

    def lost(threshold: Array) -> Array:
        far = one.distance[..., None] * one.place
        decayed = np.sum(shares * ndtr(threshold[..., None] - far), axis=-1)
        left = alive[..., -1] * ndtr(threshold - one.distance)
        return np.asarray(before * ndtr(threshold) + decayed + left)

    tried = [s * one.distance for s in np.linspace(0.2, 0.5, 25)]
    wrong = np.min([(ndtr(-t) + lost(t)) / 2 for t in tried], axis=0)
    axes = (FREQUENCIES, LOGS, LENGTHS_S)
    tables = (one.distance, lost(one.distance / 2), wrong)
    return tuple(RegularGridInterpolator(axes, np.log(t), "cubic", False, None) for t in tables)


def _at(table: RegularGridInterpolator, f: Array, a: Array, length_s: float | Array) -> Array:
    f, a, length = np.broadcast_arrays(f, a, length_s)
    return np.asarray(np.exp(table(np.stack([f, a, length], axis=-1))))


def distance(f: Array, a: Array, length_s: float | Array) -> Array:
    return _at(surfaces()[0], f, a, length_s)


def lost_halfway(f: Array, a: Array, length_s: float | Array, uneven: Uneven = EVEN) -> Array:
    return _at(surfaces(uneven)[1], f, a, length_s)


def fidelity(f: float, a: float, length_s: float, uneven: Uneven = EVEN) -> float:
    return 1 - _at(surfaces(uneven)[2], np.array(f), np.array(a), length_s).item()


@cache
def true_best(uneven: Uneven = EVEN) -> tuple[Array, float]:
    """Return the best setting (Hz, log, s) and its fidelity."""
    table = surfaces(uneven)[2]
    at = np.unravel_index(int(np.argmin(table.values)), table.values.shape)
    begin = [axis[k] for axis, k in zip(table.grid, at, strict=True)]
    found = minimize(
        lambda u: -fidelity(begin[0] + 1e6 * u[0], begin[1] + u[1], begin[2] + 1e-6 * u[2], uneven),
        [0.0, 0.0, 0.0],
        method="Nelder-Mead",
        options={"xatol": 1e-4, "fatol": 1e-10, "maxiter": 600},
    )
    return np.array(begin) + np.array([1e6, 1.0, 1e-6]) * found.x, -float(found.fun)
