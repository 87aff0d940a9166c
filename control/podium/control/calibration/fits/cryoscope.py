"""Fits what a flux line makes of a step, from the phase that pulses of many lengths give a qubit.

As in Rol et al., Appl. Phys. Lett. 116, 054001 (2020); but the exponentials are fitted to the
phases themselves, which nobody has to differentiate.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares

Array = NDArray[np.float64]
BANDS_S = ((15e-9, 200e-9), (200e-9, 4e-6))
"""Where the time constants of the exponentials are looked for, one in each. Of shorter ones every
pulse gets the same phase, whatever its duration: they are in the offset."""
MOST = 0.2
"""Amplitude of an exponential at most, of the step."""
STEP_S = 1e-9
STARTS = (0.0, 0.01, -0.01)


def step_response(time_s: Array, values: Mapping[str, float]) -> Array:
    """Return what arrives of a step of 1: 0 before it."""
    after = np.maximum(time_s, 0.0)
    level = np.ones(time_s.shape)
    for k in range(1, len(BANDS_S) + 1):
        level = level + values[f"amplitude{k}"] * np.exp(-after / values[f"tau{k}"])
    return np.where(time_s >= 0, level, 0.0)


def phases_of(
    duration_s: Array,
    whole_s: float,
    values: Mapping[str, float],
    shift_of: Callable[[Array], Array],
) -> Array:
    """Return the phase, turns, that each pulse of 1 leaves ``whole_s`` after its begin.

    ``shift_of``: shift of the qubit in Hz by levels of the line, relative to the pulse's.
    """
    time = np.asarray((np.arange(round(whole_s / STEP_S)) + 0.5) * STEP_S, np.float64)
    rise = step_response(time, values)
    later = np.maximum(time[None, :] - duration_s[:, None], -1.0)
    fall = step_response(later, values)
    level = values["scale"] * (rise[None, :] - fall)
    return np.asarray(values["offset"] + shift_of(level).sum(axis=1) * STEP_S)


def unwound(turns: Array, duration_s: Array, shift_hz: float) -> Array:
    """Return phases known but for whole turns as they go on with the duration, ascending.

    ``shift_hz``: as expected, good enough for the first duration.
    """
    found = np.array(turns, float)
    rate = shift_hz
    near = rate * duration_s[0]
    for k in range(found.size):
        found[k] -= round(found[k] - near)
        if k + 1 < found.size:
            if k:
                rate = (found[k] - found[k - 1]) / (duration_s[k] - duration_s[k - 1])
            near = found[k] + rate * (duration_s[k + 1] - duration_s[k])
    return found


def fit_cryoscope(
    duration_s: Array,
    turns: Array,
    sigma: Array,
    whole_s: float,
    shift_of: Callable[[Array], Array],
) -> Fit:
    """Fit phases over the duration of a pulse, shape (n,); see :func:`phases_of`.

    Returns ``amplitude1``, ``tau1`` (s) and so on, ``scale`` (of the level, as expected) and
    ``offset`` (turns). Raises FitFailed.
    """

    def model(values: Mapping[str, float]) -> Array:
        return phases_of(duration_s, whole_s, values, shift_of)

    taus = {f"tau{k}": float(np.sqrt(a * b)) for k, (a, b) in enumerate(BANDS_S, 1)}
    none = {f"amplitude{k}": 0.0 for k in range(1, len(BANDS_S) + 1)}
    flat = none | taus | {"scale": 1.0, "offset": 0.0}
    slope = float(np.polyfit(duration_s[-5:], turns[-5:], 1)[0])
    expected = float(shift_of(np.ones(1))[0])
    scale = float(np.sqrt(max(0.25, slope / expected)))
    starts = [
        flat | {"scale": scale, "amplitude1": one, "amplitude2": two}
        for one in STARTS
        for two in STARTS
    ]
    bounds = {f"tau{k}": Bound(a, b) for k, (a, b) in enumerate(BANDS_S, 1)}
    bounds |= {name: Bound(-MOST, MOST) for name in none}
    bounds |= {"scale": Bound(0.5, 1.6), "offset": Bound(-0.3, 0.3)}
    found = fit_least_squares(model, turns, sigma, starts, bounds)
    if found.chi2 > 9.0:
        raise FitFailed(
            f"two exponentials do not describe the line: the phases scatter "
            f"{np.sqrt(found.chi2):.1f} times as much as the shots explain"
        )
    return found
