"""The scope of one analyser whose inputs receive its own outputs over cables.

It takes records one trigger after the other, whenever they come, and is done when it has all of
its segments as often as they are averaged. ASSUMED: settings are those when it is enabled; a
trigger that comes while a record is taken is missed and counted; the converter has 14 bits for
twice the full scale, as the vendor's client reckons (zhinst-utils, ``get_scope_data``), and sums
of averages are not cut.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.values import Vector
from podium.sim_instruments.twins.zurich.quantum_analyzer.readouts import (
    SAMPLE_RATE_HZ,
    Complexes,
    Integers,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.scope import ScopeRecording

SAMPLE_FS: Final = FS_PER_S // SAMPLE_RATE_HZ
AT_ONCE: Final = 20_000
"""Records that are taken up at one look: some ten milliseconds."""
CONVERTER_STEPS: Final = 1 << 13
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


@dataclass(slots=True, eq=False)
class Shot:
    """Records from enabling the scope until it is done."""

    recording: ScopeRecording
    signals: tuple[InputSignal, ...]
    """One for each of the recording's inputs."""
    free: int
    """From which sample on it hears triggers."""
    self_triggered: bool = False
    _waiting: deque[tuple[int, int]] = field(default_factory=deque)
    """Segment of a record, and sample of its trigger."""
    _first: int = 0
    """Trigger of the first record."""

    @property
    def done(self) -> bool:
        """Tell whether it has all records."""
        return self.recording.full and not self._waiting

    @property
    def begins(self) -> int | None:
        """The first sample that it still has to see; None: it waits for a trigger."""
        return self._waiting[0][1] + self._delay if self._waiting else None

    @property
    def _delay(self) -> int:
        return self.recording.settings.delay

    def ends(self, train: range = range(0)) -> int | None:
        """Return the sample after its last; None: it has not heard of all triggers.

        ``train``: triggers that it will hear, femtoseconds.
        """
        span, left = self.recording.span, self.recording.wanted - self.recording.taken
        if self.self_triggered or not left:
            return self.free + left * span + self._delay
        last = -(-span * SAMPLE_FS // train.step) * (left - 1)
        return sample_at(train[last]) + self._delay + span if last < len(train) else None

    def trigger(self, samples: Iterable[int]) -> None:
        """Hear triggers, in the order of time."""
        recording = self.recording
        for at in samples:
            if recording.full:
                return
            if at < self.free:
                recording.missed += recording.taken > 0
                continue
            if not recording.taken:
                self._first = at
            self._waiting.append((recording.next_segment(), at))
            self.free = at + recording.span

    def take(self, now: int) -> bool:
        """Take what has arrived before a sample; tell whether more of that is left."""
        span, rate = self.recording.span, self.recording.settings.rate
        if self.self_triggered:
            count = (now - self.free) // span + 1
            self.trigger(self.free + span * k for k in range(min(count, AT_ONCE)))
        due: dict[int, list[int]] = {}
        for _ in range(AT_ONCE):
            if not self._arrived(now):
                break
            segment, at = self._waiting.popleft()
            due.setdefault(segment, []).append(at + self._delay)
        each = np.arange(0, span, 1 << rate)
        for segment, firsts in due.items():
            for place, one in enumerate(self.signals):
                heard = one.received(np.array(firsts, np.int64), each)
                self.recording.add(place, segment, heard)
        return self._arrived(now)

    def _arrived(self, now: int) -> bool:
        """Tell whether the next record that waits is over."""
        return self.begins is not None and self.begins + self.recording.span <= now

    def vectors(self, stamp: Callable[[int], int]) -> dict[int, Vector]:
        """Return the records by channel of the scope; ``stamp``: time stamps of instants, fs."""
        settings = self.recording.settings
        for place, one in enumerate(self.signals):
            for segment in range(settings.segments):
                # So many averages of noise are as one that is louder.
                noise = one.noise((settings.length,)) * np.sqrt(settings.averages)
                self.recording.add(place, segment, noise)
        first, trigger = self._first + self._delay, self._first
        return self.recording.vectors(stamp(first * SAMPLE_FS), stamp(trigger * SAMPLE_FS))
