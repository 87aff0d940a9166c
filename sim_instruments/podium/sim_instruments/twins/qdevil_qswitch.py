"""Twin of the QDevil QSwitch: 240 relays, over TCP or UDP as its firmware has it.

ASSUMED: a relay switches at once, before the next command.
"""

from collections.abc import Iterable, Mapping

from podium.firmware_interfaces import qdevil_qswitch as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import Expression
from podium.firmware_interfaces.qdevil_qswitch import Relay
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, DeviceSession, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer
from podium.sim_instruments.twins.twin import Session

OPTIONS = None
SETTINGS: Mapping[Command, Value] = {box.AUTOSAVE: False, box.BEEPER: False}
"""At power-on, where nothing was saved, and after *RST. ASSUMED: that of the beeper."""


class QdevilQswitch(MessageTwin):
    """A QSwitch. Its relays are what was saved when it is switched on, if autosave is on."""

    def __init__(
        self,
        serial: str,
        firmware: str = box.RELEASES[-1],
        flux_lines: Mapping[int, str] | None = None,
    ) -> None:
        """``firmware``: one of :data:`.qdevil_qswitch.RELEASES`; ``flux_lines``: what passes it.

        The source of each of these flux lines is plugged into the input, the fridge's side of it
        into the output.
        """
        self._serial = serial
        self._lines = {name: number for number, name in (flux_lines or {}).items()}
        self._udp = box.takes_datagrams(firmware)
        self.closed: frozenset[Relay] = box.RESET
        """The relays that are closed."""
        self.stuck: frozenset[Relay] = frozenset()
        """Relays that stay as they are, whatever is said: the box does not see it. A fault."""
        self._connected: QswitchSession | None = None
        self._device = Device(
            Manners(f"{box.VENDOR},{box.MODEL},{serial},{firmware}", OPTIONS),
            self._table(),
            reset=self._reset,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.PORT})
        self._reset(0)

    @property
    def datagram_ports(self) -> frozenset[str]:
        """The same port, where its firmware has it as UDP."""
        return frozenset(self.ports) if self._udp else frozenset()

    def open(self, port: str) -> Session:
        """Return a fresh connection; it ends at once while there is another."""
        if port not in self.ports or self._udp:
            there = ", ".join(frozenset(self.ports) - self.datagram_ports)
            raise KeyError(f"no port {port!r}, there is {there or 'none but UDP'}")
        session = QswitchSession(self, self._device.open(), ended=self._connected is not None)
        if self._connected is None:
            self._connected = session
        return session

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        """Take a datagram that came to the UDP port: messages, each with its end."""
        if port not in self.datagram_ports:
            raise KeyError(f"no UDP port {port!r}")
        return self._device.open().feed(datagram, now_fs)

    @property
    def flux_lines(self) -> frozenset[str]:
        """The flux lines that go through it."""
        return frozenset(self._lines)

    def transmission(self, line: str) -> float:
        """Return what is left of a flux line's level: all, or nothing where its input is open.

        ASSUMED: the ground of 1 MOhm takes nothing of it, and nothing comes by a breakout.
        """
        return 1.0 if (self._lines[line], box.INPUT) in self.closed else 0.0

    def left(self, session: "QswitchSession") -> None:
        """Take note that a connection is gone: another may come."""
        if session is self._connected:
            self._connected = None

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on."""
        self._device.power_on()
        if not self._settings.value(box.AUTOSAVE):
            self._reset(now_fs)

    # --- relays -----------------------------------------------------------------------

    def _reset(self, now_fs: int) -> None:
        self._settings = Settings(SETTINGS)
        self._switch(box.RESET)

    def _switch(self, wanted: Iterable[Relay]) -> None:
        self._said = frozenset(wanted)
        """What it takes its relays for."""
        self.closed = (self._said - self.stuck) | (self.closed & self.stuck)

    def _close(self, call: Call) -> None:
        wanted = self._said.union(_relays(call))
        breakouts = sum(tap in box.BREAKOUTS for _, tap in wanted)
        if breakouts > box.BREAKOUTS_MAX:  # ASSUMED: the code, and that nothing is switched
            raise ScpiError(-221, f"{breakouts} breakouts, {box.BREAKOUTS_MAX} are possible")
        self._switch(wanted)

    def _open(self, call: Call) -> None:
        self._switch(self._said.difference(_relays(call)))

    def _answers(self, closed: bool, call: Call) -> str:
        return ",".join(str(int((one in self._said) is closed)) for one in _relays(call))

    def _restart(self, call: Call) -> None:
        """Start its firmware anew. ASSUMED: a connection lives through it."""
        self.power_cycle(call.now_fs)

    def _drop(self, call: Call) -> None:
        if self._connected is not None:
            self._connected.end()
            self._connected = None

    # --- errors -----------------------------------------------------------------------

    def _ask_error(self, call: Call) -> str:
        return error_answer(self._device.status.take_error(), with_detail=False)

    def _ask_errors(self, call: Call) -> str:
        count = self._device.status.error_count
        return ",".join(self._ask_error(call) for _ in range(max(1, count)))

    def _stored(self, command: Command, meant: bool) -> Bound:
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command),
            meant,
        )

    def _table(self) -> tuple[Bound, ...]:
        return (
            Bound(box.CLOSE, self._close, lambda call: self._answers(True, call)),
            Bound(box.OPEN, self._open, lambda call: self._answers(False, call)),
            Bound(box.STATE, answer=lambda call: box.channel_list_of(self._said)),
            self._stored(box.AUTOSAVE, meant=True),
            self._stored(box.BEEPER, meant=False),
            Bound(box.ABORT, lambda call: None, meant=False),
            Bound(box.RESTART, self._restart),
            Bound(box.ERROR, answer=self._ask_error),
            Bound(box.ERROR_NEXT, answer=self._ask_error),
            Bound(box.ERRORS, answer=self._ask_errors),
            Bound(box.ERROR_COUNT, answer=lambda call: str(self._device.status.error_count)),
            Bound(box.LAN_CLOSE, self._drop),
            Bound(box.MAC, answer=lambda call: f'"{_mac(self._serial)}"', meant=False),
        )


class QswitchSession:
    """One TCP connection: the box has one at a time (QDevil's notebook)."""

    def __init__(self, twin: QdevilQswitch, inner: DeviceSession, ended: bool) -> None:
        self._twin = twin
        self._inner = inner
        self._ended = ended

    @property
    def ended(self) -> bool:
        """Tell whether it was refused."""
        return self._ended

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the replies that are due."""
        return b"" if self._ended else self._inner.feed(data, now_fs)

    def end(self) -> None:
        """Drop the connection: nothing more is heard or said."""
        self._ended = True

    def hung_up(self) -> None:
        """Let the next connection come."""
        self._twin.left(self)


def _relays(call: Call) -> tuple[Relay, ...]:
    listed = call.values[0]
    if not isinstance(listed, Expression):
        raise TypeError(f"{listed!r} is no channel list")
    return box.relays_of(listed.text)


def _mac(serial: str) -> str:
    return f"049163{int(serial) % 2**24:06X}" if serial.isdigit() else "049163000000"
