"""The scope of an analyser: records of the inputs, in segments, averaged."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import Complexes

CHANNELS: Final = 4
MEMORY: Final = 2**18
"""Samples of a channel. ASSUMED: all segments of all channels share them, halved for two channels
and quartered for more (user manual of the SHFQA: 262,144 samples)."""
LENGTH_STEP: Final = 16  # ASSUMED
MAX_RATE: Final = 16
"""Node ``scopes/0/time``: sample rates down to 2 GHz / 2^16."""
TICKS: Final = 2
"""Of time stamps, 0.25 ns, in a sample."""


class BadScope(ValueError):
    """Settings that the scope cannot have. The message names the setting and what fits."""


@dataclass(frozen=True, slots=True)
class ScopeSettings:
    """The nodes under ``scopes/0/``, times in samples at 2 GSa/s."""

    length: int
    """Samples of a segment."""
    channels: tuple[int, ...] = (0,)
    segments: int = 1
    averages: int = 1
    delay: int = 0
    """From the trigger to the first sample; negative ones were before it."""
    rate: int = 0
    """One sample of 2^rate is kept."""

    def __post_init__(self) -> None:
        """Refuse what the scope cannot have: :class:`BadScope`."""
        if not self.channels or not set(self.channels) <= set(range(CHANNELS)):
            raise BadScope(f"channels {self.channels}: some of 0 to {CHANNELS - 1}")
        room = MEMORY // (1 << max(0, (len(self.channels) - 1).bit_length()))
        if self.length < LENGTH_STEP or self.length % LENGTH_STEP:
            raise BadScope(f"length {self.length}: in steps of {LENGTH_STEP} samples")
        if self.segments < 1 or self.length * self.segments > room:
            raise BadScope(
                f"{self.segments} segments of {self.length} samples on {len(self.channels)} "
                f"channels; there is room for {room} samples"
            )
        if self.averages < 1:
            raise BadScope(f"{self.averages} averages: 1 at least")
        if not 0 <= self.rate <= MAX_RATE:
            raise BadScope(f"rate {self.rate}: 0 to {MAX_RATE}")


class Scope:
    """Takes one record for each trigger until it has all segments as often as they are averaged.

    ASSUMED: all segments first, then all of them again.
    """

    def __init__(self, settings: ScopeSettings) -> None:
        self.settings = settings
        self._sums = np.zeros(
            (len(settings.channels), settings.segments, settings.length), np.complex128
        )
        self.taken = 0
        """How many triggers have been."""

    @property
    def done(self) -> bool:
        """Tell whether it has stopped."""
        return self.taken >= self.settings.segments * self.settings.averages

    def window(self, trigger: int) -> tuple[int, int]:
        """Return the first sample that a trigger records and the one after the last."""
        start = trigger + self.settings.delay
        return start, start + (self.settings.length << self.settings.rate)

    def take(self, records: Complexes) -> None:
        """Take what the inputs were within :meth:`window`, shape (channels, samples), in volts.

        Nothing happens when it is done.
        """
        if self.done:
            return
        expected = (len(self.settings.channels), self.settings.length << self.settings.rate)
        if records.shape != expected:
            raise BadScope(f"a record of shape {records.shape}, this scope takes {expected}")
        # ASSUMED: a lower rate leaves samples out.
        self._sums[:, self.taken % self.settings.segments] += records[:, :: 1 << self.settings.rate]
        self.taken += 1

    def data(self) -> Complexes:
        """Return the averages, shape (channels, segments * length); zero where nothing was."""
        segments = self.settings.segments
        whole, part = divmod(self.taken, segments)
        counts = np.where(np.arange(segments) < part, whole + 1, max(whole, 1))
        found = self._sums / counts[None, :, None]
        return found.reshape(len(self.settings.channels), -1)
