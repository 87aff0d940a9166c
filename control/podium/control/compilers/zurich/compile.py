"""Compiles a program to the program of one instrument: the passes in their order."""

import math
from collections.abc import Collection, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.placing import PlacedFrame, PlacedShot, in_ticks, place_in_fs
from podium.control.compilers.zurich.allocate import CoreAllocation, allocate
from podium.control.compilers.zurich.compiled_core import CompiledCore, Frames
from podium.control.compilers.zurich.drive_core import make_drive
from podium.control.compilers.zurich.forwarded_results import (
    NOTHING,
    ForwardedResults,
    forwarded_results,
)
from podium.control.compilers.zurich.latencies import at_connectors_fs, held_back_fs
from podium.control.compilers.zurich.listing import print_listing
from podium.control.compilers.zurich.precompensation import delay_samples, held_for_filters_fs
from podium.control.compilers.zurich.readout_core import make_readout
from podium.control.compilers.zurich.result_line_core import make_marker
from podium.control.compilers.zurich.result_lines import (
    LevelAvailability,
    ShownResults,
    cables_of,
)
from podium.control.compilers.zurich.results import ResultAvailability, results_of
from podium.control.compilers.zurich.rounding_list import quantised
from podium.control.compilers.zurich.shots import Shots
from podium.control.compilers.zurich.starts import split_offset
from podium.control.compilers.zurich.target import (
    ZurichTarget,
)
from podium.control.program.program import Program, played_ports
from podium.control.program.validate import validate
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import (
    Core,
    Start,
    ZurichProgram,
)

SHOTS_MAX = 2**31 - 1
"""Repetitions of a ``repeat`` (compile_seqc refuses more)."""
DURATION_MAX_FS = 2**63 - 1
TRIGGER_INPUT = 0
"""Trigger input 1: an HDAWG has no trigger from software."""


def _own_trigger(model: str) -> int:
    """Return what starts all sequencers of one instrument where nobody outside does."""
    if model.startswith("HDAWG"):
        return TRIGGER_INPUT
    return limits.SOFTWARE_TRIGGER if model.startswith("SHFQA") else limits.INTERNAL_TRIGGER


def compile_program(
    program: Program,
    target: ZurichTarget,
    start: Start | None = None,
    kept: MutableMapping[Frames, CompiledCore] | None = None,
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
    held_fs = held_for_filters_fs((target,), played_ports(program), start)
    made = {} if kept is None else kept
    return _compiled(program, _placed(program), target, start, made, held_fs)


def compile_together(
    program: Program,
    targets: Sequence[ZurichTarget],
    start: Start,
    kept: MutableMapping[Frames, CompiledCore] | None = None,
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
    held_fs = held_for_filters_fs(targets, played_ports(program), start)

    def availability(target: ZurichTarget) -> dict[int, Mapping[str, ResultAvailability]]:
        cores = allocate(placed.frames, target, alone=False)
        first_fs = start.lead_fs + program.settle_fs
        for one in cores:
            if one.kind == "qa" and one.names not in made:
                made[one.names] = _core(
                    one, program, placed, first_fs, target, start, {}, {}, NOTHING, held_fs
                )
        return {one.index: made[one.names].told for one in cores if one.kind == "qa"}

    forwarded = forwarded_results(placed.frames, targets, availability) if start.zsync else {}
    run = program, placed
    return tuple(
        _compiled(*run, one, start, made, held_fs, forwarded.get(one.instrument, NOTHING))
        for one in targets
    )


def _placed(program: Program) -> PlacedShot:
    validate(program)
    shot = place_in_fs(program)
    return replace(shot, frames=tuple(one for one in shot.frames if one.heard))


def _compiled(
    program: Program,
    placed: PlacedShot,
    target: ZurichTarget,
    start: Start | None,
    kept: MutableMapping[Frames, CompiledCore],
    filters_fs: int,
    forwarded: ForwardedResults = NOTHING,
) -> ZurichProgram:
    """Compile for one instrument; ``filters_fs``: by so much all wait for the slowest filters.

    ``forwarded``: the results that it receives from other instruments.
    """
    cores = allocate(placed.frames, target, alone=start is None)
    alone = _own_trigger(target.model)
    begun = start or Start(alone)
    first_fs = begun.lead_fs + program.settle_fs
    points = math.prod(axis.count for axis in program.axes)
    begins_fs = first_fs + begun.offset_fs + at_connectors_fs(begun) + filters_fs
    duration_fs = begins_fs + program.shots * (
        int(placed.shot_fs.sum(dtype=object)) * (points // placed.shot_fs.size)
    )
    _check_run(program, duration_fs)
    cables = cables_of(placed, target, dict(program.result_latencies), program.results_after_fs)
    _check_measured(program, (frame for one in cores for frame, _ in one.frames), cables.levels)
    told: dict[str, ResultAvailability] = {}
    # What generators do may depend on what the analyser of their instrument tells: it comes first.
    for one in sorted(cores, key=lambda core: core.kind != "qa"):
        if one.names not in kept:
            run = (program, placed, first_fs, target, begun)
            kept[one.names] = _core(one, *run, told, cables.levels, forwarded, filters_fs)
        told |= kept[one.names].told if target.model == "SHFQC" else {}
    made = [kept[one.names] for one in cores]
    for shown in cables.shown:
        _check_marker(shown, cores)
        shots = _shots("sg", shown.frame.frame.name, program, placed, first_fs, begun, filters_fs)
        made.append(make_marker(shown, told, shots[0], begun))
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
        quantised=LazySequence(lambda: quantised(placed, oscillators, read_out)),
        start=begun,
        make_listing=lambda: print_listing(program.name, resources, texts, settings),
        record=next((one.record for one in made if one.record), None) if begun.external else None,
        forwarded=forwarded.bits,
    )


def _check_measured(
    program: Program, frames: Iterable[PlacedFrame], levels: Collection[str]
) -> None:
    """Raise :class:`DoesNotFit` where something here would look for a result too early.

    ``levels``: captures whose results come as levels, which may be looked for at any time.
    """
    if program.results_after_fs is not None and not set(results_of(frames)) <= set(levels):
        raise DoesNotFit(
            "results_after_fs: results of an analyser are read at the cycle that its timing model "
            "tells, not looked for; this latency is not measured by a program"
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
    one: CoreAllocation,
    program: Program,
    placed: PlacedShot,
    first_fs: int,
    target: ZurichTarget,
    start: Start,
    told: Mapping[str, ResultAvailability],
    levels: Mapping[str, LevelAvailability],
    forwarded: ForwardedResults,
    filters_fs: int,
) -> CompiledCore:
    own = delay_samples(target, one.index) if one.kind == "hdawg" else 0
    rate_hz = target.flux_rate_hz if one.kind == "hdawg" else limits.SHF_RATE_HZ
    names = ", ".join(one.names)
    run = (program, placed, first_fs, start, filters_fs)
    shots, rest_fs = _shots(one.kind, names, *run, rate_hz, own)
    if one.kind == "qa":
        return make_readout(one, program, placed, shots, rest_fs, target, start)
    return make_drive(one, placed, shots, rate_hz, rest_fs, target, start, told, levels, forwarded)


def _shots(
    kind: Core,
    names: str,
    program: Program,
    placed: PlacedShot,
    first_fs: int,
    start: Start,
    held_fs: int,
    rate_hz: int = limits.SHF_RATE_HZ,
    own: int = 0,
) -> tuple[Shots, int]:
    """Return the shots of a core, and by how much they come later than its samples (as ``starts``).

    ``held_fs``: by so much all is held back for filters; ``own``: samples of it that are its own.
    """
    offset, rest_fs = split_offset(start.offset_fs + held_back_fs(kind, start) + held_fs, rate_hz)
    shots = Shots(
        in_ticks(placed.shot_fs, rate_hz, f"{names}: the end of the shot", placed.axes),
        tuple(axis.count for axis in program.axes),
        program.shots,
        int(in_ticks(np.array(first_fs), rate_hz, f"{names}: the first shot", ())) + offset - own,
    )
    return shots, rest_fs


def _check_marker(shown: ShownResults, cores: Sequence[CoreAllocation]) -> None:
    """Raise :class:`DoesNotFit` where the generator of a line's marker has pulses to play."""
    index = shown.line.bit
    busy = {one.index: one.names for one in cores if one.kind == "sg"}
    if index in busy:
        raise DoesNotFit(
            f"result line {shown.line.name}: sg{index} raises its marker, and plays "
            f"{', '.join(busy[index])}; begin the line at the marker of a channel that plays "
            "nothing"
        )
