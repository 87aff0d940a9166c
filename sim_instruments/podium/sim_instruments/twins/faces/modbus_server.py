"""A twin's registers behind Modbus TCP: frames in, responses and exceptions out."""

from collections.abc import Mapping
from typing import Protocol

from podium.firmware_interfaces import modbus
from podium.firmware_interfaces.modbus import (
    TCP_PORT,
    USUAL,
    Code,
    ExchangeRegisters,
    Frame,
    FrameSplitter,
    Function,
    ModbusError,
    ModbusException,
    ReadRegisters,
)
from podium.sim_instruments.twins.command_observer import CommandObserver
from podium.sim_instruments.twins.reporting_twin import ReportingTwin
from podium.sim_instruments.twins.twin import Session


class Registers(Protocol):
    """A twin's registers. Both methods raise :class:`.modbus.ModbusException` to refuse."""

    def read_registers(
        self, function: Function, address: int, count: int, now_fs: int
    ) -> tuple[int, ...]:
        """Return ``count`` registers from ``address`` on, each 0 to 65535."""
        ...

    def write_registers(self, address: int, values: tuple[int, ...], now_fs: int) -> None:
        """Set holding registers from ``address`` on, all or none of them."""
        ...


class ModbusServer:
    """Answers requests about the registers of one twin, on all its connections."""

    def __init__(
        self,
        registers: Registers,
        functions: frozenset[Function] = USUAL,
        unit: int | None = None,
    ) -> None:
        """``functions``: those that the device has; ``unit``: its number behind a gateway.

        None: it answers to any unit, as devices do that are on the network themselves.
        """
        self._registers = registers
        self._functions = functions
        self._unit = unit
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
            if self._unit not in (None, request.unit):
                raise ModbusException(Code.GATEWAY_NO_RESPONSE)
            pdu = self._respond(request.pdu, now_fs)
        except ModbusException as error:
            refused = True
            self._unknown += error.code in (Code.ILLEGAL_FUNCTION, Code.ILLEGAL_DATA_ADDRESS)
            pdu = modbus.exception_response(request.pdu, error.code)
        self.ear.end(before, request, refused)
        return Frame(request.transaction, request.unit, pdu)

    def _respond(self, pdu: bytes, now_fs: int) -> bytes:
        request = modbus.decode_request(pdu, self._functions)
        match request:
            case ReadRegisters():
                return self._read(request, now_fs)
            case ExchangeRegisters(read, write):
                self._read(read, now_fs)  # both addresses are checked before a write (APS 6.17)
                self._registers.write_registers(write.address, write.values, now_fs)
                return self._read(read, now_fs)
        self._registers.write_registers(request.address, request.values, now_fs)
        return modbus.write_response(request)

    def _read(self, request: ReadRegisters, now_fs: int) -> bytes:
        function, address, count = request.function, request.address, request.count
        return modbus.read_response(
            request, self._registers.read_registers(function, address, count, now_fs)
        )


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
        """Nothing depends on a connection."""


class ModbusTwin(ReportingTwin):
    """A twin with registers, and one port at which they are asked for."""

    _server: ModbusServer

    @property
    def _firmware(self) -> ModbusServer:
        return self._server

    @property
    def ports(self) -> Mapping[str, int]:
        """Its one port."""
        return {"modbus": TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return self._server.open()


def request_words(frame: Frame) -> str:
    """Return a request as a person would write it."""
    try:
        request = modbus.decode_request(frame.pdu, frozenset(Function))
    except ModbusException as error:
        return f"{frame.pdu.hex(' ')} ({error.code.name.lower().replace('_', ' ')})"
    if isinstance(request, ExchangeRegisters):
        written, read = request.write, request.read
        return (
            f"write {written.address}: {', '.join(map(str, written.values))}, then read "
            f"{read.address} to {read.address + read.count - 1}"
        )
    what = request.function.name.lower().replace("_", " ")
    if isinstance(request, ReadRegisters):
        return f"{what} {request.address} to {request.address + request.count - 1}"
    return f"{what} {request.address}: {', '.join(map(str, request.values))}"
