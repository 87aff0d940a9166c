"""Recording an instrument that stands in no facility file: where it is, and where clients connect.

The proxy has a loopback address of its own and the instrument's own ports there, so that a client
that knows only an address finds everything.
"""

import os
import random
import socket
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import Any, TextIO

import podium_recording
from podium.firmware_interfaces.models import InstrumentModel, known_models
from podium.firmware_interfaces.trace import Head
from podium.sim_instruments.facilities.tree import NoSuchFacility
from podium.sim_instruments.servers.endpoints import MODULE_BASE, connect_lines
from podium.sim_instruments.servers.loopback import (
    ATTEMPTS,
    PRIVILEGED_BELOW,
    NoAddressError,
    at_host,
    draw_place,
)
from podium.sim_instruments.twins.faces.message_ports import VXI11


@dataclass(frozen=True, slots=True)
class RecordedInstrument:
    """An instrument that is to be recorded."""

    head: Head
    model: InstrumentModel
    host: str
    ports: Mapping[str, int]
    """Of the instrument, by name, as its model counts them."""

    @property
    def doors(self) -> dict[str, podium_recording.Address]:
        """Each socket by name: a modular instrument has one for each module."""
        found: dict[str, podium_recording.Address] = {}
        for name, port in self.ports.items():
            if name == MODULE_BASE:
                modules = self.head.options.get("modules", {})
                found |= {f"slot{slot}": (self.host, port + int(slot)) for slot in modules}
            else:
                found[name] = (self.host, port)
        return found


def recorded(model: str, name: str, to: str, options: Mapping[str, Any]) -> RecordedInstrument:
    """Return the instrument at ``to``, ``HOST`` or ``HOST:PORT``; the port is its first one.

    Raises :class:`.tree.NoSuchFacility` for what cannot be recorded.
    """
    known = known_models()
    if model not in known:
        raise NoSuchFacility(f"no model {model!r} is known; there are {', '.join(known)}")
    entry = known[model]
    missing = [one.name for one in entry.options if one.required and one.name not in options]
    if missing:
        raise NoSuchFacility(
            f"its twin must be built like it, so say what it consists of: "
            f"--option {missing[0]}=... ({entry.options[0].meaning})"
        )
    module, _, twin = entry.twin.partition(":")
    if hasattr(getattr(import_module(module), twin, None), "datagram_ports"):
        raise NoSuchFacility(f"a {model} is spoken to by datagrams; TCP can be recorded")
    host, colon, port = to.rpartition(":") if ":" in to else (to, "", "")
    if not host or (colon and not port.isdigit()):
        raise NoSuchFacility(f"HOST or HOST:PORT is wanted, not {to!r}")
    # A box has its core channel of VXI-11 where its port mapper says, which is not asked.
    ports = {name: port for name, port in entry.ports.items() if name != VXI11}
    if colon:
        ports[next(iter(ports))] = int(port)
    plain = {
        key: {str(number): word for number, word in value.items()}
        if isinstance(value, Mapping)
        else value
        for key, value in options.items()
    }
    return RecordedInstrument(Head(name, model, plain), entry, host, ports)


@asynccontextmanager
async def recording(
    one: RecordedInstrument,
    trace: TextIO,
    listen: str | None = None,
    trouble: Callable[[str], object] = lambda what: None,
) -> AsyncIterator[dict[str, str]]:
    """Record meanwhile; yield lines of Python that connect, by client.

    ``listen``: loopback address for clients; None draws one. ``trouble`` is called when the
    instrument cannot be reached. Raises
    :class:`.loopback.NoAddressError`, and OSError.
    """
    sockets, host, shift = _bound(one, listen)
    numbers = {name: bound.getsockname()[1] for name, bound in sockets.items()}
    ports = {
        name: port + shift if name == MODULE_BASE else numbers[name]
        for name, port in one.ports.items()
    }
    async with podium_recording.recording(one.head, one.doors, sockets, trace, trouble):
        yield connect_lines(one.head.instrument, one.model, host, ports)


def _bound(
    one: RecordedInstrument, listen: str | None
) -> tuple[dict[str, socket.socket], str, int]:
    """Bind a port for each door; return them with their host, and by how much they are shifted."""
    rng = random.Random(os.urandom(8))
    draw = partial(draw_place, rng) if listen is None else at_host(listen, None, rng)()
    for _ in range(ATTEMPTS):
        place = draw()
        sockets: dict[str, socket.socket] = {}
        try:
            for name, (_, port) in one.doors.items():
                sockets[name] = socket.socket()
                sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                wanted = port + place.shift if port >= PRIVILEGED_BELOW else 0
                sockets[name].bind((place.host, wanted))
                sockets[name].listen()
        except OSError:
            for bound in sockets.values():
                bound.close()
            continue
        return sockets, place.host, place.shift
    raise NoAddressError(f"no loopback address had the ports of a {one.head.model} free")
