"""Computes the signal that leaves an output behind its predistortion filters.

Filters see samples, not envelopes: what a sequencer plays is written out as the converter's words,
on both paths, and comes out as pieces without a carrier. A run may come part by part: filters go on
from where the part before has left them, and what leaves later than all is known is kept. ASSUMED:
each sequencer's share of an output is filtered by itself and rounded by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.level_pieces import train_of_words
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import FilterChain
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated

SAMPLES_MAX = 20_000_000
"""Of one output in one run: what it plays is filtered sample by sample."""
_TURNS = 1_000_000_000
_Changes = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Times, and words from there on."""
_NOTHING: _Changes = np.zeros(0, np.int64), np.zeros(0, np.int64)


@dataclass(slots=True, eq=False)
class _Path:
    """One output channel behind its filters."""

    filters: FilterChain
    delay_ns: int
    level: float = 0.0
    """What goes into the filters."""
    word: int = 0
    """What leaves, as far as it has been told."""
    untold: _Changes = _NOTHING
    """What leaves later."""

    def take(self, time_ns: NDArray[np.int64], level: NDArray[np.float64], end_ns: int) -> bool:
        """Let changes of what goes in come, until ``end_ns``; tell whether a word overflowed."""
        when, words, over = self.filters.advance(time_ns, level, end_ns)
        earlier, before = self.untold
        self.untold = (
            np.concatenate([earlier, when + self.delay_ns]),
            np.concatenate([before, words]),
        )
        before_end = int(np.searchsorted(time_ns, end_ns))
        self.level = float(level[before_end - 1]) if before_end else self.level
        return over

    def tell(self, until_ns: int) -> _Changes:
        """Return the changes of what leaves until a time."""
        when, words = self.untold
        count = int(np.searchsorted(when, until_ns))
        self.untold = when[count:], words[count:]
        self.word = int(words[count - 1]) if count else self.word
        return when[:count], words[:count]


class ShapedLine:
    """One sequencer's share of an output (or a pair of them) on its way through a run."""

    def __init__(
        self,
        name: str,
        sender: str,
        shapings: tuple[OutputShaping, OutputShaping],
        factor: complex,
        real: bool,
    ) -> None:
        self.name, self._sender, self._factor, self._real = name, sender, factor, real
        used = shapings[:1] if real else shapings  # of a real line, one path leaves
        self._paths = [_Path(FilterChain(one), one.delay_ns) for one in used]
        self._samples = 0
        self._come_ns = self._told_ns = 0
        """Until when all is known of what goes in, and told of what leaves."""

    def play(
        self,
        stretches: tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]],
        envelopes: Sequence[tuple[NDArray[np.complex128], complex, int, float]],
        sidebands: tuple[complex, complex],
        end_ns: int,
        *,
        goes_on: bool,
    ) -> tuple[PulseTrain | None, bool]:
        """Play the next part of the run; return what leaves, and whether any word overflowed.

        ``envelopes`` holds, of each kind of stretch, samples, the level held after them (full
        scales), duration (ns) and frequency (Hz); ``stretches`` holds start (ns), kind and phase
        (1e-9 turns) of each stretch of this part, which lasts to ``end_ns``: what goes on behind it
        is a stretch of the next part, too. ``sidebands`` is the mixer's correction. Where the run
        does not go on (``goes_on``), what is under way leaves, too, and nothing after it.
        Raises :class:`NotEmulated` for a run that is too long.
        """
        start_ns, number, phase = stretches
        self._count(envelopes, number)
        times, values = _written_out(start_ns, envelopes, number, phase)
        values = sidebands[0] * values + sidebands[1] * np.conj(values)
        parts = (values.real, values.imag)
        if self._real:
            parts = (values.imag if self._factor.imag else values.real,) * 2
        overflowed = False
        for path, part in zip(self._paths, parts, strict=False):
            level = np.rint(np.clip(part * limits.DAC_MAX, limits.DAC_MIN, limits.DAC_MAX))
            overflowed |= path.take(*self._continued(path, times, level), end_ns)
        self._come_ns = end_ns
        delays = [path.delay_ns for path in self._paths]
        return self._told(end_ns + (min(delays) if goes_on else max(delays))), overflowed

    def _count(
        self,
        envelopes: Sequence[tuple[NDArray[np.complex128], complex, int, float]],
        number: NDArray[np.int32],
    ) -> None:
        self._samples += sum(
            (envelopes[kind][2] if envelopes[kind][3] else len(envelopes[kind][0])) * count
            for kind, count in enumerate(np.bincount(number, minlength=len(envelopes)).tolist())
        )
        if self._samples > SAMPLES_MAX:
            raise NotEmulated(
                f"{self._sender}: {self._samples} samples go through the filters of {self.name}; "
                f"this twin filters up to {SAMPLES_MAX} in one run"
            )

    def _continued(
        self, path: _Path, times: NDArray[np.int64], level: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return what goes in, with what becomes of the level that the part before has ended at."""
        begins_here = len(times) and times[0] == self._come_ns
        if begins_here and level[0] == path.level:
            return times[1:], level[1:]
        if begins_here or not path.level:
            return times, level
        return np.append(self._come_ns, times), np.append(0.0, level)

    def _told(self, until_ns: int) -> PulseTrain | None:
        """Return what leaves from where it has been told on until a time."""
        since_ns, self._told_ns = self._told_ns, until_ns
        if until_ns <= since_ns:
            return None
        before = [path.word for path in self._paths]
        told = [path.tell(until_ns) for path in self._paths]
        when = told[0][0] if self._real else _merged(told[0][0], told[1][0])
        goes_on = any(before) and not (len(when) and when[0] == since_ns)
        if goes_on:
            when = np.append(since_ns, when)
        if self._real:
            words = told[0][1]
            words = (np.append(before[0], words) if goes_on else words).reshape(-1, 1)
        else:
            both = [_at(changes, word, when) for changes, word in zip(told, before, strict=True)]
            words = np.column_stack(both)
        return train_of_words(self.name, self._sender, when, (words, self._signal), until_ns)

    def _signal(self, words: NDArray[np.int64]) -> NDArray[np.complex128]:
        """Return the signal of the words of both paths, (n, 2), or of a real line's one, (n, 1)."""
        if self._real:
            return np.asarray(words[:, 0] / limits.DAC_MAX * abs(self._factor) + 0j)
        signal = (words[:, 0] + 1j * words[:, 1]) / limits.DAC_MAX * self._factor
        return np.asarray(signal, np.complex128)


def _written_out(
    start_ns: NDArray[np.int64],
    envelopes: Sequence[tuple[NDArray[np.complex128], complex, int, float]],
    number: NDArray[np.int32],
    phase: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.complex128]]:
    """Return the changes of what goes into the filters: times, and values from there on."""
    if not len(start_ns):
        return np.zeros(0, np.int64), np.zeros(0, np.complex128)
    models = [_model(*one) for one in envelopes]
    lengths = np.array([len(one) for one in models], np.int64)
    duration = np.array([one[2] for one in envelopes], np.int64)[number]
    over_ns = start_ns + duration
    # A model ends with the 0 behind it, which comes where nothing follows at once.
    ends = np.append(start_ns[1:] > over_ns[:-1], True)
    length = lengths[number] - ~ends
    last = np.cumsum(length)
    inside = np.arange(last[-1]) - np.repeat(last - length, length)
    begins = np.cumsum(lengths) - lengths
    values = np.concatenate(models)[np.repeat(begins[number], length) + inside]
    times = np.repeat(start_ns, length) + inside
    times[last[ends] - 1] = over_ns[ends]
    turning = np.array([one[3] for one in envelopes])[number]
    if np.any(turning) or np.any(phase):
        turns = np.repeat(turning, length) * 1e-9 * inside + np.repeat(phase / _TURNS, length)
        values = values * np.exp(2j * np.pi * (turns % 1.0))
    return times, values


def _model(
    samples: NDArray[np.complex128], level: complex, duration: int, frequency_hz: float
) -> NDArray[np.complex128]:
    """Return the values of a stretch from its begin on, and 0: one that turns has each sample."""
    left = duration - len(samples)
    held = np.full(left if frequency_hz else min(left, 1), level) if left > 0 else samples[:0]
    return np.concatenate([samples, held, np.zeros(1)])


def _merged(one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the instants of both, ascending, each once."""
    both = np.sort(np.concatenate([one, other]), kind="stable")
    return both[np.append(True, both[1:] != both[:-1])] if len(both) else both


def _at(changes: _Changes, word: int, when: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the words of one path at the instants ``when``; ``word``: before its changes."""
    at = np.searchsorted(changes[0], when, side="right")
    return np.append(np.int64(word), changes[1])[at]
