"""From what sequencers do to the levels of markers and digital outputs."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import Levels
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import (
    has_switches,
    marker_rows,
    switch_bit,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import RealTimeTrace
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

FINE_PER_STEP = 5
"""Fine delays count 1/128 ns; outputs move in steps of 39 ps (docs.qblox.com, timetag sequencers),
here 5/128 ns."""
FINE_DELAY_FS = 7812.5
"""One unit of a fine delay."""
DELAYED_APART_NS = 7
"""Edges with fine delays keep this distance (qblox-scheduler 1.0.1 constants)."""
DELAY_OUT_OF_ORDER = "DIO DELAY OUT OF ORDER"
RESULT_MARKER_NS = 168
"""From the end of an integration to a marker of the same module (docs.qblox.com, feedback)."""


def levels_out(
    runs: Sequence[SequencerRun],
    traces: Sequence[RealTimeTrace],
    start_tick: int,
    clock: ClusterClock,
) -> tuple[Levels, ...]:
    """Return what each sequencer does to markers and digital outputs.

    Bits that work the switches of RF outputs leave no connector. ASSUMED: markers and outputs
    fall when their sequencer stops.
    """
    found: list[Levels] = []
    for run, trace in zip(runs, traces, strict=True):
        if run.afe.model.channels:
            found += _digital(run, trace, start_tick, clock)
        else:
            found += _markers(run, trace, start_tick, clock)
    return tuple(one for one in found if one.at_fs)


def _digital(
    run: SequencerRun, trace: RealTimeTrace, start_tick: int, clock: ClusterClock
) -> Iterator[Levels]:
    if run.channel is None or run.channel["out_mode"] != "sequencer":
        return
    times, _ = _changes(trace.time_ns, trace.gain0 != 0, trace.end_ns)
    delays = np.append(trace.offs0, 0)[np.searchsorted(trace.time_ns, times)]
    at_fs = tuple(
        clock.to_world(start_tick + time)
        + round(round(delay / FINE_PER_STEP) * FINE_PER_STEP * FINE_DELAY_FS)
        for time, delay in zip(times.tolist(), delays.tolist(), strict=True)
    )
    yield Levels(f"slot{run.slot}.io{run.sequencer}", run.slot, run.sequencer, at_fs)


def _markers(
    run: SequencerRun, trace: RealTimeTrace, start_tick: int, clock: ClusterClock
) -> Iterator[Levels]:
    rows_ns, markers = marker_rows(run, trace)
    for bit in _shown(run):
        times, _ = _changes(rows_ns, (markers.astype(np.int64) >> bit & 1) == 1, trace.end_ns)
        yield _on_marker(run, bit, times.tolist(), start_tick, clock)


def _shown(run: SequencerRun) -> Iterator[int]:
    """Return the markers of a module that leave it; others work the switches of RF outputs."""
    afe = run.afe
    switches = (
        {switch_bit(afe, n) for n in range(len(afe.model.outputs))} if has_switches(afe) else ()
    )
    return (bit for bit in range(afe.model.markers) if bit not in switches)


def _on_marker(
    run: SequencerRun, bit: int, times_ns: Sequence[int], start_tick: int, clock: ClusterClock
) -> Levels:
    begin = start_tick + run.afe.marker_delay_ns[bit]
    return Levels(
        f"slot{run.slot}.marker{bit}",
        run.slot,
        run.sequencer,
        tuple(clock.to_world(begin + time) for time in times_ns),
        run.afe.marker_inverted[bit],
    )


def results_out(
    run: SequencerRun,
    results: Sequence[tuple[int, bool]],
    end_ns: int,
    start_tick: int,
    clock: ClusterClock,
) -> tuple[Levels, ...]:
    """Return what thresholded acquisitions, (end, bit) in their order, do to markers.

    ASSUMED: a marker holds the last result until the next, and falls when the sequencer stops.
    """
    mask = run.configuration.marker_mask
    shown = [bit for bit in _shown(run) if mask >> bit & 1]
    if not shown or not results:
        return ()
    times = np.array([at + RESULT_MARKER_NS for at, _ in results], np.int64)
    high = np.array([above == run.configuration.marker_on for _, above in results], np.bool_)
    changes, _ = _changes(times, high, max(end_ns, int(times[-1]) + 1))
    found = [_on_marker(run, bit, changes.tolist(), start_tick, clock) for bit in shown]
    return tuple(one for one in found if one.at_fs)


def delays_out_of_order(trace: RealTimeTrace) -> bool:
    """Tell whether edges with fine delays come too close. ASSUMED: that is what the flag means."""
    times, _ = _changes(trace.time_ns, trace.gain0 != 0, trace.end_ns)
    delays = np.append(trace.offs0, 0)[np.searchsorted(trace.time_ns, times)]
    either = (delays[1:] != 0) | (delays[:-1] != 0)
    return bool(np.any(either & (np.diff(times) < DELAYED_APART_NS)))


def _changes(
    time_ns: NDArray[np.int64], level: NDArray[np.bool_], end_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return when a level changes that is low before the first row and after the end."""
    held = np.concatenate([[False], level, [False]])
    times = np.append(time_ns, end_ns)
    change = held[1:] != held[:-1]
    return times[change], held[1:][change]
