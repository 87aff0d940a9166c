"""Levels of one circuit over flux: polynomials, made where somebody asks."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Found = tuple[Array, Array]
"""Levels (L,), Hz, and charge elements (L-1,)."""
TILE = 0.05
"""Flux quanta that one polynomial covers."""
NODES = 12
"""Chebyshev's, of a tile: a transmon's or a fluxonium's levels come to 10 mHz."""
LOOKS = (0.07, 0.53)
"""Places in a tile at which its polynomial is held against the circuit."""
MOST_HZ = 0.5
"""By which it may be off there: where levels cross, each flux is worked out by itself."""
LATEST = 256
"""Fluxes that are kept: shifts and charges of one, and those at rest, are asked for in turn."""


class FluxTiles:
    """Interpolates what depends on a circuit's flux. Safe to share between threads."""

    def __init__(self, exact: Callable[[float], Found]) -> None:
        self._exact = exact
        self._tiles: dict[int, Array | None] = {}
        """Coefficients, (NODES, 2 L - 1); None: no polynomial does."""
        self.at = lru_cache(LATEST)(self._at)
        """Returns levels and charge elements at so many flux quanta; nobody may write to them."""

    def _at(self, flux: float) -> Found:
        number = int(np.floor(flux / TILE))
        if number not in self._tiles:
            self._tiles[number] = self._made(number)
        tile = self._tiles[number]
        if tile is None:
            return self._exact(flux)
        return _split(_valued(tile, flux / TILE - number))

    def _made(self, number: int) -> Array | None:
        nodes = np.cos(np.pi * (np.arange(NODES) + 0.5) / NODES)
        rows = [np.concatenate(self._exact(TILE * (number + (x + 1) / 2))) for x in nodes.tolist()]
        fit = np.polynomial.chebyshev.chebfit(nodes, np.array(rows), NODES - 1)
        tile = np.asarray(fit, np.float64)
        for place in LOOKS:
            levels, charge = self._exact(TILE * (number + place))
            found = _split(_valued(tile, place))
            off_hz = np.max(np.abs(found[0] - levels))
            if off_hz > MOST_HZ or np.max(np.abs(found[1] - charge)) > 1e-8:
                return None
        return tile


def _split(row: Array) -> Found:
    count = (row.size + 1) // 2
    row.flags.writeable = False
    return row[:count], row[count:]


def _valued(tile: Array, place: float) -> Array:
    """Return a tile's polynomial at a place in it, 0 to 1."""
    return np.asarray(np.polynomial.chebyshev.chebval(2 * place - 1, tile), np.float64)
