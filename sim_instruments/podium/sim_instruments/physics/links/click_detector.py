"""A detector of a herald station in world time: photons and dark counts in, pulses out.

Dark counts are a Poisson process whose random numbers are keyed by the second of world time: how
often one looks changes nothing. While it is blind after a click nothing makes it click, and nothing
lengthens that.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.digital_lines import Edge
from podium.sim_instruments.physics.draw import generator
from podium.sim_instruments.physics.links.herald_station import HeraldStation

PULSE_FS = 20 * FS_PER_NS
"""ASSUMED length of a pulse at a detector's output; half its dead time, where that is shorter."""
MEMORY = 20
"""So many dead times before a stretch of time tell whether it is blind when that begins."""
KEPT_S = 64
"""Seconds whose dark counts are kept."""


class ClickDetector:
    """One detector; thread-safe."""

    def __init__(
        self, link: str, name: str, number: int, station: HeraldStation, seed: int
    ) -> None:
        self._background_hz = station.background_hz(number)
        self._dead_fs = station.detectors[number].dead_fs
        self._dark = lru_cache(KEPT_S)(
            lambda second: _dark_counts(self._background_hz, second, seed, link, name)
        )

    @property
    def memory_fs(self) -> int:
        """Return how long before a stretch of time photons matter for it."""
        return MEMORY * self._dead_fs + PULSE_FS

    def pulses(self, photons: Sequence[int], from_fs: int, until_fs: int) -> list[Edge]:
        """Return the edges of all pulses that begin from one instant to before another.

        ``photons``: instants, ascending, from :attr:`memory_fs` earlier on.
        """
        first_fs = from_fs - self.memory_fs
        seconds = range(first_fs // FS_PER_S, until_fs // FS_PER_S + 1)
        dark = (
            [at for second in seconds for at in self._dark(second)] if self._background_hz else []
        )
        length_fs = min(PULSE_FS, self._dead_fs // 2) if self._dead_fs else PULSE_FS
        found: list[Edge] = []
        free_fs = first_fs
        for at_fs in sorted([*photons, *dark]):
            if at_fs < free_fs or at_fs >= until_fs:
                continue
            free_fs = at_fs + max(self._dead_fs, length_fs + 1)
            if at_fs >= from_fs:
                found += [(at_fs, True), (at_fs + length_fs, False)]
        return found


def _dark_counts(rate_hz: float, second: int, seed: int, link: str, name: str) -> list[int]:
    """Return the instants of dark counts in a second of world time, ascending."""
    random = generator(seed, link, name, f"dark counts in second {second}")
    within = np.sort(random.random(random.poisson(rate_hz)))
    return [second * FS_PER_S + round(one * FS_PER_S) for one in within.tolist()]
