"""A detector of a herald station in world time: photons and dark counts in, pulses out.

Dark counts are a Poisson process whose random numbers are keyed by the second of world time: how
often one looks changes nothing. While it is blind after a click nothing makes it click, and nothing
lengthens that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class SwitchedNoise:
    """Photons that a transducer adds, where an optical switch leads them to the detector."""

    label: str
    """What its draws are keyed by."""
    rate_hz: float
    """Clicks a second, were all of its light to get through the switch."""
    light: Callable[[int], float]
    """Returns what part does at an instant of world time (fs)."""


class ClickDetector:
    """One detector; thread-safe."""

    def __init__(
        self,
        link: str,
        name: str,
        number: int,
        station: HeraldStation,
        seed: int,
        switched: Sequence[SwitchedNoise] | None = None,
    ) -> None:
        """``switched``: what comes through a switch of what transducers add; None: there is none.

        ASSUMED: of what a switch did between two looks at the detector only the last counts.
        """
        one = station.detectors[number]
        self._background_hz = station.background_hz(number) if switched is None else one.dark_hz
        self._switched = tuple(switched or ())
        self._dead_fs = one.dead_fs
        self._dark = lru_cache(KEPT_S)(
            lambda second: _dark_counts(self._background_hz, second, seed, link, name)
        )
        self._noise = lru_cache(KEPT_S * max(1, len(self._switched)))(
            lambda second, source: _marked(self._switched[source], second, seed, link, name)
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
        seconds = range((from_fs - self.memory_fs) // FS_PER_S, until_fs // FS_PER_S + 1)
        found = [np.zeros(0, np.int64)]
        for second in seconds:
            after_fs = second * FS_PER_S - from_fs
            if self._background_hz:
                found.append(self._dark(second) + after_fs)
            for source, noise in enumerate(self._switched):
                at_fs, mark = self._noise(second, source)
                here = np.flatnonzero(at_fs >= -after_fs - self.memory_fs)
                here = here[at_fs[here] < until_fs - second * FS_PER_S]
                share = [noise.light(second * FS_PER_S + at) for at in at_fs[here].tolist()]
                found.append(at_fs[here[mark[here] < np.array(share)]] + after_fs)
        return np.concatenate(found)


def _inside(at_fs: NDArray[np.int64], spans: Spans) -> NDArray[np.bool_]:
    """Return which instants lie in spans that may overlap, (n,)."""
    begun = np.searchsorted(spans[:, 0], at_fs, side="right")
    over = np.searchsorted(spans[:, 1], at_fs, side="right")
    return np.asarray(begun > over)


def _marked(
    noise: SwitchedNoise, second: int, seed: int, link: str, name: str
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return instants of what a transducer adds in a second, and a number of 0 to 1 for each."""
    random = generator(seed, link, name, noise.label, f"added photons in second {second}")
    at_fs = np.sort(random.integers(0, FS_PER_S, random.poisson(noise.rate_hz)))
    return at_fs, random.random(at_fs.size)


def _dark_counts(rate_hz: float, second: int, seed: int, link: str, name: str) -> NDArray[np.int64]:
    """Return the instants of dark counts in a second of world time, fs from its begin."""
    random = generator(seed, link, name, f"dark counts in second {second}")
    return np.sort(random.integers(0, FS_PER_S, random.poisson(rate_hz)))
