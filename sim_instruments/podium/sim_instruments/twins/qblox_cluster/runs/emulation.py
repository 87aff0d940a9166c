"""Executes a compiled program by itself, without a world, for the signals a cluster would send.

The same processors and the same output stage as in the twin; local oscillators are left out, so
phases are those of the sequencers' own oscillators.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.identity import MODULE_MODELS, ModuleModel
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, SequencerProgram
from podium.firmware_interfaces.qblox_cluster.q1asm import AssemblyError, assemble
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    BadConfiguration,
    checked,
    default_configuration,
)
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    OUTPUT_OVERFLOW,
    SwitchTimeline,
    marker_rows,
    output_lines,
    pulse_trains,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import Q1Group
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    EventKind,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.performance import processors_of, switches_of
from podium.sim_instruments.twins.qblox_cluster.runs.prescribed_results import (
    proceed_with,
    result_senders,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import (
    Afe,
    ChannelMap,
    SequencerRun,
)

TRIGGER_NS = 2_000
"""A program that waits for the external trigger is given it so long after its start."""
BEYOND_NS = 1_000
"""So much more than what was asked for is executed: an acquisition looks back."""

Span = tuple[int, int]
"""Start, ns from the common start as :class:`ClusterProgram` has it, and duration, ns."""


class CannotEmulate(ValueError):
    """The program cannot be executed here. The message says which sequencer, and why."""


def emulate(
    program: ClusterProgram, spans: Sequence[Span], results: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Execute ``program`` up to the end of the last span; return what it does in each, as plain
    values. ``results``: by capture, what its acquisitions come to; 0 where it is not named.

    ``sequencers``, in the order of the program's: ``ending``, ``ended_ns`` (from the common start),
    ``flags``, ``log``, ``pieces``, ``spans``. A piece is a stretch of signal, equal ones are given
    once: ``i`` and ``q`` words of the paths, the ``level`` held after them, ``duration_ns``,
    ``nco_hz``. A span has ``stretches`` (start in ns from the span's, piece, phase in turns),
    ``captures`` (start, nco_hz, phase, acquisition index, bin) and ``switch`` (from, to: when the
    output's switch is closed).

    Raises :class:`CannotEmulate`.
    """
    try:
        runs = [_sequencer_run(program, entry) for entry in program.sequencers]
        traces, common_ns = _execute(program, runs, spans, results or {})
    except (NotEmulated, AssemblyError, BadConfiguration) as error:
        raise CannotEmulate(f"{program.name}: {error}") from error
    markers = [marker_rows(run, trace) for run, trace in zip(runs, traces, strict=True)]
    switches_by_slot = switches_of(runs, markers)
    told = []
    for entry, run, trace in zip(program.sequencers, runs, traces, strict=True):
        switches = switches_by_slot[run.slot]
        (line,) = output_lines(run)
        trains, overflowed = pulse_trains(run, trace, switches)
        told.append(
            {
                "slot": entry.slot,
                "sequencer": entry.sequencer,
                "frame": entry.frame,
                "ending": trace.ending.value,
                "ended_ns": trace.end_ns - common_ns,
                "flags": [*trace.flags, *([OUTPUT_OVERFLOW] if overflowed else [])],
                "log": list(trace.log),
                "pieces": _pieces(trains, line.factor),
                "spans": [
                    {
                        "stretches": _stretches(trains, start_ns + common_ns, duration_ns),
                        "captures": _captures(trace, start_ns + common_ns, duration_ns),
                        "switch": _closed(
                            switches[line.output], start_ns + common_ns, duration_ns, trace.end_ns
                        ),
                    }
                    for start_ns, duration_ns in spans
                ],
            }
        )
    return {"sequencers": told}


def _execute(
    program: ClusterProgram,
    runs: Sequence[SequencerRun],
    spans: Sequence[Span],
    results: Mapping[str, int],
) -> tuple[tuple[RealTimeTrace, ...], int]:
    processors = processors_of(runs, [entry.frame for entry in program.sequencers])
    start = program.start
    triggers = () if start is None else (Trigger(TRIGGER_NS, start.address),)
    end_ns = max((begin + duration for begin, duration in spans), default=0)
    before_ns = TRIGGER_NS + limits.SYNC_NS + BEYOND_NS
    together = Q1Group(processors, limits=Limits(time_ns=end_ns + before_ns))
    if any(entry.listens_to for entry in program.sequencers):
        proceed_with(together, result_senders(program, results), triggers)
    else:
        together.proceed(triggers)
    together.refuse_to_wait()
    released_ns = next(iter(together.synced_ns), 0)
    # Without a trigger the common start is the start, the time of the meeting left out.
    common_ns = min(released_ns, limits.SYNC_NS) if start is None else released_ns
    return together.traces(), common_ns


def _sequencer_run(program: ClusterProgram, entry: SequencerProgram) -> SequencerRun:
    kind = next((one.module for one in program.modules if one.slot == entry.slot), "none")
    model = MODULE_MODELS.get(kind)
    if model is None:
        raise CannotEmulate(
            f"{program.name}: {entry.frame} is in slot {entry.slot}, whose module is {kind!r}; "
            f"there are {', '.join(MODULE_MODELS)}"
        )
    if not (entry.output or entry.waveforms or model.channels):
        raise CannotEmulate(
            f"{program.name}: {entry.frame} works a marker and plays no pulses: what travels from "
            "one cluster to another cannot be shown"
        )
    if model.channels:
        raise CannotEmulate(
            f"{program.name}: {entry.frame} is on a {kind}, which plays no pulses: only sequencers "
            "with analogue outputs can be shown"
        )
    plain = default_configuration()
    awg, acq = plain["awg"][0], plain["acq"][0]
    awg["mixer"]["en"] = True
    awg["nco"]["freq_hz"] = entry.nco_hz
    plain["seq_proc"]["sync_en"] = entry.sync
    if entry.input is not None:
        acq["demod"]["en"] = True
        acq["th_acq"]["non_weighed_integration_len"] = entry.integration_ns
    outputs = len(model.outputs)
    return SequencerRun(
        slot=entry.slot,
        sequencer=entry.sequencer,
        afe=Afe(model, (0,) * outputs, (True,) * outputs, (0,) * outputs, 0, (0, 0)),
        program=assemble(entry.text),
        configuration=checked(plain),
        outputs=_channels(program, entry, model),
        inputs=((), ()),
        waveforms={
            wave.index: np.floor(np.array(wave.samples) * limits.DAC_MAX + 0.5).astype(np.int16)
            for wave in entry.waveforms
        },
        weights={},
        acquisitions={one.index: one.bins for one in entry.acquisitions},
        scope=False,
    )


def _channels(program: ClusterProgram, entry: SequencerProgram, model: ModuleModel) -> ChannelMap:
    """Return the channels that ``out1`` (RF) or ``out2_3`` (baseband) stand for."""
    count = len(model.outputs)
    known: dict[str, ChannelMap] = {
        f"out{n}": ((2 * n,), (2 * n + 1,)) for n in range(count) if model.rf
    }
    known |= {f"out{n}_{n + 1}": ((n,), (n + 1,)) for n in range(0, count, 2) if not model.rf}
    if entry.output not in known:
        raise CannotEmulate(
            f"{program.name}: {entry.frame} plays on {entry.output!r} of a {model.name}; that has "
            f"{', '.join(known)}"
        )
    return known[entry.output]


def _pieces(trains: Sequence[PulseTrain], factor: complex) -> list[dict[str, Any]]:
    """Return the stretches of signal in words of the converters."""
    told = []
    for train in trains:
        for piece in train.pieces:
            words = np.rint(piece.samples / factor * limits.DAC_MAX * 1e6) / 1e6
            level = piece.level / factor * limits.DAC_MAX
            told.append(
                {
                    "i": words.real.tolist(),
                    "q": words.imag.tolist(),
                    "level": [round(level.real, 6), round(level.imag, 6)],
                    "duration_ns": piece.duration_ns,
                    "nco_hz": piece.carrier_hz,
                }
            )
    return told


def _stretches(
    trains: Sequence[PulseTrain], start_ns: int, duration_ns: int
) -> list[tuple[int, int, float]]:
    told: list[tuple[int, int, float]] = []
    before = 0
    for train in trains:
        first = int(np.searchsorted(train.start_ns + train.lasts_ns, start_ns, side="right"))
        last = int(np.searchsorted(train.start_ns, start_ns + duration_ns))
        told += [
            (
                int(train.start_ns[k]) - start_ns,
                before + int(train.piece[k]),
                float(train.phase_turns[k]),
            )
            for k in range(first, last)
        ]
        before += len(train.pieces)
    return told


def _captures(
    trace: RealTimeTrace, start_ns: int, duration_ns: int
) -> list[tuple[int, float, float, int, int]]:
    first, last = np.searchsorted(trace.time_ns, [start_ns, start_ns + duration_ns])
    rows = np.flatnonzero(trace.kind[first:last] == EventKind.ACQUIRE) + first
    return [
        (
            int(trace.time_ns[k]) - start_ns,
            int(trace.nco_freq[k]) / limits.NCO_STEPS_PER_HZ,
            float(trace.nco_phase[k]) * 1e-9,
            int(trace.acq[k]),
            int(trace.bin[k]),
        )
        for k in rows
    ]


def _closed(
    switch: SwitchTimeline, start_ns: int, duration_ns: int, end_ns: int
) -> list[tuple[int, int]]:
    """Return when the switch is closed within a span; ns from its start."""
    edges = [*switch.time_ns.tolist(), max(end_ns, start_ns + duration_ns)]
    spans = [
        (max(0, begin - start_ns), min(duration_ns, end - start_ns))
        for begin, end, on in zip(edges, edges[1:], switch.on.tolist(), strict=False)
        if on
    ]
    return [(begin, end) for begin, end in spans if begin < end]
