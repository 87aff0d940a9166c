"""Rows of the command table that play the pulses of a core, each way that results can be.

The row of a pulse has its amplitude and its phase as they are. Pulses that share a waveform have a
row for each way, so that a branch takes the same time whichever way it goes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from podium.control.compilers.guards import Guard
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.layout import WaveStretch
from podium.control.compilers.zurich.pulses import Pulse
from podium.control.compilers.zurich.results import met, ways
from podium.control.compilers.zurich.rounding import amplitude_words, phase_words
from podium.control.compilers.zurich.tables import Entry, PlaySilence, PlayWave
from podium.control.compilers.zurich.waves import Content, WavePart, WaveTable

TURN_DIGITS = 9
"""Phases within one waveform, to so many digits of a turn: equal ones are stored once."""


@dataclass(frozen=True, slots=True, eq=False)
class AtPoints:
    """The pulses of a core; arrays have shape (points,)."""

    pulses: tuple[Pulse, ...]
    amplitude: tuple[FloatArray, ...]
    offset_hz: tuple[FloatArray, ...]
    before: tuple[FloatArray, ...]
    """Turns of each oscillator before the shot: it began so much earlier."""
    turns: tuple[FloatArray, ...]
    """Phase in the command table: with these taken off."""
    turned: tuple[tuple[tuple[Guard, FloatArray], ...], ...]
    """Phase shifts that depend on results."""
    reset: int
    """Samples before a shot's start at which the oscillators begin anew."""


@dataclass(frozen=True, slots=True)
class LonePlay:
    """A pulse that has a waveform for itself, or part of one, and the number of its row."""

    pulse: int
    number: int
    wave: int
    before: float
    """Turns of its oscillator before the shot."""


class Rows:
    """The rows of one core, equal ones once."""

    def __init__(self, at: AtPoints, waves: WaveTable) -> None:
        self._at, self._waves = at, waves
        self.entries: dict[tuple[Entry, ...], int] = {}
        """Each a row, or those of which results choose one; and its number."""
        self.plays: list[LonePlay] | None = []
        """What is played; None: not each pulse by itself."""

    def numbers(
        self,
        part: WaveStretch,
        begins: Sequence[int],
        late_fs: Sequence[int],
        names: tuple[str, ...],
        points: IntArray,
    ) -> IntArray:
        """Return what plays a part of a stretch at these points, each way that results can be."""
        if not names:
            whole = self._way(part, part.pulses, begins, late_fs, {}, points)
            numbers = self._number([(entry,) for entry in whole])
            self._note(part.pulses, whole, numbers, points)
            return numbers
        self.plays = None
        each = []
        for results in ways(names):
            happen = [k for k in part.pulses if met(self._at.pulses[k].placed.guard, results)]
            each.append(self._way(part, happen, begins, late_fs, results, points))
        return self._number(list(zip(*each, strict=True)))

    def _note(
        self, pulses: Sequence[int], entries: Sequence[Entry], numbers: IntArray, points: IntArray
    ) -> None:
        if len(pulses) != 1:
            self.plays = None
        if self.plays is None:
            return
        before = self._at.before[pulses[0]]
        for entry, number, point in zip(entries, numbers.tolist(), points.tolist(), strict=True):
            assert isinstance(entry, PlayWave)  # a pulse is no silence
            self.plays.append(LonePlay(pulses[0], number, entry.wave, float(before[point])))

    def _number(self, rows: Sequence[tuple[Entry, ...]]) -> IntArray:
        known = self.entries
        return np.array([known.setdefault(one, len(known)) for one in rows], np.int64)

    def _way(
        self,
        part: WaveStretch,
        pulses: Sequence[int],
        begins: Sequence[int],
        late_fs: Sequence[int],
        results: Mapping[str, int],
        points: IntArray,
    ) -> Sequence[Entry]:
        """Return the entries that play some pulses of a stretch, or silence, at these points.

        The loudest has the amplitude of the table, or what sounds at one time together; the first
        has its phase and its oscillator; the others are stored as they are beside it.
        """
        length = part.end - part.begin
        if not pulses:
            return [PlaySilence(length)] * len(points)
        turns_of = {k: self._turns_at(k, results, points) for k in pulses}
        flux = self._waves.kind == "hdawg"
        carried = flux and any(self._at.pulses[k].in_samples for k in pulses)
        if len(pulses) == 1 and not carried:
            return self._one(part, pulses[0], begins, late_fs, turns_of[pulses[0]], points)
        first = pulses[0]
        scale = self._scale(pulses, begins, late_fs, points)
        words = amplitude_words(scale)
        phase = phase_words(turns_of[first]).tolist()
        parts_of: list[list[WavePart]] = [[] for _ in points]
        for k in pulses:
            pulse = self._at.pulses[k]
            at = begins[k] - part.begin
            loudest = np.where(scale[pulse.plane] > 0, scale[pulse.plane], 1.0)
            amplitude = np.round(self._at.amplitude[k][points] / loudest, 12).tolist()
            offset_hz, turned = self._at.offset_hz[k][points], turns_of[k]
            if not flux:  # the first has its oscillator, an HDAWG none
                offset_hz = offset_hz - self._at.offset_hz[first][points]
                turned = turned - turns_of[first]
            turned = turned + offset_hz * (part.begin + self._at.reset) / self._waves.rate_hz
            turns = (np.round(turned % 1.0, TURN_DIGITS) % 1.0).tolist()
            waveform, plane = pulse.placed.waveform, pulse.plane
            for parts, a, t, hz in zip(parts_of, amplitude, turns, offset_hz.tolist(), strict=True):
                parts.append(WavePart(waveform, at, plane, a, t, hz, late_fs[k]))
        entries = []
        planes = 2 if flux else 1
        for number, parts in enumerate(parts_of):
            wave = self._waves.store(Content(length, tuple(parts)))
            loud = tuple(int(words[plane, number]) for plane in range(planes))
            if flux:
                entries.append(PlayWave(wave, loud))
            else:
                oscillator = self._at.pulses[first].oscillator
                entries.append(PlayWave(wave, loud, phase[number], oscillator))
        return entries

    def _scale(
        self,
        pulses: Sequence[int],
        begins: Sequence[int],
        late_fs: Sequence[int],
        points: IntArray,
    ) -> FloatArray:
        """Return the amplitudes in the command table, by plane, shape (2, points)."""
        scale = np.zeros((2, len(points)))
        size = {k: np.abs(self._at.amplitude[k][points]) for k in pulses}
        ends = {
            k: begins[k] + len(self._waves.shape(self._at.pulses[k].placed.waveform, late_fs[k]))
            for k in pulses
        }
        for k in pulses:
            plane = self._at.pulses[k].plane
            at_once = [
                size[other]
                for other in pulses
                if self._at.pulses[other].plane == plane
                and begins[other] <= begins[k] < ends[other]
            ]
            together = np.minimum(np.sum(at_once, axis=0), 1.0)
            scale[plane] = np.maximum(scale[plane], np.maximum(size[k], together))
        return scale

    def _turns_at(self, k: int, results: Mapping[str, int], points: IntArray) -> FloatArray:
        """Return the phase in the command table of a pulse where results are these."""
        turns = self._at.turns[k][points]
        for guard, shift in self._at.turned[k]:
            if met(guard, results):
                turns = turns + shift[points]
        return turns

    def _one(
        self,
        part: WaveStretch,
        k: int,
        begins: Sequence[int],
        late_fs: Sequence[int],
        turned: FloatArray,
        points: IntArray,
    ) -> list[Entry]:
        """Return the entries that play a pulse that shares its waveform with none."""
        pulse = self._at.pulses[k]
        at = begins[k] - part.begin
        one = WavePart(pulse.placed.waveform, at, pulse.plane, late_fs=late_fs[k])
        wave = self._waves.store(Content(part.end - part.begin, (one,)))
        amplitude = amplitude_words(self._at.amplitude[k][points]).tolist()
        if self._waves.kind == "hdawg":
            return [PlayWave(wave, (a, 0) if pulse.plane == 0 else (0, a)) for a in amplitude]
        turns = phase_words(turned).tolist()
        return [
            PlayWave(wave, (a,), t, pulse.oscillator) for a, t in zip(amplitude, turns, strict=True)
        ]
