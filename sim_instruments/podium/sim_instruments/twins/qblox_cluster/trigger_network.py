"""The external trigger input of a cluster, and its trigger network.

One pulse at a time travels the backplane: all sequencers see it 212 ns after it was sent, and the
network takes the next one 252 ns after it (docs.qblox.com, trigger handling).
"""

import heapq
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock, next_cycle

LATENCY_NS = limits.TRIGGER_LATENCY_NS
DEAD_NS = limits.TRIGGER_DEAD_NS
FS_PER_PS = 1000


@dataclass(frozen=True, slots=True)
class SampledEdge:
    """An edge at the trigger input as the cluster's clock took it."""

    tick: int
    """At which it was sampled."""
    arrival_tick: int | None
    """When all sequencers see it; None: it was not sent."""
    address: int


class TriggerNetwork:
    """Settings, what is under way, and the monitor's counts. As after power-on at construction."""

    def __init__(self, clock: ClusterClock) -> None:
        self._clock = clock
        self._ahead: list[int] = []
        self._free_tick: int | None = None
        self.reset()

    def reset(self) -> None:
        """Return to the state after power-on; pulses that are on their way still arrive."""
        self.delay_ps = 0
        self.enabled = False
        self.address = 1
        self.counts = [0] * (limits.TRIGGERS + 1)
        self.latest = 0

    def edge(self, at_fs: int) -> None:
        """Let a rising edge arrive at the trigger input at a world instant."""
        heapq.heappush(self._ahead, at_fs)

    def lost(self, at_fs: int) -> None:
        """Forget an edge that will not come."""
        if at_fs in self._ahead:
            self._ahead.remove(at_fs)
            heapq.heapify(self._ahead)

    def ahead_fs(self) -> int | None:
        """Return when the next edge comes to the input, as far as is known."""
        return self._ahead[0] if self._ahead else None

    def take(self, now_fs: int) -> list[SampledEdge]:
        """Return the edges that came to the input by ``now_fs`` and were not yet returned."""
        sampled: list[SampledEdge] = []
        while self._ahead and self._ahead[0] <= now_fs:
            at_fs = heapq.heappop(self._ahead) + self.delay_ps * FS_PER_PS
            tick = next_cycle(self._clock, at_fs)
            arrival = self.send(tick, self.address) if self.enabled else None
            sampled.append(SampledEdge(tick, arrival, self.address))
        return sampled

    def measured(self, ticks: NDArray[np.int64], addresses: NDArray[np.int64]) -> None:
        """Note pulses that measurements sent, in their order; their run has dealt with them."""
        if not len(ticks):
            return
        self._free_tick = max(int(ticks.max()) + DEAD_NS, self._free_tick or 0)
        for address, count in enumerate(np.bincount(addresses).tolist()):
            self.counts[address] += count
        self.latest = int(addresses[-1])

    def send(self, tick: int, address: int) -> int | None:
        """Send a pulse; return when it arrives, None where the network is still busy.

        ASSUMED: a pulse that finds it busy is lost without a word.
        """
        if self._free_tick is not None and tick < self._free_tick:
            return None
        self._free_tick = tick + DEAD_NS
        self.counts[address] += 1
        self.latest = address
        return tick + LATENCY_NS
