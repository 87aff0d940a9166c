"""The scope of an analyser: records of the inputs, in segments, averaged."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from podium.firmware_interfaces.zurich.values import Vector
from podium.firmware_interfaces.zurich.vector_headers import ScopeHeader, scope_vector
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


@dataclass(frozen=True, slots=True)
class ScopeInput:
    """The input that one channel of the scope listens to."""

    select: int
    """Node ``inputselect``."""
    centre_hz: float
    step_v: float
    """Of the integers that sums of samples are told in."""


class ScopeRecording:
    """Sums records until there are all segments as often as they are averaged.

    ASSUMED: all segments first, then all of them again; a lower rate leaves samples out.
    """

    def __init__(self, settings: ScopeSettings, inputs: tuple[ScopeInput, ...]) -> None:
        """``inputs``: one for each of the settings' channels."""
        self.settings = settings
        self.inputs = inputs
        self.missed = 0
        """Triggers that came while a record was taken."""
        self.taken = 0
        """Triggers that a record was taken of."""
        shape = len(inputs), settings.segments, settings.length
        self._sums = np.zeros(shape, np.complex128)

    @property
    def wanted(self) -> int:
        """Return how many records it takes."""
        return self.settings.segments * self.settings.averages

    @property
    def span(self) -> int:
        """Samples of a record at the full rate."""
        return self.settings.length << self.settings.rate

    @property
    def full(self) -> bool:
        """Tell whether it takes no further records."""
        return self.taken >= self.wanted

    def next_segment(self) -> int:
        """Return the segment that the next record belongs to, and count it as taken."""
        self.taken += 1
        return (self.taken - 1) % self.settings.segments

    def add(self, place: int, segment: int, samples: Complexes) -> None:
        """Add what the input of a channel was, V, at the samples that the rate leaves."""
        self._sums[place, segment] += samples

    def data(self) -> Complexes:
        """Return the averages of a full one, V, shape (channels, segments * length)."""
        return self._sums.reshape(len(self.inputs), -1) / self.settings.averages

    def vectors(self, first_ticks: int = 0, trigger_ticks: int = 0) -> dict[int, Vector]:
        """Return the records by channel of the scope, with what its time stamps are."""
        settings, found = self.settings, {}
        for channel, one, data in zip(settings.channels, self.inputs, self.data(), strict=True):
            header = ScopeHeader(
                first_ticks,
                TICKS << settings.rate,
                one.centre_hz,
                trigger_ticks,
                one.select,
                averages=settings.averages,
                segments=settings.segments,
                total_segments=settings.segments,
                missed_triggers=self.missed,
            )
            found[channel] = scope_vector(header, data, one.step_v)
        return found
