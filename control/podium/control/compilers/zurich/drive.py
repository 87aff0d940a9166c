"""One core that plays: pulses become waveforms, rows of the command table and silence.

Each carrier of a channel is an oscillator of its own that begins anew with every shot; what a frame
has turned by then, and what it was retuned, is the phase in the command table, so that nothing has
to be set while a shot goes on. The row of a pulse has its amplitude and its phase as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedFrame, PlacedPulse
from podium.control.compilers.points import FloatArray, IntArray
from podium.control.compilers.zurich.layout import Stretch, stretches
from podium.control.compilers.zurich.oscillators import Oscillators, phase_before
from podium.control.compilers.zurich.rounding import amplitude_words, phase_words
from podium.control.compilers.zurich.shapes import plateau
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.starts import check_apart, first_ticks
from podium.control.compilers.zurich.steps import Hold, Kind, Row, Say, Silence, Steps
from podium.control.compilers.zurich.tables import Entry, PlayWave
from podium.control.compilers.zurich.waves import Content, Part, WaveTable
from podium.control.program.program import Axis
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN

RESET = 64
"""Silence in samples that begins with the oscillators beginning anew, before a shot's first pulse:
the sequencer waits 3 cycles then (compile_seqc), and goes on."""
HOLD_MIN = 256
"""Constant stretches of at least so many samples are held, not stored."""
TURN_DIGITS = 9
"""Phases within one waveform, to so many digits of a turn: equal ones are stored once."""


@dataclass(frozen=True, slots=True, eq=False)
class Pulse:
    """A pulse in ticks, on its oscillator."""

    statement: int
    frame: str
    start: IntArray
    late_fs: IntArray
    """By how much it begins later, see ``starts``."""
    samples: int
    placed: PlacedPulse
    plane: int
    oscillator: int
    turns: FloatArray
    """Phase of its carrier, continued back to the start of the shot."""
    offset_hz: FloatArray
    """Its carrier about the local oscillator."""


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """What a core does at all points."""

    steps: Steps
    entries: tuple[Entry, ...]
    lead: int
    """Samples before a shot's start at which its code begins."""


def pulses_of(
    frames: Sequence[tuple[PlacedFrame, int]],
    oscillators: Oscillators,
    waves: WaveTable,
    axes: tuple[Axis, ...],
    rest_fs: int,
) -> tuple[Pulse, ...]:
    """Return the pulses of a core's frames, each frame with its plane; ``rest_fs``: of a skew."""
    made = []
    for frame, plane in frames:
        name = frame.frame.name
        for placed in frame.pulses:
            where = f"{name}: statement {placed.statement}"
            start, late_fs, samples = first_ticks(
                placed, waves.rate_hz, f"{where} (Play)", axes, rest_fs
            )
            number, offset_hz = oscillators.carrier(name, placed.carrier, axes)
            if waves.kind == "hdawg":
                _check_baseband(where, placed, waves)
            turns = placed.carrier.turns + phase_before(placed.carrier, oscillators)
            made.append(
                Pulse(
                    placed.statement,
                    name,
                    start,
                    late_fs,
                    samples,
                    placed,
                    plane,
                    number,
                    turns,
                    offset_hz,
                )
            )
        mine = [one for one in made if one.frame == name]
        check_apart(name, [(p.statement, p.start, p.late_fs, p.samples) for p in mine], axes)
    return tuple(made)


def _check_baseband(where: str, placed: PlacedPulse, waves: WaveTable) -> None:
    carrier = placed.carrier
    if carrier.frequency_hz.any() or carrier.turns.any() or waves.shape(placed.waveform).imag.any():
        raise DoesNotFit(
            f"{where}: an HDAWG plays baseband: frequency 0, no phases, no Drag; use a signal "
            "generator for what has a carrier"
        )


def drive(
    pulses: Sequence[Pulse],
    shots: Shots,
    oscillators: Oscillators,
    waves: WaveTable,
    frames: str,
) -> Driven:
    """Return what a core does; raises :class:`DoesNotFit` and :class:`TooLarge`."""
    arrays = [one.start for one in pulses] + [one.late_fs for one in pulses] + [shots.samples]
    values = [a for one in pulses for a in (one.placed.amplitude, one.turns, one.offset_hz)]
    shape = shots.shape_of([*arrays, *values])
    needed = oscillators.tuning + RESET if oscillators.lo_hz is not None else 0
    problem: DoesNotFit | None = None
    for lead in (needed, 0):
        try:
            core = _Core(pulses, shots, oscillators, waves, frames, shape, lead, needed)
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
    ) -> None:
        self._pulses, self._shots, self._waves, self._frames = pulses, shots, waves, frames
        self._oscillators = oscillators
        self._reset = lead - oscillators.tuning
        """Samples before a shot's start at which the oscillators begin anew."""
        self._lead, self._needed, self._shape = lead, needed, shape
        self._entries: dict[Entry, int] = {}
        flat = [shots.flat(one.start, shape) for one in pulses]
        self._offset = shots.offsets(shape)
        flat += [shots.flat(one.late_fs, shape) for one in pulses]
        self._columns = np.stack([*flat, shots.flat(shots.samples, shape), self._offset])
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
        return Driven(steps, tuple(self._entries), self._lead)

    def _pattern(
        self, column: list[int], points: IntArray
    ) -> tuple[tuple[Kind, ...], list[IntArray]]:
        """Return kinds and numbers of points at which all begins at the same instants."""
        *begun, shot, offset = column
        starts, late_fs = begun[: len(self._pulses)], begun[len(self._pulses) :]
        end = (offset + shot) // 16 * 16 - self._lead
        begins = [offset + start for start in starts]
        made = stretches(begins, [one.samples for one in self._pulses], -self._lead, end)
        first = made[0].begin + self._lead if made else end + self._lead
        if first < self._needed:
            raise _NoRoom(self._room("before its first pulse", first))
        if made and made[-1].end > end:
            over = made[-1].end - end
            raise _NoRoom(self._room("after its last pulse", self._lead - over))
        kinds: list[Kind] = []
        numbers: list[IntArray] = []

        def add(kind: Kind, number: IntArray) -> None:
            kinds.append(kind)
            numbers.append(number)

        def silence(samples: int) -> None:
            if samples < WAVE_MIN:
                raise _NoRoom(self._room("or less between its pulses", samples))
            times = max(0, samples - WAVE_MIN) // PLAY_MAX
            if times:
                add(Say(f"repeat ({times}) {{ playZero({PLAY_MAX}); }}"), none)
            add(Silence(), np.full(len(points), samples - times * PLAY_MAX))

        def prepare(gap: int) -> int:
            """Set the carriers, let them begin anew; return how much of the gap it took.

            What is said after a playZero happens when that begins.
            """
            tuning = self._oscillators.tuning
            said = self._oscillators.tune(self._shape, points)
            if tuning:
                silence(tuning)
            for kind, number in said:
                add(kind, number)
            begun = gap - tuning if gap - tuning <= PLAY_MAX else PLAY_MAX // 2
            silence(begun)
            if self._oscillators.lo_hz is not None:
                add(Say("resetOscPhase();"), none)
            return tuning + begun

        none = np.zeros(len(points), np.int64)
        at = -self._lead
        prepared = False
        for stretch in [*made, Stretch(end, end, ())]:
            if stretch.begin > at:
                gap = stretch.begin - at
                if not prepared:
                    gap -= prepare(gap)
                    prepared = True
                if gap:
                    silence(gap)
            for kind, number in self._sound(stretch, begins, late_fs, points):
                add(kind, number)
            at = stretch.end
        return tuple(kinds), numbers

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
        points: IntArray,
    ) -> list[tuple[Kind, IntArray]]:
        if not stretch.pulses:
            return []
        if len(stretch.pulses) == 1:
            k = stretch.pulses[0]
            return self._alone(stretch, k, begins[k], late_fs[k], points)
        return [(Row(), self._together(stretch, begins, late_fs, points))]

    def _alone(
        self, stretch: Stretch, k: int, begins: int, late_fs: int, points: IntArray
    ) -> list[tuple[Kind, IntArray]]:
        """Return a pulse that shares its waveform with none: its middle is held if it is long."""
        pulse = self._pulses[k]
        waveform = pulse.placed.waveform
        flat_from, flat_to = 0, 0
        if pulse.samples >= HOLD_MIN:
            flat_from, flat_to = plateau(waveform, self._waves.shape(waveform, late_fs))
        at = begins - stretch.begin
        length = stretch.end - stretch.begin
        whole = Part(waveform, at, pulse.plane, late_fs=late_fs)
        head = max(-(-(at + flat_from) // 16) * 16 + 16, WAVE_MIN)
        tail = (at + flat_to) // 16 * 16
        if 0 < length - tail < WAVE_MIN:
            tail -= 16
        if tail - head < HOLD_MIN:
            return [(Row(), self._rows(k, Content(length, (whole,)), points))]
        parts: list[tuple[Kind, IntArray]] = [
            (Row(), self._rows(k, Content(head, (whole,)), points)),
            (Hold(), np.full(len(points), tail - head)),
        ]
        if length > tail:
            content = Content(length - tail, (replace(whole, at=at - tail),))
            parts.append((Row(), self._rows(k, content, points)))
        return parts

    def _rows(self, k: int, content: Content, points: IntArray) -> IntArray:
        """Return the entries that play ``content`` as pulse ``k`` is at these points."""
        wave = self._waves.store(content)
        pulse = self._pulses[k]
        amplitude = amplitude_words(self._amplitude[k][points]).tolist()
        if self._waves.kind == "hdawg":
            both = [(a, 0) if pulse.plane == 0 else (0, a) for a in amplitude]
            return self._number([PlayWave(wave, one) for one in both])
        turns = phase_words(self._turns[k][points]).tolist()
        return self._number(
            [
                PlayWave(wave, (a,), t, pulse.oscillator)
                for a, t in zip(amplitude, turns, strict=True)
            ]
        )

    def _number(self, entries: list[PlayWave]) -> IntArray:
        known = self._entries
        return np.array([known.setdefault(one, len(known)) for one in entries], np.int64)

    def _together(
        self,
        stretch: Stretch,
        begins: Sequence[int],
        late_fs: Sequence[int],
        points: IntArray,
    ) -> IntArray:
        """Return the entries of waveforms with several pulses.

        The loudest has the amplitude of the table, the first its phase and its oscillator; the
        others are stored as they are beside it.
        """
        first = stretch.pulses[0]
        scale = np.zeros((2, len(points)))
        for k in stretch.pulses:
            plane = self._pulses[k].plane
            scale[plane] = np.maximum(scale[plane], np.abs(self._amplitude[k][points]))
        words = amplitude_words(scale)
        phase = phase_words(self._turns[first][points]).tolist()
        parts_of: list[list[Part]] = [[] for _ in points]
        for k in stretch.pulses:
            pulse = self._pulses[k]
            at = begins[k] - stretch.begin
            loudest = np.where(scale[pulse.plane] > 0, scale[pulse.plane], 1.0)
            amplitude = np.round(self._amplitude[k][points] / loudest, 12).tolist()
            offset_hz = self._hz[k][points] - self._hz[first][points]
            since = (stretch.begin + self._reset) / self._waves.rate_hz
            turned = self._turns[k][points] - self._turns[first][points] + offset_hz * since
            turns = (np.round(turned % 1.0, TURN_DIGITS) % 1.0).tolist()
            waveform, plane = pulse.placed.waveform, pulse.plane
            for parts, a, t, hz in zip(parts_of, amplitude, turns, offset_hz.tolist(), strict=True):
                parts.append(Part(waveform, at, plane, a, t, hz, late_fs[k]))
        length = stretch.end - stretch.begin
        entries = []
        planes = 2 if self._waves.kind == "hdawg" else 1
        for number, parts in enumerate(parts_of):
            wave = self._waves.store(Content(length, tuple(parts)))
            loud = tuple(int(words[plane, number]) for plane in range(planes))
            if self._waves.kind == "hdawg":
                entries.append(PlayWave(wave, loud))
            else:
                number_of = self._pulses[first].oscillator
                entries.append(PlayWave(wave, loud, phase[number], number_of))
        return self._number(entries)


def _in_order(parts: list[tuple[IntArray, list[IntArray]]]) -> IntArray:
    """Return the numbers of all points with the same kinds, shape (points, kinds)."""
    points = np.concatenate([these for these, _ in parts])
    numbers = np.concatenate([np.stack(one, axis=-1) for _, one in parts])
    return np.asarray(numbers[np.argsort(points, kind="stable")])
