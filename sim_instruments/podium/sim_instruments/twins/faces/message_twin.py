"""Twins of instruments with the firmware of a :class:`.Device` share ports and counts."""

from collections.abc import Mapping

from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.ieee4882_device import Device
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session


class MessageTwin:
    """Ports, counts and observers of an instrument that takes program messages."""

    _device: Device
    _ports: MessagePorts

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's ports: all lead to the same commands."""
        return self._ports.numbers

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        return self._ports.open(port)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._device.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._device.ear.listener = listener
