"""Turns pulses of one core into waveforms, rows of the command table and silence.

Each carrier of a channel is an oscillator of its own that begins anew with every shot; what a frame
has turned by then, and what it was retuned, is the phase in the command table, so that nothing has
to be set while a shot goes on. The row of a pulse has its amplitude and its phase as they are.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.points import IntArray
from podium.control.compilers.zurich.feedback_reads import (
    TIME,
    Keys,
    TimedPlay,
    with_feedback_reads,
    words_of,
)
from podium.control.compilers.zurich.layout import WaveStretch, stretches
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.pulses import Pulse
from podium.control.compilers.zurich.results import (
    CYCLE,
    RESULTS_MAX,
    CoreFeedback,
    guards_of,
    results_in,
)
from podium.control.compilers.zurich.rows import AtPoints, LonePlay, Rows
from podium.control.compilers.zurich.shapes import plateau
from podium.control.compilers.zurich.shots import Shots, combined
from podium.control.compilers.zurich.steps import (
    Choose,
    FixedText,
    Hold,
    Kind,
    NumberedText,
    Row,
    Silence,
    Steps,
)
from podium.control.compilers.zurich.tables import Entry
from podium.control.compilers.zurich.waves import WaveTable
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN

RESET = 64
"""Silence in samples that begins with the oscillators beginning anew, before a shot's first pulse:
the sequencer waits 3 cycles then (compile_seqc), and goes on."""
HOLD_MIN = 256
"""Constant stretches of at least so many samples are held, not stored."""


@dataclass(frozen=True, slots=True, eq=False)
class DriveSteps:
    """Holds a core's steps at all points."""

    steps: Steps
    entries: tuple[tuple[Entry, ...], ...]
    """What the numbers of rows count: each one entry, or those of which results choose one."""
    lead: int
    """Samples before a shot's start at which its code begins."""
    keys: Keys
    """Variables that count results."""
    plays: tuple[LonePlay, ...] | None
    """See :class:`.Rows`."""


def drive(
    pulses: Sequence[Pulse],
    shots: Shots,
    oscillators: Oscillators,
    waves: WaveTable,
    frames: str,
    hearing: CoreFeedback,
) -> DriveSteps:
    """Return what a core does; raises :class:`DoesNotFit` and :class:`TooLarge`."""
    arrays = [one.start for one in pulses] + [one.late_fs for one in pulses] + [shots.samples]
    arrays += [*hearing.times.values(), *hearing.slots.values(), *hearing.levels.values()]
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
        hearing: CoreFeedback,
    ) -> None:
        self._pulses, self._shots, self._waves, self._frames = pulses, shots, waves, frames
        self._oscillators = oscillators
        self._reset = lead - oscillators.tuning
        """Samples before a shot's start at which the oscillators begin anew."""
        self._lead, self._needed, self._shape = lead, needed, shape
        self._hearing, self._keys = hearing, Keys(frames)
        flat = [shots.flat(one.start, shape) for one in pulses]
        self._offset = shots.offsets(shape)
        flat += [shots.flat(one.late_fs, shape) for one in pulses]
        flat += [shots.flat(one, shape) + self._offset for one in hearing.times.values()]
        flat += [shots.flat(one, shape) for one in hearing.slots.values()]
        flat += [shots.flat(one, shape) + self._offset for one in hearing.levels.values()]
        self._columns = np.stack([*flat, shots.flat(shots.samples, shape), self._offset])
        hz = [shots.flat(one.offset_hz, shape) for one in pulses]
        began = (self._offset + self._reset) / waves.rate_hz
        before = tuple(each * began for each in hz)
        self._rows = Rows(
            AtPoints(
                tuple(pulses),
                tuple(shots.flat(one.placed.amplitude, shape) for one in pulses),
                tuple(hz),
                before,
                tuple(
                    shots.flat(one.turns, shape) - each
                    for one, each in zip(pulses, before, strict=True)
                ),
                tuple(
                    tuple((one.guard, shots.flat(one.turns, shape)) for one in pulse.placed.turned)
                    for pulse in pulses
                ),
                self._reset,
            ),
            waves,
        )

    def driven(self) -> DriveSteps:
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
        plays = None if self._rows.plays is None else tuple(self._rows.plays)
        return DriveSteps(steps, tuple(self._rows.entries), self._lead, self._keys, plays)

    def _pattern(
        self, column: list[int], points: IntArray
    ) -> tuple[tuple[Kind, ...], list[IntArray]]:
        """Return kinds and numbers of points at which all begins at the same instants."""
        *begun, shot, offset = column
        count = len(self._pulses)
        starts, late_fs, told = begun[:count], begun[count : 2 * count], begun[2 * count :]
        times = dict(zip(self._hearing.times, told, strict=False))
        slots = dict(zip(self._hearing.slots, told[len(times) :], strict=False))
        levels = dict(zip(self._hearing.levels, told[len(times) + len(slots) :], strict=True))
        end = (offset + shot) // 16 * 16 - self._lead
        begins = [offset + start for start in starts]
        made = stretches(begins, [one.samples for one in self._pulses], -self._lead, end)
        first = made[0].begin + self._lead if made else end + self._lead
        if first < self._needed:
            raise _NoRoom(self._room("before its first pulse", first))
        if made and made[-1].end > end:
            over = made[-1].end - end
            raise _NoRoom(self._room("after its last pulse", self._lead - over))
        plays: list[TimedPlay] = []
        none = np.zeros(len(points), np.int64)

        def silence(at: int, samples: int) -> None:
            if samples < WAVE_MIN:
                raise _NoRoom(self._room("or less between its pulses", samples))
            times = max(0, samples - WAVE_MIN) // PLAY_MAX
            if times:
                said = FixedText(f"repeat ({times}) {{ playZero({PLAY_MAX}); }}")
                plays.append(TimedPlay(at, at + (times - 1) * PLAY_MAX, ((said, none),)))
            at += times * PLAY_MAX
            rest = np.full(len(points), samples - times * PLAY_MAX)
            plays.append(TimedPlay(at, at, ((Silence(), rest),)))

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
                say((FixedText("resetOscPhase();"), none))
            return tuning + begun

        at = -self._lead
        prepared = False
        for stretch in [*made, WaveStretch(end, end, ())]:
            if stretch.begin > at and not prepared:
                at += prepare(at, stretch.begin - at)
                prepared = True
            if stretch.begin > at:
                silence(at, stretch.begin - at)
            plays += self._sound(stretch, begins, late_fs, times, points)
            at = stretch.end
        if self._hearing.acts:
            words = words_of(times, slots, levels, self._hearing)
            plays = with_feedback_reads(plays, words, self._keys)
        if self._hearing.slots:
            cycles = np.full(len(points), (end + self._lead) // CYCLE)
            say((NumberedText(f"{TIME} += {{}};"), cycles))
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
        stretch: WaveStretch,
        begins: Sequence[int],
        late_fs: Sequence[int],
        times: Mapping[str, int],
        points: IntArray,
    ) -> list[TimedPlay]:
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
            part = WaveStretch(begin, end, pulses)
            rows = self._rows.numbers(part, begins, late_fs, names, points)
            kind: Kind = Choose(self._keys.variable(names)) if names else Row()
            plays.append(TimedPlay(begin, begin, ((kind, rows),), names))
            if held and len(plays) == 1:
                plays.append(TimedPlay(end, end, ((Hold(), np.full(len(points), held)),)))
        return plays

    def _names(self, pulses: Sequence[int], times: Mapping[str, int]) -> tuple[str, ...]:
        """Return the results on which pulses hang, in the order in which they are read."""
        names = results_in(guard for k in pulses for guard in guards_of(self._pulses[k].placed))
        if len(names) > RESULTS_MAX:
            raise DoesNotFit(
                f"{self._frames}: pulses that are one waveform depend on {len(names)} results "
                f"({', '.join(names)}), at most {RESULTS_MAX}: each way has a row of the table"
            )
        return tuple(sorted(names, key=lambda name: (times[name], name)))

    def _middle(self, k: int, at: int, stretch: WaveStretch, late_fs: int) -> tuple[int, int]:
        """Return what of a pulse alone is held, from its stretch's begin; (0, 0): nothing."""
        pulse = self._pulses[k]
        if pulse.samples < HOLD_MIN or (self._waves.kind == "hdawg" and pulse.in_samples):
            return 0, 0
        waveform = pulse.placed.waveform
        flat_from, flat_to = plateau(waveform, self._waves.shape(waveform, late_fs))
        length = stretch.end - stretch.begin
        head = max(-(-(at + flat_from) // 16) * 16 + 16, WAVE_MIN)
        tail = (at + flat_to) // 16 * 16
        if 0 < length - tail < WAVE_MIN:
            tail -= 16
        return (head, tail) if tail - head >= HOLD_MIN else (0, 0)


def _in_order(parts: list[tuple[IntArray, list[IntArray]]]) -> IntArray:
    """Return the numbers of all points with the same kinds, shape (points, kinds)."""
    points = np.concatenate([these for these, _ in parts])
    numbers = np.concatenate([np.stack(one, axis=-1) for _, one in parts])
    return np.asarray(numbers[np.argsort(points, kind="stable")])
