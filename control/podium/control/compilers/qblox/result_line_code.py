"""Programs of the sequencers at both ends of lines that carry results.

At the end that measures, a sequencer of the marker's module, or of the QTM's channel where the line
begins at one, looks at the trigger address of a frame's results and raises it for those that were
sent. At the other end, a channel of a QTM listens around the instant at which that edge is due, and
puts it on the trigger network. Both count
shots and play nothing; what they do stands still in a shot, as the windows of a time tagger do.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.assembly import Assembly, bare_text
from podium.control.compilers.qblox.click_windows import CLOSE, OPEN
from podium.control.compilers.qblox.compiled_sequencer import CompiledSequencer
from podium.control.compilers.qblox.emit import LEAD_NS, wait
from podium.control.compilers.qblox.gates import ALL
from podium.control.compilers.qblox.loopback import tag_inputs
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS
from podium.control.compilers.qblox.place import PlacedCapture, Timeline
from podium.control.compilers.qblox.result_lines import CarriedResults, ResultRoutes
from podium.control.compilers.qblox.start import begin
from podium.control.compilers.qblox.triggers import Triggers
from podium.control.compilers.result_routes import ResultLineTarget
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ExternalStart,
    ModuleSettings,
    SequencerProgram,
    SequencerResources,
)
from podium.firmware_interfaces.qblox_cluster.q1asm import Label, Register
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import REGISTERS

BEFORE_NS = 8
"""A latch is reset so long before a result arrives."""
MARGIN_NS = 100
"""A QTM listens so long before and after an edge is due. ASSUMED: more than starts of clusters
differ by, and less than half of the 252 ns between two results."""
NAME = "result line "
"""Begins the names of these sequencers, which are no frame's."""
QTM = "QTM"
"""A module whose channels have a sequencer and a connector each, and no markers."""
ITS_OUTPUT = 1
"""Mask of ``set_digital`` for the output of its own channel, as qblox-scheduler 1.0.1 writes it."""
ACQUISITION = "edges"
"""What the QTM bins. Nobody reads it."""


@dataclass(frozen=True, slots=True)
class LineRun:
    """Holds what is the same at all lines of a run."""

    repetitions: int
    """Shots of all points."""
    settle_ns: int
    start: ExternalStart | None

    @property
    def lead_ns(self) -> int:
        """Return the time from the common start to the first shot."""
        return LEAD_NS + self.settle_ns + (0 if self.start is None else self.start.offset_ns)


def line_sequencers(
    routes: ResultRoutes,
    triggers: Triggers,
    timelines: Sequence[Timeline],
    run: LineRun,
    taken: Iterable[tuple[int, int]],
) -> tuple[tuple[CompiledSequencer, ...], Mapping[int, ModuleSettings]]:
    """Return the sequencers at this cluster's ends of lines, and what their modules are set to.

    ``taken``: slots and numbers of sequencers in use. Modules are by slot: channels of QTMs, else
    only named. Raises :class:`DoesNotFit`.
    """
    if len(timelines) > 1:
        raise DoesNotFit("results travel by wire in one program at a time, not in a series")
    (timeline,), used = timelines, set(taken)
    shot_ns = int(timeline.shot_ns.max())
    made: list[CompiledSequencer] = []
    modules: dict[int, ModuleSettings] = {}
    outputs: dict[int, list[int]] = {}
    channels: dict[int, dict[int, int]] = {}
    for one in routes.outgoing:
        ends_ns = _ends_ns(one, timeline)
        number = _free(one, used)
        used.add((one.line.slot, number))
        address = next(s.address for s in triggers.senders if s.frame == one.frame)
        made.append(_shown(one, ends_ns, address, shot_ns, run, number))
        if one.line.module == QTM:
            outputs.setdefault(one.line.slot, []).append(number)
        else:
            modules[one.line.slot] = ModuleSettings(one.line.slot, one.line.module)
    for frame, one in routes.incoming.items():
        place = one.line.sink_slot, one.line.channel
        if place in used:
            raise DoesNotFit(
                f"{_name(one)}: channel {place[1]} of slot {place[0]} counts clicks in this "
                "program; end the line at another one"
            )
        address = next(s.address for s in triggers.senders if s.frame == frame)
        channels.setdefault(place[0], {})[place[1]] = address
        made.append(_input(one, _ends_ns(one, timeline), shot_ns, run))
    for slot in sorted({*outputs, *channels}):
        modules[slot] = _channels(slot, channels.get(slot, {}), outputs.get(slot, ()))
    return tuple(made), modules


def _name(one: CarriedResults) -> str:
    return NAME + one.line.name


def _free(one: CarriedResults, used: set[tuple[int, int]]) -> int:
    """Return a sequencer of the marker's module that no frame has; a QTM's channel has its own."""
    slot = one.line.slot
    if one.line.module == QTM:
        return one.line.bit
    for number in range(limits.SEQUENCERS):
        if (slot, number) not in used:
            return number
    raise DoesNotFit(
        f"{_name(one)}: its marker takes a sequencer of slot {slot}, and all "
        f"{limits.SEQUENCERS} are in use; play fewer frames there, or take a marker of another "
        "module"
    )


def _ends_ns(one: CarriedResults, timeline: Timeline) -> list[int]:
    """Return when windows of the frame end in each shot, ascending; raises :class:`DoesNotFit`."""
    if np.ptp(timeline.shot_ns):
        raise DoesNotFit(
            f"{_name(one)}: shots last {int(timeline.shot_ns.min())} to "
            f"{int(timeline.shot_ns.max())} ns; where results travel from one cluster to another "
            "all of them last equally long"
        )
    found: set[int] = set()
    for frame in timeline.frames:
        if frame.frame.name != one.frame:
            continue
        for item in frame.placed:
            if isinstance(item, PlacedCapture):
                if np.ptp(item.start_ns):
                    raise DoesNotFit(
                        f"{_name(one)}: the window of {item.name} moves from point to point; the "
                        "results that travel are of windows that stand still in the shot"
                    )
                found.add(int(item.start_ns.flat[0]) + item.duration_ns)
    ends = sorted(found)
    for first, second in pairwise(ends):
        if second - first < limits.TRIGGER_DEAD_NS:
            raise DoesNotFit(
                f"{_name(one)}: windows of {one.frame} end {second - first} ns apart; a line "
                f"carries one result each {limits.TRIGGER_DEAD_NS} ns"
            )
    return ends


def _shown(
    one: CarriedResults,
    ends_ns: Sequence[int],
    address: int,
    shot_ns: int,
    run: LineRun,
    number: int,
) -> CompiledSequencer:
    """Return the sequencer that raises the marker, or the output, for results that were sent.

    ``set_mrk`` and ``set_digital`` take hold with the ``upd_param`` behind them, and that one alone
    depends on the result: whatever becomes of settings that are skipped, the next one puts it down.
    """
    assembly = Assembly(_name(one))
    line, up_ns = one.line, one.line.level_ns
    name = f"io{line.bit}" if line.module == QTM else f"marker{line.bit}"
    say = assembly.emit
    left = assembly.take_register()
    say("move", run.repetitions, left, comment="shots and points")
    _set_level(assembly, line, up=False)
    say("upd_param", REAL_TIME_MIN_NS)
    begin(assembly, run.start)
    say("set_latch_en", 1, REAL_TIME_MIN_NS, comment="listen to results")
    wait(assembly, run.lead_ns - REAL_TIME_MIN_NS, "lead and settling")
    top = assembly.new_label("shots")
    assembly.place(top)
    now_ns = 0
    for end_ns in ends_ns:
        arrives_ns = end_ns + limits.THRESHOLD_TRIGGER_NS
        wait(assembly, arrives_ns - BEFORE_NS - now_ns, "a result comes then")
        say("latch_rst", REAL_TIME_MIN_NS)
        say("wait", BEFORE_NS - REAL_TIME_MIN_NS + limits.LOOK_NS, comment="it is there")
        _set_level(assembly, line, up=True)
        say("set_cond", 1, 1 << (address - 1), ALL, up_ns, comment=f"if trigger {address}")
        say("upd_param", up_ns, comment=f"{name} up")
        say("set_cond", 0, 0, 0, REAL_TIME_MIN_NS, comment="in any case")
        _set_level(assembly, line, up=False)
        say("upd_param", REAL_TIME_MIN_NS, comment="down")
        now_ns = arrives_ns + limits.LOOK_NS + up_ns + REAL_TIME_MIN_NS
    _end_shot(assembly, top, left, shot_ns - now_ns)
    return _compiled(assembly, one, (one.line.slot, number), (), None, (address,))


def _set_level(assembly: Assembly, line: ResultLineTarget, *, up: bool) -> None:
    """Emit what moves the marker, or the channel's output, at the next latch."""
    if line.module == QTM:
        assembly.emit("set_digital", int(up), ITS_OUTPUT, 0)
    else:
        assembly.emit("set_mrk", int(up) << line.bit)


def _input(
    one: CarriedResults, ends_ns: Sequence[int], shot_ns: int, run: LineRun
) -> CompiledSequencer:
    """Return the sequencer of a QTM's channel that listens for edges of a line."""
    assembly = Assembly(_name(one))
    say = assembly.emit
    left, bin_, fine = (assembly.take_register() for _ in range(3))
    say("move", run.repetitions, left, comment="shots and points")
    say("move", 0, bin_, comment="bin")
    say("move", 0, fine, comment="fine delay of a window")
    say("wait", REAL_TIME_MIN_NS, comment="as long as outputs take to be switched on")
    begin(assembly, run.start)
    wait(assembly, run.lead_ns, "lead and settling")
    top = assembly.new_label("shots")
    assembly.place(top)
    now_ns = 0
    for end_ns in ends_ns:
        due_ns = end_ns + one.raised_ns
        wait(assembly, due_ns - MARGIN_NS - now_ns, "an edge is due")
        say("acquire_timetags", 0, bin_, OPEN, fine, 2 * MARGIN_NS)
        say("acquire_timetags", 0, bin_, CLOSE, fine, REAL_TIME_MIN_NS)
        now_ns = due_ns + MARGIN_NS + REAL_TIME_MIN_NS
    _end_shot(assembly, top, left, shot_ns - now_ns)
    edges = (Acquisition(ACQUISITION, 0, 1),)
    place = one.line.sink_slot, one.line.channel
    return _compiled(assembly, one, place, edges, f"io{one.line.channel}", ())


def _end_shot(assembly: Assembly, top: Label, left: Register, rest_ns: int) -> None:
    """Emit the rest of a shot, the loop and the end; raises :class:`DoesNotFit`."""
    if rest_ns < REAL_TIME_MIN_NS:
        raise DoesNotFit(
            f"{assembly.frame}: a result of the shot is on its way "
            f"{REAL_TIME_MIN_NS - rest_ns} ns longer than the shot lasts: add a Delay of as much "
            "at its end"
        )
    wait(assembly, rest_ns, "the rest of the shot")
    assembly.emit("sub", left, 1, left)
    assembly.emit("jnz", top, comment="next shot")
    assembly.emit("stop")


def _compiled(
    assembly: Assembly,
    one: CarriedResults,
    place: tuple[int, int],
    acquisitions: tuple[Acquisition, ...],
    entry: str | None,
    listens_to: tuple[int, ...],
) -> CompiledSequencer:
    lines = assembly.finish()
    slot, number = place
    most = limits.PROGRAM_INSTRUCTIONS_READOUT
    if len(lines) > most:
        raise DoesNotFit(
            f"{_name(one)}: needs {len(lines)} instructions, at most {most}; let fewer windows of "
            "a shot have results that travel"
        )
    name = _name(one)
    program = SequencerProgram(
        slot, number, name, bare_text(lines), (), acquisitions, "", entry, 0.0, 0,
        listens_to=listens_to,
    )  # fmt: skip
    resources = SequencerResources(
        slot=slot,
        sequencer=number,
        frame=name,
        instructions=len(lines),
        instructions_max=most,
        registers=assembly.registers_used,
        registers_max=REGISTERS,
        waveforms=0,
        samples=0,
        samples_max=0,
        bins=len(acquisitions),
        bins_max=limits.BINS,
        listens_to=listens_to,
    )
    return CompiledSequencer(program, lines, (), resources)


def _channels(slot: int, addresses: Mapping[int, int], outputs: Iterable[int]) -> ModuleSettings:
    """Return the settings of a QTM's channels: edges are forwarded to addresses, or results shown.

    ``addresses``: trigger address of each channel that is an input.
    """
    settings = tag_inputs(slot, sorted(addresses), every_window=True)
    channels = dict(settings.channels)
    for channel, address in addresses.items():
        channels[f"io_channel{channel}"] = {
            **channels[f"io_channel{channel}"],
            "forward_trigger_en": True,
            "forward_trigger_mode": "rising",
            "forward_trigger_address": address,
        }
    for channel in outputs:
        channels[f"io_channel{channel}"] = {"mode": "output"}
    return replace(settings, channels=channels)
