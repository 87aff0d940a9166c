"""Makes the core of a quantum analyzer channel: program, settings, places of results."""

import math
from dataclasses import replace

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.placing import PlacedShot
from podium.control.compilers.zurich.allocate import CoreAllocation
from podium.control.compilers.zurich.channel_readout import ChannelReadout
from podium.control.compilers.zurich.compiled_core import CompiledCore, check_length, codes
from podium.control.compilers.zurich.forwarded_results import register_of
from podium.control.compilers.zurich.layout import floor
from podium.control.compilers.zurich.readout import read
from podium.control.compilers.zurich.result_logger import check_logger, layouts_of, logged_apart
from podium.control.compilers.zurich.results import refuse_branches
from podium.control.compilers.zurich.seqc import text_of
from podium.control.compilers.zurich.settings import (
    modulation_settings,
    readout_settings,
    trace_settings,
)
from podium.control.compilers.zurich.shots import Shots
from podium.control.compilers.zurich.target import ReadoutChannel, ZurichTarget
from podium.control.program.program import Program
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich import awg_limits as limits
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    CoreResources,
    ResultLayout,
    Start,
    StartRecord,
)


def make_readout(
    one: CoreAllocation,
    program: Program,
    placed: PlacedShot,
    shots: Shots,
    rest_fs: int,
    target: ZurichTarget,
    start: Start,
) -> CompiledCore:
    """Compile what a channel does; raises :class:`DoesNotFit` and :class:`TooLarge`."""
    names = ", ".join(one.names)
    port = one.frames[0][1]
    assert isinstance(port, ReadoutChannel)
    frames = [frame for frame, _ in one.frames]
    refuse_branches(
        frames,
        "depends on what is measured: a quantum analyzer's sequencer hears no results; read out in "
        "any case, and act on the result with a signal generator",
    )
    slots_max = target.readout_slots
    modulates = target.modulates
    register = register_of(target, one.index)
    made = read(frames, port.lo_hz, shots, placed.axes, slots_max, rest_fs, modulates, register)
    round_code, rest_code = codes(made.steps, shots, None, ())
    head = [] if made.oscillators is None else made.oscillators.head()
    text = text_of(head, floor(shots.first), round_code, rest_code, shots, start)
    statements = check_length(names, one, text, declared=len(head))
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
    return CompiledCore(core, settings, layouts, resources, made.oscillators, began, made.told)


def _record(one: CoreAllocation, made: ChannelReadout, shots: Shots) -> StartRecord | None:
    """Return which sample the result logger stamps, and how long after the start it comes."""
    if made.first is None:
        return None
    samples = floor(shots.first) + made.first + made.delay
    return StartRecord(one.index, made.weights[0].slot, samples * FS_PER_S // limits.SHF_RATE_HZ)


def _traced(
    layouts: tuple[ResultLayout, ...], made: ChannelReadout, points: int, names: str
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
