"""One core that plays: pulses become waveforms, rows of the command table and silence.

Each carrier of a channel is an oscillator of its own that begins anew with every shot; what a frame
has turned by then, and what it was retuned, is the phase in the command table, so that nothing has
to be set while a shot goes on. The row of a pulse has its amplitude and its phase as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.hearing import TIME, Keys, Play, with_readings, words_of
from podium.control.compilers.zurich.layout import Stretch, stretches
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.pulses import Pulse
from podium.control.compilers.zurich.results import (
    CYCLE,
    RESULTS_MAX,
    Hearing,
    guards_of,
    met,
    results_in,
    ways,
)
from podium.control.compilers.zurich.rounding import amplitude_words, phase_words
from podium.control.compilers.zurich.shapes import plateau
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.steps import (
    Choose,
    Count,
    Hold,
    Kind,
    Row,
    Say,
    Silence,
    Steps,
)
from podium.control.compilers.zurich.tables import Entry, PlaySilence, PlayWave
from podium.control.compilers.zurich.waves import Content, Part, WaveTable
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN

RESET = 64
"""Silence in samples that begins with the oscillators beginning anew, before a shot's first pulse:
the sequencer waits 3 cycles then (compile_seqc), and goes on."""
HOLD_MIN = 256
"""Constant stretches of at least so many samples are held, not stored."""
TURN_DIGITS = 9
"""Phases within one waveform, to so many digits of a turn: equal ones are stored once."""


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What a core does at all points."""

    steps: Steps
    entries: tuple[tuple[Entry, ...], ...]
    """What the numbers of rows count: each one entry, or those of which results choose one."""
    lead: int
    """Samples before a shot's start at which its code begins."""
    keys: Keys
    """Variables that count results."""


def drive(
    pulses: Sequence[Pulse],
    shots: Shots,
    oscillators: Oscillators,
    waves: WaveTable,
    frames: str,
    hearing: Hearing,
) -> Driven:
    """Return what a core does; raises :class:`DoesNotFit` and :class:`TooLarge`."""
    arrays = [one.start for one in pulses] + [one.late_fs for one in pulses] + [shots.samples]
    arrays += [*hearing.times.values(), *hearing.slots.values()]
    values = [a for one in pulses for a in (one.placed.amplitude, one.turns, one.offset_hz)]
    values += [shift.turns for one in pulses for shift in one.placed.turned]
    shape = shots.shape_of([*arrays, *values])
    needed = oscillators.tuning + RESET if oscillators.lo_hz is not None else 0
    problem: DoesNotFit | None = None
    for lead in (needed, 0):
        try:
            core = _Core(pulses, shots, oscillators, waves, frames, shape, lead, needed, hearing)
            return core.driven()
        except _NoRoom as error:
            problem = problem or DoesNotFit(str(error))
    assert problem is not None
    raise problem


class _NoRoom(Exception):
    pass


class _Core:
    def __init__(
        self,
        pulses: Sequence[Pulse],
        shots: Shots,
        oscillators: Oscillators,
        waves: WaveTable,
        frames: str,
        shape: tuple[int, ...],
        lead: int,
        needed: int,
        hearing: Hearing,
    ) -> None:
        self._pulses, self._shots, self._waves, self._frames = pulses, shots, waves, frames
        self._oscillators = oscillators
        self._reset = lead - oscillators.tuning
        """Samples before a shot's start at which the oscillators begin anew."""
        self._lead, self._needed, self._shape = lead, needed, shape
        self._entries: dict[tuple[Entry, ...], int] = {}
        self._hearing, self._keys = hearing, Keys(frames)
        flat = [shots.flat(one.start, shape) for one in pulses]
        self._offset = shots.offsets(shape)
        flat += [shots.flat(one.late_fs, shape) for one in pulses]
        flat += [shots.flat(one, shape) + self._offset for one in hearing.times.values()]
        flat += [shots.flat(one, shape) for one in hearing.slots.values()]
        self._columns = np.stack([*flat, shots.flat(shots.samples, shape), self._offset])
        self._turned = [
            [(one.guard, shots.flat(one.turns, shape)) for one in pulse.placed.turned]
            for pulse in pulses
        ]
        """Phase shifts that hang on results, by pulse."""
        self._amplitude = [shots.flat(one.placed.amplitude, shape) for one in pulses]
        self._hz = [shots.flat(one.offset_hz, shape) for one in pulses]
        self._turns = [
            shots.flat(one.turns, shape) - hz * ((self._offset + self._reset) / waves.rate_hz)
            for one, hz in zip(pulses, self._hz, strict=True)
        ]
        """Phase in the command table: the oscillator began so much earlier than the shot."""

    def driven(self) -> Driven:
        columns, pattern = combined(self._columns)
        kinds: dict[tuple[Kind, ...], int] = {}
        class_of = np.zeros(len(pattern), np.int64)
        rows: list[list[tuple[IntArray, list[IntArray]]]] = []
        for number, column in enumerate(columns.T.tolist()):
            points = np.flatnonzero(pattern == number)
            for these in self._oscillators.alike(self._shape, points):
                made, numbers = self._pattern(column, these)
                known = kinds.setdefault(made, len(kinds))
                if known == len(rows):
                    rows.append([])
                class_of[these] = known
                rows[known].append((these, numbers))
        steps = Steps(
            self._shape,
            class_of,
            tuple(kinds),
            tuple(_in_order(parts) for parts in rows),
        )
        return Driven(steps, tuple(self._entries), self._lead, self._keys)

    def _pattern(
        self, column: list[int], points: IntArray
    ) -> tuple[tuple[Kind, ...], list[IntArray]]:
        """Return kinds and numbers of points at which all begins at the same instants."""
        *begun, shot, offset = column
        count = len(self._pulses)
        starts, late_fs, told = begun[:count], begun[count : 2 * count], begun[2 * count :]
        times = dict(zip(self._hearing.times, told, strict=False))
        slots = dict(zip(self._hearing.slots, told[len(times) :], strict=True))
        end = (offset + shot) // 16 * 16 - self._lead
        begins = [offset + start for start in starts]
        made = stretches(begins, [one.samples for one in self._pulses], -self._lead, end)
        first = made[0].begin + self._lead if made else end + self._lead
        if first < self._needed:
            raise _NoRoom(self._room("before its first pulse", first))
        if made and made[-1].end > end:
            over = made[-1].end - end
            raise _NoRoom(self._room("after its last pulse", self._lead - over))
        plays: list[Play] = []
        none = np.zeros(len(points), np.int64)

        def silence(at: int, samples: int) -> None:
            if samples < WAVE_MIN:
                raise _NoRoom(self._room("or less between its pulses", samples))
            times = max(0, samples - WAVE_MIN) // PLAY_MAX
            if times:
                said = Say(f"repeat ({times}) {{ playZero({PLAY_MAX}); }}")
                plays.append(Play(at, at + (times - 1) * PLAY_MAX, ((said, none),)))
            at += times * PLAY_MAX
            rest = np.full(len(points), samples - times * PLAY_MAX)
            plays.append(Play(at, at, ((Silence(), rest),)))

        def say(*said: tuple[Kind, IntArray]) -> None:
            plays[-1] = replace(plays[-1], said=(*plays[-1].said, *said))

        def prepare(at: int, gap: int) -> int:
            """Set the carriers, let them begin anew; return how much of the gap it took.

            What is said after a playZero happens when that begins.
            """
            tuning = self._oscillators.tuning
            said = self._oscillators.tune(self._shape, points)
            if tuning:
                silence(at, tuning)
                say(*said)
            begun = gap - tuning if gap - tuning <= PLAY_MAX else PLAY_MAX // 2
            silence(at + tuning, begun)
            if self._oscillators.lo_hz is not None:
                say((Say("resetOscPhase();"), none))
            return tuning + begun

        at = -self._lead
        prepared = False
        for stretch in [*made, Stretch(end, end, ())]:
            if stretch.begin > at and not prepared:
                at += prepare(at, stretch.begin - at)
                prepared = True
            if stretch.begin > at:
                silence(at, stretch.begin - at)
            plays += self._sound(stretch, begins, late_fs, times, points)
            at = stretch.end
        if self._hearing.slots:
            plays = with_readings(plays, words_of(times, slots), self._keys)
            cycles = np.full(len(points), (end + self._lead) // CYCLE)
            say((Count(f"{TIME} += {{}};"), cycles))
        kinds = [kind for play in plays for kind, _ in play.said]
        return tuple(kinds), [number for play in plays for _, number in play.said]

    def _room(self, where: str, there: int) -> str:
        unit = 1e9 / self._waves.rate_hz
        return (
            f"{self._frames}: a shot has {there * unit:g} ns of silence {where}; its oscillators "
            f"begin anew in a silence of at least {max(self._needed, WAVE_MIN) * unit:g} ns on "
            "this channel, at the shot's start or at its end: add a Delay at the end"
        )

    def _sound(
        self,
        stretch: Stretch,
        begins: Sequence[int],
        late_fs: Sequence[int],
        times: Mapping[str, int],
        points: IntArray,
    ) -> list[Play]:
        if not stretch.pulses:
            return []
        names = self._names(stretch.pulses, times)
        contents = [(stretch.begin, stretch.end, stretch.pulses)]
        held = 0
        if len(stretch.pulses) == 1:
            k = stretch.pulses[0]
            head, tail = self._middle(k, begins[k] - stretch.begin, stretch, late_fs[k])
            if head < tail:
                held = tail - head
                contents = [(stretch.begin, stretch.begin + head, stretch.pulses)]
                if stretch.begin + tail < stretch.end:
                    contents.append((stretch.begin + tail, stretch.end, stretch.pulses))
        plays = []
        for begin, end, pulses in contents:
            part = Stretch(begin, end, pulses)
            rows = self._rows(part, begins, late_fs, names, points)
            kind: Kind = Choose(self._keys.variable(names)) if names else Row()
            plays.append(Play(begin, begin, ((kind, rows),), names))
            if held and len(plays) == 1:
                plays.append(Play(end, end, ((Hold(), np.full(len(points), held)),)))
        return plays

    def _names(self, pulses: Sequence[int], times: Mapping[str, int]) -> tuple[str, ...]:
        """Return the results on which pulses hang, in the order in which they are read."""
        names = results_in(guard for k in pulses for guard in guards_of(self._pulses[k].placed))
        if len(names) > RESULTS_MAX:
            raise DoesNotFit(
                f"{self._frames}: pulses that are one waveform hang on {len(names)} results "
                f"({', '.join(names)}), at most {RESULTS_MAX}: each way has a row of the table"
            )
        return tuple(sorted(names, key=lambda name: (times[name], name)))

    def _middle(self, k: int, at: int, stretch: Stretch, late_fs: int) -> tuple[int, int]:
        """Return what of a pulse alone is held, from its stretch's begin; (0, 0): nothing."""
        pulse = self._pulses[k]
        if pulse.samples < HOLD_MIN:
            return 0, 0
        waveform = pulse.placed.waveform
        flat_from, flat_to = plateau(waveform, self._waves.shape(waveform, late_fs))
        length = stretch.end - stretch.begin
        head = max(-(-(at + flat_from) // 16) * 16 + 16, WAVE_MIN)
        tail = (at + flat_to) // 16 * 16
        if 0 < length - tail < WAVE_MIN:
            tail -= 16
        return (head, tail) if tail - head >= HOLD_MIN else (0, 0)

    def _rows(
        self,
        part: Stretch,
        begins: Sequence[int],
        late_fs: Sequence[int],
        names: tuple[str, ...],
        points: IntArray,
    ) -> IntArray:
        """Return what plays a part of a stretch at these points, each way that results can be."""
        if not names:
            whole = self._way(part, part.pulses, begins, late_fs, {}, points)
            return self._number([(entry,) for entry in whole])
        each = []
        for results in ways(names):
            happen = [k for k in part.pulses if met(self._pulses[k].placed.guard, results)]
            each.append(self._way(part, happen, begins, late_fs, results, points))
        return self._number(list(zip(*each, strict=True)))

    def _number(self, rows: Sequence[tuple[Entry, ...]]) -> IntArray:
        known = self._entries
        return np.array([known.setdefault(one, len(known)) for one in rows], np.int64)

    def _way(
        self,
        part: Stretch,
        pulses: Sequence[int],
        begins: Sequence[int],
        late_fs: Sequence[int],
        results: Mapping[str, int],
        points: IntArray,
    ) -> Sequence[Entry]:
        """Return the entries that play some pulses of a stretch, or silence, at these points.

        The loudest has the amplitude of the table, the first its phase and its oscillator; the
        others are stored as they are beside it.
        """
        length = part.end - part.begin
        if not pulses:
            return [PlaySilence(length)] * len(points)
        turns_of = {k: self._turns_at(k, results, points) for k in pulses}
        if len(pulses) == 1:
            return self._one(part, pulses[0], begins, late_fs, turns_of[pulses[0]], points)
        first = pulses[0]
        scale = np.zeros((2, len(points)))
        for k in pulses:
            plane = self._pulses[k].plane
            scale[plane] = np.maximum(scale[plane], np.abs(self._amplitude[k][points]))
        words = amplitude_words(scale)
        phase = phase_words(turns_of[first]).tolist()
        parts_of: list[list[Part]] = [[] for _ in points]
        for k in pulses:
            pulse = self._pulses[k]
            at = begins[k] - part.begin
            loudest = np.where(scale[pulse.plane] > 0, scale[pulse.plane], 1.0)
            amplitude = np.round(self._amplitude[k][points] / loudest, 12).tolist()
            offset_hz = self._hz[k][points] - self._hz[first][points]
            since = (part.begin + self._reset) / self._waves.rate_hz
            turned = turns_of[k] - turns_of[first] + offset_hz * since
            turns = (np.round(turned % 1.0, TURN_DIGITS) % 1.0).tolist()
            waveform, plane = pulse.placed.waveform, pulse.plane
            for parts, a, t, hz in zip(parts_of, amplitude, turns, offset_hz.tolist(), strict=True):
                parts.append(Part(waveform, at, plane, a, t, hz, late_fs[k]))
        entries = []
        planes = 2 if self._waves.kind == "hdawg" else 1
        for number, parts in enumerate(parts_of):
            wave = self._waves.store(Content(length, tuple(parts)))
            loud = tuple(int(words[plane, number]) for plane in range(planes))
            if self._waves.kind == "hdawg":
                entries.append(PlayWave(wave, loud))
            else:
                oscillator = self._pulses[first].oscillator
                entries.append(PlayWave(wave, loud, phase[number], oscillator))
        return entries

    def _turns_at(self, k: int, results: Mapping[str, int], points: IntArray) -> FloatArray:
        """Return the phase in the command table of a pulse where results are these."""
        turns = self._turns[k][points]
        for guard, shift in self._turned[k]:
            if met(guard, results):
                turns = turns + shift[points]
        return turns

    def _one(
        self,
        part: Stretch,
        k: int,
        begins: Sequence[int],
        late_fs: Sequence[int],
        turned: FloatArray,
        points: IntArray,
    ) -> list[Entry]:
        """Return the entries that play a pulse that shares its waveform with none."""
        pulse = self._pulses[k]
        at = begins[k] - part.begin
        one = Part(pulse.placed.waveform, at, pulse.plane, late_fs=late_fs[k])
        wave = self._waves.store(Content(part.end - part.begin, (one,)))
        amplitude = amplitude_words(self._amplitude[k][points]).tolist()
        if self._waves.kind == "hdawg":
            return [PlayWave(wave, (a, 0) if pulse.plane == 0 else (0, a)) for a in amplitude]
        turns = phase_words(turned).tolist()
        return [
            PlayWave(wave, (a,), t, pulse.oscillator) for a, t in zip(amplitude, turns, strict=True)
        ]


def _in_order(parts: list[tuple[IntArray, list[IntArray]]]) -> IntArray:
    """Return the numbers of all points with the same kinds, shape (points, kinds)."""
    points = np.concatenate([these for these, _ in parts])
    numbers = np.concatenate([np.stack(one, axis=-1) for _, one in parts])
    return np.asarray(numbers[np.argsort(points, kind="stable")])
