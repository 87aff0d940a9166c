"""Searches for the sideband drives that make the best pair over a link as it was measured.

The photon's shape is free, and its phase too: what a circulator lets come back, and resonators that
are apart, are taken along. Limits are what full scale makes.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.pair_model import PairModel
from podium.control.calibration.links.shaped_photon import (
    KNOTS,
    ShapedPhoton,
    curves,
    places_ns,
)

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

GRID_NS = 4
IN_QUADRATURE = 0.25
"""Of what full scale makes, at most, on either side: what comes back turns a photon by less."""
ROUNDS = 300
ENDS = 2e-7
"""Of fidelity: a search ends where a round brings less."""
STRIDES = (4, 1)
"""Steps of the lengths that are tried, in grid steps: first far, then near the best one."""
SHORTEST = 0.3
"""Of the length to begin with."""


@dataclass(frozen=True, slots=True, eq=False)
class FoundPhoton:
    """Drives that a search has found."""

    shape: ShapedPhoton
    fidelity: float
    """Of the pair, by the model; pulses on the atoms take no time."""


def best_photon(
    model: PairModel, tops_hz: tuple[float, float], near: tuple[ComplexArray, ComplexArray]
) -> FoundPhoton:
    """Return the drives that make the best pair, their length included; takes some seconds.

    ``tops_hz``: how strong each may be; ``near``: rates to begin with, samples of 1 ns.
    """
    longest = max(map(len, near))
    found: dict[int, FoundPhoton] = {}

    def look(duration_ns: int) -> FoundPhoton:
        if duration_ns not in found:
            start = near
            if found:
                start = found[min(found, key=lambda n: abs(n - duration_ns))].shape.rates_hz()
            found[duration_ns] = searched(model, tops_hz, duration_ns, start)
        return found[duration_ns]

    best = look(GRID_NS * round(longest / GRID_NS))
    for stride in STRIDES:
        for way in (-1, 1):
            while True:
                duration_ns = best.shape.duration_ns + way * stride * GRID_NS
                if not SHORTEST * longest <= duration_ns <= longest + GRID_NS:
                    break
                tried = look(duration_ns)
                if tried.fidelity <= best.fidelity:
                    break
                best = tried
    return best


def searched(
    model: PairModel,
    tops_hz: tuple[float, float],
    duration_ns: int,
    near: tuple[ComplexArray, ComplexArray],
) -> FoundPhoton:
    """Return the drives of ``duration_ns`` that make the best pair, from those that are near."""
    from scipy.optimize import minimize  # heavy

    basis = curves(duration_ns)
    tops = np.array(tops_hz)[:, None, None] * np.ones((2, 2, KNOTS))
    within = np.array([np.sqrt(1 - IN_QUADRATURE**2), IN_QUADRATURE])
    limits = np.broadcast_to(within[:, None], tops.shape).ravel()

    def missed(places: Array) -> tuple[float, Array]:
        heights = places.reshape(tops.shape) * tops
        fidelity, *slopes = model.slope(*ShapedPhoton(heights, duration_ns).rates_hz())
        by_sample = np.array([[one.real, one.imag] for one in slopes])
        return 1 - fidelity, -((by_sample @ basis.T) * tops).ravel()

    start = np.array([_heights(one, duration_ns) for one in near]) / tops
    found = minimize(
        missed,
        np.clip(start.ravel(), -limits, limits),
        jac=True,
        method="L-BFGS-B",
        bounds=list(zip(-limits, limits, strict=True)),
        options={"maxiter": ROUNDS, "ftol": ENDS},
    )
    shape = ShapedPhoton(found.x.reshape(tops.shape) * tops, duration_ns)
    return FoundPhoton(shape, 1 - float(found.fun))


def _heights(rates_hz: ComplexArray, duration_ns: int) -> Array:
    """Return (2, KNOTS): rates where heights count in a drive about the same middle, 0 outside."""
    own = np.arange(len(rates_hz)) + 0.5 + (duration_ns - len(rates_hz)) / 2
    at = places_ns(duration_ns)
    return np.array([np.interp(at, own, part, 0.0, 0.0) for part in (rates_hz.real, rates_hz.imag)])
