"""Samples that a twin plays, for who asks what is at its connectors."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

SAMPLES_MAX = 100_000
"""Of one question."""


@dataclass(frozen=True, slots=True)
class PlayedSamples:
    """One channel has these voltages at its connectors, sample by sample."""

    volts: list[float]
    markers: list[list[float]]
    """In V, by marker."""
    samples_per_s: float


@runtime_checkable
class PlaysSamples(Protocol):
    """A twin that can tell what it plays, sample by sample."""

    def samples(self, channel: int, first: int, count: int) -> PlayedSamples:
        """Return ``count`` samples of a channel from sample ``first`` of the run on.

        Raises ValueError where that cannot be told; the message says why.
        """
        ...
