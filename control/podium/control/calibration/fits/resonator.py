"""Fits transmission past a resonator on its feedline, as a readout window sees it.

Steady state: S21 = 1 - (kappa_c / 2) / (kappa / 2 + 2 pi i (f - f_r)), e.g. Khalil et al.,
J. Appl. Phys. 111, 054510 (2012), Eq. 3; ``twist`` is their mismatch angle. A window that
opens ``opens_s`` after the pulse has reached the resonator sees it still filling: the
steady state is approached as exp(-(kappa/2 + 2 pi i (f - f_r)) t), averaged over the window.
"""

from collections.abc import Mapping
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
ComplexArray = NDArray[np.complex128]


@dataclass(frozen=True, slots=True)
class ReadoutWindow:
    """Gives the time in which the readout listens, counted from its pulse's return."""

    opens_s: float
    duration_s: float


def dip(
    frequency_hz: Array,
    resonance_hz: Array | float,
    kappa_hz: Array | float,
    coupling_hz: Array | float,
    twist: Array | float,
    window: ReadoutWindow,
) -> ComplexArray:
    """Return the mean S21 over the window, 1 far from resonance; all but the window broadcast."""
    rate = np.pi * kappa_hz + 2j * np.pi * (frequency_hz - resonance_hz)
    begin, end = window.opens_s, window.opens_s + window.duration_s
    filling = (np.exp(-rate * begin) - np.exp(-rate * end)) / (rate * window.duration_s)
    strength = np.pi * coupling_hz * np.exp(1j * twist)
    return np.asarray(1 - strength / rate * (1 - filling))


def background(frequency_hz: Array, values: ParametersOrMany, centre_hz: float) -> ComplexArray:
    """Return amplitude, phase and residual cable delay of the line."""
    x = frequency_hz - centre_hz
    phase = values["phase"] - 2 * np.pi * values["delay"] * x
    return np.asarray(values["gain"] * (1 + values["slope"] * x / 1e8) * np.exp(1j * phase))


def fit_resonance(
    frequency_hz: Array, iq: ComplexArray, window: ReadoutWindow, expected_kappa_hz: float
) -> Fit:
    """Fit one resonance. Shapes (n,); ``iq`` in any unit.

    Returns ``resonance``, ``kappa``, ``coupling`` (Hz), ``twist`` (rad), ``gain``, ``phase``
    (rad), ``delay`` (s); beside them ``centre`` (Hz), to which the line's phase refers. Raises
    FitFailed when no resonance stands out of the noise.
    """
    look_at(iq)
    centre = float(np.mean(frequency_hz))
    line = _line(frequency_hz, iq, _away(frequency_hz, iq, 1.5 * expected_kappa_hz))
    delay, phase, gain = line
    k = int(np.argmax(_distance(frequency_hz, iq, line)))
    data = _stack(iq / gain)
    start = {
        "resonance": float(frequency_hz[k]),
        "kappa": expected_kappa_hz,
        "coupling": 0.9 * expected_kappa_hz,
        "twist": 0.0,
        "gain": 1.0,
        "phase": phase,
        "delay": delay,
        "slope": 0.0,
    }
    starts = [
        start | {"kappa": expected_kappa_hz * factor, "coupling": 0.9 * expected_kappa_hz * factor}
        for factor in (1.0, 0.4, 2.5)
    ]
    span = float(np.ptp(frequency_hz))
    bounds = {
        "resonance": Bound(float(np.min(frequency_hz)), float(np.max(frequency_hz))),
        "kappa": Bound(expected_kappa_hz / 10, min(expected_kappa_hz * 10, span)),
        "coupling": Bound(0.0, expected_kappa_hz * 10),
        "twist": Bound(-1.0, 1.0),
    }

    def model(values: ParametersOrMany) -> Array:
        shape = dip(
            frequency_hz,
            values["resonance"],
            values["kappa"],
            values["coupling"],
            values["twist"],
            window,
        )
        return _stack(background(frequency_hz, values, centre) * shape)

    fit = fit_many_at_once(model, data, None, starts, bounds)
    if fit.values["coupling"] < 5 * fit.sigmas["coupling"]:
        raise FitFailed(
            f"no resonance between {np.min(frequency_hz) / 1e9:.6g} and "
            f"{np.max(frequency_hz) / 1e9:.6g} GHz: the deepest dip is "
            f"{fit.values['coupling'] / fit.sigmas['coupling']:.1f} sigma"
        )
    _refuse_second(frequency_hz, (data - model(fit.values)), fit)
    fit.values["gain"] *= gain
    fit.sigmas["gain"] *= gain
    fit.values["centre"] = centre
    return fit


def off_the_line(frequency_hz: Array, iq: ComplexArray, expected_kappa_hz: float) -> Array:
    """Return how far each point is from the line without its resonance, in units of its gain.

    Smoothed over three points; shape (n,). Neither the line's delay nor the resonance's own turn
    of the phase is in it.
    """
    line = _line(frequency_hz, iq, _away(frequency_hz, iq, 1.5 * expected_kappa_hz))
    return _distance(frequency_hz, iq, line)


def _distance(frequency_hz: Array, iq: ComplexArray, line: tuple[float, float, float]) -> Array:
    """Return how far each point is from ``line`` (of :func:`_line`), in units of its gain."""
    delay, phase, gain = line
    turns = delay * (frequency_hz - float(np.mean(frequency_hz)))
    flat = iq / (gain * np.exp(1j * (phase - 2 * np.pi * turns)))
    distance = np.abs(flat - np.median(flat.real) - 1j * np.median(flat.imag))
    return np.convolve(distance, np.ones(3) / 3, mode="same")


SECOND = 0.4
"""A second dip that is at least this deep, of the first, makes it a guess which one is meant."""


ALIKE = 12.0
"""Share above noise, times the root of the number of points, at which two states differ."""


def _refuse_second(frequency_hz: Array, left: Array, fit: Fit) -> None:
    """Raise FitFailed when there is another dip in what the fit has left."""
    count = len(frequency_hz)
    away = np.abs(left[:count] + 1j * left[count:])
    noise = float(np.median(away)) / 1.18  # of one quadrature; Rayleigh's median
    smooth = np.convolve(away, np.ones(3) / 3, mode="same")
    distance = np.abs(frequency_hz - fit.values["resonance"])
    smooth = np.where(distance < 2 * fit.values["kappa"], 0.0, smooth)
    k = int(np.argmax(smooth))
    depth = fit.values["coupling"] / fit.values["kappa"] * abs(fit.values["gain"])
    if smooth[k] > max(SECOND * depth, 5 * noise):
        raise FitFailed(
            f"two lines, at {fit.values['resonance'] / 1e9:.6g} and "
            f"{frequency_hz[k] / 1e9:.6g} GHz: which one is meant cannot be told"
        )


NO_NOISE = 1.6
"""Scatter of what the fit leaves, of what neighbouring points scatter by."""
SETTLED = 4
"""Iterations from the photon number to the line's place and back; the shift is small."""


@dataclass(frozen=True, slots=True, eq=False)
class DispersiveScan:
    """S21 with the qubit in 0 and in 1, at several probe powers: a row for each of them."""

    frequency_hz: Array
    """Shape (n,)."""
    iq: ComplexArray
    """Shape (m, n): row, frequency; V."""
    relative_power: Array
    """Shape (m,): probe powers relative to the greatest."""
    excited: Array
    """Shape (m,): mean excited fraction over the window."""
    shots: Array
    """Shape (m,): of each point."""
    window: ReadoutWindow
    bare_hz: float | None = None
    """Where the resonator is without the qubit; None if that is not known."""

    @property
    def normal(self) -> ComplexArray:
        """The rows divided by their amplitudes."""
        return np.asarray(self.iq / np.sqrt(self.relative_power)[:, None])


def dispersive_rows(scan: DispersiveScan, values: ParametersOrMany) -> tuple[ComplexArray, ...]:
    """Return the rows with the qubit in 0, and with it in 1, in units of the line's gain.

    Shapes (m, n), and before them what ``values`` have before two axes of length 1. Photons move
    each line towards the bare resonator, f(n) = bare + (low - bare) / sqrt(1 + n / n_crit)
    (Boissonneault, Gambetta, Blais, PRL 105, 100504 (2010)), to second order
    in n, which itself depends on where the line has moved to.
    """
    frequency = scan.frequency_hz
    line = background(frequency, values, float(np.mean(frequency)))
    power = scan.relative_power[:, None]
    rows = []
    for sign in (-1.0, 1.0):
        low = values["resonance"] + sign * values["chi"]
        share: Array | float = 1.0
        curved: Array | float = 0.0
        if scan.bare_hz is not None:
            share = (low - scan.bare_hz) / (values["resonance"] - scan.bare_hz)
            gap = np.maximum(np.abs(low - scan.bare_hz), values["kappa"] / 4)
            curved = 1.5 * np.abs(values["pull"]) / gap
        shift: Array | float = 0.0
        for _ in range(SETTLED):
            photons = power / (1 + (2 * (frequency - low - shift) / values["kappa"]) ** 2)
            shift = share * values["pull"] * photons * (1 - curved * share * photons)
        shape = dip(
            frequency,
            low + shift,
            values["kappa"],
            values["coupling"],
            values["twist"],
            scan.window,
        )
        rows.append(np.sqrt(power) * line * shape)
    return tuple(rows)


def fit_dispersive(scan: DispersiveScan, start: Mapping[str, float]) -> Fit:
    """Fit both states and all powers at once.

    ``start``: ``resonance`` (Hz, the midpoint), ``chi``, ``kappa`` (Hz). Returns ``resonance``
    (midpoint, at zero power), ``chi``, ``kappa``, ``coupling``, ``pull`` (Hz by which the photons
    of the greatest power on resonance move the line), and the line's parameters. Raises FitFailed
    when there is no resonance, or the states look alike.
    """
    look_at(scan.iq)
    frequency = scan.frequency_hz
    in_0 = scan.normal[scan.excited < np.mean(scan.excited)]
    mean = np.mean(in_0, axis=0)
    delay, phase, gain = _line(frequency, mean, _away(frequency, mean, start["kappa"]))
    data = _stack((scan.iq / gain).ravel())
    w = scan.excited[:, None]

    def model(values: Mapping[str, Array]) -> Array:
        zero, one = dispersive_rows(scan, {name: of[:, None] for name, of in values.items()})
        rows = (1 - w) * zero + w * one
        return _stack(rows.reshape(len(rows), -1))

    def unexplained(fit: Fit) -> ComplexArray:
        values = {name: np.array([[value]]) for name, value in fit.values.items()}
        return _complex(data - model(values)[0]).reshape(scan.iq.shape)

    starts = _dispersive_starts(start, phase, delay)
    bounds = {
        "kappa": Bound(start["kappa"] / 10, start["kappa"] * 10),
        "coupling": Bound(0.0, start["kappa"] * 10),
        "twist": Bound(-1.0, 1.0),
        "pull": Bound(-5 * abs(start["chi"]), 5 * abs(start["chi"])),
    }
    _refuse_alike(scan)
    # Noise of one shot, each quadrature, from how the rows bend; it is alike in all of them.
    bends = np.diff(scan.iq, n=4, axis=1) / gain  # 1, -4, 6, -4, 1: 70 times the variance
    one_shot = float(np.sqrt(np.mean(np.abs(bends) ** 2 * scan.shots[:, None]) / 140))
    amplifier = np.broadcast_to(one_shot / np.sqrt(scan.shots)[:, None], scan.iq.shape)
    each = np.asarray(amplifier * (1 + 1j), dtype=np.complex128)
    fit = fit_many_at_once(model, data, _stack(each.ravel()), starts, bounds)
    # Which state a shot was in is drawn, too: that scatters where the states differ.
    zero, one = dispersive_rows(scan, fit.values)
    drawn = np.sqrt(w * (1 - w) / scan.shots[:, None]) * (one - zero)
    found = np.abs(unexplained(fit)) ** 2 - np.abs(drawn) ** 2
    found *= scan.shots[:, None] / (1 - len(fit.names) / len(data))
    seen = float(np.sqrt(max(np.mean(found) / 2, (one_shot / 30) ** 2)))
    if seen > NO_NOISE * one_shot:
        raise FitFailed(
            f"no pair of lines fits: what is left scatters {seen / one_shot:.1f} times as much as "
            "neighbouring points do"
        )
    one_shot = seen
    amplifier = np.broadcast_to(one_shot / np.sqrt(scan.shots)[:, None], scan.iq.shape)
    sigma = _stack((np.hypot(amplifier, drawn.real) + 1j * np.hypot(amplifier, drawn.imag)).ravel())
    fit = fit_many_at_once(model, data, sigma, [fit.values], bounds)
    _check_dispersive(scan, fit, unexplained(fit))
    fit.values["gain"] *= gain
    fit.sigmas["gain"] *= gain
    return fit


def _dispersive_starts(
    start: Mapping[str, float], phase: float, delay: float
) -> list[dict[str, float]]:
    """Return where the fit of two states begins: a pull that is half or twice what is expected."""
    common = {
        "kappa": start["kappa"],
        "coupling": 0.95 * start["kappa"],
        "twist": 0.0,
        "pull": 0.0,
        "gain": 1.0,
        "phase": phase,
        "delay": delay,
        "slope": 0.0,
    }
    return [
        {"resonance": start["resonance"] + shift * abs(start["chi"]), "chi": factor * start["chi"]}
        | common
        for factor in (1.0, 0.5, 2.0)
        for shift in (0.0, -1.0, 1.0)
    ]


def _check_dispersive(scan: DispersiveScan, fit: Fit, left: ComplexArray) -> None:
    """Raise FitFailed where the fit has left another line, or does not fix its own."""
    frequency, v, s = scan.frequency_hz, fit.values, fit.sigmas
    away = np.mean(np.abs(left) / np.sqrt(scan.relative_power)[:, None], axis=0)
    away[np.abs(frequency - v["resonance"]) < abs(v["chi"]) + v["kappa"]] = 0.0
    k = int(np.argmax(away))
    if away[k] > SECOND * v["coupling"] / v["kappa"] * abs(v["gain"]):
        raise FitFailed(
            f"two lines, at {v['resonance'] / 1e9:.6g} and {frequency[k] / 1e9:.6g} GHz: "
            "which one is meant cannot be told"
        )
    if v["coupling"] < 5 * s["coupling"]:
        raise FitFailed(f"no resonance: the dip is {v['coupling'] / s['coupling']:.1f} sigma")
    if abs(v["chi"]) < 5 * s["chi"]:
        raise FitFailed(
            f"the two states look alike: chi is {v['chi'] / 1e6:.3f} MHz, "
            f"{abs(v['chi']) / s['chi']:.1f} sigma"
        )
    if not frequency[0] < v["resonance"] < frequency[-1]:
        raise FitFailed(f"the resonance at {v['resonance'] / 1e9:.6f} GHz is beside the scan")


def _refuse_alike(scan: DispersiveScan) -> None:
    """Raise FitFailed when rows of the two states differ by no more than noise."""
    weights = scan.relative_power * scan.shots
    in_1 = scan.excited > np.mean(scan.excited)
    one, zero = (
        np.average(scan.normal[rows], axis=0, weights=weights[rows]) for rows in (in_1, ~in_1)
    )
    difference = one - zero
    bends = difference[2:] - 2 * difference[1:-1] + difference[:-2]
    noise = float(np.mean(np.abs(bends) ** 2)) / 6
    size = float(np.mean(np.abs(difference) ** 2))
    # Of n complex points the ratio is 1 with a spread of about 2 / sqrt(n) where all is noise.
    if size < noise * (1 + ALIKE / np.sqrt(difference.size)):
        raise FitFailed(
            f"the two states look alike: they differ by {np.sqrt(size):.2g} V, noise makes "
            f"{np.sqrt(noise):.2g} V"
        )


def _line(
    frequency_hz: Array, iq: ComplexArray, away: NDArray[np.bool_] | None = None
) -> tuple[float, float, float]:
    """Return a first guess of the line's delay (s), phase at the middle (rad) and gain.

    From the points marked by ``away`` (of the resonance; all if None): the delay at which they
    add up best.
    """
    use = np.ones(len(iq), dtype=bool) if away is None else away
    step_hz = float(np.median(np.diff(frequency_hz)))
    x = frequency_hz - float(np.mean(frequency_hz))
    span = float(np.ptp(frequency_hz))
    delays = -winding(iq) / (2 * np.pi * step_hz) + np.linspace(-2, 2, 161) / span
    sums = np.exp(2j * np.pi * delays[:, None] * x[None, use]) @ iq[use]
    k = int(np.clip(np.argmax(np.abs(sums)), 1, len(delays) - 2))
    delay = float(delays[k] + top_between(np.abs(sums[k - 1 : k + 2])) * (delays[1] - delays[0]))
    total = np.sum(iq[use] * np.exp(2j * np.pi * delay * x[use]))
    return delay, float(np.angle(total)), float(np.median(np.abs(iq[use])))


def winding(iq: ComplexArray) -> float:
    """Return the mean change of phase from one point to the next, rad."""
    steps = iq[1:] * np.conj(iq[:-1])
    return float(np.angle(np.sum(steps / np.maximum(np.abs(steps), 1e-300))))


def top_between(three: Array) -> float:
    """Return where the parabola through three points has its top, in steps from the middle one.

    0 where it has none.
    """
    left, middle, right = three
    bend = left - 2 * middle + right
    return float(0.5 * (left - right) / bend) if bend < 0 else 0.0


def _away(frequency_hz: Array, iq: ComplexArray, width_hz: float) -> NDArray[np.bool_]:
    """Return which points are farther than ``width_hz`` from the deepest dip of |S21|."""
    depth = np.convolve(np.abs(iq), np.ones(3) / 3, mode="same")
    depth[0] = depth[-1] = np.inf
    away = np.abs(frequency_hz - frequency_hz[int(np.argmin(depth))]) > width_hz
    return away if np.count_nonzero(away) >= 6 else np.ones(len(iq), dtype=bool)


def _stack(values: ComplexArray) -> Array:
    return np.concatenate([values.real, values.imag], axis=-1)


def _complex(stacked: Array) -> ComplexArray:
    """Return what :func:`_stack` was given."""
    half = len(stacked) // 2
    return np.asarray(stacked[:half] + 1j * stacked[half:])
