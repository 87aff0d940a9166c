"""Program to cluster program: the passes in their order."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.allocate import Allocated, allocate
from podium.control.compilers.qblox.coding import Coding
from podium.control.compilers.qblox.emit import LEAD_NS, SequencerRun
from podium.control.compilers.qblox.later import Later
from podium.control.compilers.qblox.listing import print_listing
from podium.control.compilers.qblox.lower import Lowered, lower
from podium.control.compilers.qblox.outputs import check_sum
from podium.control.compilers.qblox.place import FrameTimeline, Timeline, place
from podium.control.compilers.qblox.rounding import FREQUENCY_STEP_HZ
from podium.control.compilers.qblox.start import check_start, preamble_ns
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import Program
from podium.control.program.validate import validate
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, TickGrid
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ExternalStart,
    ExternalTone,
    ModuleSettings,
    Quantised,
    ResultLayout,
    SequencerProgram,
    SequencerResources,
)
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS

SHOTS_MAX = 2**32 - 1
"""Repetitions are counted in a register."""
GRID = TickGrid.from_rate_hz(1_000_000_000)
DURATION_MAX_FS = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Compiled:
    program: SequencerProgram
    lines: Sequence[Instruction]
    results: tuple[ResultLayout, ...]
    resources: SequencerResources
    quantised: Sequence[Quantised]


def compile_program(
    program: Program, target: QbloxTarget, start: ExternalStart | None = None
) -> ClusterProgram:
    """Compile ``program`` for one cluster. The same program gives the same text.

    With ``start`` its sequencers wait for the external trigger; ValueError for a start that does
    not exist. Frames on ports of others are theirs then: they start on the same trigger. Raises
    :class:`ProgramError` where the program contradicts itself, :class:`OffGridError` for a time
    between two nanoseconds, :class:`DoesNotFit` where the hardware cannot play it.
    """
    validate(program)
    if start is not None:
        check_start(start)
    timeline = place(program)
    shape = tuple(axis.count for axis in program.axes)
    frames = timeline.frames
    if start is not None:
        frames = tuple(one for one in frames if one.frame.port in target.ports)
    allocated = allocate(frames, target)
    _check_outputs(allocated, timeline)
    if program.shots > SHOTS_MAX:
        raise DoesNotFit(f"{program.shots} shots, at most {SHOTS_MAX}; run it several times")
    settle_ns = GRID.ticks(program.settle_fs)
    scopes = _scopes(allocated) if program.trace else {}
    coding = Coding(program.axes, timeline.shot_ns)
    compiled = [
        _sequencer(one, program, coding, shape, settle_ns, scopes, start) for one in allocated
    ]
    _check_bins(compiled)
    first_shot_ns = preamble_ns(start) + LEAD_NS + settle_ns
    points_ns = int(timeline.shot_ns.sum()) * (math.prod(shape) // timeline.shot_ns.size)
    duration_fs = (first_shot_ns + program.shots * points_ns) * FS_PER_NS
    if duration_fs > DURATION_MAX_FS:
        raise DoesNotFit(
            f"it would take {duration_fs / FS_PER_S / 3600:.3g} h; times of a run are 64-bit "
            f"numbers of femtoseconds, at most {DURATION_MAX_FS / FS_PER_S / 3600:.3g} h; play "
            "fewer shots, or a stream, which plays them in batches"
        )
    resources = tuple(one.resources for one in compiled)
    return ClusterProgram(
        name=program.name,
        cluster=target.cluster,
        sequencers=tuple(one.program for one in compiled),
        modules=_modules(allocated, scopes),
        tones={
            one.port.modulator: ExternalTone(one.port.lo_hz, one.port.modulator_power_dbm)
            for one in allocated
            if one.port.modulator is not None
        },
        duration_fs=duration_fs,
        first_shot_ns=first_shot_ns,
        results=tuple(result for one in compiled for result in one.results),
        resources=resources,
        quantised=Later(lambda: [entry for one in compiled for entry in one.quantised]),
        make_listing=lambda: print_listing(
            program.name, resources, [one.lines for one in compiled]
        ),
        start=start,
    )


def _sequencer(
    one: Allocated,
    program: Program,
    coding: Coding,
    shape: tuple[int, ...],
    settle_ns: int,
    scopes: dict[int, int],
    start: ExternalStart | None,
) -> _Compiled:
    port, frame = one.port, one.timeline.frame.name
    late_fs = 0 if start is None else start.late_fs
    lowered = lower(one.timeline, port.lo_hz, program.axes, late_fs, coding.shapes)
    integration_ns = _integration_ns(lowered)
    points = math.prod(shape)
    bins = points * (program.shots if program.keep_shots else 1) if lowered.captures else 0
    run = SequencerRun(
        frame=frame,
        nco=lowered.nco,
        marker=_switch(port),
        shots=program.shots,
        keep_shots=program.keep_shots,
        bins=bins,
        settle_ns=settle_ns,
        start=start,
    )
    code = coding.code(lowered, run)
    readout = port.module == "QRM-RF"
    resources = SequencerResources(
        slot=port.slot,
        sequencer=one.sequencer,
        frame=frame,
        instructions=code.count,
        instructions_max=(
            limits.PROGRAM_INSTRUCTIONS_READOUT if readout else limits.PROGRAM_INSTRUCTIONS_CONTROL
        ),
        registers=code.registers,
        registers_max=REGISTERS,
        waveforms=len(lowered.memory.stored),
        samples=lowered.memory.samples,
        samples_max=limits.WAVEFORM_SAMPLES,
        bins=bins * len(lowered.captures),
        bins_max=limits.BINS if readout else 0,
    )
    if resources.instructions > resources.instructions_max:
        raise DoesNotFit(
            f"{frame}: needs {resources.instructions} instructions, "
            f"{resources.instructions - resources.instructions_max} more than the "
            f"{resources.instructions_max} of a sequencer of a {port.module}; take fewer points "
            "where steps are uneven, steps that the hardware can count (whole 0.25 Hz, equal "
            "delays), or split the program"
        )
    captures = [Acquisition(item.name, k, bins) for k, item in enumerate(lowered.captures)]
    return _Compiled(
        SequencerProgram(
            slot=port.slot,
            sequencer=one.sequencer,
            frame=frame,
            text=code.text,
            waveforms=lowered.memory.stored,
            acquisitions=tuple(captures),
            output=port.output,
            input=port.input if captures else None,
            nco_hz=lowered.nco * FREQUENCY_STEP_HZ,
            integration_ns=integration_ns,
        ),
        code.lines,
        tuple(
            ResultLayout(
                capture=item.name,
                frame=frame,
                slot=port.slot,
                sequencer=one.sequencer,
                acquisition=item.name,
                axes=tuple(axis.name for axis in program.axes),
                shape=shape,
                shots=program.shots,
                keep_shots=program.keep_shots,
                integration_ns=integration_ns,
                trace=scopes.get(port.slot) == one.sequencer,
            )
            for item in lowered.captures
        ),
        resources,
        lowered.quantised,
    )


def _integration_ns(lowered: Lowered) -> int:
    """Return the one integration length of a frame's captures; 0 without any."""
    lengths = {capture.duration_ns for capture in lowered.captures}
    if len(lengths) > 1:
        raise DoesNotFit(
            f"{lowered.frame}: captures of {sorted(lengths)} ns; a sequencer has one integration "
            "length: make them equal or put one on a frame of its own"
        )
    if len(lowered.captures) > limits.ACQUISITIONS:
        raise DoesNotFit(
            f"{lowered.frame}: {len(lowered.captures)} captures, at most {limits.ACQUISITIONS} "
            "in one sequencer; put some on a frame of their own"
        )
    for length in lengths:
        below = length // limits.INTEGRATION_STEP_NS * limits.INTEGRATION_STEP_NS
        if below != length or not (
            limits.INTEGRATION_MIN_NS <= length <= limits.INTEGRATION_MAX_NS
        ):
            raise DoesNotFit(
                f"{lowered.frame}: a capture of {length} ns; the integration length is a multiple "
                f"of {limits.INTEGRATION_STEP_NS} ns from {limits.INTEGRATION_MIN_NS} to "
                f"{limits.INTEGRATION_MAX_NS} ns: nearest {max(below, 4)} ns and {below + 4} ns"
            )
    return max(lengths, default=0)


def _switch(port: PortTarget) -> int:
    """Return the marker bits that close the RF switch of an output.

    QCM-RF: bit 0 for out0, bit 1 for out1; QRM-RF: bit 1 (what qblox-scheduler 1.0.1 writes).
    """
    match port.module:
        case "QRM-RF":
            return 2
        case "QCM-RF":
            return 1 if port.output == "out0" else 2
        case "QCM":
            return 0


def _check_outputs(allocated: tuple[Allocated, ...], timeline: Timeline) -> None:
    outputs: dict[str, list[FrameTimeline]] = defaultdict(list)
    for one in allocated:
        outputs[one.connector].append(one.timeline)
    for connector, frames in outputs.items():
        check_sum(connector, frames, timeline.axes)


def _check_bins(compiled: list[_Compiled]) -> None:
    """Refuse more bins than a module has for all its sequencers."""
    used: dict[int, int] = defaultdict(int)
    for one in compiled:
        used[one.resources.slot] += one.resources.bins
    for slot, bins in used.items():
        if bins > limits.BINS:
            raise DoesNotFit(
                f"slot {slot}: results need {bins} bins, {bins - limits.BINS} more than the "
                f"{limits.BINS} of the module; keep fewer shots, or let them be averaged"
            )


def _scopes(allocated: tuple[Allocated, ...]) -> dict[int, int]:
    """Return by slot the sequencer that triggers the scope: the first that captures."""
    scopes: dict[int, int] = {}
    for one in allocated:
        if one.port.input is not None and one.captures:
            scopes.setdefault(one.port.slot, one.sequencer)
    return scopes


def _modules(
    allocated: tuple[Allocated, ...], scopes: dict[int, int]
) -> tuple[ModuleSettings, ...]:
    ports: dict[int, list[PortTarget]] = defaultdict(list)
    for one in allocated:
        ports[one.port.slot].append(one.port)
    modules = []
    for slot, here in sorted(ports.items()):
        rf = [port for port in here if port.module != "QCM"]
        modules.append(
            ModuleSettings(
                slot=slot,
                module=here[0].module,
                lo_hz={port.output: port.lo_hz for port in rf},
                output_attenuation_db={port.output: port.output_attenuation_db for port in rf},
                input_attenuation_db={
                    port.input: port.input_attenuation_db for port in rf if port.input is not None
                },
                scope_sequencer=scopes.get(slot),
            )
        )
    return tuple(modules)
