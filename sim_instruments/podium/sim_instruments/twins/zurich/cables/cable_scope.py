"""The scope of one analyser whose inputs receive its own outputs over cables.

It takes records one trigger after the other, whenever they come, and is done when it has all of
its segments as often as they are averaged. ASSUMED: settings are those when it is enabled; a
trigger that comes while a record is taken is missed and counted; the converter has 14 bits for
twice the full scale, as the vendor's client reckons (zhinst-utils, ``get_scope_data``), and sums
of averages are not cut.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.values import Vector
from podium.firmware_interfaces.zurich.vector_headers import ScopeHeader, scope_vector
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import TICKS, ScopeSettings

SAMPLE_FS: Final = FS_PER_S // SAMPLE_RATE_HZ
AT_ONCE: Final = 20_000
"""Records that are taken up at one look: some ten milliseconds."""
_CONVERTER_STEPS: Final = 1 << 13
"""Of 14 bits, for a full scale to one side."""


def sample_at(at_fs: int) -> int:
    """Return which sample is taken at a time."""
    return at_fs // SAMPLE_FS


class InputSignal(Protocol):
    """The signal at one input."""

    def received(self, firsts: Integers, each: Integers) -> Complexes:
        """Return the sum of records that begin at ``firsts``, V, at samples from there on."""
        ...

    def noise(self, shape: tuple[int, ...]) -> Complexes:
        """Return noise of its own, V."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Input:
    """The input that one channel of the scope listens to."""

    select: int
    """Node ``inputselect``."""
    signal: InputSignal
    centre_hz: float
    full_scale_v: float


@dataclass(frozen=True, slots=True)
class Stamps:
    """Times of a record, in femtoseconds of the instruments' clock."""

    trigger_fs: int
    first_fs: int


@dataclass(slots=True, eq=False)
class Shot:
    """Records from enabling the scope until it is done."""

    settings: ScopeSettings
    inputs: tuple[Input, ...]
    """One for each of the settings' channels."""
    free: int
    """From which sample on it hears triggers."""
    self_triggered: bool = False
    missed: int = 0
    _taken: int = 0
    _waiting: deque[tuple[int, int]] = field(default_factory=deque)
    """Number of a record, and sample of its trigger."""
    _done: int = 0
    _first: int = 0
    """Trigger of the first record."""
    _sums: Complexes | None = None
    """Shape (channels, segments, length)."""

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
        """Tell whether it takes no further triggers."""
        return self._taken >= self.wanted

    @property
    def done(self) -> bool:
        """Tell whether it has all records."""
        return self._done >= self.wanted

    @property
    def begins(self) -> int | None:
        """The first sample that it still has to see; None: it waits for a trigger."""
        return self._waiting[0][1] + self.settings.delay if self._waiting else None

    def ends(self, train: range = range(0)) -> int | None:
        """Return the sample after its last; None: it has not heard of all triggers.

        ``train``: triggers that it will hear, femtoseconds.
        """
        left = self.wanted - self._taken
        after = self.settings.delay + self.span
        if self.self_triggered or not left:
            return self.free + left * self.span + self.settings.delay
        last = -(-self.span * SAMPLE_FS // train.step) * (left - 1)
        return sample_at(train[last]) + after if last < len(train) else None

    def trigger(self, samples: Iterable[int]) -> None:
        """Hear triggers, in the order of time."""
        for at in samples:
            if self.full:
                return
            if at < self.free:
                self.missed += self._taken > 0
                continue
            if not self._taken:
                self._first = at
            self._waiting.append((self._taken, at))
            self._taken += 1
            self.free = at + self.span

    def take(self, now: int) -> bool:
        """Take what has arrived before a sample; tell whether more of that is left."""
        delay, span = self.settings.delay, self.span
        if self.self_triggered:
            due = (now - self.free) // span + 1
            self.trigger(self.free + span * k for k in range(min(due, AT_ONCE)))
        due: dict[int, list[int]] = {}
        for _ in range(AT_ONCE):
            if not self._waiting or self._waiting[0][1] + delay + span > now:
                break
            number, at = self._waiting.popleft()
            due.setdefault(number % self.settings.segments, []).append(at + delay)
            self._done += 1
        each, sums = np.arange(0, span, 1 << self.settings.rate), self._all_sums()
        for segment, firsts in due.items():
            for place, one in enumerate(self.inputs):
                sums[place, segment] += one.signal.received(np.array(firsts, np.int64), each)
        return bool(self._waiting) and self._waiting[0][1] + delay + span <= now

    def _all_sums(self) -> Complexes:
        if self._sums is None:
            settings = self.settings
            shape = (len(self.inputs), settings.segments, settings.length)
            self._sums = np.zeros(shape, np.complex128)
        return self._sums

    def data(self) -> Complexes:
        """Return the averages, shape (channels, segments, length), V."""
        averages, sums = self.settings.averages, self._all_sums()
        for place, one in enumerate(self.inputs):
            # So many averages of noise are as one that is louder.
            sums[place] += one.signal.noise(sums[place].shape) * np.sqrt(averages)
        return np.asarray(sums / averages)

    def stamps(self) -> Stamps:
        """Return when its first record was triggered, and begun."""
        first = self._first + self.settings.delay
        return Stamps(self._first * SAMPLE_FS, first * SAMPLE_FS)

    def vectors(self, trigger_ticks: int, first_ticks: int) -> dict[int, Vector]:
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
            step_v = one.full_scale_v / _CONVERTER_STEPS / settings.averages
            found[channel] = scope_vector(header, data.reshape(-1), step_v)
        return found
