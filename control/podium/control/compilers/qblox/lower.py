"""Pass 2: pulses, windows and carriers become settings of a sequencer at instants, in its integers.

A constant stretch of a pulse is an offset that is switched on and off and takes no memory;
everything else is a waveform. Amplitudes, carriers and phases are rounded here, and listed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.gates import Gate
from podium.control.compilers.qblox.guards import Guard
from podium.control.compilers.qblox.later import Later
from podium.control.compilers.qblox.place import (
    FrameTimeline,
    Placed,
    PlacedCapture,
    PlacedPlay,
    PlacedShift,
    PlacedTuning,
)
from podium.control.compilers.qblox.points import (
    FloatArray,
    IntArray,
    describe,
    where_first,
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
from podium.control.compilers.qblox.sources import Source, Sources
from podium.control.compilers.qblox.waveform_memory import Shapes, WaveformMemory
from podium.control.program.program import Axis, parameter_in
from podium.control.program.waveforms import FlatTop, Square
from podium.firmware_interfaces.qblox_cluster.limits import NCO_MAX_HZ
from podium.firmware_interfaces.qblox_cluster.program import Quantised

REAL_TIME_MIN_NS = 4
"""Shortest time between two real-time instructions (qblox-scheduler 1.0.1 constants)."""


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """Settings that take hold at one instant of the shot. None: left as it is."""

    time_ns: IntArray
    note: str
    """For the listing."""
    reset: bool = False
    """The NCO's phase starts anew: the shot's start."""
    tune: IntArray | None = None
    """NCO frequency in steps of 0.25 Hz."""
    level: IntArray | None = None
    """Offset, in words."""
    gain: IntArray | None = None
    phase: IntArray | None = None
    """Phase of the frame, in 1e-9 turns."""
    wave: tuple[int, int | None] | None = None
    """Waveforms that start, real and imaginary part."""
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
    """The sequencer forgets what it has been told of measurements."""


@dataclass(frozen=True, slots=True, eq=False)
class Lowered:
    """One frame as its sequencer sees it."""

    frame: str
    nco: int
    """Carrier at the start of every shot, in steps of 0.25 Hz."""
    events: tuple[Event, ...]
    """The shot's start first, then in the program's order."""
    captures: tuple[PlacedCapture, ...]
    """Every window, in the program's order."""
    memory: WaveformMemory
    quantised: Sequence[Quantised]
    given: Mapping[tuple[int, str], Source] = field(default_factory=dict)
    """By statement and quantity: what depends on parameters."""
    fixed: frozenset[str] = frozenset()
    """Parameters on which more depends than an operand here and there."""
    listens: tuple[int, ...] = ()
    """Trigger addresses of results that something hangs on."""


def lower(
    timeline: FrameTimeline,
    lo_hz: float,
    axes: tuple[Axis, ...],
    late_fs: int = 0,
    shapes: Shapes | None = None,
    memory: WaveformMemory | None = None,
) -> Lowered:
    """Return the events of one frame; raise :class:`DoesNotFit`.

    ``late_fs``: by how much less than a nanosecond shapes come later, see ``sample_envelope``;
    ``shapes``: those that are sampled already; ``memory``: where waveforms go that are not alone.
    """
    frame = timeline.frame
    if memory is None:
        memory = WaveformMemory(frame.name, late_fs, shapes)
    base_hz = np.full((1,) * len(axes), frame.frequency_hz)
    base = _tuning(frame.name, base_hz, lo_hz, axes)
    asked: list[tuple[int, str, FloatArray]] = [(-1, "frequency", base_hz)]
    retuned = any(isinstance(item, PlacedTuning) for item in timeline.placed)
    shifted = any(
        item.turns.any() or item.shifts
        for item in timeline.placed
        if isinstance(item, PlacedPlay | PlacedCapture)
    )
    levels = any(isinstance(item, PlacedPlay) and held(item) for item in timeline.placed)
    zero = np.zeros((1,) * len(axes), np.int64)
    events = [
        Event(
            zero,
            "shot starts",
            reset=True,
            tune=base if retuned else None,
            level=zero if levels else None,
        )
    ]
    captures: list[PlacedCapture] = []
    acquisitions: dict[str, int] = {}
    given: dict[tuple[int, str], Source] = {}
    for item in timeline.placed:
        phase = None
        sources = _sources(item, lo_hz)
        if shifted and isinstance(item, PlacedPlay | PlacedCapture):
            phase = phase_words(item.turns)
            asked.append((item.statement, "phase", item.turns))
        for source in sources:
            given[item.statement, QUANTITY[source.setting]] = source
        match item:
            case PlacedPlay():
                if not (held(item) and isinstance(item.waveform, Square)):
                    asked.append((item.statement, "amplitude", item.amplitude))
                if held(item):
                    asked.append((item.statement, "level", item.amplitude))
                sounds = pulse(item, phase, memory, sources)
                if item.guard:
                    sounds = (replace(one, guard=item.guard) for one in sounds)
                events += sounds
            case PlacedCapture():
                events.append(
                    Event(
                        item.start_ns,
                        f"capture {item.name}",
                        phase=phase,
                        acquisition=acquisitions.setdefault(item.name, len(acquisitions)),
                        sources=sources,
                        window=len(captures),
                        guard=item.guard,
                    )
                )
                captures.append(item)
            case PlacedShift(statement, start_ns, turns, guard):
                asked.append((statement, "shift", turns))
                delta = phase_words(turns)
                events.append(
                    Event(start_ns, "shift phase", delta=delta, sources=sources, guard=guard)
                )
            case PlacedTuning(statement, start_ns, frequency_hz, _):
                tune = _tuning(frame.name, frequency_hz, lo_hz, axes)
                asked.append((statement, "frequency", frequency_hz))
                events.append(Event(start_ns, "set frequency", tune=tune, sources=sources))
    if any(event.guard for event in events):
        asked = once(asked)
    quantised = Later(lambda: [quantise(frame.name, *one, lo_hz, axes) for one in asked])
    return Lowered(
        frame.name,
        int(base.flat[0]),
        tuple(events),
        tuple(captures),
        memory,
        quantised,
        given,
        _fixed(events, captures),
    )


def once(asked: list[tuple[int, str, FloatArray]]) -> list[tuple[int, str, FloatArray]]:
    """Return each quantity of a statement once, where statements are repeated.

    Phases that hang on what is measured, or differ from one repetition to the next, are no single
    number: they are left out, and are sums of what is listed.
    """
    shifted = any(quantity == "shift" for _, quantity, _ in asked)
    found: dict[tuple[int, str], list[FloatArray]] = {}
    for statement, quantity, values in asked:
        found.setdefault((statement, quantity), []).append(values)
    return [
        (*key, values[0])
        for key, values in found.items()
        if key[1] != "phase"
        or (not shifted and all(np.array_equal(one, values[0]) for one in values[1:]))
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
    found: list[Source] = []
    if isinstance(item, PlacedTuning):
        return (Source("tune", (item.given,), lo_hz),) if parameter_in(item.given) else ()
    if isinstance(item, PlacedShift):
        return (Source("delta", (item.given,)),) if parameter_in(item.given) else ()
    if isinstance(item, PlacedPlay) and parameter_in(item.given):
        found = [Source("gain", (item.given,)), Source("level", (item.given,))]
    if item.shifts:
        found.append(Source("phase", item.shifts))
    return tuple(found)


def _fixed(events: list[Event], captures: list[PlacedCapture]) -> frozenset[str]:
    """Return the parameters of settings that are swept as well, or that open windows hear."""
    names: set[str] = set()
    for event in events:
        for source in event.sources:
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
            if array.size > 1 or inside or heard:
                names.update(source.names)
    return frozenset(names)


def _turned_within(event: Event, events: list[Event], captures: list[PlacedCapture]) -> bool:
    """Whether something sets the phase while the window of ``event`` is open."""
    assert event.window is not None
    window = captures[event.window]
    closes = window.start_ns + window.duration_ns
    return any(
        (other.phase is not None or other.delta is not None)
        and bool(np.any((other.time_ns > window.start_ns) & (other.time_ns < closes)))
        for other in events
    )


def held(play: PlacedPlay) -> bool:
    """Whether the constant part of the pulse is made by the offset.

    One that hangs on a measurement is not: its end would be a second thing that does.
    """
    if play.guard:
        return False
    match play.waveform:
        case Square():
            return play.duration_ns >= REAL_TIME_MIN_NS
        case FlatTop(_, rise_fs):
            edge_ns, plateau_ns = _edges_ns(play.duration_ns, rise_fs)
            parts = (plateau_ns,) if rise_fs == 0 else (edge_ns, plateau_ns)
            return min(parts) >= REAL_TIME_MIN_NS
        case _:
            return False


def _edges_ns(duration_ns: int, rise_fs: int) -> tuple[int, int]:
    """Return how long each edge and the plateau of a flat top are, in whole samples.

    A sample belongs to an edge when its middle lies in it.
    """
    edge_ns = max(0, -((500_000 - rise_fs) // 1_000_000))
    return edge_ns, duration_ns - 2 * edge_ns


def pulse(
    play: PlacedPlay, phase: IntArray | None, memory: WaveformMemory, sources: Sources = ()
) -> Iterator[Event]:
    """Yield the events of a pulse; raise :class:`DoesNotFit` where memory is full."""
    name = f"play {play.statement} {type(play.waveform).__name__}"
    gain = gain_words(play.amplitude)
    level = level_words(play.amplitude)
    off = np.zeros_like(level[(slice(0, 1),) * level.ndim])
    start, end = play.start_ns, play.start_ns + play.duration_ns
    if not held(play):
        wave = memory.store(play.waveform)
        yield Event(start, name, gain=gain, phase=phase, wave=wave, sources=sources)
        return
    edge_ns = 0
    if isinstance(play.waveform, FlatTop):
        edge_ns, _ = _edges_ns(play.duration_ns, play.waveform.rise_fs)
    if edge_ns == 0:
        yield Event(start, f"{name} on", level=level, phase=phase, sources=sources)
        yield Event(end, f"{name} off", level=off)
        return
    rise, fall = memory.store(play.waveform, "rise"), memory.store(play.waveform, "fall")
    loud = tuple(one for one in sources if one.setting == "level")
    soft = tuple(one for one in sources if one.setting == "gain")
    first = tuple(one for one in sources if one.setting == "phase")
    yield Event(start, f"{name} rises", gain=gain, phase=phase, wave=rise, sources=soft + first)
    yield Event(start + edge_ns, f"{name} holds", level=level, sources=loud)
    yield Event(end - edge_ns, f"{name} falls", level=off, gain=gain, wave=fall, sources=soft)


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
