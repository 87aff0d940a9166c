"""Twins of instruments with the firmware of a :class:`.Device` share ports and counts."""

from collections.abc import Mapping

from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.ieee4882_device import Device
from podium.sim_instruments.twins.reporting_twin import ReportingTwin
from podium.sim_instruments.twins.twin import Session


class MessageTwin(ReportingTwin):
    """Ports, counts and observers of an instrument that takes program messages."""

    _device: Device
    _ports: MessagePorts

    @property
    def _firmware(self) -> Device:
        return self._device

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's ports: all lead to the same commands."""
        return self._ports.numbers

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        return self._ports.open(port)
