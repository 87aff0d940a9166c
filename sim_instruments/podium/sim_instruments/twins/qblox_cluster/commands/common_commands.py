"""Commands that the CMM and every module understand: IEEE 488.2 and the error queue."""

from typing import Protocol, TypeVar

from podium.firmware_interfaces.qblox_cluster.framing import text_reply
from podium.sim_instruments.twins.qblox_cluster.commands.dispatch import Handlers, Request
from podium.sim_instruments.twins.qblox_cluster.refusal import ErrorQueue


class Device(Protocol):
    """The part of a device that common commands act on."""

    @property
    def errors(self) -> ErrorQueue:
        """The queue."""
        ...


DeviceT = TypeVar("DeviceT", bound=Device)


def register(handlers: Handlers[DeviceT]) -> None:
    """Add the commands to ``handlers``."""

    @handlers.on("SYSTem:ERRor:COUNt?")
    def count(device: DeviceT, request: Request) -> bytes:
        return text_reply(str(len(device.errors)))

    @handlers.on("SYSTem:ERRor:NEXT?")
    def take(device: DeviceT, request: Request) -> bytes:
        return text_reply(device.errors.take())

    @handlers.on("*CLS")
    def clear(device: DeviceT, request: Request) -> bytes:
        device.errors.clear()
        return b""

    @handlers.on("*OPC?")
    def complete(device: DeviceT, request: Request) -> bytes:
        return text_reply("1")

    @handlers.on("*OPC", "*WAI")
    def nothing_overlaps(device: DeviceT, request: Request) -> bytes:
        return b""

    @handlers.on("*STB?")
    def status_byte(device: DeviceT, request: Request) -> bytes:
        return text_reply("4" if len(device.errors) else "0")  # bit 2: error queue not empty
