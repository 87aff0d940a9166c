"""Fits swaps of a qubit with a two-level defect, over detuning and duration of a flux pulse.

One excitation is in the qubit, in the defect, or lost: the master equation of both is four real
equations, of the two populations and of the coherence between them.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
    look_at,
)

Array = NDArray[np.float64]
STEP_NS = 20
"""Durations are multiples of it."""
COUPLINGS_HZ = (0.15e6, 0.4e6, 1e6, 2.5e6)
LIFETIMES_S = (0.2e-6, 0.8e-6)
LEAST_HZ, MOST_HZ = 5e3, 30e6
FASTEST_1_S = 50e6
"""Of a defect's decay and dephasing."""
SCATTERED = 4.0
"""chi2 per point: more is no single defect."""
FOUND = 6.0
"""Sigmas by which a coupling is above zero."""


def swapped(
    frequency_hz: Array,
    durations_ns: Sequence[int],
    values: Mapping[str, float],
    qubit_rate_1_s: float,
) -> Array:
    """Return what is left in the qubit, (durations, frequencies).

    ``values``: ``place`` and ``coupling`` (Hz) of the defect, ``decay`` and ``dephasing`` (1/s).
    """
    g = 2e-9 * np.pi * values["coupling"]
    off = 2e-9 * np.pi * (frequency_hz - values["place"])
    own, lost = 1e-9 * qubit_rate_1_s, 1e-9 * values["decay"]
    width = (own + lost) / 2 + 1e-9 * values["dephasing"]
    rate = np.zeros((frequency_hz.size, 4, 4))
    rate[:, 0, 0], rate[:, 0, 3] = -own, -2 * g
    rate[:, 1, 1], rate[:, 1, 3] = -lost, 2 * g
    rate[:, 2, 2], rate[:, 2, 3] = -width, off
    rate[:, 3, 2], rate[:, 3, 3] = -off, -width
    rate[:, 3, 0], rate[:, 3, 1] = g, -g
    from scipy.linalg import expm  # heavy

    step = expm(STEP_NS * rate)
    powers = [np.linalg.matrix_power(step, ns // STEP_NS) for ns in durations_ns]
    return np.array([one[:, 0, 0] for one in powers])


def signal_of(
    frequency_hz: Array,
    durations_ns: Sequence[int],
    values: Mapping[str, float],
    qubit_rate_1_s: float,
) -> Array:
    """Return the signal: ``low`` without an excitation, ``height`` more with one."""
    left = swapped(frequency_hz, durations_ns, values, qubit_rate_1_s)
    return np.asarray(values["low"] + values["height"] * left)


def fit_swaps(
    frequency_hz: Array,
    durations_ns: Sequence[int],
    signal: Array,
    sigma: Array,
    qubit_rate_1_s: float,
    place_hz: float,
) -> Fit:
    """Fit a defect near ``place_hz`` to a map, (durations, frequencies). Raises FitFailed."""
    look_at(signal)
    span = float(frequency_hz.max() - frequency_hz.min())
    high, low = float(np.quantile(signal, 0.9)), 0.0
    starts = [
        {
            "place": place_hz,
            "coupling": coupling,
            "decay": 1 / life,
            "dephasing": 0.5 / life,
            "low": low,
            "height": high - low,
        }
        for coupling in COUPLINGS_HZ
        for life in LIFETIMES_S
    ]
    bounds = {
        "place": Bound(float(frequency_hz.min()) - span / 4, float(frequency_hz.max()) + span / 4),
        "coupling": Bound(LEAST_HZ, MOST_HZ),
        "decay": Bound(0.0, FASTEST_1_S),
        "dephasing": Bound(0.0, FASTEST_1_S),
        "low": Bound(-0.3, 0.4),
        "height": Bound(0.3, 1.4),
    }

    def model(values: Mapping[str, float]) -> Array:
        return signal_of(frequency_hz, durations_ns, values, qubit_rate_1_s).ravel()

    found = fit_least_squares(model, signal.ravel(), sigma.ravel(), starts, bounds)
    if found.chi2 > SCATTERED:
        raise FitFailed(
            f"no swap with one defect: the points scatter {np.sqrt(found.chi2):.1f} times as much "
            "as their shots explain; two defects may be near each other"
        )
    if found.values["coupling"] < FOUND * found.sigmas["coupling"]:
        raise FitFailed("what is lost there is not told from noise")
    return found
