"""Fits the line of a square pulse: the frequency of a transition.

A scan need not wait until the qubit has forgotten the shot before: what is left of its excitation
belongs to the model (:func:`pulse_line`, ``memory``). A pulse may also be stronger or weaker than
it was meant to be: a pulse of twice pi leaves nothing at the line and two humps beside it, which
is one line.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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

SIGNIFICANT = 6.0
"""A line counts as seen when it stands out of the scatter by that many sigma: with 300 points of
Gaussian noise a false line appears in fewer than one of a million scans."""

SECOND = 0.5
"""A second line that is at least this high, of the first, makes it a guess which one is meant."""

TRUSTED = 0.002
"""A line is never known better than to this share of its width: other levels bend its shape."""

STRENGTHS = (0.3, 0.6, 1.0, 1.4, 2.0, 2.7, 3.6)
"""Areas of the pulse, of pi, with which a line is looked for."""
LEAST_STRENGTH, GREATEST_STRENGTH = 0.15, 4.5
MOST_MEMORY = 0.97
FORGOTTEN = 1e-12
"""Share that makes no difference, also to a slope."""
DOUBLINGS = 8
"""Of the memory's reach in points: what 256 points before was, is forgotten."""
MOST_CHI2 = 3.0
"""Per degree of freedom, what is expected beforehand included; its noise is that of the data."""
LEFT = 0.3
"""What a fit leaves may scatter by this share of the line's height, or as noise does."""


def pulse_line(frequency_hz: Array, values: ParametersOrMany, duration_s: float) -> Array:
    """Return ``offset + height * P(1)`` after a square pulse, over its frequency.

    Rabi's formula, P = (r / s)**2 sin(pi s t)**2, s**2 = r**2 + (f - centre)**2, with the Rabi
    frequency ``r`` (``rabi``, Hz); e.g. Foot, Atomic Physics (2005), Eq. 7.28. ``memory`` (0 if
    absent) is the share of P(1) that is left when the next pulse begins; the frequencies are then
    in the order in which they are visited, again and again.
    """
    excited = _excited(frequency_hz, values["centre"], values["rabi"], duration_s)
    memory = values.get("memory", 0.0)
    if np.any(memory):
        excited = _remembered(excited, memory)
    return np.asarray(values["offset"] + values["height"] * excited)


def _excited(
    frequency_hz: Array, centre_hz: Array | float, rabi_hz: Array | float, duration_s: float
) -> Array:
    """Return P(1) after one pulse on 0; all arguments broadcast."""
    total = np.hypot(rabi_hz, frequency_hz - centre_hz)
    return np.asarray((rabi_hz / total) ** 2 * np.sin(np.pi * total * duration_s) ** 2)


def _remembered(excited: Array, memory: Array | float) -> Array:
    """Return P(1) after each pulse of a cycle along the last axis, shape as ``excited``.

    p[k] = P[k] + (1 - 2 P[k]) memory p[k - 1]: the pulse turns what is left over as well, and no
    coherence outlives the readout.
    """
    total, share = excited, (1 - 2 * excited) * memory
    shift = 1
    for _ in range(DOUBLINGS):
        total = total + share * _earlier(total, shift)
        share = share * _earlier(share, shift)
        shift *= 2
        if np.max(np.abs(share)) < FORGOTTEN:
            break
    return np.asarray(total)


def _earlier(cycle: Array, points: int) -> Array:
    """Return what was so many points before, along the last axis; as np.roll, and faster."""
    cut = -points % cycle.shape[-1]
    return np.concatenate((cycle[..., cut:], cycle[..., :cut]), axis=-1)


def scatter(signal: Array) -> float:
    """Return the standard deviation of noise on a smooth signal, from neighbours' differences."""
    bends = signal[2:] - 2 * signal[1:-1] + signal[:-2]
    return float(1.4826 * np.median(np.abs(bends)) / np.sqrt(6)) + 1e-300


@dataclass(frozen=True, slots=True)
class PulsePrior:
    """Holds prior knowledge of a scan's pulses, each with one standard deviation."""

    strength: tuple[float, float] | None = None
    """Area of the pulse, of pi; None: not known, and looked for over :data:`STRENGTHS`."""
    memory: tuple[float, float] | None = None
    """Share of the excitation that the next shot finds; None: every shot begins anew."""

    @property
    def left_over(self) -> float:
        """The memory that is expected; 0 where every shot begins anew."""
        return 0.0 if self.memory is None else self.memory[0]


ANEW = PulsePrior()
"""Nothing is known of the strength, and every shot begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """Marks where a line stands out most."""

    centre_hz: float
    strength: float
    """Area of its pulse, of pi."""
    height: float
    """Signed, of the signal's unit."""
    sigma: float
    """How far it stands out of the noise, in standard deviations."""


def _look(
    frequency_hz: Array,
    signal: Array,
    duration_s: float,
    expected: PulsePrior,
    keep: NDArray[np.bool_],
) -> _Seen:
    """Return the most likely line among those at the points marked by ``keep``; noise is 1.

    A matched filter: the signal is weighed as if a line stood at each point in turn.
    """
    best: _Seen | None = None
    centres = frequency_hz[keep]
    level = signal - np.mean(signal)
    for strength in STRENGTHS if expected.strength is None else (expected.strength[0],):
        rabi = strength * 0.5 / duration_s
        shapes = _excited(frequency_hz[None, :], centres[:, None], rabi, duration_s)
        if expected.memory is not None:
            shapes = _remembered(shapes, expected.left_over)
        shapes = shapes - np.mean(shapes, axis=1, keepdims=True)
        norms = np.sqrt(np.sum(shapes**2, axis=1)) + 1e-300
        seen = shapes @ level / norms
        k = int(np.argmax(np.abs(seen)))
        if best is None or abs(seen[k]) > best.sigma:
            best = _Seen(float(centres[k]), strength, float(seen[k] / norms[k]), abs(seen[k]))
    assert best is not None
    return best


def fit_pulse_line(
    frequency_hz: Array,
    signal: Array,
    duration_s: float,
    shots: int | None = None,
    expected: PulsePrior = ANEW,
) -> Fit:
    """Fit the line of a pulse of about pi. Shapes (n,); the line may have either sign.

    ``shots``: of each point, whose counting adds to the noise on the line; None: the noise is the
    same everywhere. With a memory the points must be in the order of the scan.

    Returns ``centre`` and ``rabi`` (Hz), ``height`` and ``offset`` in the signal's unit (and
    ``memory``); the sigma of the centre is at least :data:`TRUSTED` of the width. Raises FitFailed
    when no line is seen, two are, or what is left is no noise.
    """
    look_at(signal)
    order = np.argsort(frequency_hz)
    noise = scatter(signal[order])
    low, high = float(frequency_hz[order[0]]), float(frequency_hz[order[-1]])
    everywhere = np.ones(len(signal), dtype=bool)
    seen = _look(frequency_hz, signal, duration_s, expected, everywhere)
    # Few points tell their own scatter badly: noise alone stands out further.
    noise_at_most = noise * (1 + 4 / np.sqrt(len(signal)))
    if seen.sigma < SIGNIFICANT * noise_at_most:
        raise FitFailed(
            f"no line between {low / 1e9:.6g} and {high / 1e9:.6g} GHz: "
            f"the most likely one stands {seen.sigma / noise_at_most:.1f} sigma out of the noise"
        )
    starts = _starts(duration_s, expected, seen, float(np.median(signal)))
    evenly = np.full(len(signal), noise)
    fit = _fit(frequency_hz, signal, duration_s, expected, seen.height, evenly, starts)
    left = signal - pulse_line(frequency_hz, fit.values, duration_s)
    quiet = float(np.sum(left**2)) / max(1, len(signal) - len(fit.names))
    counted = np.zeros(len(signal))
    if shots is not None:
        counted = _counting(frequency_hz, fit, duration_s, shots)
        # Few points tell their scatter badly: what counting explains is not taken away whole.
        quiet = max(quiet - float(np.mean(counted**2)), 0.3 * quiet)
    sigma = np.sqrt(quiet + counted**2)
    fit = _fit(frequency_hz, signal, duration_s, expected, seen.height, sigma, [fit.values])
    if fit.chi2 > MOST_CHI2:
        raise FitFailed(
            f"no line of a pulse: the one at {fit.values['centre'] / 1e9:.6g} GHz would have an "
            f"area or a memory that it cannot have (chi2 {fit.chi2:.1f})"
        )
    half_width = 0.4 / duration_s
    if not fit.sigmas["centre"] < half_width:
        raise FitFailed(
            f"the line near {fit.values['centre'] / 1e9:.6g} GHz is only known to "
            f"{fit.sigmas['centre'] / 1e6:.2f} MHz"
        )
    _check_rest(frequency_hz, signal, duration_s, fit, noise_at_most)
    fit.sigmas["centre"] = float(np.hypot(fit.sigmas["centre"], TRUSTED * 2 * half_width))
    return fit


def _starts(
    duration_s: float, expected: PulsePrior, seen: _Seen, offset: float
) -> list[dict[str, float]]:
    """Return where the fit of a line that was seen begins."""
    half_width, rabi = 0.4 / duration_s, 0.5 / duration_s
    others = {"height": seen.height, "offset": offset}
    if expected.memory is not None:
        others["memory"] = expected.left_over
    return [
        {"centre": seen.centre_hz + shift * half_width, "rabi": rabi * seen.strength * factor}
        | others
        for shift in (0.0, -0.5, 0.5)
        for factor in (1.0, 0.8, 1.25)
    ]


def _fit(
    frequency_hz: Array,
    signal: Array,
    duration_s: float,
    expected: PulsePrior,
    height: float,
    sigma: Array,
    starts: Sequence[Mapping[str, float]],
) -> Fit:
    """Fit a line, about as high as it was seen; ``sigma`` of each point, shape (n,).

    What is expected counts as measured, with its sigma.
    """
    rabi = 0.5 / duration_s
    known = {} if expected.strength is None else {"rabi": [rabi * x for x in expected.strength]}
    if expected.memory is not None:
        known["memory"] = list(expected.memory)
    reach = (0.2 * height, 5 * height)
    bounds = {
        "centre": Bound(float(np.min(frequency_hz)), float(np.max(frequency_hz))),
        "rabi": Bound(LEAST_STRENGTH * rabi, GREATEST_STRENGTH * rabi),
        "height": Bound(min(reach), max(reach)),
        "memory": Bound(0.0, MOST_MEMORY),
    }

    def model(values: Mapping[str, Array]) -> Array:
        line = pulse_line(frequency_hz, values, duration_s)
        return np.concatenate([line, *(values[name] for name in known)], axis=1)

    data = np.concatenate([signal, [value for value, _ in known.values()]])
    weights = np.concatenate([sigma, [one for _, one in known.values()]])
    return fit_many_at_once(model, data, weights, starts, bounds)


def _counting(frequency_hz: Array, fit: Fit, duration_s: float, shots: int) -> Array:
    """Return the standard deviation that counting ``shots`` gives each point, in its unit."""
    line = pulse_line(frequency_hz, fit.values, duration_s)
    excited = np.clip((line - fit.values["offset"]) / fit.values["height"], 0.0, 1.0)
    return np.asarray(abs(fit.values["height"]) * np.sqrt(excited * (1 - excited) / shots))


def _check_rest(
    frequency_hz: Array, signal: Array, duration_s: float, fit: Fit, noise: float
) -> None:
    """Raise FitFailed where what the fit has left holds another line, or is no noise."""
    line = pulse_line(frequency_hz, fit.values, duration_s)
    left, rabi = signal - line, fit.values["rabi"]
    # As high as it stands in the scan: a pulse that is too weak excites a small share.
    height = float(np.max(np.abs(line - fit.values["offset"])))
    far = np.abs(frequency_hz - fit.values["centre"]) > 4 * max(0.4 / duration_s, rabi)
    if np.count_nonzero(far) >= 6:
        other = _look(frequency_hz, np.where(far, left, 0.0), duration_s, ANEW, far)
        rest = _excited(
            frequency_hz, other.centre_hz, other.strength * 0.5 / duration_s, duration_s
        )
        if (
            abs(other.height) * float(np.max(rest)) > SECOND * height
            and other.sigma > SIGNIFICANT * noise
        ):
            raise FitFailed(
                f"two lines, at {fit.values['centre'] / 1e9:.6g} and "
                f"{other.centre_hz / 1e9:.6g} GHz: which one is meant cannot be told"
            )
    rms = float(np.sqrt(np.mean(left**2)))
    if rms > max(LEFT * height, 3 * noise):
        raise FitFailed(
            f"no line of a pulse: beside the one at {fit.values['centre'] / 1e9:.6g} GHz, "
            f"{height:.2g} high, the points scatter by {rms:.2g}"
        )
