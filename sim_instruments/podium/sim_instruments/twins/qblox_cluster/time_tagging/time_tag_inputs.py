"""Finds edges at the inputs of time-tag sequencers during a run."""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from podium.sim_instruments.physics.digital_lines import Edge
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.outputs.sent_edges import RunLines


def tag_noise_key(serial: str, slot: int, channel: int, from_fs: int) -> int:
    """Return the key of the jitter of tags: of a channel, of a run."""
    key = zlib.crc32(f"{serial} {slot} {channel}".encode())
    return key << 64 | from_fs % (1 << 64)


@dataclass(frozen=True, slots=True, eq=False)
class TimeTagInputs:
    """Finds edges at one cluster's time-tag inputs during one run. Thread-safe."""

    run: RunLines
    """What the run sends to."""
    serial: str
    listening: frozenset[tuple[int, int]]
    """Slot and channel of the run's time-tag sequencers."""
    connectors: Mapping[tuple[int, int], str]
    """What an input hears, by slot and channel."""
    quads: Mapping[tuple[int, int], Mapping[str, Any]]
    """Settings of its quad."""
    epoch_subs: int

    @property
    def clock(self) -> ClusterClock:
        """Return the cluster's clock."""
        return self.run.clock

    @property
    def start_tick(self) -> int:
        """Return the tick at which the run began."""
        return self.run.start_tick

    def awaits(self, until_ns: int) -> bool:
        """Tell whether what others send to inputs of the run until a time is not known yet."""
        until_fs, run = self.run.world_fs(until_ns), self.run
        inputs = {self.connectors[place] for place in self.listening}
        return any(run.lines.awaits(one, until_fs, run.promise) for one in inputs)

    def heard(self, slot: int, channel: int, from_ns: int, until_ns: int) -> list[Edge] | None:
        """Return what arrives at an input in a stretch of time; None: it is not known yet."""
        span = self.run.world_fs(from_ns), self.run.world_fs(until_ns)
        return self.run.lines.heard(self.connectors[slot, channel], *span)
