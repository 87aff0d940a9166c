"""Twin of a WRTD node: event messages in over UDP, trigger pulses out at TAI times.

Its host service (rules, counters, log) is the second port, see
:mod:`podium.firmware_interfaces.wrtd_node`. This firmware build has four outputs and no inputs
and alarms: it sends no messages.
"""

from collections import deque
from collections.abc import Callable, Mapping

from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.firmware_interfaces.wrtd import UDP_PORT, EventMessage, MessageError, decode
from podium.firmware_interfaces.wrtd_node import LOG_MAX, OUTPUTS, TCP_PORT, Link, Timestamp
from podium.sim_instruments.physics.clock_makes import WHITE_RABBIT, ClockMake
from podium.sim_instruments.physics.clocks import Clock, LockState
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.trigger_line import TakesEdges
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session
from podium.sim_instruments.twins.wrtd_node.outputs import Output
from podium.sim_instruments.twins.wrtd_node.rules import Miss, Rule
from podium.sim_instruments.twins.wrtd_node.service import Service, ServiceSession

ONLINE_FS = FS_PER_S
SYNCING_FS = 8 * FS_PER_S
"""How long a link is in each state on its way to being synchronised; the rest of the time that
its lock takes it waits. ASSUMED."""
GUARD_FS = 5 * FS_PER_S // 1000
"""World time must not leap nearer than this to an edge that is to come."""
COUNTER_FS = 8 * FS_PER_NS
"""Its time of day counts cycles of 125 MHz."""


class WrtdNode:
    """A node with :data:`OUTPUTS` outputs, ``LC-O1`` and on."""

    def __init__(
        self, serial: str, clock_of: Callable[[ClockMake], Clock], domain: str = "0"
    ) -> None:
        """``clock_of`` makes the node's clock; ``domain``: the LXI domain whose events it hears."""
        self.serial = serial
        self.clock = clock_of(WHITE_RABBIT)
        self.rules: dict[str, Rule] = {}
        self.outputs: dict[str, Output] = {
            f"LC-O{n + 1}": Output(self.clock) for n in range(OUTPUTS)
        }
        self.log: deque[str] = deque(maxlen=LOG_MAX)
        self.logging: bool = False
        self._domain = int(domain)
        self._datagrams = 0
        self._garbage = 0
        self._service = Service(self)

    @property
    def ports(self) -> Mapping[str, int]:
        """The UDP port of the messages and the TCP port of the host service."""
        return {"service": TCP_PORT, "events": UDP_PORT}

    @property
    def datagram_ports(self) -> frozenset[str]:
        """The port of the messages."""
        return frozenset({"events"})

    def open(self, port: str) -> Session:
        """Return a fresh connection to the host service."""
        if port != "service":
            raise KeyError(f"no port {port!r} for connections, there is service")
        return ServiceSession(self._service)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that world time may not leap to an edge that is to come."""
        ahead = [output.next_edge_fs(now_fs) for output in self.outputs.values()]
        edges = [edge_fs for edge_fs in ahead if edge_fs is not None]
        if not edges:
            return IDLE
        return Horizon(False, None, False, not_beyond_fs=min(edges) - GUARD_FS)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on; what is no event message is unknown."""
        calls = self._service.tallies()
        return {
            "commands": calls["commands"] + self._datagrams,
            "unknown": calls["unknown"] + self._garbage,
            "unmeant": calls["unmeant"],
        }

    def tell(self, listener: CommandListener) -> None:
        """Tell of every call from now on; see :class:`.command_observer.ReportsCommands`.

        Event messages are no commands.
        """
        self._service.ear.listener = listener

    def connect(self, output: str, sink: TakesEdges) -> None:
        """Plug a cable into ``LC-O1`` or another; KeyError names those that there are."""
        if output not in self.outputs:
            raise KeyError(f"no output {output!r}, there are {', '.join(self.outputs)}")
        self.outputs[output].connect(sink)

    def time_of_day(self, now_fs: int) -> Timestamp:
        """Return what its counter of the time of day shows."""
        return Timestamp.from_fs(self.clock.local_fs(now_fs) // COUNTER_FS * COUNTER_FS)

    # --- its network ------------------------------------------------------------------

    def link(self, now_fs: int) -> Link:
        """Return how it stands to its White Rabbit network."""
        state = self.clock.state(now_fs)
        if state is not LockState.LOCKING:
            return Link.SYNCED if state is LockState.LOCKED else Link.OFFLINE
        since_fs = now_fs - self.clock.since_fs(now_fs)
        if since_fs < ONLINE_FS:
            return Link.ONLINE
        return Link.SYNCING if since_fs < ONLINE_FS + SYNCING_FS else Link.WAIT

    def unplug(self, now_fs: int) -> None:
        """Take its fibre off: the fault."""
        self.clock.lose(now_fs)

    def plug(self, now_fs: int) -> None:
        """Put its fibre on: it synchronises, in a new epoch."""
        self.clock.lock(now_fs)

    # --- events -----------------------------------------------------------------------

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        """Take an event message. There is never an answer."""
        self._datagrams += 1
        try:
            message = decode(datagram)
        except MessageError:
            self._garbage += 1
            return b""
        if message.domain == self._domain:
            self._take(message, now_fs)
        return b""

    def _take(self, message: EventMessage, now_fs: int) -> None:
        """Apply every rule that the event is the source of."""
        local_fs = self.clock.local_fs(now_fs)
        synced = self.link(now_fs) is Link.SYNCED
        event_fs = message.at.total_fs
        self._note("NETWORK", "RX", message.event_id, message.sequence, event_fs, local_fs)
        for rule in self.rules.values():
            if not rule.enabled or rule.source != message.event_id:
                continue
            output = self.outputs[rule.destination]
            before = dict(rule.counts.missed)
            due_fs = rule.take(event_fs, local_fs, synced, output.has_room(now_fs))
            if due_fs is None:
                why = next(miss for miss in Miss if rule.counts.missed[miss] > before[miss])
                told = ("DISCARDED", why.name, message.event_id)
                self._note(*told, message.sequence, event_fs, local_fs)
                continue
            output.raise_at(due_fs)
            self._note("CONSUMED", "START", rule.destination, message.sequence, due_fs, local_fs)

    def _note(self, kind: str, why: str, name: str, sequence: int, at_fs: int, now_fs: int) -> None:
        """Write to the log. ASSUMED: its form; the library's has these things in it."""
        if self.logging:
            instants = f"{Tai.from_fs(at_fs)}|{Tai.from_fs(now_fs)}"
            self.log.append(f"{name}|{sequence}|{instants}|{kind}|{why}")
