"""Programs that measure a skew by loopback: a node's marker pulses, and windows that tag them.

Both begin on the external trigger, and both count from the release of their cluster's party line:
pulse k rises LEAD_NS + k * PERIOD_NS later at the marker, and window k of the tagger is open around
the same nominal time. What is left between the tags of two nodes is cables and skew.
"""

from collections.abc import Mapping, Sequence

from podium.control.compilers.qblox.start import check_start
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ExternalStart,
    ModuleSettings,
    SequencerProgram,
)

LEAD_NS = 2_000
"""From the release of the party line to the first pulse."""
PERIOD_NS = 2_011
"""From pulse to pulse: no multiple of a clock's cycle, so that each has noise of its own."""
PULSE_NS = 200
WINDOW_NS = 1_600
"""How long a window is open: skews and cables of up to half of it are found."""
PULSES_MAX = 10_000
ACQUISITION = "loopback"
THRESHOLD_V = 0.8
"""Of the tagger's inputs: half of a TTL level into 50 ohms, 1.65 V."""
CHANNELS_OF_A_QUAD = 4
RT_MIN_NS = 4
WAIT_MAX_NS = 65_532
"""One wait instruction takes at most 65535 ns; this is on the grid of the processors."""


def marker_program(
    cluster: str,
    markers: Mapping[int, tuple[str, Sequence[int]]],
    pulses: int,
    start: ExternalStart,
) -> ClusterProgram:
    """Return a program that raises markers ``pulses`` times after the trigger; nothing else.

    ``markers``: by slot the kind of its module (``QCM-RF``) and the bits of its markers. Raises
    ValueError for a start that does not exist, or a number of pulses that is none.
    """
    check_start(start)
    _check_pulses(pulses)
    entries, settings = [], []
    for slot, (module, bits) in markers.items():
        lines = [
            f"move {pulses},R0",
            f"wait_trigger {start.address},{RT_MIN_NS}",
            f"wait_sync {RT_MIN_NS}",
            *_waits(LEAD_NS - RT_MIN_NS + start.offset_ns),
            f"again: set_mrk {sum(1 << bit for bit in bits)}",
            f"upd_param {PULSE_NS}",
            "set_mrk 0",
            f"upd_param {PERIOD_NS - PULSE_NS}",
            "loop R0,@again",
            "stop",
        ]
        output = "out0_1" if module == "QCM" else "out0"
        entries.append(
            SequencerProgram(slot, 0, "marker", "\n".join(lines), (), (), output, None, 0.0, 0)
        )
        settings.append(ModuleSettings(slot, module))
    return _program("loopback markers", cluster, entries, settings, pulses, start)


def tag_program(
    cluster: str, channels: Mapping[int, Sequence[int]], pulses: int, start: ExternalStart
) -> ClusterProgram:
    """Return a program that tags the first ``pulses`` marker pulses on channels of QTMs, by slot.

    Bin k of each channel holds pulse k; its time counts from the opening of the window, half of
    WINDOW_NS before the pulse is due. Raises ValueError as :func:`marker_program`.
    """
    check_start(start)
    _check_pulses(pulses)
    before_ns = WINDOW_NS // 2
    lines = [
        f"move {pulses},R0",
        "move 0,R1",
        "move 0,R2",
        f"wait_trigger {start.address},{RT_MIN_NS}",
        f"wait_sync {RT_MIN_NS}",
        *_waits(LEAD_NS - before_ns - RT_MIN_NS + start.offset_ns),
        f"again: acquire_timetags 0,R1,1,R2,{WINDOW_NS}",
        f"acquire_timetags 0,R1,0,R2,{PERIOD_NS - WINDOW_NS}",
        "add R1,1,R1",
        "loop R0,@again",
        "stop",
    ]
    text, acquisition = "\n".join(lines), Acquisition(ACQUISITION, 0, pulses)
    entries = [
        SequencerProgram(slot, one, f"tags {one}", text, (), (acquisition,), "", None, 0.0, 0)
        for slot, ones in channels.items()
        for one in ones
    ]
    modules = [tag_inputs(slot, ones) for slot, ones in channels.items()]
    return _program("loopback tags", cluster, entries, modules, pulses, start)


def tags_of(slot: int, channel: int) -> str:
    """Return under which name the driver gives what :func:`tag_program` has tagged there."""
    return f"slot{slot}.io{channel}.{ACQUISITION}"


def tag_inputs(slot: int, channels: Sequence[int], *, every_window: bool = False) -> ModuleSettings:
    """Return the settings of a QTM whose channels are inputs that tag rising edges.

    ``every_window``: one in which nothing came is binned as well, with a count and a time of 0.
    """
    channel: dict[str, str | float | bool] = {
        "mode": "input",
        "analog_threshold": THRESHOLD_V,
        "binned_acq_time_ref": "start",
        "binned_acq_time_source": "first",
        "binned_acq_on_invalid_time_delta": "record_0" if every_window else "error",
    }
    settings = {f"io_channel{one}": channel for one in channels}
    for quad in {one // CHANNELS_OF_A_QUAD for one in channels}:
        settings[f"quad{quad}"] = {"input_fan_out": False}  # else all four hear the first input
    return ModuleSettings(slot, "QTM", channels=settings)


def _check_pulses(pulses: int) -> None:
    if not 1 <= pulses <= PULSES_MAX:
        raise ValueError(f"a loopback takes 1 to {PULSES_MAX} pulses a start, not {pulses}")


def _waits(span_ns: int) -> list[str]:
    """Return the instructions that wait ``span_ns``; no single one is shorter than 4 ns."""
    lines: list[str] = []
    while span_ns > WAIT_MAX_NS:
        lines.append(f"wait {WAIT_MAX_NS - RT_MIN_NS}")
        span_ns -= WAIT_MAX_NS - RT_MIN_NS
    return [*lines, f"wait {span_ns}"]


def _program(
    name: str,
    cluster: str,
    entries: Sequence[SequencerProgram],
    modules: Sequence[ModuleSettings],
    pulses: int,
    start: ExternalStart,
) -> ClusterProgram:
    if len(entries[0].text.splitlines()) > limits.PROGRAM_INSTRUCTIONS_CONTROL:
        raise ValueError(f"a start {start.offset_ns} ns late does not fit into a program")
    first_ns = LEAD_NS + start.offset_ns
    return ClusterProgram(
        name=name,
        cluster=cluster,
        sequencers=tuple(entries),
        modules=tuple(modules),
        tones={},
        duration_fs=(first_ns + pulses * PERIOD_NS) * 1_000_000,
        first_shot_ns=first_ns,
        results=(),
        resources=(),
        quantised=(),
        make_listing=lambda: "\n\n".join(
            f"slot {one.slot}: {one.frame}\n{one.text}" for one in entries
        ),
        start=start,
    )
