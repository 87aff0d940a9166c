"""A twin's registers behind Modbus TCP: frames in, responses and exceptions out."""

from typing import Protocol

from podium.firmware_interfaces import modbus
from podium.firmware_interfaces.modbus import (
    Code,
    Frame,
    FrameSplitter,
    Function,
    ModbusError,
    ModbusException,
    ReadRegisters,
)
from podium.sim_instruments.twins.command_observer import CommandObserver


class Registers(Protocol):
    """What a twin offers. Both raise :class:`.modbus.ModbusException` to refuse."""

    def read_registers(
        self, function: Function, address: int, count: int, now_fs: int
    ) -> tuple[int, ...]:
        """Return ``count`` registers from ``address`` on, each 0 to 65535."""
        ...

    def write_registers(self, address: int, values: tuple[int, ...], now_fs: int) -> None:
        """Set holding registers from ``address`` on, all or none of them."""
        ...


class ModbusServer:
    """Answers requests about the registers of one twin, on all its connections, to any unit."""

    def __init__(self, registers: Registers) -> None:
        self._registers = registers
        self._commands = 0
        self._unknown = 0
        self.ear: CommandObserver[Frame] = CommandObserver(self.tallies, request_words)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on; unknown: functions and registers that there are not."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": 0}

    def open(self) -> "ModbusSession":
        """Return a fresh connection."""
        return ModbusSession(self)

    def answer(self, request: Frame, now_fs: int) -> Frame:
        """Return the response to a request."""
        before = self.ear.begin()
        self._commands += 1
        refused = False
        try:
            pdu = self._respond(request.pdu, now_fs)
        except ModbusException as error:
            refused = True
            self._unknown += error.code in (Code.ILLEGAL_FUNCTION, Code.ILLEGAL_DATA_ADDRESS)
            pdu = modbus.exception_response(request.pdu, error.code)
        self.ear.end(before, request, refused)
        return Frame(request.transaction, request.unit, pdu)

    def _respond(self, pdu: bytes, now_fs: int) -> bytes:
        request = modbus.decode_request(pdu)
        if isinstance(request, ReadRegisters):
            values = self._registers.read_registers(
                request.function, request.address, request.count, now_fs
            )
            return modbus.read_response(request, values)
        self._registers.write_registers(request.address, request.values, now_fs)
        return modbus.write_response(request)


class ModbusSession:
    """One TCP connection; a client that stops speaking Modbus is hung up on."""

    def __init__(self, server: ModbusServer) -> None:
        self._server = server
        self._splitter = FrameSplitter()
        self.ended = False

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take bytes, return the responses; see :class:`Session`."""
        if self.ended or not data:
            return b""
        try:
            requests = self._splitter.feed(data)
        except ModbusError:
            self.ended = True
            return b""
        return b"".join(modbus.encode(self._server.answer(request, now_fs)) for request in requests)

    def hung_up(self) -> None:
        """Nothing hangs on a connection."""


def request_words(frame: Frame) -> str:
    """Return a request as a person would write it."""
    try:
        request = modbus.decode_request(frame.pdu)
    except ModbusException as error:
        return f"{frame.pdu.hex(' ')} ({error.code.name.lower().replace('_', ' ')})"
    what = request.function.name.lower().replace("_", " ")
    if isinstance(request, ReadRegisters):
        return f"{what} {request.address} to {request.address + request.count - 1}"
    return f"{what} {request.address}: {', '.join(map(str, request.values))}"
