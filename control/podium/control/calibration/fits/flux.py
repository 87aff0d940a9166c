"""Fits a flux-tunable qubit over its bias: frequency arc, and its resonator's."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    ParametersOrMany,
    fit_least_squares,
    fit_many_at_once,
)

Array = NDArray[np.float64]
EXPLAINED = 0.5
"""An arc must leave less than this share of the scatter: noise alone leaves 0.8 and more."""
MOVES = 8.0
"""Sigmas of a single bias by which a resonator that follows its qubit moves at least."""
PERIOD_DOUBT = 0.3
"""Relative, of the period that a qubit's arc starts from: what three points do not tell apart, the
period from the asymmetry, is off by less."""
DOUBTS = {"period": 0.1, "pull": 0.5, "asymmetry": 0.15}
"""What the fit of a resonator's arc takes the design to be good for: the first two relative.
ASSUMED: three spreads and more of what a facility file says."""


def arc(
    bias_v: Array,
    top_hz: Array | float,
    charging_hz: float,
    sweet_v: Array | float,
    period_v: Array | float,
    asymmetry: Array | float,
) -> Array:
    """Return f01 over bias: ``(top + Ec) (cos^2 + d^2 sin^2)^(1/4) - Ec``. Arguments broadcast.

    Koch et al., Phys. Rev. A 76, 042319 (2007), Eqs. 2.11 and 2.18.
    """
    x = np.pi * (bias_v - sweet_v) / period_v
    squid = np.cos(x) ** 2 + asymmetry**2 * np.sin(x) ** 2
    return np.asarray((top_hz + charging_hz) * squid**0.25 - charging_hz)


def resonator_arc(bias_v: Array, values: ParametersOrMany, design: Mapping[str, float]) -> Array:
    """Return the dressed resonator over the bias; see :func:`fit_resonator_arc`."""
    qubit = arc(
        bias_v,
        design["f01"],
        design["charging"],
        values["sweet_spot"],
        values["period"],
        values["asymmetry"],
    )
    gap_top = values["bare"] - design["f01"]
    return np.asarray(values["bare"] + values["pull"] * gap_top / (values["bare"] - qubit))


def fit_resonator_arc(
    bias_v: Array,
    resonator_hz: Array,
    sigma_hz: Array,
    design: Mapping[str, float],
) -> Fit:
    """Fit the dressed resonator, ``bare + g2 / (bare - f01(V))``, over the bias.

    ``design``: ``f01``, ``charging``, ``asymmetry``, ``period``, ``pull`` (expected g2 / (f_r -
    f01) at the top, Hz). The last three count as measured with :data:`DOUBTS`, so that few biases
    will do. Returns ``sweet_spot``, ``period`` (V), ``bare``, ``pull`` (Hz) and ``asymmetry``. Of
    the sweet spots the one nearest to 0 V is returned.
    """
    period, pull = design["period"], design["pull"]
    known = {
        "period": (period, DOUBTS["period"] * period),
        "pull": (pull, DOUBTS["pull"] * abs(pull)),
        "asymmetry": (design["asymmetry"], DOUBTS["asymmetry"]),
    }

    def model(values: Mapping[str, Array]) -> Array:
        line = resonator_arc(bias_v, values, design)
        return np.concatenate([line, *(values[name] for name in known)], axis=1)

    middle = float(np.mean(bias_v))
    starts = [
        {
            "sweet_spot": middle + shift * period,
            "period": period,
            "bare": float(np.max(resonator_hz)) - pull,
            "pull": pull,
            "asymmetry": design["asymmetry"],
        }
        for shift in np.linspace(-0.5, 0.5, 11)
    ]
    bounds = {
        "sweet_spot": Bound(middle - period, middle + period),
        "period": Bound(period * 0.6, period * 1.6),
        "pull": Bound(min(pull / 5, pull * 5), max(pull / 5, pull * 5)),
        "asymmetry": Bound(0.0, 0.95),
    }
    fit = fit_many_at_once(
        model,
        np.concatenate([resonator_hz, [value for value, _ in known.values()]]),
        np.concatenate([sigma_hz, [sigma for _, sigma in known.values()]]),
        starts,
        bounds,
    )
    line = resonator_arc(bias_v, fit.values, design)
    return _followed(fit, resonator_hz, sigma_hz, line, period)


def _followed(
    fit: Fit, resonator_hz: Array, sigma_hz: Array, model_hz: Array, period: float
) -> Fit:
    """Return the fit with the sweet spot nearest to 0 V; raises FitFailed where it is no arc."""
    scatter = float(np.std(resonator_hz))
    left = float(np.std(resonator_hz - model_hz))
    if left > EXPLAINED * scatter or np.ptp(resonator_hz) < MOVES * float(np.median(sigma_hz)):
        raise FitFailed(
            f"the resonator does not follow the bias: it scatters by {scatter / 1e3:.0f} kHz, of "
            f"which an arc leaves {left / 1e3:.0f} kHz; is the flux line connected?"
        )
    spot, fitted = fit.values["sweet_spot"], fit.values["period"]
    fit.values["sweet_spot"] = spot - fitted * round(spot / fitted)
    if fit.sigmas["sweet_spot"] > period / 10:
        raise FitFailed(f"the sweet spot is only known to {fit.sigmas['sweet_spot']:.3f} V")
    return fit


def fit_shaped_arc(
    bias_v: Array,
    qubit_hz: Array,
    sigma_hz: Array,
    shape: Callable[[Array], Array],
    start: Mapping[str, float],
) -> Fit:
    """Fit ``top shape(flux)`` over the bias near a sweet spot, where f01 is ``top``, Hz.

    ``shape``: by the distance from a sweet spot in flux quanta, 1 there; ``start``:
    ``sweet_spot``, ``period`` (V), ``top`` (Hz).
    """

    known_v, doubt_v = start["period"], PERIOD_DOUBT * start["period"]

    def model(values: Mapping[str, float]) -> Array:
        flux = (bias_v - values["sweet_spot"]) / values["period"]
        return np.append(values["top"] * shape(flux), values["period"])

    begin = {name: start[name] for name in ("sweet_spot", "period", "top")}
    begins = [
        begin | {"sweet_spot": start["sweet_spot"] + share * start["period"]}
        for share in (0.0, -0.002, 0.002)
    ]
    bounds = {"period": Bound(start["period"] * 0.7, start["period"] * 1.4)}
    data, sigma = np.append(qubit_hz, known_v), np.append(sigma_hz, doubt_v)
    return fit_least_squares(model, data, sigma, begins, bounds)


def fit_qubit_arc(
    bias_v: Array, qubit_hz: Array, sigma_hz: Array, start: Mapping[str, float]
) -> Fit:
    """Fit f01 over the bias near a sweet spot.

    ``start``: ``sweet_spot``, ``period`` (V), ``top`` (Hz), and, held, ``asymmetry`` and
    ``charging`` (Hz). Returns ``sweet_spot``, ``period`` and ``top``. The arc is even about the
    sweet spot whatever its exact shape, and the period takes up its width: with points in pairs
    about the sweet spot the shape's error drops out, and a hundredth of a period beside them what
    is left of it is 1e-5 periods for an asymmetry that is off by 0.3.
    """

    known_v, doubt_v = start["period"], PERIOD_DOUBT * start["period"]

    def model(values: Mapping[str, Array]) -> Array:
        line = arc(
            bias_v,
            values["top"],
            start["charging"],
            values["sweet_spot"],
            values["period"],
            start["asymmetry"],
        )
        return np.append(line, values["period"], axis=1)

    begin = {name: start[name] for name in ("sweet_spot", "period", "top")}
    begins = [
        begin | {"sweet_spot": start["sweet_spot"] + share * start["period"]}
        for share in (0.0, -0.005, 0.005)
    ]
    bounds = {"period": Bound(start["period"] * 0.4, start["period"] * 2.5)}
    data, sigma = np.append(qubit_hz, known_v), np.append(sigma_hz, doubt_v)
    return fit_many_at_once(model, data, sigma, begins, bounds)
