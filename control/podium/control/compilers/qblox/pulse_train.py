"""Passes 2 to 5 for one frame of a program without axes: trains of thousands of pulses.

A pulse, its settings and the wait after it are lines that depend on a handful of numbers, and a
train repeats the same handful: its lines are made once by the rules of ``lower`` and ``emit`` and
then found by their numbers. The text is the one that those passes would give.
"""

from dataclasses import dataclass, field
from itertools import pairwise
from operator import itemgetter
from typing import TypeAlias

import numpy as np

from podium.control.compilers.points import FloatArray
from podium.control.compilers.qblox.assembly import Assembly
from podium.control.compilers.qblox.code_block import BlockTrain, CodeBlock
from podium.control.compilers.qblox.emit import act, pair, wait, wait_is_looped
from podium.control.compilers.qblox.loops import WAIT_CHUNK_NS, WAIT_MAX_NS, Moment
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS, held, pulse
from podium.control.compilers.qblox.place import PlacedPlay
from podium.control.compilers.qblox.rounding import PHASE_STEPS
from podium.control.compilers.qblox.schedule import ACQUISITION_SPACING_NS
from podium.control.compilers.qblox.unswept_placement import UnsweptFrame
from podium.control.compilers.qblox.waveform_memory import WaveformMemory
from podium.control.program.program import Capture, Play, SetFrequency
from podium.control.program.waveforms import Square, Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import NCO_MAX_HZ, NCO_STEPS_PER_HZ
from podium.firmware_interfaces.qblox_cluster.q1asm import Register

Wave: TypeAlias = tuple[int, int | None]

Settings: TypeAlias = tuple[
    bool, int | None, int | None, int | None, int | None, Wave | None, int | None, int
]
"""Reset, NCO, offset, gain, phase (None: as it is), waveforms, acquisition, time to the next."""

_Event: TypeAlias = tuple[
    int, bool, int | None, int | None, int | None, int | None, Wave | None, int | None, int
]
"""Time in ns, then settings as above, and which item of the lane (-1: the shot starts)."""


_Sound: TypeAlias = tuple[tuple[int, int | None, int | None, Wave | None, bool, str], ...]
"""What a pulse sets: time after its start in ns, offset, gain, waveforms, whether the phase is
set, words for the listing."""


@dataclass(slots=True, eq=False)
class PulseTrains:
    """Makes the trains of one frame; what was made is found by its numbers."""

    lo_hz: float
    memory: WaveformMemory
    bin_register: Register | None
    _sounds: dict[tuple[int, float], _Sound] = field(default_factory=dict)
    """By a waveform's identity, which is found sooner, and its amplitude."""
    _sounds_alike: dict[tuple[Waveform, float], _Sound] = field(default_factory=dict)
    """By its value: programs often have an object of its own for each pulse."""
    _kept: list[Waveform] = field(default_factory=list)
    """Waveforms whose identity stands in a key."""
    _pieces: dict[Settings, CodeBlock] = field(default_factory=dict)

    def train(self, lane: UnsweptFrame, shot_ns: int) -> BlockTrain | None:
        """Return the code of one shot; None where the general passes are to be asked.

        Raises :class:`DoesNotFit` where waveform memory is full.
        """
        base = self._tune(lane.frame.frequency_hz)
        windows = _windows(lane, shot_ns)
        if base is None or windows is None:
            return None
        events = self._events(lane)
        if events is None:
            return None
        tuned = any(event[2] is not None for event in events)
        levels = any(event[3] is not None for event in events)
        first = (base if tuned else None, 0 if levels else None)
        events.insert(0, (0, True, *first, None, None, None, None, -1))
        events.sort(key=itemgetter(0))
        return self._join(lane, events, windows, shot_ns)

    def _events(self, lane: UnsweptFrame) -> "list[_Event] | None":
        """Return all but the shot's start, in the program's order."""
        events: list[_Event] = []
        words: dict[float, int] = {}
        shifted = any(turns for _, _, _, turns in lane.items)
        captures, restarts = 0, lane.frame.restarts
        for number, (start_ns, _, statement, turns) in enumerate(lane.items):
            phase = None
            if shifted:
                phase = words.get(turns)
                if phase is None:
                    phase = words[turns] = round((turns % 1.0) * PHASE_STEPS) % PHASE_STEPS
            if isinstance(statement, Play):
                for after_ns, level, gain, wave, takes, _ in self._sound(statement):
                    anew = restarts and after_ns == 0
                    own = phase if takes else None
                    at_ns = start_ns + after_ns
                    events.append((at_ns, anew, None, level, gain, own, wave, None, number))
            elif isinstance(statement, Capture):
                events.append((start_ns, False, None, None, None, phase, None, captures, number))
                captures += 1
            else:
                assert isinstance(statement.frequency_hz, float | int)
                tune = self._tune(statement.frequency_hz)
                if tune is None:
                    return None
                events.append((start_ns, False, tune, None, None, None, None, None, number))
        return events

    def _tune(self, frequency_hz: float) -> int | None:
        offset_hz = frequency_hz - self.lo_hz
        return None if abs(offset_hz) > NCO_MAX_HZ else round(offset_hz * NCO_STEPS_PER_HZ)

    def _sound(self, play: Play) -> _Sound:
        assert isinstance(play.amplitude, float | int)
        known = (id(play.waveform), play.amplitude)
        sound = self._sounds.get(known)
        if sound is None:
            self._kept.append(play.waveform)
            alike = (play.waveform, play.amplitude)
            sound = self._sounds_alike.get(alike)
            if sound is None:
                sound = self._sounds_alike[alike] = self._rendered(play.waveform, play.amplitude)
            self._sounds[known] = sound
        return sound

    def _rendered(self, waveform: Waveform, amplitude: float) -> _Sound:
        zero = np.zeros(1, np.int64)
        lasts_ns = waveform.duration_fs // FS_PER_NS
        amplitudes = np.array([amplitude], np.float64)
        placed = PlacedPlay(-1, zero, lasts_ns, waveform, amplitudes, np.zeros(1))
        return tuple(
            (
                int(event.time_ns[0]),
                None if event.level is None else int(event.level[0]),
                None if event.gain is None else int(event.gain[0]),
                event.wave,
                event.phase is not None,
                event.note,
            )
            for event in pulse(placed, zero, self.memory)
        )

    def _join(
        self, lane: UnsweptFrame, events: list[_Event], windows: list[tuple[int, int]], shot_ns: int
    ) -> BlockTrain | None:
        """Return the events as moments, each with the time to the next."""
        pieces: list[CodeBlock] = []
        together: list[tuple[int, int]] = []
        known = self._pieces
        phase_now = 0
        gain_now: tuple[int, bool] | None = None
        open_until, heard = 0, 0
        last = len(events)
        k = 0
        while k < last:
            first = k
            time_ns, anew, tune, level, gain, phase, wave, acquisition, _ = events[k]
            k += 1
            while k < last and events[k][0] == time_ns:
                (
                    _,
                    anew_too,
                    tune_too,
                    level_too,
                    gain_too,
                    phase_too,
                    wave_too,
                    acquisition_too,
                    _,
                ) = events[k]
                anew = anew or anew_too
                tune = tune if tune_too is None else tune_too
                level = level if level_too is None else level_too
                gain = gain if gain_too is None else gain_too
                phase = phase if phase_too is None else phase_too
                wave = wave if wave_too is None else wave_too
                acquisition = acquisition if acquisition_too is None else acquisition_too
                k += 1
            gap_ns = (events[k][0] if k < last else shot_ns) - time_ns
            if gap_ns == 0:
                break  # what comes at the very end of the shot has no time to take hold
            turned = tune is not None or anew or phase not in (None, heard)
            if gap_ns < REAL_TIME_MIN_NS or (turned and time_ns < open_until):
                return None
            if acquisition is not None:
                if wave is not None:
                    return None
                open_until, heard = windows[acquisition][1], phase or 0
            set_phase = set_gain = None
            if phase is not None and phase != phase_now:
                set_phase = phase_now = phase
            if wave is not None and gain is not None:
                both = (gain, wave[1] is not None)
                if both != gain_now:
                    set_gain, gain_now = gain, both
            key = (anew, tune, level, set_gain, set_phase, wave, acquisition, gap_ns)
            piece = known.get(key)
            if piece is None:
                piece = known[key] = self._piece(key)
            pieces.append(piece)
            together.append((first, k))
        return BlockTrain(pieces, lambda: [self._note(lane, events[a:b]) for a, b in together])

    def _piece(self, settings: Settings) -> CodeBlock:
        reset, tune, level, gain, phase, wave, acquisition, gap_ns = settings
        made = Assembly("")
        made.take_register()  # as in emit: register 0 holds 0
        if reset:
            made.emit("reset_ph")
        if tune is not None:
            made.emit("set_freq", tune)
        if phase is not None:
            made.emit("set_ph", phase)
        if level is not None:
            pair(made, "set_awg_offs", level, both=False)
        if gain is not None and wave is not None:
            pair(made, "set_awg_gain", gain, both=wave[1] is not None)
        hold_ns = gap_ns if gap_ns <= WAIT_MAX_NS else WAIT_CHUNK_NS
        at = len(made.lines)
        moment = Moment(
            notes=(),
            reset=reset,
            tune=tune,
            level=level,
            gain=gain,
            phase=phase,
            wave=wave,
            acquisition=acquisition,
            hold_ns=hold_ns,
            wait_ns=gap_ns - hold_ns,
        )
        act(made, moment, self.bin_register)
        long = wait_is_looped(gap_ns - hold_ns)
        if gap_ns > hold_ns and not long:
            wait(made, gap_ns - hold_ns, f"{gap_ns} ns in all")
        return CodeBlock(
            tuple(made.lines), tuple(made.least_ns), at, gap_ns - hold_ns if long else 0, gap_ns
        )

    def _note(self, lane: UnsweptFrame, events: list[_Event]) -> str:
        """Return the words of ``lower`` for what happens at one instant."""
        notes: list[str] = []
        for time_ns, *_, number in events:
            if number < 0:
                notes.append("shot starts")
                continue
            start_ns, index, statement, _ = lane.items[number]
            if isinstance(statement, Play):
                steps = self._sound(statement)
                words = next(one[-1] for one in steps if one[0] == time_ns - start_ns)
                notes.append(words.replace("play -1 ", f"play {index} "))
            elif isinstance(statement, Capture):
                notes.append(f"capture {statement.name}")
            else:
                notes.append("set frequency")
        return ", ".join(notes)


def asked_of(lane: UnsweptFrame) -> list[tuple[int, str, FloatArray]]:
    """Return what is rounded in a train: index of the statement, quantity, value; as ``lower``."""
    asked = [(-1, "frequency", np.array(lane.frame.frequency_hz))]
    shifted = any(turns for _, _, _, turns in lane.items)
    for _, index, statement, turns in lane.items:
        if shifted and not isinstance(statement, SetFrequency):
            asked.append((index, "phase", np.array(turns)))
        if isinstance(statement, Play):
            by_offset, amplitude = _held(statement), np.array(statement.amplitude, np.float64)
            if not (by_offset and isinstance(statement.waveform, Square)):
                asked.append((index, "amplitude", amplitude))
            if by_offset:
                asked.append((index, "level", amplitude))
        elif isinstance(statement, SetFrequency):
            asked.append((index, "frequency", np.array(statement.frequency_hz)))
    return asked


def _held(play: Play) -> bool:
    zero = np.zeros(1)
    lasts_ns = play.waveform.duration_fs // FS_PER_NS
    return held(PlacedPlay(-1, zero.astype(np.int64), lasts_ns, play.waveform, zero, zero))


def _windows(lane: UnsweptFrame, shot_ns: int) -> list[tuple[int, int]] | None:
    """Return when captures open and close; None where one meets another or the shot's end."""
    windows = [
        (start_ns, start_ns + statement.duration_fs // FS_PER_NS)
        for start_ns, _, statement, _ in lane.items
        if isinstance(statement, Capture)
    ]
    ordered = sorted(windows)
    if any(closes > shot_ns for _, closes in ordered):
        return None
    for (opens, closes), (following, _) in pairwise(ordered):
        if following < max(closes, opens + ACQUISITION_SPACING_NS):
            return None
    return windows
