"""The trigger outputs of a WRTD node: pulses that are due, and the cables that they go into."""

from collections import deque

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.wrtd_node import OUTPUT_STEP_FS, PULSE_WIDTH_NS, QUEUE_MAX
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.twins.trigger_line import TakesEdges

PULSE_FS = PULSE_WIDTH_NS * FS_PER_NS
KEPT = 1024
"""Edges that are remembered."""


class Output:
    """One output. It rises at times of the node's clock, which TAI knows better."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sinks: list[TakesEdges] = []
        self._edges_fs: deque[int] = deque(maxlen=KEPT)

    def connect(self, sink: TakesEdges) -> None:
        """Plug in a cable; it receives edges from now on."""
        self._sinks.append(sink)

    def has_room(self, now_fs: int) -> bool:
        """Tell whether it can take another pulse at ``now_fs``, TAI."""
        return sum(edge_fs > now_fs for edge_fs in self._edges_fs) < QUEUE_MAX

    def raise_at(self, due_fs: int) -> None:
        """Rise when the node's clock shows ``due_fs``, on the next step that the output has.

        While a pulse is high there is no new edge (ASSUMED: two pulses run together).
        """
        placed_fs = -(-due_fs // OUTPUT_STEP_FS) * OUTPUT_STEP_FS
        edge_fs = self._clock.world_fs(placed_fs)
        if any(abs(edge_fs - before_fs) < PULSE_FS for before_fs in self._edges_fs):
            return
        self._edges_fs.append(edge_fs)
        for sink in self._sinks:
            sink.edge(edge_fs)

    def edges(self) -> tuple[int, ...]:
        """Return when it rose and will rise, TAI, fs, in the order in which that was decided."""
        return tuple(self._edges_fs)

    def next_edge_fs(self, now_fs: int) -> int | None:
        """Return when it rises next after ``now_fs``, if it is to."""
        return min((edge_fs for edge_fs in self._edges_fs if edge_fs > now_fs), default=None)
