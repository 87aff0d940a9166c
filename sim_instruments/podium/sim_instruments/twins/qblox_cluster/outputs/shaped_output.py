"""Computes the signal that leaves an output behind its predistortion filters.

Filters see samples, not envelopes: what a sequencer plays is written out as the converter's words,
on both paths, and comes out as pieces without a carrier. A run may come part by part: filters go on
from where the part before has left them, and what leaves later than all is known is kept. ASSUMED:
each sequencer's share of an output is filtered by itself and rounded by itself.

Shots of one program differ in what earlier ones have left in the filters alone. A run that is known
as a whole is cut where nothing is played for :data:`QUIET_NS`: a stretch that comes several times
is filtered from rest, and leaves so wherever what is left changes no word (:mod:`.filter_kernel`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.physics.deduplicate import StretchNumbers, number_stretches
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.level_pieces import train_of_words
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import (
    FilterChain,
    Response,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.sent_pieces import RepeatedPieces, SentPieces

SAMPLES_MAX = 20_000_000
"""Of one output in one run that are filtered, sample by sample."""
QUIET_NS = 2_000
"""So long nothing is played where a run is cut: longer than any FIR remembers."""
_TURNS = 1_000_000_000
_Changes = tuple[NDArray[np.int64], NDArray[np.int64]]
"""Times, and words from there on."""
_NOTHING: _Changes = np.zeros(0, np.int64), np.zeros(0, np.int64)
_Envelope = tuple[NDArray[np.complex128], complex, int, float]
"""Samples, the level held after them (full scales), duration (ns) and frequency (Hz)."""
_Plays = tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.int64]]
"""Start (ns), kind of envelope and phase (1e-9 turns) of each."""


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
        plays: _Plays,
        envelopes: Sequence[_Envelope],
        sidebands: tuple[complex, complex],
        end_ns: int,
        *,
        goes_on: bool,
    ) -> tuple[PulseTrain | None, bool]:
        """Play the next part of the run; return what leaves, and whether any word overflowed.

        ``plays``: of this part, which lasts to ``end_ns``: what goes on behind it is among those of
        the next part, too. ``sidebands`` is the mixer's correction. Where the run does not go on
        (``goes_on``), what is under way leaves, too, and nothing after it.
        Raises :class:`NotEmulated` for a run that is too long.
        """
        given = _Given(plays, envelopes, sidebands)
        delays = [path.delay_ns for path in self._paths]
        until_ns = end_ns + (min(delays) if goes_on else max(delays))
        if goes_on or not self._real or self._come_ns or not len(plays[0]):
            overflowed = self._filter(given, slice(None), end_ns)
            return self._told(until_ns), overflowed
        sent = SentPieces()
        first_row, overflowed = self._pass(given, end_ns, sent)
        overflowed |= self._filter(given, slice(first_row, None), end_ns)
        sent.add(self._told(until_ns))
        return sent.train(self.name, self._sender), overflowed

    def _filter(self, given: "_Given", rows: slice, end_ns: int) -> bool:
        """Let some plays come, until ``end_ns``; tell whether any word overflowed."""
        times, *parts = self._levels(given, rows)
        overflowed = False
        for path, level in zip(self._paths, parts, strict=False):
            overflowed |= path.take(*self._continued(path, times, level), end_ns)
        self._come_ns = end_ns
        return overflowed

    def _levels(
        self, given: "_Given", rows: slice
    ) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Return the changes of what goes into the filters of both paths: times, and levels."""
        start_ns, number, phase = given.plays
        self._count(given.envelopes, number[rows])
        times, values = _written_out(start_ns[rows], given.envelopes, number[rows], phase[rows])
        values = given.sidebands[0] * values + given.sidebands[1] * np.conj(values)
        parts = (values.real, values.imag)
        if self._real:
            parts = (values.imag if self._factor.imag else values.real,) * 2
        one, other = (
            np.rint(np.clip(part * limits.DAC_MAX, limits.DAC_MIN, limits.DAC_MAX))
            for part in parts
        )
        return times, one, other

    def _pass(self, given: "_Given", end_ns: int, sent: SentPieces) -> tuple[int, bool]:
        """Go on to the last stretch; return its first row, and whether any word overflowed."""
        stretches = _Stretches.of(given, end_ns)
        first, start, last = stretches.first, stretches.start_ns, len(stretches.first) - 1
        (path,) = self._paths
        number, responses = self._responses(given, stretches, sent)
        if not responses:
            return 0, False
        each, g, walk = [one for one, _ in responses], 0, 1
        overflowed = self._filter(given, slice(0, 0), int(start[0]))
        while g < last:
            passed = path.filters.advance_over(number[g:last], each)
            if passed:
                sent.add(self._told(int(start[g]) + path.delay_ns))
                of = number[g : g + passed]
                overflowed |= any(each[k].overflowed for k in np.unique(of).tolist())
                begins = start[g : g + passed] + path.delay_ns
                sent.repeat([one for _, one in responses], of, begins)
                self._come_ns = int(start[g + passed])
                self._told_ns = self._come_ns + path.delay_ns
                walk = 1
            else:
                passed, walk = min(walk, last - g), 2 * walk
                rows = slice(int(first[g]), int(first[g + passed]))
                overflowed |= self._filter(given, rows, int(start[g + passed]))
            g += passed
        return int(first[last]), overflowed

    def _responses(
        self, given: "_Given", stretches: "_Stretches", sent: SentPieces
    ) -> tuple[NDArray[np.int64], list[tuple[Response, RepeatedPieces]]]:
        """Return of each stretch but the last the place of its response, -1: it comes once."""
        first, start, number = stretches.first, stretches.start_ns, stretches.number
        several = np.bincount(number.kind[:-1], minlength=len(number.example)) > 1
        found = []
        for g in number.example[several].tolist():
            times, level, _ = self._levels(given, slice(int(first[g]), int(first[g + 1])))
            lasts_ns = int(start[g + 1] - start[g])
            one = self._paths[0].filters.response(times - start[g], level, lasts_ns)
            words = one.words.reshape(-1, 1), self._signal
            train = train_of_words(self.name, self._sender, one.time_ns, words, lasts_ns)
            found.append((one, sent.repeated(train)))
        return np.where(several, np.cumsum(several) - 1, -1)[number.kind], found

    def _count(self, envelopes: Sequence[_Envelope], number: NDArray[np.int32]) -> None:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Given:
    """Holds the plays of a part of a run."""

    plays: _Plays
    envelopes: Sequence[_Envelope]
    sidebands: tuple[complex, complex]


@dataclass(frozen=True, slots=True, eq=False)
class _Stretches:
    """Cuts a run where it is quiet, from the first play on."""

    first: NDArray[np.int64]
    """The first play of each."""
    start_ns: NDArray[np.int64]
    number: StretchNumbers
    """Of each, by what is played in it and how long it is."""

    @classmethod
    def of(cls, given: _Given, end_ns: int) -> "_Stretches":
        start, kind, phase = given.plays
        lasts_ns = np.array([one[2] for one in given.envelopes], np.int64)
        quiet = start[1:] - (start + lasts_ns[kind])[:-1] >= QUIET_NS
        first = np.append(0, np.flatnonzero(quiet) + 1).astype(np.int64)
        rows = np.diff(first, append=len(start))
        until = np.diff(start[first], append=end_ns)
        offset, lasts = start - np.repeat(start[first], rows), np.repeat(until, rows)
        columns = [offset, kind.astype(np.int64), phase, lasts]
        return cls(first, start[first], number_stretches(first, columns))


def _written_out(
    start_ns: NDArray[np.int64],
    envelopes: Sequence[_Envelope],
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
