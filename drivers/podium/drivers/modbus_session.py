"""Drivers of boxes with registers share this: a connection of pymodbus, its errors in our words."""

import socket
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from pymodbus.client import ModbusTcpClient
from pymodbus.exceptions import ModbusException
from pymodbus.pdu import ModbusPDU

from podium.drivers.errors import ProtocolError, Refused, Unreachable

ANSWER_S = 3.0
AWAY = (10, 11)
"""Exceptions of a gateway: no path to the box, no answer from it (Modbus APS 7)."""


class ModbusSession:
    """One connection over Modbus TCP. Only ``close`` may come from another thread."""

    client: Any
    """A ModbusTcpClient, which has types in parts only."""

    def __init__(self, name: str, host: str, port: int) -> None:
        """Connect; raises :class:`Unreachable`."""
        self.name = name
        self._closed = False
        self.client = ModbusTcpClient(host, port=port, timeout=ANSWER_S, retries=0)
        if not self.client.connect():
            self.close()
            raise Unreachable(f"{name} at {host}:{port} takes no connection")

    def read(self, asked: str, call: Callable[[Any], ModbusPDU]) -> list[int]:
        """Return registers; raises :class:`ProtocolError` where there are none such."""
        answer = self._exchange(asked, call)
        if answer.isError():
            raise self.nonsense(asked, str(answer))
        return list(answer.registers)

    def write(self, asked: str, call: Callable[[Any], ModbusPDU]) -> None:
        """Write registers; raises :class:`Refused` with what it says."""
        answer = self._exchange(asked, call)
        if answer.isError():
            raise Refused(f"{self.name} was asked {asked}: {answer}")

    def nonsense(self, asked: str, said: str) -> ProtocolError:
        """Close the connection and return why."""
        self.close()
        return ProtocolError(f"{self.name} was asked {asked} and said: {said}")

    def close(self) -> None:
        """Close the connection, from whatever thread; the box goes on."""
        self._closed = True
        connection = self.client.socket
        if connection is not None:
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)  # wakes who waits for an answer
        self.client.close()

    def _exchange(self, asked: str, call: Callable[[Any], ModbusPDU]) -> ModbusPDU:
        if self._closed:
            raise Unreachable(f"{self.name} was asked {asked}, but its connection was closed")
        try:
            answer = call(self.client)
        except (ModbusException, OSError, AttributeError) as error:
            # pymodbus looks at a socket that another thread has closed: an AttributeError
            self.close()
            raise Unreachable(f"{self.name} was asked {asked}: {error}") from error
        if answer.isError() and getattr(answer, "exception_code", 0) in AWAY:
            self.close()
            raise Unreachable(f"{self.name} was asked {asked}: its gateway gets no answer from it")
        return answer
