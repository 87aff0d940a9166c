"""The laboratory's air: how far it is from its mean temperature, in closed form.

Clocks, cables and filters feel it. It is a sum of sines, so that its integral, which a free
oscillator's phase follows, is one too.
"""

from dataclasses import dataclass
from functools import cached_property
from math import cos, pi, sin

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.counter_based_random import key, uniform

SWINGS = ((86_400, 0.4), (5_400, 0.15), (1_020, 0.1), (457_000, 0.15))
"""Period (s) and amplitude (K) of day, building, air conditioning and weather. ASSUMED."""


@dataclass(frozen=True, slots=True)
class _Swing:
    period_fs: int
    amplitude_k: float
    phase: float
    """In turns."""

    def turns(self, at_fs: int) -> float:
        return at_fs % self.period_fs / self.period_fs + self.phase


class Room:
    """Air whose temperature swings about its mean."""

    def __init__(self, seed: int, swings: tuple[tuple[int, float], ...] = SWINGS) -> None:
        """Draw the phases from the world's ``seed``; ``swings`` as :data:`SWINGS`."""
        self.seed, self._given = seed, swings
        self._last_k = (-1, 0.0)
        """When it was asked about last, and the answer: clocks that follow each other ask alike."""

    @cached_property
    def _swings(self) -> tuple[_Swing, ...]:
        # When first looked at: to draw wakes kernels, which takes a tenth of a second.
        element = key(self.seed, "room", "swings")
        return tuple(
            _Swing(period_s * FS_PER_S, amplitude_k, uniform(element, number))
            for number, (period_s, amplitude_k) in enumerate(self._given)
        )

    def deviation_k(self, at_fs: int) -> float:
        """Return how much warmer than its mean it is, K."""
        known_fs, deviation_k = self._last_k
        if known_fs != at_fs:
            deviation_k = sum(
                one.amplitude_k * sin(2 * pi * one.turns(at_fs)) for one in self._swings
            )
            self._last_k = at_fs, deviation_k
        return deviation_k

    def kelvin_seconds(self, from_fs: int, to_fs: int) -> float:
        """Return the integral of the deviation from ``from_fs`` to ``to_fs``, K s."""
        total = 0.0
        for one in self._swings:
            scale = one.amplitude_k * one.period_fs / FS_PER_S / (2 * pi)
            begins, ends = one.turns(from_fs), one.turns(to_fs)
            total += scale * (cos(2 * pi * begins) - cos(2 * pi * ends))
        return total


def still_air() -> Room:
    """Return a room that never leaves its mean temperature."""
    return Room(0, ())
