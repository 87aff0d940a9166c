"""Compiles a program to a cluster program: the passes in their order."""

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.lazy_sequence import LazySequence
from podium.control.compilers.qblox.allocate import SequencerAllocation, allocate
from podium.control.compilers.qblox.click_windows import ClickRun, click_code, click_windows
from podium.control.compilers.qblox.compiled_sequencer import CompiledSequencer
from podium.control.compilers.qblox.discriminators import discriminator_of, rotation_deg
from podium.control.compilers.qblox.emit import LEAD_NS, SequencerRun
from podium.control.compilers.qblox.line_filters import (
    filter_delay_ns,
    filters_at,
    held_back_ns,
    undone,
    waits_longest_ns,
)
from podium.control.compilers.qblox.listing import print_listing
from podium.control.compilers.qblox.loopback import tag_inputs
from podium.control.compilers.qblox.program_series import FrameTrack, ProgramSeries
from podium.control.compilers.qblox.result_line_code import LineRun, line_sequencers
from podium.control.compilers.qblox.result_lines import ResultRoutes
from podium.control.compilers.qblox.rounding import FREQUENCY_STEP_HZ
from podium.control.compilers.qblox.sequencer_code import CodeGenerator
from podium.control.compilers.qblox.start import check_start, nearest, preamble_ns
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.compilers.qblox.triggers import NO_ROUTES, Triggers
from podium.control.program.capture_counts import CaptureCount, capture_counts
from podium.control.program.program import Program
from podium.control.program.validate import validate
from podium.firmware_interfaces.compiled_program import ExternalTone, SwitchRoutes
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S, TickGrid
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ExternalStart,
    ModuleSettings,
    ResultLayout,
    SequencerProgram,
    SequencerResources,
)
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS

SHOTS_MAX = 2**32 - 1
"""Repetitions are counted in a register."""
GRID = TickGrid.from_rate_hz(1_000_000_000)
DURATION_MAX_FS = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Run:
    """Holds what is the same for all sequencers."""

    program: Program
    """The first of them, where there are several."""
    axes: tuple[str, ...]
    shape: tuple[int, ...]
    bins: int
    """Of each capture."""
    settle_ns: int
    scopes: dict[int, int]
    start: ExternalStart | None
    triggers: Triggers | None
    results: dict[str, CaptureCount]
    """By capture."""
    latest_ns: int
    """By so much the output leaves later whose filters take longest, here or where it begins with
    this."""


def compile_program(
    program: Program, target: QbloxTarget, start: ExternalStart | None = None
) -> ClusterProgram:
    """Compile ``program`` for one cluster. The same program gives the same text.

    With ``start`` its sequencers wait for the external trigger; ValueError for a start that does
    not exist. Frames on ports of others are theirs then: they start on the same trigger. Raises
    :class:`ProgramError` where the program contradicts itself, :class:`OffGridError` for a time
    between two nanoseconds, :class:`DoesNotFit` where the hardware cannot play it, and of these
    :class:`TooLarge` where it can in parts (see ``compile_in_batches``).
    """
    validate(program)
    return compile_series(series_of((program,), start), target, start, program.name)


def series_of(programs: Sequence[Program], start: ExternalStart | None) -> ProgramSeries:
    """Return validated programs as :func:`compile_series` takes them."""
    if start is not None:
        check_start(start)
    return ProgramSeries(programs, 0 if start is None else nearest(start).late_fs)


def compile_series(
    members: ProgramSeries,
    target: QbloxTarget,
    start: ExternalStart | None,
    name: str,
    axis: str | None = None,
    turns: range = range(1),
) -> ClusterProgram:
    """Return what :func:`compile_all` makes for the cluster."""
    return compile_all(members, target, start, name, axis, turns)[0]


def compile_all(
    members: ProgramSeries,
    target: QbloxTarget,
    start: ExternalStart | None,
    name: str,
    axis: str | None = None,
    turns: range = range(1),
) -> tuple[ClusterProgram, tuple[CompiledSequencer, ...]]:
    """Compile the programs ``turns`` of ``members``, which are the points of ``axis`` if it has a
    name; biases settle before the first. Raises as :func:`compile_program` does.
    """
    program = members.programs[0]
    start = None if start is None else nearest(start)
    frames = members.frames()
    if start is not None:
        frames = tuple(one for one in frames if one.frame.port in target.ports)
    allocated = allocate(frames, target)
    routes, triggers = _connected(members, allocated, target, start)
    outputs: dict[str, list[str]] = defaultdict(list)
    for one in allocated:
        outputs[one.connector].append(one.timeline.frame.name)
    members.check_outputs(outputs)
    _check_shots(program)
    points = math.prod(axis.count for axis in program.axes) * len(turns)
    run = _Run(
        program=program,
        axes=(*((axis,) if axis is not None else ()), *(one.name for one in program.axes)),
        shape=(*((len(turns),) if axis is not None else ()), *(a.count for a in program.axes)),
        bins=points * (program.shots if program.keep_shots else 1),
        settle_ns=GRID.ticks(program.settle_fs) if turns.start == 0 else 0,
        scopes=_scopes(allocated) if program.trace else {},
        start=start,
        triggers=triggers,
        results=capture_counts(program),
        latest_ns=held_back_ns(allocated, target, start),
    )
    coding = CodeGenerator(members)
    compiled = [
        _click_sequencer(one, members, run)
        if one.port.module == "QTM"
        else _sequencer(one, members.track(one, turns, several_bins=run.bins > 1), coding, run)
        for one in allocated
    ]
    compiled, modules = _with_lines(compiled, _modules(allocated, run.scopes), routes, members, run)
    _check_bins(compiled, program.keep_shots)
    first_shot_ns = preamble_ns(start) + LEAD_NS + run.settle_ns + run.latest_ns
    points_ns = sum(members.lasts_ns(number) for number in turns)
    whole_ns = first_shot_ns + program.shots * points_ns + waits_longest_ns(allocated)
    _check_duration(duration_fs := whole_ns * FS_PER_NS)
    resources = tuple(one.resources for one in compiled)
    made = ClusterProgram(
        name=name,
        cluster=target.cluster,
        sequencers=tuple(one.program for one in compiled),
        modules=modules,
        tones={
            one.port.modulator: ExternalTone(one.port.lo_hz, one.port.modulator_power_dbm)
            for one in allocated
            if one.port.modulator is not None
        },
        duration_fs=duration_fs,
        first_shot_ns=first_shot_ns,
        results=tuple(result for one in compiled for result in one.results),
        resources=resources,
        quantised=LazySequence(lambda: [entry for one in compiled for entry in one.quantised]),
        make_listing=lambda: print_listing(name, resources, [one.lines for one in compiled]),
        start=start,
        routes=_switched(name, allocated),
    )
    return made, tuple(compiled)


def _switched(name: str, allocated: Sequence[SequencerAllocation]) -> SwitchRoutes:
    """Return how switches lead the light that is counted; raises ``DoesNotFit``."""
    found: dict[str, dict[int, int]] = {}
    for port in dict.fromkeys(one.port for one in allocated):
        for switch, input_, output in port.routes:
            routes = found.setdefault(switch, {})
            kept = routes.setdefault(input_, output)
            taken = [one for one, other in routes.items() if other == output]
            if kept != output or taken != [input_]:
                raise DoesNotFit(
                    f"{name}: out{output} of {switch} takes the light of one input, and it counts "
                    "what comes from several; capture clicks of one link in a program"
                )
    return found


def _connected(
    members: ProgramSeries,
    allocated: Sequence[SequencerAllocation],
    target: QbloxTarget,
    start: ExternalStart | None,
) -> tuple[ResultRoutes, Triggers | None]:
    """Return which results come and go by wire, and the trigger network."""
    routes = NO_ROUTES if start is None else members.routes(target)
    reserved = () if start is None else (start.address,)
    here = {one.timeline.frame.name for one in allocated}
    return routes, members.connect(here, reserved, routes)


def _with_lines(
    compiled: list[CompiledSequencer],
    modules: tuple[ModuleSettings, ...],
    routes: ResultRoutes,
    members: ProgramSeries,
    run: _Run,
) -> tuple[list[CompiledSequencer], tuple[ModuleSettings, ...]]:
    """Return sequencers and modules with those at ends of lines that carry results."""
    if run.triggers is None or not (routes.incoming or routes.outgoing):
        return compiled, modules
    points = math.prod(run.shape)
    line_run = LineRun(run.program.shots * points, run.settle_ns + run.latest_ns, run.start)
    taken = [(one.program.slot, one.program.sequencer) for one in compiled]
    made, asked = line_sequencers(routes, run.triggers, members.timelines(), line_run, taken)
    by_slot = {one.slot: one for one in modules}
    for slot, settings in asked.items():
        known = by_slot.get(slot)
        if known is None:
            by_slot[slot] = settings
        else:
            by_slot[slot] = replace(known, channels={**known.channels, **settings.channels})
    return [*compiled, *made], tuple(by_slot.values())


def _check_shots(program: Program) -> None:
    """Raise :class:`TooLarge` for more shots than a register counts."""
    if program.shots > SHOTS_MAX:
        raise TooLarge(
            f"{program.shots} shots, at most {SHOTS_MAX}; run it several times",
            program.shots,
            SHOTS_MAX,
            ("shots",),
        )


def _check_duration(duration_fs: int) -> None:
    """Raise :class:`TooLarge` for a run whose times are beyond 64 bits."""
    if duration_fs > DURATION_MAX_FS:
        raise TooLarge(
            f"it would take {duration_fs / FS_PER_S / 3600:.3g} h; times of a run are 64-bit "
            f"numbers of femtoseconds, at most {DURATION_MAX_FS / FS_PER_S / 3600:.3g} h; play "
            "fewer shots, or a stream, which plays them in batches",
            duration_fs,
            DURATION_MAX_FS,
            ("shots", "points"),
        )


def _sequencer(
    one: SequencerAllocation, track: FrameTrack, coding: CodeGenerator, run: _Run
) -> CompiledSequencer:
    port, frame = one.port, one.timeline.frame.name
    integration_ns = _integration_ns(frame, track.captures)
    discriminator = discriminator_of(frame, [run.results[name] for name, _ in track.captures])
    sender = None if run.triggers is None else run.triggers.of(frame)
    bins = run.bins if track.captures else 0
    readout = port.module == "QRM-RF"
    most = limits.PROGRAM_INSTRUCTIONS_READOUT if readout else limits.PROGRAM_INSTRUCTIONS_CONTROL
    code = coding.code(track, _sequencer_run(one, track, run), most)
    _check_length(one, code.count, most)
    resources = SequencerResources(
        slot=port.slot,
        sequencer=one.sequencer,
        frame=frame,
        instructions=code.count,
        instructions_max=most,
        registers=code.registers,
        registers_max=REGISTERS,
        waveforms=len(track.memory.stored),
        samples=track.memory.samples,
        samples_max=limits.WAVEFORM_SAMPLES,
        bins=bins * len(track.captures),
        bins_max=limits.BINS if readout else 0,
        written_out=code.written,
        sends_to=0 if sender is None else sender.address,
        listens_to=track.listens,
        undoes=undone(one),
    )
    return CompiledSequencer(
        SequencerProgram(
            slot=port.slot,
            sequencer=one.sequencer,
            frame=frame,
            text=code.text,
            waveforms=track.memory.stored,
            acquisitions=tuple(
                Acquisition(name, k, bins) for k, (name, _) in enumerate(track.captures)
            ),
            output=port.output,
            input=port.input if track.captures else None,
            nco_hz=track.nco * FREQUENCY_STEP_HZ,
            integration_ns=integration_ns,
            rotation_deg=0.0 if discriminator is None else rotation_deg(discriminator),
            threshold_v=None if discriminator is None else discriminator.threshold_v,
            sends_to=0 if sender is None else sender.address,
            sends_at=1 if sender is None else sender.sends_at,
            listens_to=track.listens,
        ),
        code.lines,
        _result_layouts(one, track, run, integration_ns),
        resources,
        track.quantised,
        port.lo_hz,
        {} if track.lowered is None else track.lowered.given,
        frozenset() if track.lowered is None else track.lowered.fixed,
    )


def _click_sequencer(
    one: SequencerAllocation, members: ProgramSeries, run: _Run
) -> CompiledSequencer:
    """Return a sequencer of a time tagger, which counts clicks of a detector."""
    port, frame = one.port, one.timeline.frame.name
    if len(members.programs) > 1:
        raise DoesNotFit(f"{frame}: clicks are counted in one program at a time, not in a series")
    timeline = members.timeline(0)
    windows = click_windows(one, timeline, run.program.keep_shots)
    if len(windows) > limits.ACQUISITIONS:
        raise DoesNotFit(
            f"{frame}: {len(windows)} windows in a shot, at most {limits.ACQUISITIONS}"
        )
    code = click_code(
        frame,
        windows,
        int(timeline.shot_ns.max()),
        ClickRun(run.bins, run.settle_ns + run.latest_ns, run.start),
    )
    _check_length(one, code.count, limits.PROGRAM_INSTRUCTIONS_CONTROL)
    resources = SequencerResources(
        slot=port.slot,
        sequencer=one.sequencer,
        frame=frame,
        instructions=code.count,
        instructions_max=limits.PROGRAM_INSTRUCTIONS_CONTROL,
        registers=code.registers,
        registers_max=REGISTERS,
        waveforms=0,
        samples=0,
        samples_max=0,
        bins=run.bins * len(windows),
        bins_max=limits.BINS,
    )
    acquisitions = tuple(Acquisition(w.name, w.acquisition, run.bins) for w in windows)
    return CompiledSequencer(
        SequencerProgram(
            port.slot, one.sequencer, frame, code.text, (), acquisitions, "", port.input, 0.0, 0
        ),
        code.lines,
        tuple(_layout(one, w.name, run, w.duration_ns) for w in windows),
        resources,
        (),
        port.lo_hz,
        {},
        frozenset(),
    )


def _sequencer_run(one: SequencerAllocation, track: FrameTrack, run: _Run) -> SequencerRun:
    """Return what the code of a sequencer needs to know of the run."""
    return SequencerRun(
        frame=one.timeline.frame.name,
        nco=track.nco,
        marker=_switch(one.port),
        shots=run.program.shots,
        keep_shots=run.program.keep_shots,
        bins=run.bins if track.captures else 0,
        settle_ns=run.settle_ns + run.latest_ns - filter_delay_ns(one),
        start=run.start,
        latches=bool(track.listens),
    )


def _check_length(one: SequencerAllocation, count: int, most: int) -> None:
    """Raise :class:`TooLarge` for a text of more instructions than the sequencer holds."""
    if count > most:
        raise TooLarge(
            f"{one.timeline.frame.name}: needs {count} instructions, {count - most} more than the "
            f"{most} of a sequencer of a {one.port.module}; take fewer points where steps are "
            "uneven, steps that the hardware can count (whole 0.25 Hz, equal delays), or split the "
            "program",
            count,
            most,
        )


def _result_layouts(
    one: SequencerAllocation, track: FrameTrack, run: _Run, integration_ns: int
) -> tuple[ResultLayout, ...]:
    """Return where the sequencer's results are found, and what they are."""
    return tuple(_layout(one, name, run, integration_ns) for name, _ in track.captures)


def _layout(one: SequencerAllocation, name: str, run: _Run, lasts_ns: int) -> ResultLayout:
    return ResultLayout(
        capture=name,
        frame=one.timeline.frame.name,
        slot=one.port.slot,
        sequencer=one.sequencer,
        acquisition=name,
        axes=run.axes,
        shape=run.shape,
        shots=run.program.shots,
        keep_shots=run.program.keep_shots,
        integration_ns=lasts_ns,
        trace=run.scopes.get(one.port.slot) == one.sequencer,
        result=run.results[name].discriminator is not None,
        least=run.results[name].least,
        most=run.results[name].most,
    )


def _integration_ns(frame: str, captures: tuple[tuple[str, int], ...]) -> int:
    """Return the one integration length of a frame's captures; 0 without any."""
    lengths = {duration_ns for _, duration_ns in captures}
    if len(lengths) > 1:
        raise DoesNotFit(
            f"{frame}: captures of {sorted(lengths)} ns; a sequencer has one integration "
            "length: make them equal or put one on a frame of its own"
        )
    if len(captures) > limits.ACQUISITIONS:
        raise DoesNotFit(
            f"{frame}: {len(captures)} captures, at most {limits.ACQUISITIONS} "
            "in one sequencer; put some on a frame of their own"
        )
    for length in lengths:
        below = length // limits.INTEGRATION_STEP_NS * limits.INTEGRATION_STEP_NS
        if below != length or not (
            limits.INTEGRATION_MIN_NS <= length <= limits.INTEGRATION_MAX_NS
        ):
            raise DoesNotFit(
                f"{frame}: a capture of {length} ns; the integration length is a multiple "
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
        case "QCM" | "QTM":
            return 0


def _check_bins(compiled: list[CompiledSequencer], keep_shots: bool) -> None:
    """Refuse more bins than a module has for all its sequencers."""
    used: dict[int, int] = defaultdict(int)
    for one in compiled:
        used[one.resources.slot] += one.resources.bins
    for slot, bins in used.items():
        if bins > limits.BINS:
            raise TooLarge(
                f"slot {slot}: results need {bins} bins, {bins - limits.BINS} more than the "
                f"{limits.BINS} of the module; keep fewer shots, or let them be averaged",
                bins,
                limits.BINS,
                ("shots", "points") if keep_shots else ("points",),
            )


def _scopes(allocated: tuple[SequencerAllocation, ...]) -> dict[int, int]:
    """Return by slot the sequencer that triggers the scope: the first that captures."""
    scopes: dict[int, int] = {}
    for one in allocated:
        if one.port.input is not None and one.captures and one.port.module != "QTM":
            scopes.setdefault(one.port.slot, one.sequencer)
    return scopes


def _modules(
    allocated: tuple[SequencerAllocation, ...], scopes: dict[int, int]
) -> tuple[ModuleSettings, ...]:
    ports: dict[int, list[PortTarget]] = defaultdict(list)
    channels: dict[int, list[int]] = defaultdict(list)
    for one in allocated:
        if one.port.module == "QTM":
            channels[one.port.slot].append(one.sequencer)
        else:
            ports[one.port.slot].append(one.port)
    modules = [tag_inputs(slot, here, every_window=True) for slot, here in sorted(channels.items())]
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
                filters=filters_at(slot, allocated),
            )
        )
    return tuple(modules)
