"""World instants of many ticks of one clock at a time: what :meth:`.clocks.Clock.tick_fs` says.

Phase noise is taken tick by tick, as there; what changes smoothly (temperature, ageing, a free
oscillator's frequency) is interpolated between a few exact instants.
"""

from math import factorial
from typing import Any, Final

import numpy as np
from numba import njit
from numpy.typing import NDArray

from podium.sim_instruments.physics.clocks import WHITE_TICK_FS, NoiseSource
from podium.sim_instruments.physics.noise import gaussian_at
from podium.sim_instruments.physics.tick_counter import TickCounter

KNOTS: Final = 9
"""Exact instants over a run. ASSUMED: no lock changes in it, else each tick is asked for."""
FS_PER_NS: Final = 1_000_000
GRID: Final = 4096
"""Points over a run at which slow flicker noise is worked out; between them it is interpolated."""
SINE: Final = tuple((-1) ** n / factorial(2 * n + 1) for n in range(9))
"""Of a sine's Taylor series: a quarter of a turn to either side it is right to 5e-14."""
SLOW: Final = 64
"""A cosine with so many points in a period is slow: a straight line between them is off by less
than 2e-3 of its amplitude."""


def lateness_fs(
    counter: TickCounter, start_tick: int, start_fs: int, at_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return by how much later than ``start_fs + at_ns`` each tick ``start_tick + at_ns`` is, fs.

    Shape (n,), as ``at_ns``.
    """
    if at_ns.size <= KNOTS or not counter.clock.held(
        start_fs + int(at_ns.min()) * FS_PER_NS, start_fs + int(at_ns.max()) * FS_PER_NS
    ):
        return _each(counter, start_tick, start_fs, at_ns)
    knots = np.linspace(at_ns.min(), at_ns.max(), KNOTS).astype(np.int64)
    sources = counter.clock.noise_sources(start_fs)
    smooth = _each(counter, start_tick, start_fs, knots) + _noise(sources, start_fs, knots)
    found = np.interp(at_ns, knots, smooth) - _noise(sources, start_fs, at_ns)
    return np.rint(found).astype(np.int64)


def _each(
    counter: TickCounter, start_tick: int, start_fs: int, at_ns: NDArray[np.int64]
) -> NDArray[np.int64]:
    found = (counter.to_world(start_tick + ns) - start_fs - ns * FS_PER_NS for ns in at_ns.tolist())
    return np.fromiter(found, np.int64, at_ns.size)


def _noise(
    sources: tuple[NoiseSource, ...], start_fs: int, at_ns: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the phase noise at instants, fs."""
    out = np.zeros(at_ns.size)
    later_fs = at_ns * FS_PER_NS
    later = later_fs.astype(np.float64)
    grid_fs, slow_fs = _grid(later_fs)
    slow = np.zeros(grid_fs.size)
    for source in sources:
        if source.white_fs:
            first, rest = divmod(start_fs, WHITE_TICK_FS)
            ticks = (first + (rest + later_fs) // WHITE_TICK_FS).astype(np.uint64)
            white = np.empty(at_ns.size)
            white_noise(np.uint64(source.white_key), ticks, white)
            out += source.white_fs * white
        for period_fs, phase in source.flicker:
            into, instants = (slow, grid_fs) if period_fs >= slow_fs else (out, later)
            begun = (start_fs % period_fs / period_fs + phase) % 1.0
            add_cosine(source.flicker_fs, begun, 1.0 / period_fs, instants, into)
    return out + np.interp(later_fs, grid_fs, slow) if grid_fs.size else out


def _grid(later_fs: NDArray[np.int64]) -> tuple[NDArray[np.float64], float]:
    """Return instants at which slow noise is worked out, and from what period (fs) it is slow.

    None for few instants: all noise is worked out at each of them.
    """
    if later_fs.size < 2 * GRID:
        return np.zeros(0), np.inf
    grid_fs = np.linspace(later_fs.min(), later_fs.max(), GRID)
    return grid_fs, SLOW * float(grid_fs[1] - grid_fs[0])


@njit(cache=True, nogil=True)
def white_noise(key: Any, ticks: Any, out: Any) -> None:
    """Fill ``out`` with standard normal numbers that belong to ticks."""
    for i in range(ticks.size):
        out[i] = gaussian_at(key, ticks[i], np.uint64(0)).real


@njit(cache=True, nogil=True)
def add_cosine(
    amplitude: float, begun_turns: float, turns_per_fs: float, at_fs: Any, out: Any
) -> None:
    """Add a cosine of time, (n,) fs, to ``out``; ``begun_turns``: its phase at 0.

    A quarter of a turn less how far a cosine is from its top is the angle of an equal sine: a
    polynomial, of which several instants are worked out at once.
    """
    for i in range(at_fs.size):
        turns = begun_turns + at_fs[i] * turns_per_fs
        angle = 2.0 * np.pi * (0.25 - abs(turns - np.floor(turns + 0.5)))
        square = angle * angle
        sine = SINE[8]
        for n in range(7, -1, -1):
            sine = sine * square + SINE[n]
        out[i] += amplitude * angle * sine
