"""A run that goes on in pieces sends the edges that are known so far: others may wait for them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from podium.sim_instruments.physics.digital_lines import LinesEnd, Promise
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.outputs.digital_outputs import levels_out
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import edge_trains
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import SequencerRun

DELAY_NS: Final = 16
"""The longest fine delay."""
BEFORE_NS: Final = 2
"""Edges from so long before the run's start on are its own."""
_OVER: Final = (Ending.STOPPED, Ending.CUT)


@dataclass(frozen=True, slots=True)
class RunLines:
    """Lines to which one run of a cluster sends, and its clock."""

    lines: LinesEnd
    promise: Promise
    clock: ClusterClock
    start_tick: int

    def world_fs(self, at_ns: int) -> int:
        """Return the world's instant of a time from the start of the run."""
        return self.clock.to_world(self.start_tick + at_ns)


class SentEdges:
    """Markers and digital outputs of a run's sequencers, until a time that moves on."""

    def __init__(
        self, runs: Sequence[SequencerRun], processors: Sequence[Q1Run], to: RunLines
    ) -> None:
        self._runs, self._processors, self._to = tuple(runs), tuple(processors), to
        self._context = [0] * len(self._runs)
        """First row of each that may still move an edge."""
        self.told_ns = -BEFORE_NS
        """Until when edges were sent."""

    def tell(self, until_ns: int) -> None:
        """Send the edges until a time before which all is known that the run does."""
        if until_ns <= self.told_ns:
            return
        traces: list[RealTimeTrace] = []
        for number, (run, processor) in enumerate(zip(self._runs, self._processors, strict=True)):
            rows = processor.rows(self._context[number], until_ns)
            end_ns = until_ns
            if processor.ending in _OVER:
                end_ns = min(until_ns, processor.time_ns)
            traces.append(replace(rows, end_ns=end_ns))
            past_ns = until_ns - DELAY_NS - max(run.afe.marker_delay_ns, default=0)
            past = int(np.searchsorted(rows.time_ns, past_ns, side="left"))
            self._context[number] += max(past - 1, 0)
        to = self._to
        levels = levels_out(self._runs, traces, to.start_tick, to.clock)
        span = to.world_fs(self.told_ns), to.world_fs(until_ns)
        to.lines.send_on(to.promise, edge_trains(levels, {}), *span)
        self.told_ns = until_ns
