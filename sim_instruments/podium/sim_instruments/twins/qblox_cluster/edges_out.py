"""From what sequencers do to the edges that leave markers and digital outputs."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.digital_lines import EdgeTrain
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.output_stage import marker_rows, switch_bit
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import RealTimeTrace
from podium.sim_instruments.twins.qblox_cluster.sequencer_run import SequencerRun

FINE_PER_STEP = 5
"""Fine delays count 1/128 ns; outputs move in steps of 39 ps (docs.qblox.com, timetag sequencers),
here 5/128 ns."""
FINE_DELAY_FS = 7812.5
"""One unit of a fine delay."""
DELAYED_APART_NS = 7
"""Edges with fine delays keep this distance (qblox-scheduler 1.0.1 constants)."""
DELAY_OUT_OF_ORDER = "DIO DELAY OUT OF ORDER"


def edge_trains(
    runs: Sequence[SequencerRun],
    traces: Sequence[RealTimeTrace],
    start_tick: int,
    clock: ClusterClock,
) -> tuple[EdgeTrain, ...]:
    """Return all edges of one run, of markers and of digital outputs."""
    trains: list[EdgeTrain] = []
    for slot in sorted({run.slot for run in runs}):
        both = zip(runs, traces, strict=True)
        mine = [(run, trace) for run, trace in both if run.slot == slot]
        if mine[0][0].afe.model.channels:
            trains += [train for one in mine if (train := _digital(*one, start_tick, clock))]
        else:
            trains += _markers(mine, start_tick, clock)
    return tuple(trains)


def _digital(
    run: SequencerRun, trace: RealTimeTrace, start_tick: int, clock: ClusterClock
) -> EdgeTrain | None:
    """ASSUMED: an output falls when its sequencer stops."""
    if run.channel is None or run.channel["out_mode"] != "sequencer":
        return None
    times, levels = _changes(trace.time_ns, trace.gain0 != 0, trace.end_ns)
    delays = np.append(trace.offs0, 0)[np.searchsorted(trace.time_ns, times)]
    at_fs = tuple(
        clock.to_world(start_tick + time)
        + round(round(delay / FINE_PER_STEP) * FINE_PER_STEP * FINE_DELAY_FS)
        for time, delay in zip(times.tolist(), delays.tolist(), strict=True)
    )
    return EdgeTrain(f"slot{run.slot}.io{run.sequencer}", at_fs, levels) if at_fs else None


def delays_out_of_order(trace: RealTimeTrace) -> bool:
    """Tell whether edges with fine delays come too close. ASSUMED: that is what the flag means."""
    times, _ = _changes(trace.time_ns, trace.gain0 != 0, trace.end_ns)
    delays = np.append(trace.offs0, 0)[np.searchsorted(trace.time_ns, times)]
    either = (delays[1:] != 0) | (delays[:-1] != 0)
    return bool(np.any(either & (np.diff(times) < DELAYED_APART_NS)))


def _markers(
    mine: Sequence[tuple[SequencerRun, RealTimeTrace]], start_tick: int, clock: ClusterClock
) -> list[EdgeTrain]:
    """Markers of all sequencers are combined by OR. ASSUMED: they fall when their sequencer stops.

    Bits that work the switches of RF outputs leave no connector.
    """
    afe = mine[0][0].afe
    switches = {switch_bit(afe, n) for n in range(len(afe.model.outputs))} if afe.model.rf else ()
    trains: list[EdgeTrain] = []
    for bit in range(afe.model.markers):
        if bit in switches:
            continue
        steps: dict[int, int] = {}
        for run, trace in mine:
            rows_ns, markers = marker_rows(run, trace)
            times, levels = _changes(
                rows_ns, (markers.astype(np.int64) >> bit & 1) == 1, trace.end_ns
            )
            for time, level in zip(times.tolist(), levels.tolist(), strict=True):
                steps[time] = steps.get(time, 0) + (1 if level else -1)
        high, at_fs, rising = 0, [], []
        for time in sorted(steps):
            before, high = high, high + steps[time]
            if (before > 0) != (high > 0):
                at_fs.append(clock.to_world(start_tick + time))
                rising.append(high > 0)
        if at_fs:
            name = f"slot{mine[0][0].slot}.marker{bit}"
            trains.append(EdgeTrain(name, tuple(at_fs), np.array(rising, np.bool_)))
    return trains


def _changes(
    time_ns: NDArray[np.int64], level: NDArray[np.bool_], end_ns: int
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return when a level changes that is low before the first row and after the end."""
    held = np.concatenate([[False], level, [False]])
    times = np.append(time_ns, end_ns)
    change = held[1:] != held[:-1]
    return times[change], held[1:][change]
