"""Instants of edges in units of a cluster's time: one by one, or thousands of them at a time."""

from collections.abc import Sequence

import numpy as np

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import (
    SUBS_PER_TICK,
    ClusterClock,
    subs,
)

ONE_BY_ONE = 256
"""Edges up to which each is asked for: an instant takes a tenth of a millisecond to find."""


def edge_subs(clock: ClusterClock, edges_fs: Sequence[int]) -> list[int]:
    """Return ascending world instants in units of 1/2048 tick.

    Many of them by the ticks nearest to them, a clock's phase noise being that of these: some ps
    off what :func:`.cluster_clock.subs` says, which goes on evenly from tick to tick.
    """
    last = len(edges_fs) - 1
    if last < ONE_BY_ONE or not isinstance(clock, TickCounter):
        return [subs(clock, at_fs) for at_fs in edges_fs]
    if not clock.clock.held(edges_fs[0], edges_fs[last]):
        return [subs(clock, at_fs) for at_fs in edges_fs]
    from podium.sim_instruments.physics.clock_instants import lateness_fs  # compiled

    start_tick = clock.to_ticks(edges_fs[0])
    start_fs = clock.to_world(start_tick)
    after_fs = np.array([at_fs - start_fs for at_fs in edges_fs], np.int64)
    at_ns = after_fs // FS_PER_NS
    rest_fs = after_fs - at_ns * FS_PER_NS - lateness_fs(clock, start_tick, start_fs, at_ns)
    parts = at_ns * SUBS_PER_TICK + rest_fs * SUBS_PER_TICK // FS_PER_NS
    return [start_tick * SUBS_PER_TICK + part for part in parts.tolist()]
