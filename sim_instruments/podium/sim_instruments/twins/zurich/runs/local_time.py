"""The time of instruments behind one data server: what their counters make of the world's instants.

ASSUMED: all instruments of a data server that the timing plane starts have one clock.
"""

from typing import Final

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.zurich.limits import TRIGGER_INPUT_PERIOD_NS, TRIGGER_LATENCY_NS
from podium.sim_instruments.physics.tick_counter import TickCounter
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock, IdealClock

_KEPT: Final = 8


class LocalTime:
    """Local time is femtoseconds by the instruments' own clock; the world's are TAI.

    It never goes back.
    """

    def __init__(self, counter: TickCounter | None = None) -> None:
        """``counter``: of ticks of 1 ns; None: it is the world's time."""
        self.clock = None if counter is None else counter.clock
        self._counter: ClusterClock | None = counter
        self._known: dict[int, int] = {}

    def local_fs(self, at_fs: int) -> int:
        """Return what the instruments count at a world instant, floored to 1 ns."""
        if self._counter is None or at_fs <= 0:  # before anything ticks, when all is built
            return at_fs
        found = self._known.get(at_fs)
        if found is None:
            found = (self._counter.to_ticks(at_fs + 1) - 1) * FS_PER_NS
            if len(self._known) >= _KEPT:
                self._known.clear()
            self._known[at_fs] = found
        return found

    def world_fs(self, local_fs: int) -> int:
        """Return when it is so late by the instruments' clock."""
        if self._counter is None:
            return local_fs
        tick, rest_fs = divmod(local_fs, FS_PER_NS)
        from_fs = self._counter.to_world(tick)
        if not rest_fs:
            return from_fs
        return from_fs + (self._counter.to_world(tick + 1) - from_fs) * rest_fs // FS_PER_NS

    def seen_fs(self, edge_fs: int) -> int:
        """Return when, in local time, sequencers see an edge that is at the connector then.

        ASSUMED: the input is sampled on the sequencers' cycles, and each edge takes as long.
        """
        counter = self._counter or IdealClock()
        period = TRIGGER_INPUT_PERIOD_NS
        sample = -(-counter.to_ticks(edge_fs) // period) * period
        return (sample + TRIGGER_LATENCY_NS) * FS_PER_NS
