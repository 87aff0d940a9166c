"""Fits cosines: Rabi oscillations over amplitude, and Ramsey fringes with decay."""

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    ParametersOrMany,
    fit_many_at_once,
    look_at,
)

Array = NDArray[np.float64]


def cosine(x: Array, values: ParametersOrMany) -> Array:
    """Return ``offset + amplitude * cos(2 pi (x / period))``: a Rabi scan starts at an extremum."""
    return np.asarray(
        values["offset"] + values["amplitude"] * np.cos(2 * np.pi * x / values["period"])
    )


def fit_rabi(amplitude: Array, signal: Array, expected_period: float) -> Fit:
    """Fit a cosine with its extremum at amplitude 0; ``period`` is twice the pi amplitude.

    Counts of 1 scatter most half way, where the slopes are that tell the period: the noise is
    taken from what a first fit leaves, see :func:`_scatter`. Raises FitFailed when the oscillation
    is within the noise.
    """
    look_at(signal)
    offset = float(np.mean(signal))
    half = float(np.ptp(signal)) / 2
    starts = [
        {"offset": offset, "amplitude": sign * half, "period": expected_period * factor}
        for factor in np.geomspace(0.5, 2.0, 9)
        for sign in (1.0, -1.0)
    ]
    bounds = {"period": Bound(expected_period / 4, expected_period * 4)}

    def model(values: ParametersOrMany) -> Array:
        return cosine(amplitude, values)

    fit = fit_many_at_once(model, signal, None, starts, bounds)
    line = model(fit.values)
    scatter = _scatter(line - fit.values["offset"], signal - line, fit)
    fit = fit_many_at_once(model, signal, scatter, [fit.values], bounds)
    if abs(fit.values["amplitude"]) < 5 * fit.sigmas["amplitude"]:
        raise FitFailed(
            f"the oscillation's amplitude is only "
            f"{abs(fit.values['amplitude']) / fit.sigmas['amplitude']:.1f} sigma"
        )
    return fit


def _scatter(swing: Array, left: Array, fit: Fit) -> Array:
    """Return each point's sigma, by what a fit has ``left``: the same everywhere, and binomial.

    ``swing``: the line less its middle; half way between 0 and 1 that part is greatest, at both
    ends it is nothing (to which at least a tenth of the mean is ascribed).
    """
    half_way = np.clip(1.0 - (swing / fit.values["amplitude"]) ** 2, 0.0, None)
    squares = left**2 * left.size / (left.size - len(fit.names))
    mean, about = float(np.mean(squares)), half_way - np.mean(half_way)
    slope = max(float(np.mean(about * squares) / np.mean(about**2)), 0.0)
    variance = mean + slope * about
    return np.sqrt(np.maximum(variance, max(0.1 * mean, np.finfo(float).tiny)))


def envelope(delay_s: Array, decay_s: Array | float, gaussian: Array | float) -> Array:
    """Return ``exp(-(1 - g) u - g u**2)``, u = delay / decay.

    White noise gives the first factor, noise that is slow against a shot the second
    (Ithier et al., Phys. Rev. B 72, 134519 (2005), Eq. 22 and Sec. III).
    """
    u = delay_s / decay_s
    return np.asarray(np.exp(-(1 - gaussian) * u - gaussian * u**2))


def ramsey(delay_s: Array, phase_turns: Array, values: ParametersOrMany) -> Array:
    """Return the excited fraction after a Ramsey sequence.

    ``offset + amplitude * envelope * cos(2 pi (detuning * delay + phase + shift))`` with the
    second pulse's phase advanced by ``phase_turns``.
    """
    angle = values["detuning"] * delay_s + phase_turns + values["shift"]
    decay = envelope(delay_s, values["decay"], values.get("gaussian", 0.0))
    return np.asarray(values["offset"] + values["amplitude"] * decay * np.cos(2 * np.pi * angle))


def fit_ramsey(
    delay_s: Array,
    phase_turns: Array,
    signal: Array,
    sigma: Array | float | None,
    expected_decay_s: float,
    detunings_hz: Array,
) -> Fit:
    """Fit fringes; ``detunings_hz`` are the starting points for the detuning.

    Returns ``detuning`` (Hz), ``decay`` (s, the 1/e time), ``gaussian`` (0 ... 1), ``amplitude``,
    ``offset``, ``shift`` (turns). Raises FitFailed when no fringes are seen.
    """
    look_at(signal)
    half = float(np.ptp(signal)) / 2
    offset = float(np.mean(signal))

    def model(values: ParametersOrMany) -> Array:
        return ramsey(delay_s, phase_turns, values)

    left = left_by_linear(delay_s, phase_turns, signal, detunings_hz, expected_decay_s)
    ranked = detunings_hz[np.argsort(left, kind="stable")]
    starts = [
        {
            "detuning": float(f),
            "decay": expected_decay_s,
            "gaussian": 0.3,
            "amplitude": half,
            "offset": offset,
            "shift": shift,
        }
        for f in ranked[:3]
        for shift in (0.0, 0.5)
    ]
    bounds = {
        "decay": Bound(expected_decay_s / 20, expected_decay_s * 20),
        "gaussian": Bound(0.0, 1.0),
        "amplitude": Bound(0.0, 2 * half + 1e-12),
        "shift": Bound(-1.0, 1.0),
    }
    fit = fit_many_at_once(model, signal, sigma, starts, bounds)
    if fit.values["amplitude"] < 5 * fit.sigmas["amplitude"]:
        raise FitFailed(
            f"the fringes' amplitude is only "
            f"{fit.values['amplitude'] / fit.sigmas['amplitude']:.1f} sigma"
        )
    _refuse_second(delay_s, phase_turns, signal - model(fit.values), fit, detunings_hz)
    return fit


LEAST_CURVATURE = 1e-9
"""Of a column's squares, so that two that are the same at some detuning do no harm."""
SECOND = 0.4
"""A second fringe that is at least this strong, of the first, makes it a guess which one is f01."""
CLEAR = 5.0
"""It must stand that many times out of what is left."""


def _refuse_second(
    delay_s: Array, phase_turns: Array, left: Array, fit: Fit, detunings_hz: Array
) -> None:
    """Raise FitFailed when there is another fringe in what the fit has left."""
    decay = envelope(delay_s, fit.values["decay"], fit.values["gaussian"])
    turns = delay_s[None] * detunings_hz[:, None] + phase_turns[None]
    waves = decay * np.exp(-2j * np.pi * turns)
    strength = 2 * np.abs(waves @ left) / float(np.sum(decay**2))
    k = int(np.argmax(strength))
    noise = float(np.std(left)) * np.sqrt(2 / float(np.sum(decay**2)))
    if strength[k] > max(SECOND * fit.values["amplitude"], CLEAR * noise):
        raise FitFailed(
            f"two fringes, detuned by {fit.values['detuning'] / 1e3:.1f} and "
            f"{detunings_hz[k] / 1e3:.1f} kHz: the qubit jumps, or a second one is seen"
        )


def left_by_linear(
    delay_s: Array, phase_turns: Array, signal: Array, detunings_hz: Array, decay_s: float
) -> Array:
    """Return the squares that the best cosine, sine and offset leave, at each detuning."""
    angle = 2 * np.pi * (np.multiply.outer(detunings_hz, delay_s) + phase_turns)
    decay = np.exp(-delay_s / decay_s)
    basis = np.stack([np.ones_like(angle), decay * np.cos(angle), decay * np.sin(angle)], axis=1)
    curvature = basis @ basis.transpose(0, 2, 1) + LEAST_CURVATURE * delay_s.size * np.eye(3)
    linear = np.linalg.solve(curvature, (basis @ signal)[..., None])
    return np.asarray(np.sum((signal - (linear * basis).sum(axis=1)) ** 2, axis=1))
