"""Keeps pulses that analysers sent into their cables, as long as a scope may still record them.

Samples are those of 2 GSa/s, counted from where the instruments' clock begins.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
)

SAMPLE_FS: Final = FS_PER_S // SAMPLE_RATE_HZ
KEPT: Final = 300_000
"""Samples that are kept when nobody waits for them: 150 us, more than the 131 us by which a record
may begin before its trigger."""


def sample_at(at_fs: int) -> int:
    """Return which sample is taken at a time."""
    return at_fs // SAMPLE_FS


@dataclass(frozen=True, slots=True, eq=False)
class SentPulse:
    """A pulse of one output: a shape, full scale 1, on a carrier."""

    start: int
    """Its first sample."""
    shape: Complexes
    hz: float = 0.0
    """Of the carrier, away from the centre frequency."""
    turns: float = 0.0
    """Phase of the carrier at the first sample."""

    @property
    def end(self) -> int:
        """The sample after its last."""
        return self.start + len(self.shape)

    def seen(self, first: int, samples: Integers) -> Complexes:
        """Return what it is at ``first + samples``, as if its carrier began at phase 0."""
        at = samples + (first - self.start)
        inside = (at >= 0) & (at < len(self.shape))
        found = np.zeros(len(samples), np.complex128)
        found[inside] = self.shape[at[inside]]
        if self.hz:
            found[inside] *= np.exp(2j * np.pi * (at[inside] * (self.hz / SAMPLE_RATE_HZ) % 1.0))
        return found


@dataclass(slots=True, eq=False)
class SentPulses:
    """Of one output, in the order of time."""

    _sent: list[SentPulse] = field(default_factory=list)
    _longest: int = 0

    def add(self, one: SentPulse) -> None:
        """Take note of a pulse."""
        at = bisect_right(self._sent, one.start, key=lambda sent: sent.start)
        self._sent.insert(at, one)
        self._longest = max(self._longest, len(one.shape))

    def within(self, first: int, end: int) -> Iterator[SentPulse]:
        """Yield what is heard from sample ``first`` to before ``end``."""
        at = bisect_left(self._sent, first - self._longest, key=lambda sent: sent.start)
        for place in range(at, len(self._sent)):
            one = self._sent[place]
            if one.start >= end:
                break
            if one.end > first:
                yield one

    def forget(self, before: int) -> None:
        """Drop what was over before a sample."""
        at = bisect_left(self._sent, before - self._longest, key=lambda sent: sent.start)
        del self._sent[:at]
