"""The ports of an instrument that takes program messages: a socket, HiSLIP, VXI-11."""

from collections.abc import Callable, Mapping

from podium.firmware_interfaces import hislip, vxi11
from podium.sim_instruments.twins.faces.hislip_server import HislipServer
from podium.sim_instruments.twins.faces.message_device import MessageDevice
from podium.sim_instruments.twins.faces.vxi11_server import Vxi11Server
from podium.sim_instruments.twins.twin import Session

HISLIP, VXI11 = "hislip", "vxi11"
USUAL = {HISLIP: hislip.TCP_PORT, VXI11: vxi11.PORT_MAPPER}
"""VXI-11: the port mapper's number. The core channel has a free port instead of it."""


class MessagePorts:
    """Several ways to one firmware; each connection has a session of its own."""

    def __init__(
        self,
        open_device: Callable[[], MessageDevice],
        sockets: Mapping[str, int],
        *more: str,
        message_max: int = vxi11.RECEIVE_MAX,
    ) -> None:
        """``sockets``: plain ones by name; ``more``: of :data:`HISLIP` and :data:`VXI11`.

        ``message_max``: bytes of the longest message over VXI-11.
        """
        self.numbers: Mapping[str, int] = {**sockets, **{name: USUAL[name] for name in more}}
        """Port by name, plain sockets first."""
        self._doors: dict[str, Callable[[], Session]] = dict.fromkeys(sockets, open_device)
        if HISLIP in more:
            self._doors[HISLIP] = HislipServer(open_device).open
        if VXI11 in more:
            self._doors[VXI11] = Vxi11Server(open_device, message_max=message_max).open

    def open(self, port: str) -> Session:
        """Return a fresh connection to the port of that name; KeyError names those there are."""
        if port not in self._doors:
            raise KeyError(f"no port {port!r}, there is {', '.join(self._doors)}")
        return self._doors[port]()
