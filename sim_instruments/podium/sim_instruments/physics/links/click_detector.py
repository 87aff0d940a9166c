"""A detector of a herald station in world time: photons and dark counts in, pulses out.

Dark counts are a Poisson process whose random numbers are keyed by the second of world time: how
often one looks changes nothing. While it is blind after a click nothing makes it click, and nothing
lengthens that.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.sim_instruments.physics.digital_lines import Edge, Spans
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

    def pulses(
        self, photons: Sequence[int], from_fs: int, until_fs: int, spans: "Spans | None" = None
    ) -> list[Edge]:
        """Return the edges of all pulses that begin from one instant to before another.

        ``photons``: instants, ascending, from :attr:`memory_fs` earlier on; ``spans``: where pulses
        are asked for, from ``from_fs`` on. What is dark elsewhere is left out.
        """
        seen = np.array([at_fs - from_fs for at_fs in photons], np.int64)
        dark = self._dark_between(from_fs, until_fs)
        if spans is not None:
            dark = dark[_inside(dark, spans + np.array([-self.memory_fs, 0]))]
        length_fs = min(PULSE_FS, self._dead_fs // 2) if self._dead_fs else PULSE_FS
        blind_fs = max(self._dead_fs, length_fs + 1)
        found: list[Edge] = []
        free_fs = -self.memory_fs
        for after_fs in np.sort(np.concatenate([seen, dark])).tolist():
            if after_fs < free_fs or after_fs >= until_fs - from_fs:
                continue
            free_fs = after_fs + blind_fs
            if after_fs >= 0:
                at_fs = from_fs + after_fs
                found += [(at_fs, True), (at_fs + length_fs, False)]
        return found

    def _dark_between(self, from_fs: int, until_fs: int) -> NDArray[np.int64]:
        """Return dark counts from :attr:`memory_fs` earlier on, fs from ``from_fs``."""
        if not self._background_hz:
            return np.zeros(0, np.int64)
        seconds = range((from_fs - self.memory_fs) // FS_PER_S, until_fs // FS_PER_S + 1)
        return np.concatenate([self._dark(one) + (one * FS_PER_S - from_fs) for one in seconds])


def _inside(at_fs: NDArray[np.int64], spans: Spans) -> NDArray[np.bool_]:
    """Return which instants lie in spans that may overlap, (n,)."""
    begun = np.searchsorted(spans[:, 0], at_fs, side="right")
    over = np.searchsorted(spans[:, 1], at_fs, side="right")
    return np.asarray(begun > over)


def _dark_counts(rate_hz: float, second: int, seed: int, link: str, name: str) -> NDArray[np.int64]:
    """Return the instants of dark counts in a second of world time, fs from its begin."""
    random = generator(seed, link, name, f"dark counts in second {second}")
    return np.sort(random.integers(0, FS_PER_S, random.poisson(rate_hz)))
