"""Finds edges at the inputs of time-tag sequencers during a run, the run's own among them."""

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from podium.sim_instruments.physics.digital_lines import Edge, LinesEnd, Promise
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.outputs.levels import Levels, edge_trains


def tag_noise_key(serial: str, slot: int, channel: int, from_fs: int) -> int:
    """Return the key of the jitter of tags: of a channel, of a run."""
    key = zlib.crc32(f"{serial} {slot} {channel}".encode())
    return key << 64 | from_fs % (1 << 64)


@dataclass(frozen=True, slots=True, eq=False)
class TimeTagInputs:
    """Finds edges at one cluster's time-tag inputs during one run. Thread-safe."""

    lines: LinesEnd
    promise: Promise
    """Of what the run sends."""
    clock: ClusterClock
    start_tick: int
    serial: str
    connectors: Mapping[tuple[int, int], str]
    """What an input hears, by slot and channel."""
    quads: Mapping[tuple[int, int], Mapping[str, Any]]
    """Settings of its quad."""
    epoch_subs: int

    def tell(self, levels: Sequence[Levels], from_ns: int, until_ns: int) -> None:
        """Send the run's own edges of a stretch of time: all of them are known."""
        from_fs, until_fs = self._world(from_ns), self._world(until_ns)
        self.lines.send_on(self.promise, edge_trains(levels, {}), from_fs, until_fs)

    def heard(self, slot: int, channel: int, from_ns: int, until_ns: int) -> list[Edge] | None:
        """Return what arrives at an input in a stretch of time; None: it is not known yet."""
        span = self._world(from_ns), self._world(until_ns)
        return self.lines.heard(self.connectors[slot, channel], *span)

    def _world(self, at_ns: int) -> int:
        return self.clock.to_world(self.start_tick + at_ns)
