"""Fits transmission past a resonator over frequency and power, until its photons let its qubit go.

The law is that of :mod:`.driven_resonator`, with the qubit in 0: photons pull the line towards the
bare one, and where it goes decides how many photons there are. Each point begins from vacuum, with
the line where no photon has moved it. So a line that is pulled by more than its width seems to
stay behind: below it the probe has two steady states (Dykman and Krivoglaz, Phys. Stat. Sol. B 48,
497 (1971), from a pull of 0.77 widths on), and vacuum leads to the darker one. Where the dip is
seen says less of the photons than how they fill the resonator, and that is what is fitted.
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
from podium.control.calibration.fits.resonator import ReadoutWindow

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

STEPS_PER_LIFETIME, RADIANS = 6.0, 0.8
"""Steps in which a field comes within 1/e of where it goes; and how far the qubit's pull turns the
field in one of them at most. What the line moves meanwhile is extrapolated."""
TRIED = np.linspace(-1.6, 0.4, 11)
"""Logarithms of critical amplitudes, from the one at which the seen dips would move, that are
tried, and the best begins the fit: dips make it too large."""
LAW_HOLDS = 3e-4
"""Share of the points' size by which they may lie off the law, one sigma: as the steps do."""
PASSES, SETTLED = 4, 0.2
"""The noise is that of what the fit leaves: fits at most, and change of chi2 that is none."""
MISFIT = 0.1
"""Share of what a line without a resonator leaves that the fit may leave."""
EXPECTED_WITHIN = 1.0
"""The expected critical amplitude counts as measured to a factor of e."""


@dataclass(frozen=True, slots=True, eq=False)
class PowerMap:
    """Transmission over power and frequency, as a readout window sees it."""

    frequency_hz: Array
    """Shape (n,)."""
    amplitude: Array
    """Shape (m,): of the probe."""
    normal: ComplexArray
    """Shape (m, n): what comes back, divided by the amplitude."""
    window: ReadoutWindow
    step_s: float
    """Longest step in which fields are followed; see :func:`longest_step_s`."""
    levels: tuple[tuple[float, float], ...] = ((1.0, 1.0),)
    """How often the qubit is in each level, and that level's pull, of the one in 0."""

    def filled(self, values: ParametersOrMany, relative: float = 1.0) -> ComplexArray:
        """Return the mean field over the window, of the steady one on resonance; shape (m, n).

        ``relative``: pull of the qubit's level, of the one in 0.

        ``values``: ``bare``, ``pull``, ``kappa`` (Hz), ``critical`` (logarithm of an amplitude);
        or k of each, shape (k, 1, 1), and the fields have shape (k, m, n).
        """
        half = np.pi * values["kappa"]
        drive = half * self.amplitude[:, None] * np.exp(-values["critical"])
        away = 2 * np.pi * (values["bare"] - self.frequency_hz)
        pull = 2 * np.pi * values["pull"] * relative
        field = np.zeros(np.broadcast_shapes(drive.shape, away.shape), np.complex128)
        seen = np.zeros(field.shape, np.complex128)
        before = np.zeros(field.shape)
        rate = np.zeros(field.shape, np.complex128)
        rate.real = -half
        growth = np.zeros(field.shape, np.complex128)
        for lasts_s, listens in ((self.window.opens_s, False), (self.window.duration_s, True)):
            steps = max(1, int(np.ceil(lasts_s / self.step_s)))
            step_s = lasts_s / steps
            decay = np.exp(-half * step_s)
            for _ in range(steps):
                photons = field.real**2 + field.imag**2
                middle = np.maximum(1.5 * photons - 0.5 * before, 0.0)
                before = photons
                rate.imag = away + pull / np.sqrt(1 + middle)
                turned = rate.imag * step_s
                growth.real, growth.imag = decay * np.cos(turned) - 1, decay * np.sin(turned)
                each = 1 / rate
                steady = drive * each
                rest = (field + steady) * growth
                if listens:
                    seen += rest * each - steady * step_s
                field = field + rest
        return np.asarray(seen * (half / (drive * self.window.duration_s)))

    def past(self, values: ParametersOrMany) -> ComplexArray:
        """Return S21, 1 far from resonance; also with ``coupling`` (Hz) and ``twist`` (rad).

        Shapes as of :meth:`filled`.
        """
        share = values["coupling"] / values["kappa"] * np.exp(1j * values["twist"])
        fields = sum(often * self.filled(values, pull) for often, pull in self.levels)
        return np.asarray(1 - share * fields)


def longest_step_s(kappa_hz: float, pull_hz: float) -> float:
    """Return a step short enough for a resonator about so wide, and pulled about so far, s."""
    return 1 / max(STEPS_PER_LIFETIME * np.pi * kappa_hz, 2 * np.pi * abs(pull_hz) / RADIANS)


def fit_power_map(seen: PowerMap, start: Mapping[str, float], delay_s: float) -> Fit:
    """Fit ``bare``, ``pull``, ``kappa``, ``coupling`` (Hz), ``twist`` and ``critical``.

    ``pull``: by how much the qubit pulls the line without photons; ``critical``: logarithm of the
    amplitude that keeps the critical number of photons on resonance. ``start``: those, and
    ``expected``, what the design says of ``critical``; ``delay_s``: of the line. Gain, phase and
    their slopes are linear, and follow from the rest. Raises FitFailed.
    """
    look_at(seen.normal)
    offset = seen.frequency_hz - float(np.mean(seen.frequency_hz))
    straight = seen.normal * np.exp(2j * np.pi * delay_s * offset)
    slope = offset / float(np.max(np.abs(offset)))
    weights = np.repeat(seen.amplitude[:, None], offset.size, axis=1)

    def explained(shapes: ComplexArray) -> ComplexArray:
        """Return the lines that fit best where S21 has these shapes, weighted; shape (k, m n)."""
        columns = np.stack([shapes * weights, shapes * slope * weights], axis=1)
        columns = columns.reshape(len(shapes), 2, -1)
        goal = (straight * weights).ravel()
        curvature = columns.conj() @ columns.swapaxes(1, 2)
        share = np.linalg.solve(curvature, (columns.conj() @ goal)[..., None])
        return np.asarray((share.swapaxes(1, 2) @ columns)[:, 0])

    def model(values: Mapping[str, Array]) -> Array:
        lines = explained(seen.past(_planes(values)))
        return np.concatenate([_stack(lines), values["critical"]], axis=-1)

    def left(shapes: ComplexArray) -> Array:
        off = (straight * weights).ravel() - explained(shapes)
        return np.asarray(np.sum(np.abs(off) ** 2, axis=-1))

    first = {name: start[name] for name in ("bare", "pull", "kappa", "coupling", "twist")}
    tried = {name: np.full(TRIED.shape, value) for name, value in first.items()}
    tried["critical"] = start["critical"] + TRIED
    squares = left(seen.past(_planes(tried)))
    best = int(np.argmin(squares))
    starts = [{name: float(values[best]) for name, values in tried.items()}]
    weights /= np.sqrt(squares[best] / weights.size)
    bounds = {
        "kappa": Bound(start["kappa"] / 10, start["kappa"] * 10),
        "coupling": Bound(0.0, start["kappa"] * 10),
        "twist": Bound(-1.0, 1.0),
    }
    for _ in range(PASSES):
        data = np.append(_stack((straight * weights).ravel()), start["expected"])
        sigma = np.append(np.ones(data.size - 1), EXPECTED_WITHIN)
        found = fit_many_at_once(model, data, sigma, starts, bounds)
        if abs(found.chi2 - 1) < SETTLED:
            break
        size = float(np.sqrt(np.mean(np.abs(straight * weights) ** 2)))
        weights *= min(found.chi2**-0.5, 1 / (LAW_HOLDS * size))
        starts = [found.values]
    remains = float((left(seen.past(found.values)[None]) / left(np.ones_like(straight)[None]))[0])
    if not remains < MISFIT:
        raise FitFailed(
            f"a resonator that its photons pull leaves {remains * 100:.0f} % of what the scan "
            "scatters about a line without any: the map is something else's"
        )
    return found


def _planes(values: Mapping[str, Array]) -> dict[str, Array]:
    """Return parameters that broadcast with maps, from as many of each in any shape."""
    return {name: one.reshape(-1, 1, 1) for name, one in values.items()}


def _stack(values: ComplexArray) -> Array:
    return np.concatenate([values.real, values.imag], axis=-1)
