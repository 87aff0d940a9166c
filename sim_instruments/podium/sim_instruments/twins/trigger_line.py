"""Trigger cables: from an output of the timing plane to the trigger inputs of controllers.

An edge is announced ahead of its time: its source knows when it will be (the time stamp of an
event message lies tens of milliseconds ahead) and says so at once. What has been announced is taken
back only where its cable is taken off before it goes in. World time must not leap over such an
edge, and two twins see to it:

- who raises it names its instant as the limit of leaps (:attr:`.Horizon.not_beyond_fs`);
- an instrument that is armed and waits says so (:attr:`.Horizon.armed`) until its edge, the
  abort or the end of the lease has passed: :meth:`TriggerInput.horizon` does that for it.
"""

from bisect import bisect_left, insort
from collections import deque
from typing import Protocol

from podium.sim_instruments.physics.clock_makes import Cable
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.twins.twin import IDLE, Horizon

WAITING = Horizon(armed=True, busy_until_fs=None, computing=False)
"""The horizon of an instrument that waits for an edge."""
KEPT = 1024
"""Edges that an input remembers; older ones concern nobody."""


class TakesEdges(Protocol):
    """Receives edges."""

    def edge(self, at_fs: int) -> None:
        """Take a rising edge that is at the connector at ``at_fs``, TAI, told ahead of it.

        Edges of one line are announced in the order in which they were decided, which need not be
        that of their instants.
        """
        ...


class TriggerSink(TakesEdges, Protocol):
    """Accepts the plug of a trigger cable."""

    def lost(self, at_fs: int) -> None:
        """Take back an edge that was announced and will not come."""
        ...


class TriggerLine:
    """A cable, and what it ends in."""

    def __init__(self, sink: TriggerSink, cable: Cable, room: Room) -> None:
        self._sink = sink
        self._cable = cable
        self._room = room
        self._off = False
        self._told: deque[int] = deque(maxlen=KEPT)
        """When the latest edges go in, lost or not."""

    def edge(self, at_fs: int) -> None:
        """Carry an edge that goes in at ``at_fs`` to the far end."""
        self._told.append(at_fs)
        if not self._off:
            self._sink.edge(self._arrives_fs(at_fs))

    @property
    def plugged(self) -> bool:
        """Tell whether the cable is on where edges go in."""
        return not self._off

    def unplug(self, now_fs: int) -> None:
        """Take the cable off where edges go in: those to come are lost, those on their way not."""
        if not self._off:
            self._off = True
            for at_fs in self._to_come(now_fs):
                self._sink.lost(self._arrives_fs(at_fs))

    def plug(self, now_fs: int) -> None:
        """Put it back: edges that were announced meanwhile and have not gone in yet will come."""
        if self._off:
            self._off = False
            for at_fs in self._to_come(now_fs):
                self._sink.edge(self._arrives_fs(at_fs))

    def _to_come(self, now_fs: int) -> list[int]:
        return [at_fs for at_fs in self._told if at_fs >= now_fs]

    def _arrives_fs(self, at_fs: int) -> int:
        return at_fs + self._cable.delay_fs(self._room, at_fs)


class TriggerInput:
    """An instrument's trigger input: edges, and when its clock sees them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._edges_fs: list[int] = []

    def edge(self, at_fs: int) -> None:
        """Take note of an edge at the connector."""
        insort(self._edges_fs, at_fs)
        del self._edges_fs[:-KEPT]

    def lost(self, at_fs: int) -> None:
        """Forget an edge that will not come."""
        if at_fs in self._edges_fs:
            self._edges_fs.remove(at_fs)

    def first_from(self, from_fs: int) -> int | None:
        """Return when the first edge from ``from_fs`` on is at the connector, if one is known."""
        number = bisect_left(self._edges_fs, from_fs)
        return self._edges_fs[number] if number < len(self._edges_fs) else None

    def start_fs(self, armed_fs: int, now_fs: int) -> int | None:
        """Return when, in TAI, an instrument that waits since ``armed_fs`` saw its edge.

        None while it has not: a sampled input sees an edge at its next sample.
        """
        edge_fs = self.first_from(armed_fs)
        if edge_fs is None:
            return None
        captured_fs = self._clock.captured_fs(edge_fs)
        return captured_fs if captured_fs <= now_fs else None

    def horizon(self, armed_fs: int | None, now_fs: int) -> Horizon:
        """Return the horizon of an instrument that waits since ``armed_fs`` (None: it does not).

        It holds world time until it has seen its edge; aborting or the end of a lease is to
        wait no longer, and it is the instrument that says so.
        """
        if armed_fs is None or self.start_fs(armed_fs, now_fs) is not None:
            return IDLE
        return WAITING
