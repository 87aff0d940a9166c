"""Makes the core of a signal generator or of an HDAWG's pair of outputs."""

from collections.abc import Mapping, Sequence

from podium.control.compilers.errors import TooLarge
from podium.control.compilers.placing import PlacedShot
from podium.control.compilers.zurich.allocate import CoreAllocation
from podium.control.compilers.zurich.compiled_core import (
    CompiledCore,
    CoreRows,
    check_length,
    codes,
)
from podium.control.compilers.zurich.drive import DriveSteps, drive
from podium.control.compilers.zurich.feedback_reads import TIME
from podium.control.compilers.zurich.forwarded_results import ForwardedResults
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.line_samples import left_after
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.precompensation import (
    OutputFilters,
    check_heights,
    describe_line_delay,
    filter_settings,
    filters_of_core,
    output_delays,
)
from podium.control.compilers.zurich.pulses import Pulse, pulses_of
from podium.control.compilers.zurich.result_lines import LevelAvailability
from podium.control.compilers.zurich.results import (
    CYCLE,
    CoreFeedback,
    ResultAvailability,
    core_feedback,
)
from podium.control.compilers.zurich.seqc import declarations, text_of
from podium.control.compilers.zurich.settings import drive_settings, flux_settings, level_settings
from podium.control.compilers.zurich.shots import Shots
from podium.control.compilers.zurich.tables import CommandTable, Entry, PlaySilence, table_text
from podium.control.compilers.zurich.target import DriveChannel, FluxChannel, ZurichTarget
from podium.control.compilers.zurich.waves import WaveTable
from podium.control.facility.line_response import LineResponse
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import (
    Core,
    CoreProgram,
    CoreResources,
    Setting,
    Start,
)

CYCLES_MAX = 2**31 - 1
"""In a register of 32 bits, with its sign."""


def make_drive(
    one: CoreAllocation,
    placed: PlacedShot,
    shots: Shots,
    rate_hz: int,
    rest_fs: int,
    target: ZurichTarget,
    start: Start,
    told: Mapping[str, ResultAvailability],
    levels: Mapping[str, LevelAvailability],
    forwarded: ForwardedResults,
) -> CompiledCore:
    """Compile what a generator does; ``told``, ``levels``, ``forwarded``: what it may act on.

    Raises :class:`DoesNotFit` and :class:`TooLarge`.
    """
    names = ", ".join(one.names)
    hearing = _hearing(one, target, start, shots.first, told, levels, forwarded)
    if hearing.slots:
        _check_counted(names, shots)
    oscillators = Oscillators(_lo_hz(one), names)
    waves = WaveTable(one.kind, rate_hz, names)
    flux = [p for _, p in one.frames if isinstance(p, FluxChannel)]
    channels = tuple(sorted({p.channel % 2 for p in flux}))
    planes = [
        (frame, p.channel % 2 if isinstance(p, FluxChannel) else 0) for frame, p in one.frames
    ]
    filters = filters_of_core(target, one.index) if one.kind == "hdawg" else {}
    lines = _lines_in_samples(one, filters, rate_hz)
    pulses = pulses_of(planes, oscillators, waves, placed.axes, rest_fs, lines)
    driven = drive(pulses, shots, oscillators, waves, names, hearing)
    table = CommandTable()
    counted = _counted(hearing, driven, shots)
    round_code, rest_code = codes(driven.steps, shots, table, driven.entries, len(counted))
    most = _most_entries(names, one.kind, len(table.entries))
    stored = waves.stored(channels)
    head = [*declarations(one.kind, stored, channels), *counted, *oscillators.head()]
    begin = floor(shots.first) - driven.lead
    text = text_of(head, begin, round_code, rest_code, shots, start)
    statements = check_length(names, one, text, declared=len(head))
    entries = table_text(one.kind, table.entries, channels)
    core = CoreProgram(one.kind, one.index, one.names, text, stored, entries)
    settings = [
        *_level_settings(one.index, hearing),
        *_settings(one, oscillators, target, start, rate_hz, filters),
    ]
    undone = _corrections(one, lines, filters, rate_hz)
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
        undone,
    )
    rows = _rows(pulses, driven, table.entries) if one.kind == "sg" else None
    return CompiledCore(core, settings, (), resources, oscillators, rows=rows)


def _rows(
    pulses: tuple[Pulse, ...], driven: DriveSteps, entries: Sequence[Entry]
) -> CoreRows | None:
    if driven.plays is None:
        return None
    number = {entry: n for n, (entry,) in enumerate(driven.entries)}
    table = tuple(one if isinstance(one, PlaySilence) else number[one] for one in entries)
    return CoreRows(pulses, driven.plays, table)


def _hearing(
    one: CoreAllocation,
    target: ZurichTarget,
    start: Start,
    first: int,
    told: Mapping[str, ResultAvailability],
    levels: Mapping[str, LevelAvailability],
    forwarded: ForwardedResults,
) -> CoreFeedback:
    """Return what a core hears; ``first``: samples from the trigger to its first shot."""
    frames = [frame for frame, _ in one.frames]
    sent = forwarded.heard(one.kind, first)
    model, zsync = target.model, start.zsync
    return core_feedback(frames, told, model, zsync, first, levels, sent, forwarded.positions)


def _lo_hz(one: CoreAllocation) -> float | None:
    """Return the local oscillator of a signal generator's channel; None of an HDAWG's."""
    port = one.frames[0][1]
    return port.lo_hz if isinstance(port, DriveChannel) else None


def _counted(hearing: CoreFeedback, driven: DriveSteps, shots: Shots) -> list[str]:
    """Return declarations of variables that count cycles and results."""
    cycles = [f"var {TIME} = {floor(shots.first) // CYCLE};"] if hearing.slots else []
    return [*cycles, *driven.keys.declared] if hearing.acts else []


def _level_settings(index: int, hearing: CoreFeedback) -> list[Setting]:
    """Return the nodes of the trigger input whose level a generator reads, if it reads one."""
    return [] if hearing.channel is None else level_settings(index, hearing.channel)


def _lines_in_samples(
    one: CoreAllocation, filters: Mapping[int, OutputFilters], rate_hz: int
) -> dict[str, LineResponse]:
    """Return the responses that samples undo, by port: those that no filter of an output does."""
    lines = {
        frame.frame.port: p.response
        for frame, p in one.frames
        if isinstance(p, FluxChannel) and p.response is not None and p.response.distorts
    }
    for frame, channel in one.frames:
        if isinstance(channel, FluxChannel) and channel.channel in filters:
            check_heights(frame, filters[channel.channel], rate_hz)
            lines.pop(frame.frame.port, None)
    return lines


def _settings(
    one: CoreAllocation,
    oscillators: Oscillators,
    target: ZurichTarget,
    start: Start,
    rate_hz: int,
    filters: Mapping[int, OutputFilters],
) -> list[Setting]:
    """Return the nodes of a core's outputs."""
    port = one.frames[0][1]
    if isinstance(port, DriveChannel):
        return drive_settings(target.model, port, oscillators.settings(), start)
    flux = {p.channel: p for _, p in one.frames if isinstance(p, FluxChannel)}
    played = [p for _, p in sorted(flux.items())]
    chosen = _filter_settings(played, filters) if target.precompensates else []
    delays = output_delays(target, one.index)
    return flux_settings(one.index, played, start, rate_hz, delays, chosen)


def _corrections(
    one: CoreAllocation,
    lines: Mapping[str, LineResponse],
    filters: Mapping[int, OutputFilters],
    rate_hz: int,
) -> tuple[str, ...]:
    """Return in words by what the responses of flux lines are undone, and what is left."""
    in_samples = (
        f"{port}: in samples while a pulse lasts; after it up to {left_after(line):.1e} of a "
        "step is left"
        for port, line in lines.items()
    )
    in_filters = (
        f"{frame.frame.port}: {'; '.join(filters[p.channel].parts)}; nothing in samples; "
        f"{filters[p.channel].residual:.1e} of a step is left"
        for frame, p in one.frames
        if isinstance(p, FluxChannel)
        and p.response is not None
        and p.response.distorts
        and p.channel in filters
    )
    by_start = (
        f"{frame.frame.port}: {words}"
        for frame, p in one.frames
        if isinstance(p, FluxChannel)
        for words in describe_line_delay(p, rate_hz)
    )
    return (*in_samples, *in_filters, *by_start)


def _filter_settings(
    ports: Sequence[FluxChannel], filters: Mapping[int, OutputFilters]
) -> list[Setting]:
    """Return the nodes of the filters of the outputs that play."""
    return [
        setting
        for port in ports
        for setting in filter_settings(port.channel, filters.get(port.channel))
    ]


def _most_entries(names: str, kind: Core, entries: int) -> int:
    """Return how many a command table holds; raises :class:`TooLarge` for more ``entries``."""
    most = limits.SHFSG_TABLE_ENTRIES if kind == "sg" else limits.HDAWG_TABLE_ENTRIES
    if entries > most:
        raise TooLarge(
            f"{names}: needs {entries} entries of the command table, at most {most}; "
            "sweep fewer points at once",
            entries,
            most,
        )
    return most


def _check_counted(names: str, shots: Shots) -> None:
    """Raise :class:`TooLarge` where cycles from the start cannot be counted."""
    cycles = (shots.first + shots.total) // CYCLE
    if cycles > CYCLES_MAX:
        raise TooLarge(
            f"{names}: a run of {cycles * 4e-9:.3g} s; where something depends on results, the "
            f"sequencer counts cycles from the start, at most {CYCLES_MAX * 4e-9:.3g} s; play "
            "fewer shots",
            cycles,
            CYCLES_MAX,
            ("shots", "points"),
        )
