"""Fits a qubit that turns about one axis, from its ground state on."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.fits.least_squares import fit_least_squares

Array = NDArray[np.float64]
STARTS = 9
"""Of the rate, up to where points would lie half a turn apart, in each of eight directions."""


@dataclass(frozen=True, slots=True)
class BlochTurn:
    """A qubit turns at this rate about this axis."""

    rate: complex
    """About X (real part) and Y, turns for each unit of the drive's weight."""
    sigma: float
    """Of each of both."""
    chi2: float
    """Of each degree of freedom."""


def bloch_vector(weight: Array, x: float, y: float, z: float) -> Array:
    """Return Bloch vectors (n, 3) behind turns from +Z about (x w, y w, z), turns; ``weight``: w.

    Rodrigues' formula.
    """
    axis = np.stack([x * weight, y * weight, np.full(weight.size, z)], axis=1)
    size = np.linalg.norm(axis, axis=1)
    unit = axis / np.maximum(size, 1e-12)[:, None]
    angle = 2 * np.pi * size[:, None]
    up = np.array([0.0, 0.0, 1.0])
    across = np.cross(unit, up)
    return np.asarray(
        up * np.cos(angle) + across * np.sin(angle) + unit * unit[:, 2:] * (1 - np.cos(angle))
    )


def fit_bloch_turn(weight: Array, seen: Array, sigma: Array, about_z: float = 0.0) -> BlochTurn:
    """Return the turn of a qubit that was in its ground state; raises FitFailed.

    ``weight`` (n,): of the drive at each point; ``seen``, ``sigma`` (n, 3): Bloch components.
    ``about_z``: turns that it makes about Z meanwhile, which less than a turn of the drive does not
    tell from another phase. The Bloch vector may be shorter than one.
    """
    flat, doubt = seen.reshape(-1), sigma.reshape(-1)

    def model(at: Mapping[str, float]) -> Array:
        return at["length"] * bloch_vector(weight, at["x"], at["y"], about_z).reshape(-1)

    most = 0.5 / float(np.max(np.diff(np.sort(weight)), initial=float(np.max(weight))))
    starts = [
        {
            "x": rate * np.cos(direction),
            "y": rate * np.sin(direction),
            "length": 0.95,
        }
        for rate in most * (np.arange(STARTS) + 0.5) / STARTS
        for direction in np.pi / 4 * np.arange(8)
    ]
    found = fit_least_squares(model, flat, doubt, starts)
    value = found.values
    spread = float(np.hypot(found.sigmas["x"], found.sigmas["y"]) / np.sqrt(2))
    return BlochTurn(complex(value["x"], value["y"]), spread, found.chi2)
