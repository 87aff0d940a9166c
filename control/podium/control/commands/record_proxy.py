"""Writes a trace of clients and an instrument, as a proxy on loopback between them."""

import random
import re
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TextIO

import podium_recording
from podium.control.facility.facility import HostAddress, InstrumentEntry
from podium.firmware_interfaces.trace import Head

HOST = "127.0.0.1"
MODULE_BASE = "module_scpi_base"
"""Name of the port from which a modular instrument counts its modules' sockets."""
MODULE_BASES = range(20_000, 30_000)
ATTEMPTS = 64
_SOCKET = re.compile(r"TCPIP\d*::([^:]+)::(\d+)::SOCKET", re.IGNORECASE)


class NotRecordable(ValueError):
    """The instrument is not reached through a TCP socket. The message says how it is reached."""


@dataclass(frozen=True, slots=True)
class Recording:
    """Holds the address at which clients connect meanwhile."""

    endpoint: Mapping[str, object]
    """Entry of an endpoints file."""


def doors_of(entry: InstrumentEntry) -> dict[str, tuple[str, int]]:
    """Return host and port of each socket of an instrument, by name; raises NotRecordable."""
    if not isinstance(entry.address, HostAddress):
        found = _SOCKET.fullmatch(entry.address.resource)
        if found is None:
            raise NotRecordable(
                f"{entry.name} is reached as {entry.address.resource}; what can be recorded is a "
                "TCP socket, TCPIP::HOST::PORT::SOCKET"
            )
        return {"scpi": (found[1], int(found[2]))}
    host, ports = entry.address.host, dict(entry.address.ports)
    base = ports.pop(MODULE_BASE, None)
    doors = {name: (host, port) for name, port in ports.items()}
    modules = entry.options.get("modules")
    if base is not None and isinstance(modules, Mapping):
        doors |= {f"slot{slot}": (host, base + slot) for slot in modules}
    return doors


@asynccontextmanager
async def recording(entry: InstrumentEntry, trace: TextIO) -> AsyncGenerator[Recording]:
    """Listen for clients of the instrument while the context is open, and write ``trace``.

    The instrument is connected to when a client comes, once for each. Nothing is added, left
    out or held back. Raises :class:`NotRecordable`, and OSError when no port is free.
    """
    doors = doors_of(entry)
    options = {
        key: {str(number): word for number, word in value.items()}
        if isinstance(value, Mapping)
        else value
        for key, value in entry.options.items()
    }
    sockets, endpoint = _bound(entry, doors)
    head = Head(entry.name, entry.model, options)
    async with podium_recording.recording(head, doors, sockets, trace):
        yield Recording(endpoint)


def _bound(
    entry: InstrumentEntry, doors: Mapping[str, tuple[str, int]]
) -> tuple[dict[str, socket.socket], dict[str, object]]:
    """Bind a loopback port for each door; return them with the entry of an endpoints file."""
    for attempt in range(ATTEMPTS):
        base = random.choice(MODULE_BASES)
        sockets: dict[str, socket.socket] = {}
        try:
            for name in doors:
                slot = int(name.removeprefix("slot")) if name.startswith("slot") else None
                sockets[name] = socket.socket()
                sockets[name].bind((HOST, 0 if slot is None else base + slot))
        except OSError:
            for one in sockets.values():
                one.close()
            if attempt == ATTEMPTS - 1:
                raise
            continue
        ports = {
            name: one.getsockname()[1]
            for name, one in sockets.items()
            if not name.startswith("slot")
        }
        if isinstance(entry.address, HostAddress):
            if len(ports) < len(doors):
                ports[MODULE_BASE] = base
            return sockets, {"model": entry.model, "host": HOST, "ports": ports}
        return sockets, {"model": entry.model, "visa": f"TCPIP::{HOST}::{ports['scpi']}::SOCKET"}
    raise OSError("no loopback ports were free")
