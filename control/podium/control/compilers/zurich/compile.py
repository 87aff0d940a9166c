"""Program to the program of one instrument: the passes in their order."""

import math
from collections.abc import Mapping, MutableMapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.later import Later
from podium.control.compilers.placing import PlacedShot, in_ticks, place_in_fs
from podium.control.compilers.zurich.allocate import Allocated, allocate
from podium.control.compilers.zurich.drive import drive
from podium.control.compilers.zurich.hearing import TIME
from podium.control.compilers.zurich.latencies import at_connectors_fs, held_back_fs
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.listing import print_listing
from podium.control.compilers.zurich.loops import COUNTERS, Code, Rows, code_of
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.pulses import pulses_of
from podium.control.compilers.zurich.quantised import quantised
from podium.control.compilers.zurich.readout import Readout, read
from podium.control.compilers.zurich.result_logger import check_logger, layouts_of, logged_apart
from podium.control.compilers.zurich.results import CYCLE, Told, hearing_of, refuse_branches
from podium.control.compilers.zurich.seqc import declarations, text_of
from podium.control.compilers.zurich.settings import (
    drive_settings,
    flux_settings,
    modulation_settings,
    readout_settings,
    trace_settings,
)
from podium.control.compilers.zurich.shots import Shots
from podium.control.compilers.zurich.starts import split_offset
from podium.control.compilers.zurich.steps import Steps
from podium.control.compilers.zurich.tables import Table, table_text
from podium.control.compilers.zurich.target import (
    DriveChannel,
    FluxChannel,
    ReadoutChannel,
    ZurichTarget,
)
from podium.control.compilers.zurich.waves import WaveTable
from podium.control.program.program import Program
from podium.control.program.validate import validate
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    CoreResources,
    ResultLayout,
    Setting,
    Start,
    StartRecord,
    ZurichProgram,
)

SHOTS_MAX = 2**31 - 1
"""Repetitions of a ``repeat`` (compile_seqc refuses more)."""
DURATION_MAX_FS = 2**63 - 1
CYCLES_MAX = 2**31 - 1
"""In a register of 32 bits, with its sign."""
TRIGGER_INPUT = 0
"""Trigger input 1: an HDAWG has no trigger from software."""

Frames = tuple[str, ...]
"""The names of a core's frames, which tell it from others."""


@dataclass(frozen=True, slots=True, eq=False)
class Made:
    """What is made of one core."""

    core: CoreProgram
    settings: list[Setting]
    results: tuple[ResultLayout, ...]
    resources: CoreResources
    oscillators: Oscillators | None
    record: StartRecord | None = None
    told: Mapping[str, Told] = field(default_factory=dict)


def _own_trigger(model: str) -> int:
    """Return what starts all sequencers of one instrument where nobody outside does."""
    if model.startswith("HDAWG"):
        return TRIGGER_INPUT
    return limits.SOFTWARE_TRIGGER if model.startswith("SHFQA") else limits.INTERNAL_TRIGGER


def compile_program(
    program: Program,
    target: ZurichTarget,
    start: Start | None = None,
    kept: MutableMapping[Frames, Made] | None = None,
) -> ZurichProgram:
    """Compile ``program`` for one instrument. The same program gives the same text.

    With ``start`` frames on ports of others are theirs: they begin on the same trigger; without,
    the instrument's software trigger starts
    all its cores, an HDAWG's the first trigger input. Raises :class:`ProgramError` where the
    program contradicts itself, :class:`OffGridError` for a time between two samples,
    :class:`DoesNotFit` where the hardware cannot play it, and of these :class:`TooLarge` where it
    can in parts (see ``compile_in_batches``). Cores that are ``kept`` are taken as they are, others
    are put there.
    """
    return _compiled(program, _placed(program), target, start, {} if kept is None else kept)


def compile_together(
    program: Program,
    targets: Sequence[ZurichTarget],
    start: Start,
    kept: MutableMapping[Frames, Made] | None = None,
) -> tuple[ZurichProgram, ...]:
    """Compile ``program`` for several instruments that begin on the same trigger.

    Raises as :func:`compile_program` does, and :class:`DoesNotFit` where none serves a port; what
    begins on an edge from outside may have frames on ports of others, which begin on it, too.
    """
    placed = _placed(program)
    served = {port for target in targets for port in target.ports}
    for one in placed.frames:
        if one.frame.port not in served and not start.external:
            names = ", ".join(target.instrument for target in targets)
            raise DoesNotFit(f"{one.frame.name}: none of {names} serves port {one.frame.port!r}")
    made = {} if kept is None else kept
    return tuple(_compiled(program, placed, target, start, made) for target in targets)


def _placed(program: Program) -> PlacedShot:
    validate(program)
    return place_in_fs(program)


def _compiled(
    program: Program,
    placed: PlacedShot,
    target: ZurichTarget,
    start: Start | None,
    kept: MutableMapping[Frames, Made],
) -> ZurichProgram:
    cores = allocate(placed.frames, target, alone=start is None)
    alone = _own_trigger(target.model)
    begun = start or Start(alone)
    first_fs = begun.lead_fs + program.settle_fs
    points = math.prod(axis.count for axis in program.axes)
    begins_fs = first_fs + begun.offset_fs + at_connectors_fs(begun)
    duration_fs = begins_fs + program.shots * (
        int(placed.shot_fs.sum(dtype=object)) * (points // placed.shot_fs.size)
    )
    _check_run(program, duration_fs)
    told: dict[str, Told] = {}
    # What generators do may hang on what the analyser of their instrument tells: it comes first.
    for one in sorted(cores, key=lambda core: core.kind != "qa"):
        if one.names not in kept:
            kept[one.names] = _core(one, program, placed, first_fs, target, begun, told)
        told |= kept[one.names].told if target.model == "SHFQC" else {}
    made = [kept[one.names] for one in cores]
    oscillators = {
        name: one.oscillators
        for one in made
        if one.oscillators is not None
        for name in one.core.frames
    }
    read_out = {name for one in made if one.core.kind == "qa" for name in one.core.frames}
    settings = tuple(dict.fromkeys(entry for one in made for entry in one.settings))
    resources = tuple(one.resources for one in made)
    texts = tuple(one.core for one in made)
    return ZurichProgram(
        name=program.name,
        instrument=target.instrument,
        model=target.model,
        cores=texts,
        settings=settings,
        duration_fs=duration_fs,
        first_shot_fs=begins_fs,
        results=tuple(result for one in made for result in one.results),
        resources=resources,
        quantised=Later(lambda: quantised(placed, oscillators, read_out)),
        start=begun,
        make_listing=lambda: print_listing(program.name, resources, texts, settings),
        record=next((one.record for one in made if one.record), None) if begun.external else None,
    )


def _check_run(program: Program, duration_fs: int) -> None:
    if program.shots > SHOTS_MAX:
        raise TooLarge(
            f"{program.shots} shots, at most {SHOTS_MAX}; run it several times",
            program.shots,
            SHOTS_MAX,
            ("shots",),
        )
    if duration_fs > DURATION_MAX_FS:
        raise TooLarge(
            f"it would take {duration_fs / FS_PER_S / 3600:.3g} h; times of a run are 64-bit "
            f"numbers of femtoseconds, at most {DURATION_MAX_FS / FS_PER_S / 3600:.3g} h; play "
            "fewer shots, or a stream, which plays them in batches",
            duration_fs,
            DURATION_MAX_FS,
            ("shots", "points"),
        )


def _core(
    one: Allocated,
    program: Program,
    placed: PlacedShot,
    first_fs: int,
    target: ZurichTarget,
    start: Start,
    told: Mapping[str, Told],
) -> Made:
    rate_hz = target.flux_rate_hz if one.kind == "hdawg" else limits.SHF_RATE_HZ
    names = ", ".join(one.names)
    held_fs = start.offset_fs + held_back_fs(one.kind, start)
    offset, rest_fs = split_offset(held_fs, rate_hz)
    shots = Shots(
        in_ticks(placed.shot_fs, rate_hz, f"{names}: the end of the shot", placed.axes),
        tuple(axis.count for axis in program.axes),
        program.shots,
        int(in_ticks(np.array(first_fs), rate_hz, f"{names}: the first shot", ())) + offset,
    )
    if one.kind == "qa":
        return _readout(one, program, placed, shots, rest_fs, target, start)
    return _drive(one, placed, shots, rate_hz, rest_fs, target, start, told)


def _drive(
    one: Allocated,
    placed: PlacedShot,
    shots: Shots,
    rate_hz: int,
    rest_fs: int,
    target: ZurichTarget,
    start: Start,
    told: Mapping[str, Told],
) -> Made:
    names = ", ".join(one.names)
    port = one.frames[0][1]
    hearing = hearing_of(
        [frame for frame, _ in one.frames], told, target.model, start.zsync, shots.first
    )
    if hearing.slots:
        _check_counted(names, shots)
    lo_hz = port.lo_hz if isinstance(port, DriveChannel) else None
    oscillators = Oscillators(lo_hz, names)
    waves = WaveTable(one.kind, rate_hz, names)
    flux = [p for _, p in one.frames if isinstance(p, FluxChannel)]
    channels = tuple(sorted({p.channel % 2 for p in flux}))
    planes = [
        (frame, p.channel % 2 if isinstance(p, FluxChannel) else 0) for frame, p in one.frames
    ]
    pulses = pulses_of(planes, oscillators, waves, placed.axes, rest_fs)
    driven = drive(pulses, shots, oscillators, waves, names, hearing)
    table = Table()
    counted = []
    if hearing.slots:
        counted = [f"var {TIME} = {floor(shots.first) // CYCLE};", *driven.keys.declared]
    round_code, rest_code = _codes(driven.steps, shots, table, driven.entries, len(counted))
    most = limits.SHFSG_TABLE_ENTRIES if one.kind == "sg" else limits.HDAWG_TABLE_ENTRIES
    if len(table.entries) > most:
        raise TooLarge(
            f"{names}: needs {len(table.entries)} entries of the command table, at most {most}; "
            "sweep fewer points at once",
            len(table.entries),
            most,
        )
    stored = waves.stored(channels)
    head = [*declarations(one.kind, stored, channels), *counted, *oscillators.head()]
    begin = floor(shots.first) - driven.lead
    text = text_of(head, begin, round_code, rest_code, shots, start)
    statements = _check_length(names, one, text, declared=len(head))
    core = CoreProgram(
        one.kind,
        one.index,
        one.names,
        text,
        stored,
        table_text(one.kind, table.entries, channels),
    )
    if isinstance(port, DriveChannel):
        settings = drive_settings(target.model, port, oscillators.settings(), start)
    else:
        ports = sorted({p.channel: p for p in flux}.items())
        settings = flux_settings(one.index, [p for _, p in ports], start, rate_hz)
    resources = CoreResources(
        one.kind,
        one.index,
        one.names,
        statements,
        limits.SEQUENCER_INSTRUCTIONS[one.kind],
        len(table.entries),
        most,
        waves.samples,
        waves.samples_max,
        0,
        0,
        round_code.written_out,
    )
    return Made(core, settings, (), resources, oscillators)


def _codes(
    steps: Steps, shots: Shots, table: Table | None, entries: Rows, taken: int = 0
) -> tuple[Code, Code | None]:
    """Return the code of a round, and of the repetitions that are left after whole rounds.

    ``taken``: variables that are in use already.
    """
    counts = shots.counted(steps.shape)
    round_code = code_of(steps, counts, table, entries, COUNTERS - taken)
    rest = shots.shots % shots.round
    if not rest:
        return round_code, None
    first = np.arange(len(steps.pattern)).reshape(steps.shape)[:rest].ravel()
    patterns = steps.pattern[first]
    numbers = tuple(
        steps.numbers[number][steps.rank[first[patterns == number]]]
        for number in range(len(steps.kinds))
    )
    shape = (rest, *steps.shape[1:])
    left = Steps(shape, patterns, steps.kinds, numbers)
    return round_code, code_of(left, shape, table, entries, COUNTERS - taken)


def _check_counted(names: str, shots: Shots) -> None:
    """Raise :class:`TooLarge` where cycles from the start cannot be counted."""
    cycles = (shots.first + shots.total) // CYCLE
    if cycles > CYCLES_MAX:
        raise TooLarge(
            f"{names}: a run of {cycles * 4e-9:.3g} s; where something hangs on results, the "
            f"sequencer counts cycles from the start, at most {CYCLES_MAX * 4e-9:.3g} s; play "
            "fewer shots",
            cycles,
            CYCLES_MAX,
            ("shots", "points"),
        )


def _check_length(names: str, one: Allocated, text: str, declared: int) -> int:
    """Return how many statements a program has; they compile to an instruction each or more."""
    statements = text.count("\n") - declared
    most = limits.SEQUENCER_INSTRUCTIONS[one.kind]
    if statements > most:
        raise TooLarge(
            f"{names}: needs {statements} statements, each an instruction or more, and a sequencer "
            f"holds {most}; take equal steps, or fewer points at once",
            statements,
            most,
        )
    return statements


def _readout(
    one: Allocated,
    program: Program,
    placed: PlacedShot,
    shots: Shots,
    rest_fs: int,
    target: ZurichTarget,
    start: Start,
) -> Made:
    names = ", ".join(one.names)
    port = one.frames[0][1]
    assert isinstance(port, ReadoutChannel)
    frames = [frame for frame, _ in one.frames]
    refuse_branches(
        frames,
        "hangs on what is measured: a quantum analyzer's sequencer hears no results; read out in "
        "any case, and act on the result with a signal generator",
    )
    slots_max = target.readout_slots
    modulates = target.modulates
    made = read(frames, port.lo_hz, shots, placed.axes, slots_max, rest_fs, modulates)
    round_code, rest_code = _codes(made.steps, shots, None, ())
    head = [] if made.oscillators is None else made.oscillators.head()
    text = text_of(head, floor(shots.first), round_code, rest_code, shots, start)
    statements = _check_length(names, one, text, declared=len(head))
    points = math.prod(shots.counts)
    logged = logged_apart(made, program, shots)
    results, averages = points * made.entries * logged, program.shots // logged
    check_logger(names, results, averages, apart=logged > 1)
    core = CoreProgram(
        "qa",
        one.index,
        one.names,
        text,
        readout_waveforms=made.waveforms,
        weights=made.weights,
    )
    resources = CoreResources(
        "qa",
        one.index,
        one.names,
        statements,
        limits.SEQUENCER_INSTRUCTIONS["qa"],
        0,
        0,
        0,
        0,
        max(len(made.waveforms), len(made.weights)),
        slots_max,
        round_code.written_out,
    )
    settings = [
        *modulation_settings(port.channel, made.oscillators, modulates),
        *readout_settings(port, made.length, made.delay, results, averages, start, made.thresholds),
    ]
    layouts = tuple(layouts_of(made, one.index, program, shots, logged))
    if program.trace:
        layout, record = _traced(layouts, made, points, names)
        layouts = (layout,)
        settings += trace_settings(port.channel, record)
    began = _record(one, made, shots)
    return Made(core, settings, layouts, resources, made.oscillators, began, made.told)


def _record(one: Allocated, made: Readout, shots: Shots) -> StartRecord | None:
    """Return which sample the result logger stamps, and how long after the start it comes."""
    if made.first is None:
        return None
    samples = floor(shots.first) + made.first + made.delay
    return StartRecord(one.index, made.weights[0].slot, samples * FS_PER_S // limits.SHF_RATE_HZ)


def _traced(
    layouts: tuple[ResultLayout, ...], made: Readout, points: int, names: str
) -> tuple[ResultLayout, int]:
    """Return the capture whose raw trace is wanted, and how long the scope's record is."""
    if len(layouts) != 1 or points != 1:
        raise DoesNotFit(
            f"{names}: the scope takes the raw trace of one capture at one point; there are "
            f"{len(layouts)} captures at {points} points: ask for each by itself"
        )
    (weights,) = (one for one in made.weights if one.slot == layouts[0].slots[0])
    heard = np.abs(np.array(weights.i) + 1j * np.array(weights.q)) > 0
    skip = made.delay + int(np.argmax(heard))
    samples = -(-(skip + layouts[0].samples) // limits.GRANULARITY) * limits.GRANULARITY
    return replace(layouts[0], trace_skip=skip), samples
