"""Pass 2: pulses, windows and carriers become settings of a sequencer at instants, in its integers.

A constant stretch of a pulse is an offset that is switched on and off and takes no memory;
everything else is a waveform. Amplitudes, carriers and phases are rounded here, and listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.guards import Guard
from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.points import (
    FloatArray,
    IntArray,
    describe,
    where_first,
)
from podium.control.compilers.qblox.fractional import (
    check_shared_samples,
    choose,
    in_parts,
    sampled_from,
)
from podium.control.compilers.qblox.gates import Gate
from podium.control.compilers.qblox.place import (
    FrameTimeline,
    Placed,
    PlacedCapture,
    PlacedPlay,
    PlacedShift,
    PlacedTuning,
)
from podium.control.compilers.qblox.rounding import (
    FREQUENCY_STEP_HZ,
    GAIN_STEP,
    LEVEL_STEP,
    PHASE_STEP,
    frequency_values,
    frequency_words,
    gain_values,
    gain_words,
    level_values,
    level_words,
    phase_values,
    phase_words,
)
from podium.control.compilers.qblox.sources import OperandSource, Sources
from podium.control.compilers.qblox.waveform_memory import NoRoom, ShapePart, Shapes, WaveformMemory
from podium.control.program.envelopes import is_hard
from podium.control.program.program import Axis, parameter_in
from podium.control.program.waveforms import FlatTop, Square
from podium.firmware_interfaces.compiled_program import Quantised
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import NCO_MAX_HZ

REAL_TIME_MIN_NS = 4
"""Shortest time between two real-time instructions (qblox-scheduler 1.0.1 constants)."""


@dataclass(frozen=True, slots=True, eq=False)
class SequencerEvent:
    """Settings that take hold at one instant of the shot. None: left as it is."""

    time_ns: IntArray
    note: str
    """For the listing."""
    reset: bool = False
    """The NCO's phase starts anew: the shot's start, a pulse of a frame that restarts."""
    tune: IntArray | None = None
    """NCO frequency in steps of 0.25 Hz."""
    level: IntArray | None = None
    """Offset, in words."""
    gain: IntArray | None = None
    phase: IntArray | None = None
    """Phase of the frame, in 1e-9 turns."""
    wave: tuple[int, int | None] | None = None
    """Waveforms that start, real and imaginary part."""
    waves: tuple[tuple[int, int | None], ...] = ()
    """In place of ``wave`` where they change from point to point: those among which ``which``
    chooses."""
    which: IntArray | None = None
    acquisition: int | None = None
    sources: Sources = ()
    """Of settings that depend on parameters."""
    delta: IntArray | None = None
    """Added to the phase, in 1e-9 turns, from then on."""
    window: int | None = None
    """Of an acquisition: which of the captures it is."""
    guard: Guard = ()
    """What must have been measured for it."""
    gate: Gate | None = None
    """The guard as the sequencer has it."""
    forgets: bool = False
    """The sequencer forgets the results that it has received."""


@dataclass(frozen=True, slots=True, eq=False)
class LoweredFrame:
    """One frame as its sequencer sees it."""

    frame: str
    nco: int
    """Carrier at the start of every shot, in steps of 0.25 Hz."""
    events: tuple[SequencerEvent, ...]
    """The shot's start first, then in the program's order."""
    captures: tuple[PlacedCapture, ...]
    """Every window, in the program's order."""
    memory: WaveformMemory
    quantised: Sequence[Quantised]
    given: Mapping[tuple[int, str], OperandSource] = field(default_factory=dict)
    """By statement and quantity: what depends on parameters."""
    fixed: frozenset[str] = frozenset()
    """Parameters on which more depends than an operand here and there."""
    listens: tuple[int, ...] = ()
    """Trigger addresses of results that something depends on."""


def lower(
    timeline: FrameTimeline,
    lo_hz: float,
    axes: tuple[Axis, ...],
    rest_fs: int = 0,
    shapes: Shapes | None = None,
    memory: WaveformMemory | None = None,
) -> LoweredFrame:
    """Return the events of one frame; raise :class:`DoesNotFit`.

    ``rest_fs``: by how much the whole shot comes later than the grid, see ``first_sample``;
    ``shapes``: those that are sampled already; ``memory``: where waveforms go that are not alone.
    """
    frame = timeline.frame
    if memory is None:
        memory = WaveformMemory(frame.name, rest_fs, shapes)
    base_hz = np.full((1,) * len(axes), frame.frequency_hz)
    base = _tuning(frame.name, base_hz, lo_hz, axes)
    lowered = _LoweredStatements(timeline, lo_hz, axes, memory)
    lowered.asked.append((-1, "frequency", base_hz))
    lowered.events.append(_shot_start(timeline, base))
    shifted = any(
        item.turns.any() or item.shifts
        for item in timeline.placed
        if isinstance(item, PlacedPlay | PlacedCapture)
    )
    for item in timeline.placed:
        lowered.add(item, shifted)
    check_shared_samples(frame.name, timeline.placed, axes)
    events, captures, asked = lowered.events, lowered.captures, lowered.asked
    if any(event.guard for event in events):
        asked = once(asked)
    quantised = LazySequence(lambda: [quantise(frame.name, *one, lo_hz, axes) for one in asked])
    return LoweredFrame(
        frame.name,
        int(base.flat[0]),
        tuple(events),
        tuple(captures),
        memory,
        quantised,
        lowered.given,
        _fixed(events, captures),
    )


def _shot_start(timeline: FrameTimeline, base: IntArray) -> SequencerEvent:
    """Return the settings at the start of a shot; ``base``: the carrier, in NCO steps."""
    retuned = any(isinstance(item, PlacedTuning) for item in timeline.placed)
    levels = any(isinstance(item, PlacedPlay) and held(item) for item in timeline.placed)
    zero = np.zeros(base.shape, np.int64)
    return SequencerEvent(
        zero,
        "shot starts",
        reset=True,
        tune=base if retuned else None,
        level=zero if levels else None,
    )


class _LoweredStatements:
    """Collects the events of one frame, and what is rounded in them, statement by statement."""

    def __init__(
        self,
        timeline: FrameTimeline,
        lo_hz: float,
        axes: tuple[Axis, ...],
        memory: WaveformMemory,
    ) -> None:
        self._timeline = timeline
        self._lo_hz = lo_hz
        self._axes = axes
        self._memory = memory
        self._acquisitions: dict[str, int] = {}
        self.events: list[SequencerEvent] = []
        self.captures: list[PlacedCapture] = []
        self.asked: list[tuple[int, str, FloatArray]] = []
        """Statement, quantity and values of what is rounded."""
        self.given: dict[tuple[int, str], OperandSource] = {}

    def add(self, item: Placed, shifted: bool) -> None:
        """Add a statement's events; ``shifted``: phases of the frame are set at all."""
        phase = None
        sources = _sources(item, self._lo_hz)
        if shifted and isinstance(item, PlacedPlay | PlacedCapture):
            phase = phase_words(item.turns)
            self.asked.append((item.statement, "phase", item.turns))
        for source in sources:
            self.given[item.statement, QUANTITY[source.setting]] = source
        match item:
            case PlacedPlay():
                self._play(item, phase, sources)
            case PlacedCapture():
                self._capture(item, phase, sources)
            case PlacedShift(statement, start_ns, turns, guard):
                self.asked.append((statement, "shift", turns))
                delta = phase_words(turns)
                self.events.append(
                    SequencerEvent(
                        start_ns, "shift phase", delta=delta, sources=sources, guard=guard
                    )
                )
            case PlacedTuning(statement, start_ns, frequency_hz, _):
                tune = _tuning(self._timeline.frame.name, frequency_hz, self._lo_hz, self._axes)
                self.asked.append((statement, "frequency", frequency_hz))
                self.events.append(
                    SequencerEvent(start_ns, "set frequency", tune=tune, sources=sources)
                )

    def _play(self, item: PlacedPlay, phase: IntArray | None, sources: Sources) -> None:
        plain = item.late_fs is None and isinstance(item.waveform, Square)
        if not (plain and held(item)):
            self.asked.append((item.statement, "amplitude", item.amplitude))
        if held(item):
            self.asked.append((item.statement, "level", item.amplitude))
        try:
            sounds = tuple(pulse(item, phase, self._memory, sources))
        except NoRoom as error:
            raise in_parts(error, self._timeline.placed) from error
        if self._timeline.frame.restarts:
            sounds = (replace(sounds[0], reset=True), *sounds[1:])
        if item.guard:
            sounds = tuple(replace(one, guard=item.guard) for one in sounds)
        self.events += sounds

    def _capture(self, item: PlacedCapture, phase: IntArray | None, sources: Sources) -> None:
        self.events.append(
            SequencerEvent(
                item.start_ns,
                f"capture {item.name}",
                phase=phase,
                acquisition=self._acquisitions.setdefault(item.name, len(self._acquisitions)),
                sources=sources,
                window=len(self.captures),
                guard=item.guard,
            )
        )
        self.captures.append(item)


def once(asked: list[tuple[int, str, FloatArray]]) -> list[tuple[int, str, FloatArray]]:
    """Return each quantity of a statement once, where statements are repeated.

    Phases that depend on what is measured, and those of statements that are repeated, are no single
    numbers: they are left out, whatever their values, and are sums of what is listed.
    """
    shifted = any(quantity == "shift" for _, quantity, _ in asked)
    found: dict[tuple[int, str], list[FloatArray]] = {}
    for statement, quantity, values in asked:
        found.setdefault((statement, quantity), []).append(values)
    return [
        (*key, values[0])
        for key, values in found.items()
        if key[1] != "phase" or not (shifted or len(values) > 1)
    ]


QUANTITY = {
    "gain": "amplitude",
    "level": "level",
    "phase": "phase",
    "tune": "frequency",
    "delta": "shift",
}
"""How the list of what is rounded calls a setting."""


def _sources(item: Placed, lo_hz: float) -> Sources:
    """Return how the settings of ``item`` depend on parameters."""
    found: list[OperandSource] = []
    if isinstance(item, PlacedTuning):
        return (OperandSource("tune", (item.given,), lo_hz),) if parameter_in(item.given) else ()
    if isinstance(item, PlacedShift):
        return (OperandSource("delta", (item.given,)),) if parameter_in(item.given) else ()
    if isinstance(item, PlacedPlay) and parameter_in(item.given):
        found = [OperandSource("gain", (item.given,)), OperandSource("level", (item.given,))]
    if item.shifts:
        found.append(OperandSource("phase", item.shifts))
    return tuple(found)


def _fixed(events: list[SequencerEvent], captures: list[PlacedCapture]) -> frozenset[str]:
    """Return the parameters of settings that are swept as well, or that open windows hear."""
    names: set[str] = set()
    swept = any(event.delta is not None and event.delta.size > 1 for event in events)
    for event in events:
        for source in event.sources:
            if source.setting == "delta" and swept:  # what comes at one instant is added up
                names.update(source.names)
            array: IntArray | None = getattr(event, source.setting)
            if array is None:
                continue
            turns = source.setting in ("phase", "tune", "delta") and event.acquisition is None
            inside = turns and any(
                np.any(
                    (event.time_ns > one.start_ns)
                    & (event.time_ns < one.start_ns + one.duration_ns)
                )
                for one in captures
            )
            heard = event.acquisition is not None and _turned_within(event, events, captures)
            if array.size > 1 or source.swept or inside or heard:
                names.update(source.names)
    return frozenset(names)


def _turned_within(
    event: SequencerEvent, events: list[SequencerEvent], captures: list[PlacedCapture]
) -> bool:
    """Return whether something sets the phase while the window of ``event`` is open."""
    assert event.window is not None
    window = captures[event.window]
    closes = window.start_ns + window.duration_ns
    return any(
        (other.phase is not None or other.delta is not None)
        and bool(np.any((other.time_ns > window.start_ns) & (other.time_ns < closes)))
        for other in events
    )


EDGE_NS = 4
"""Samples of the beginning of a hard pulse between two ns that are played from memory."""
FALL_NS = 2
"""And of its end."""


def parts_ns(play: PlacedPlay) -> tuple[int, int, int] | None:
    """Return how long a pulse rises, is constant, and falls, in whole samples.

    None where all of it is a waveform: one that depends on a measurement is, as its end would be a
    second thing that does. A sample belongs to an edge when its middle may lie in it, wherever
    between two ns the pulse starts.
    """
    if play.guard or not isinstance(play.waveform, Square | FlatTop):
        return None
    edge_ns, fall_ns = 0, 0
    if play.late_fs is not None and is_hard(play.waveform):
        edge_ns, fall_ns = EDGE_NS, FALL_NS
    elif isinstance(play.waveform, FlatTop):
        rise_fs = play.waveform.rise_fs
        edge_ns = fall_ns = -(-rise_fs // FS_PER_NS) if rise_fs > FS_PER_NS // 2 else 0
    plateau_ns = play.duration_ns - edge_ns - fall_ns
    if plateau_ns < REAL_TIME_MIN_NS or 0 < edge_ns < REAL_TIME_MIN_NS:
        return None
    return edge_ns, plateau_ns, fall_ns


def held(play: PlacedPlay) -> bool:
    """Return whether the offset makes the constant part of the pulse."""
    return parts_ns(play) is not None


def pulse(
    play: PlacedPlay, phase: IntArray | None, memory: WaveformMemory, sources: Sources = ()
) -> Iterator[SequencerEvent]:
    """Yield the events of a pulse; raise :class:`DoesNotFit` where memory is full."""
    name = f"play {play.statement} {type(play.waveform).__name__}"
    gain = gain_words(play.amplitude)
    level = level_words(play.amplitude)
    off = np.zeros_like(level[(slice(0, 1),) * level.ndim])
    start, late_fs = sampled_from(play, memory.rest_fs)
    end = start + play.duration_ns
    parts = parts_ns(play)

    def event(
        at_ns: IntArray, how: str, part: ShapePart | None, sets: Sources, **set_to: Any
    ) -> SequencerEvent:
        choice = choose(memory, play.waveform, part, late_fs)
        wave = choice.waves[0] if choice.which is None else None
        waves = () if choice.which is None else choice.waves
        return SequencerEvent(
            at_ns,
            how,
            gain=gain,
            wave=wave,
            waves=waves,
            which=choice.which,
            sources=sets,
            **set_to,
        )

    if parts is None:
        yield event(start, name, None, sources, phase=phase)
        return
    rise_ns, _, fall_ns = parts
    if rise_ns == 0:
        yield SequencerEvent(start, f"{name} on", level=level, phase=phase, sources=sources)
        yield SequencerEvent(end, f"{name} off", level=off)
        return
    loud = tuple(one for one in sources if one.setting == "level")
    soft = tuple(one for one in sources if one.setting == "gain")
    first = tuple(one for one in sources if one.setting == "phase")
    yield event(start, f"{name} rises", ShapePart("rise", rise_ns), soft + first, phase=phase)
    yield SequencerEvent(start + rise_ns, f"{name} holds", level=level, sources=loud)
    yield event(end - fall_ns, f"{name} falls", ShapePart("fall", fall_ns), soft, level=off)


def _tuning(frame: str, frequency_hz: FloatArray, lo_hz: float, axes: tuple[Axis, ...]) -> IntArray:
    offset_hz = frequency_hz - lo_hz
    far = np.abs(offset_hz) > NCO_MAX_HZ
    if far.any():
        index = where_first(far, axes)
        over = abs(offset_hz[index]) - NCO_MAX_HZ
        raise DoesNotFit(
            f"{frame}: {frequency_hz[index]:.12g} Hz is {offset_hz[index] / 1e6:+.6g} MHz from the "
            f"local oscillator at {lo_hz:.12g} Hz, {over / 1e6:.6g} MHz beyond what the NCO "
            f"reaches ({describe(index, far.shape, axes)}); move the LO or narrow the sweep to "
            f"{(lo_hz - NCO_MAX_HZ) / 1e9:.6g} ... {(lo_hz + NCO_MAX_HZ) / 1e9:.6g} GHz"
        )
    return frequency_words(offset_hz)


def quantise(
    frame: str,
    statement: int,
    quantity: str,
    asked: FloatArray,
    lo_hz: float,
    axes: tuple[Axis, ...],
) -> Quantised:
    """Return how a quantity of a statement (-1: of the frame) is rounded, over ``axes``."""
    match quantity:
        case "amplitude":
            step, got = GAIN_STEP, gain_values(gain_words(asked))
        case "level":
            step, got = LEVEL_STEP, level_values(level_words(asked))
        case "phase" | "shift":
            step, got, asked = PHASE_STEP, phase_values(phase_words(asked)), asked % 1.0
        case _:
            words = frequency_words(asked - lo_hz)
            step, got = FREQUENCY_STEP_HZ, frequency_values(words, lo_hz)
    where = "at the start" if statement < 0 else f"of statement {statement}"
    unit = {"frequency": "Hz", "phase": "turn", "shift": "turn"}.get(quantity, "1")
    dimensions = [(axis.name, n) for axis, n in zip(axes, asked.shape, strict=True) if n > 1]
    return Quantised(
        what=f"{frame}: {quantity} {where}",
        frame=frame,
        statement=statement,
        quantity=quantity,
        unit=unit,
        step=step,
        axes=tuple(name for name, _ in dimensions),
        shape=tuple(n for _, n in dimensions),
        asked=tuple(asked.ravel().tolist()),
        got=tuple(got.ravel().tolist()),
    )
