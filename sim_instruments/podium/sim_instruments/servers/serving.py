"""All twins of a laboratory on their sockets, and the back door beside them."""

import asyncio
import json
import os
import random
import signal
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from podium.firmware_interfaces.models import known_models
from podium.sim_instruments.servers.back_door import BackDoor
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import LineFaults, TwinConnection
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.leaps import leap_target_fs
from podium.sim_instruments.servers.loopback import Listening, ProtocolFactory, listen
from podium.sim_instruments.twins.twin import Session, Twin

MODULE_BASE = "module_scpi_base"
"""Name of the port from which a modular instrument counts its modules' sockets."""
TICK_S = 0.01
"""How often sessions with something due later are asked, while anything runs."""


@dataclass(slots=True)
class Served:
    """One instrument on its address."""

    twin: Twin
    listening: Listening
    faults: LineFaults
    model: str


@dataclass(slots=True)
class Serving:
    """A laboratory whose instruments listen; use :func:`serve`."""

    laboratory: Laboratory
    served: dict[str, Served] = field(default_factory=dict)
    _looking: bool = False

    @property
    def clock(self) -> WorldClock:
        """The world's clock."""
        return self.laboratory.clock

    def look(self) -> None:
        """Let world time leap as far as all twins allow, and send what falls due by it."""
        if self._looking:
            return
        self._looking = True
        try:
            if self.clock.mode is not ClockMode.PACED:
                while True:
                    now_fs = self.clock.now_fs()
                    horizons = [s.twin.horizon(now_fs) for s in self.served.values()]
                    target = leap_target_fs(horizons, now_fs)
                    if target is None:
                        break
                    self.clock.leap_to(target)
        finally:
            self._looking = False

    async def tick(self) -> None:
        """Ask sessions for replies that were not due when they were asked for."""
        while True:
            await asyncio.sleep(TICK_S)
            self.look()
            for served in self.served.values():
                for connection in tuple(served.faults.open):
                    connection.poll()

    def endpoints(self) -> dict[str, object]:
        """Return where every instrument listens, as the endpoints file has it."""
        return {
            "instruments": {
                name: endpoint(name, served.model, served.listening)
                for name, served in self.served.items()
            }
        }


def endpoint(name: str, model: str, listening: Listening) -> dict[str, object]:
    """Return one instrument's entry of the endpoints file."""
    entry = known_models()[model]
    found: dict[str, object] = {"model": model, "host": listening.host}
    words = {"name": name, "host": listening.host}
    if entry.address == "visa":
        port = next(iter(listening.ports.values()))
        words["visa"] = f"TCPIP::{listening.host}::{port}::SOCKET"
        found["visa"] = words["visa"]
    else:
        found["ports"] = {
            port: number for port, number in listening.ports.items() if not port.startswith("slot")
        }
    found["connect"] = entry.connect.format(**words)
    return found


def doors(twin: Twin, connect: "partial[TwinConnection]") -> dict[str, tuple[int, ProtocolFactory]]:
    """Return what to listen on: each port of the twin, and a socket for each module of it."""
    found: dict[str, tuple[int, ProtocolFactory]] = {}
    modules: tuple[int, ...] = tuple(getattr(twin, "modules", ()))
    for name, usual in twin.ports.items():
        if name == MODULE_BASE:
            for slot in modules:
                session = partial(_open, twin, f"slot{slot}")
                found[f"slot{slot}"] = (usual + slot, partial(connect, session))
        else:
            found[name] = (usual, partial(connect, partial(_open, twin, name)))
    return found


def _open(twin: Twin, port: str) -> Session:
    return twin.open(port)


async def open_serving(
    facility: Path, twin_file: Path, clock: WorldClock, stack: AsyncExitStack
) -> Serving:
    """Build the laboratory and listen for all of its instruments; ``stack`` closes everything."""
    loop = asyncio.get_running_loop()
    holder: list[Serving] = []

    def after_work() -> None:
        if holder and not loop.is_closed():
            loop.call_soon_threadsafe(holder[0].look)

    laboratory = await asyncio.to_thread(
        Laboratory.of_files, facility, twin_file, clock, after_work
    )
    stack.callback(laboratory.close)
    serving = Serving(laboratory)
    holder.append(serving)
    rng = random.Random(os.urandom(8))
    for name, twin in laboratory.twins.items():
        faults = LineFaults()

        def connect(session: "partial[Session]", faults: LineFaults = faults) -> TwinConnection:
            return TwinConnection(session, clock, faults, serving.look)

        listening = await listen(doors(twin, partial(connect)), rng=rng)
        model = str(laboratory.plan.instruments[name]["model"])
        base = dict(listening.ports)
        if MODULE_BASE in twin.ports:
            base[MODULE_BASE] = twin.ports[MODULE_BASE]
        listening = Listening(listening.host, base, listening.servers)
        serving.served[name] = Served(twin, listening, faults, model)
        stack.push_async_callback(_close, serving.served[name])
    return serving


async def _close(served: Served) -> None:
    for server in served.listening.servers:
        server.close()
    for connection in tuple(served.faults.open):
        connection.drop()
    for server in served.listening.servers:
        await server.wait_closed()


async def serve(facility: Path, twin_file: Path, endpoints: Path, mode: ClockMode) -> None:
    """Serve until SIGTERM or SIGINT. The endpoints file appears once everything listens.

    Beside it, ``<endpoints>.back_door`` says where the simulation's own back door is.
    """
    async with AsyncExitStack() as stack:
        clock = WorldClock(mode)
        serving = await open_serving(facility, twin_file, clock, stack)
        door = BackDoor(
            serving.laboratory, {n: s.faults for n, s in serving.served.items()}, serving.look
        )
        host, port = await stack.enter_async_context(door.listen())
        back_door = back_door_file(endpoints)
        write_json(back_door, {"host": host, "port": port})
        stack.callback(back_door.unlink, missing_ok=True)
        write_json(endpoints, serving.endpoints())
        stack.callback(endpoints.unlink, missing_ok=True)
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        async with asyncio.TaskGroup() as tasks:
            ticking = tasks.create_task(serving.tick())
            await stop.wait()
            ticking.cancel()


def back_door_file(endpoints: Path) -> Path:
    """Return the file beside ``endpoints`` that says where the back door is."""
    return endpoints.with_name(endpoints.name + ".back_door")


def write_json(path: Path, content: object) -> None:
    """Write ``content`` so that nobody ever reads half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    draft.replace(path)
