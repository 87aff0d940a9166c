"""Holds the drives of a photon that is no sech: smooth curves through a few heights each.

Heights are g / 2 pi in Hz, so that full scale may be measured anew; they are numbers of the store.
Both last equally long: the catch begins as the emission arrives.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.photon_shapes import STRONGEST

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

KNOTS = 24
"""Heights of each drive: 5 ns from each other where a pulse lasts 100 ns."""
DEGREE = 3
"""Of the splines."""
DURATION = "photon_duration"
"""Quantity that says how long both drives last, s; 0 or none: the photon is a sech."""
ATOMS = "pair_pulse"
"""Quantity that says how long the pulses on the atoms last about a shaped photon, s; 0: as they are
calibrated."""
EDGE_S = 1e-10
"""Sigma of what is chosen, not measured."""
DRIVES = ("emission", "catch")
HEIGHTS = tuple(
    f"{drive}_{part}{k}" for drive in DRIVES for part in "iq" for k in range(1, KNOTS + 1)
)
"""Quantities of the store: in phase and in quadrature, of emission and catch."""


@dataclass(frozen=True, slots=True, eq=False)
class ShapedPhoton:
    """The drives of a photon by their heights."""

    heights_hz: NDArray[np.float64]
    """Shape (2, 2, KNOTS): of emission and catch, in phase and in quadrature, g / 2 pi."""
    duration_ns: int
    atoms_ns: int | None = None
    """So long last the pulses on both atoms that make a pair of it; None: as calibrated."""

    @classmethod
    def stored(cls, value: Callable[[str], float | None]) -> "ShapedPhoton | None":
        """Return what a store holds, by quantity; None where it is a sech or not all is there."""
        lasts_s = value(DURATION)
        if not lasts_s:
            return None
        found = [value(name) for name in HEIGHTS]
        heights = [one for one in found if one is not None]
        if len(heights) < len(HEIGHTS):
            return None
        atoms_s = value(ATOMS)
        atoms_ns = round(atoms_s * 1e9) if atoms_s else None
        return cls(np.array(heights).reshape(2, 2, KNOTS), round(lasts_s * 1e9), atoms_ns)

    def quantities(self) -> dict[str, float]:
        """Return it by the quantities of a store, in s and Hz."""
        heights = dict(zip(HEIGHTS, self.heights_hz.ravel().tolist(), strict=True))
        times = {DURATION: self.duration_ns * 1e-9, ATOMS: (self.atoms_ns or 0) * 1e-9}
        return {**times, **heights}

    def is_made_by(self, full_hz: Sequence[float]) -> bool:
        """Tell whether full scale makes both drives; ``full_hz``: g / 2 pi there, of each end."""
        return all(
            float(np.max(np.abs(rates))) <= STRONGEST * full
            for rates, full in zip(self.rates_hz(), full_hz, strict=True)
        )

    def rates_hz(self) -> tuple[ComplexArray, ComplexArray]:
        """Return complex g / 2 pi of emission and catch, in samples of 1 ns."""
        one, other = self.heights_hz @ curves(self.duration_ns)
        return one[0] + 1j * one[1], other[0] + 1j * other[1]


def places_ns(duration_ns: int) -> Array:
    """Return about where each height counts, from the drive's begin, ns, shape (KNOTS,)."""
    knots = _knots(duration_ns)
    places = np.mean([knots[1 + k : 1 + k + KNOTS] for k in range(DEGREE)], axis=0)
    return np.asarray(places, np.float64)


def curves(duration_ns: int) -> Array:
    """Return (KNOTS, ns): splines that add up to 1, so that no curve is above its heights."""
    from scipy.interpolate import BSpline  # heavy

    middles = np.arange(duration_ns) + 0.5
    every = BSpline.design_matrix(middles, _knots(duration_ns), DEGREE).toarray()
    return np.asarray(every.T, np.float64)


def _knots(duration_ns: int) -> Array:
    inner = np.linspace(0, duration_ns, KNOTS - DEGREE + 1)
    return np.concatenate([np.zeros(DEGREE), inner, np.full(DEGREE, float(duration_ns))])
