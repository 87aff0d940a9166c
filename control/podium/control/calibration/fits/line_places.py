"""Says how well phases fix a line: its numbers, and what is foretold by each of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.line_phases import PhaseModel

Array = NDArray[np.float64]
Model = Callable[[Mapping[str, float]], Array]
"""Foretells phases, turns, by the values of a line."""
EXPECTED = {
    "amplitude1": (0.0, 0.05),
    "tau1": (6e-9, 3e-9),
    "amplitude2": (0.0, 0.03),
    "tau2": (60e-9, 40e-9),
    "amplitude3": (0.0, 0.02),
    "tau3": (1.3e-6, 0.8e-6),
    "amplitude4": (0.0, 0.015),
    "tau4": (25e-6, 12e-6),
    "high_pass": (2500.0, 2500.0),
    "reflection": (0.0, 0.01),
    "rest": (0.0, 0.01),
    "offset": (0.0, 0.03),
    "bend": (0.0, 0.006),
    "halves": (0.0, 3e-9),
}
"""Of a line that is not known yet, with spreads; of the high-pass one over its time constant. Fits
begin here, and it counts as measured so: where pulses are low, phases alone tell a bend from the
scale no more than what half pi pulses precess from a long tail."""
REFLECTED = ("reflection", "reflection_delay")
SMALL = 1e-3
"""Share of what is expected over which slopes are taken."""
SIZES = {"scale": 0.1, "edges": 0.1, "reflection_delay": 1e-9}
"""Of what is not expected."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """A line that is near what is expected, and how well phases fix it."""

    values: Mapping[str, float]
    slopes: Array
    """Of what is foretold, in sigmas, by each of :func:`coordinates`, (n, p)."""
    left: Array
    """Of phases and of what is expected, in sigmas, (n,)."""

    @property
    def squares(self) -> float:
        """Return the sum of squares of what is left."""
        return float(self.left @ self.left)

    def sigmas_of(self, name: str) -> float:
        """Return how many sigmas a parameter is from 0."""
        if name not in self.values:
            return 0.0
        sigma = np.linalg.norm(inverse(self.slopes)[list(self.values).index(name)])
        return abs(self.values[name]) / float(sigma)


def coordinates(values: Mapping[str, float]) -> Array:
    """Return the numbers in which a line is nearly linear, (p,): 1 / s of the high-pass, and
    logarithms of other time constants."""
    return np.array([coordinate(name, one) for name, one in values.items()])


def coordinate(name: str, value: float) -> float:
    """Return one of :func:`coordinates`."""
    if name == "high_pass":
        return 1 / value
    return float(np.log(value)) if name.startswith("tau") else value


def values_at(names: Iterable[str], at: Array) -> dict[str, float]:
    """Return parameters by :func:`coordinates`."""
    found = dict(zip(names, at.tolist(), strict=True))
    for name, one in found.items():
        if name == "high_pass":
            found[name] = 1 / one
        elif name.startswith("tau"):
            found[name] = float(np.exp(one))
    return found


def expected_value(name: str) -> float:
    """Return the value that a parameter of a line is expected to have."""
    return 1 / EXPECTED[name][0] if name == "high_pass" else EXPECTED[name][0]


def expected_of(name: str) -> tuple[float, float]:
    """Return what is expected of one of :func:`coordinates`, and its spread."""
    value, spread = EXPECTED[name]
    return (float(np.log(value)), spread / value) if name.startswith("tau") else (value, spread)


def slopes_of(model: Model, values: Mapping[str, float]) -> tuple[Array, Array]:
    """Return what a model foretells, (n,), and its slopes by :func:`coordinates`, (n, p)."""
    steps = [SMALL * (expected_of(n)[1] if n in EXPECTED else SIZES[n]) for n in values]
    places = coordinates(values) + np.diag(steps)
    others = [values_at(values, place) for place in places]
    for other, own in zip(others, values, strict=True):
        other |= {name: one for name, one in values.items() if name != own}
    if isinstance(model, PhaseModel):
        now, moved = model.near(values, others)
    else:
        now = model(values)
        moved = np.stack([model(one) - now for one in others], axis=1)
    return now, moved / np.array(steps)


def inverse(slopes: Array) -> Array:
    """Return a root of the covariance, (p, n): that times its transpose."""
    scale = np.linalg.norm(slopes, axis=0)
    return np.asarray(np.linalg.pinv(slopes / scale) / scale[:, None])
