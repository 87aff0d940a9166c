"""All twins of a laboratory on their sockets, with world time leaping as they allow."""

import asyncio
import os
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from podium.sim_instruments.servers.certificate import can_sign, self_signed
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.command_log import CommandLog
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.datagrams import DatagramFaults, TwinDatagrams
from podium.sim_instruments.servers.endpoints import MODULE_BASE, contents, endpoint
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.leaps import Time, Timekeeper, TimeOf
from podium.sim_instruments.servers.log_folder import append_logs
from podium.sim_instruments.servers.loopback import (
    DatagramDoor,
    Door,
    InstrumentServers,
    Place,
    TlsDoor,
    draw_place,
    listen,
)
from podium.sim_instruments.twins.answer_pace import KeepsPace
from podium.sim_instruments.twins.twin import (
    HasTlsPorts,
    Session,
    TakesDatagrams,
    TakesFewClients,
    Twin,
)

T = TypeVar("T")
TICK_S = 0.02
"""How often sessions are asked for replies that have fallen due by the wall's clock."""
TICKS_OF_REST = 5
"""So often they are asked when no twin does anything, until somebody speaks to one: nothing of a
run or a ramp is due then."""
TICKS_TO_LOOK = 10
"""So often all twins are asked whether they do something, spoken to or not."""

INTEGRATES_S = 0.2
"""How often fridges are integrated, whoever reads them."""


@dataclass(frozen=True, slots=True)
class ServedInstrument:
    """One instrument on its address."""

    twin: Twin
    model: str
    listening: InstrumentServers
    faults: ConnectionFaults
    datagram_faults: DatagramFaults | None = None
    """Of one that takes datagrams."""

    async def close(self) -> None:
        """Stop listening and cut what connections there are."""
        for server in self.listening.servers:
            server.close()
        self.faults.drop()
        for transport in self.listening.datagrams:
            transport.abort()
        for server in self.listening.servers:
            await server.wait_closed()
        await asyncio.sleep(0)  # in which the loop lets go of aborted transports


@dataclass(slots=True)
class ServedLaboratory:
    """A laboratory whose instruments listen; see :func:`open_serving`."""

    laboratory: Laboratory
    timekeeper: Timekeeper
    served: dict[str, ServedInstrument] = field(default_factory=dict)
    log: CommandLog | None = None
    """Of commands, where one is kept."""
    interventions: int = 0
    """What somebody has done by hand: faults and panels, but those of a scenario itself."""
    in_threads: int = 0
    """How many pieces of work of :meth:`in_thread` are under way."""

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do work on the laboratory in a thread; meanwhile it is not copied."""
        self.in_threads += 1
        try:
            return await asyncio.to_thread(work)
        finally:
            self.in_threads -= 1

    def look(self) -> None:
        """Let world time leap as far as all twins allow, and send what is due by it."""
        self.timekeeper.wake()
        self.poll()
        append_logs(self.laboratory.twins.values(), self.timekeeper.clock.now_fs())
        self.laboratory.give_back_memory()

    def poll(self) -> None:
        """Let time leap, let twins act, and let every way carry out and send what is due."""
        leapt = True
        while leapt:
            self.timekeeper.leap()
            self.laboratory.look_for_partners()
            self.laboratory.plants.advance()
            for served in self.served.values():
                for way in tuple(served.faults.open):
                    way.due()
            leapt = self.timekeeper.leap()

    async def tick(self) -> None:
        """Poll for ever: what falls due by the wall's clock is announced by nobody.

        Not from here but from the loop, which tells the errors of a twin and goes on.
        """
        loop = asyncio.get_running_loop()
        since_look = TICKS_TO_LOOK
        while True:
            since_look += await self._next_tick()
            looks = since_look >= TICKS_TO_LOOK
            since_look = 0 if looks else since_look
            loop.call_soon(self.look if looks else self.poll)
            await asyncio.sleep(0)  # it has been done: a twin may be awake by it, or at rest

    async def _next_tick(self) -> int:
        """Return, when sessions are to be asked again, how many ticks have passed.

        At rest that is :data:`TICKS_OF_REST`, unless somebody speaks to a twin meanwhile.
        """
        if not self.timekeeper.is_awake:
            self.timekeeper.woken.clear()
            try:
                async with asyncio.timeout(TICKS_OF_REST * TICK_S):
                    await self.timekeeper.woken.wait()
            except TimeoutError:
                return TICKS_OF_REST
        await asyncio.sleep(TICK_S)
        return 1

    async def integrate(self) -> None:
        """Integrate fridges for ever, in a thread, so that no reading waits for a long span."""
        while True:
            await asyncio.sleep(INTEGRATES_S)
            await self.in_thread(self.laboratory.plants.integrate)

    def endpoints(self) -> dict[str, object]:
        """Return where every instrument listens, as the endpoints file has it."""
        return contents(
            {
                name: endpoint(name, served.model, served.twin, served.listening)
                for name, served in self.served.items()
            }
        )

    def tallies(self) -> dict[str, dict[str, int]]:
        """Return how many commands came to each instrument, see :class:`Twin`."""
        return {name: twin.tallies() for name, twin in self.laboratory.twins.items()}


def open_serving(
    facility: Path, twin_file: Path, clock: WorldClock
) -> AbstractAsyncContextManager[ServedLaboratory]:
    """Build the laboratory of two files, and listen for all of its instruments meanwhile.

    Raises what :class:`Laboratory` and :func:`.loopback.listen` raise.
    """
    return open_laboratory(partial(Laboratory.of_files, facility, twin_file), clock)


@asynccontextmanager
async def open_laboratory(
    build: Callable[[WorldClock], Laboratory],
    clock: WorldClock,
    places: Callable[[], Callable[[], Place]] | None = None,
    logged: bool = False,
    timed: Callable[[Laboratory], Timekeeper] | None = None,
) -> AsyncIterator[ServedLaboratory]:
    """Build a laboratory in a thread, and listen for all of its instruments meanwhile.

    ``places`` returns what draws places for the next instrument; None: an address for each.
    ``logged``: keep a log of every command. ``timed`` makes its timekeeper; None: the usual
    one, of a world in one process. Raises what ``build`` and :func:`.loopback.listen`
    raise.
    """
    laboratory = await asyncio.to_thread(build, clock)
    log = CommandLog(clock.now_fs) if logged else None
    if log is not None:
        for name, twin in laboratory.twins.items():
            log.watch(name, twin)
    timekeeper = Timekeeper(clock, laboratory.twins, laboratory.kernels, chip=laboratory.plays)
    if timed is not None:
        timekeeper = timed(laboratory)
    async with listening(laboratory, timekeeper, places, log) as serving:
        yield serving


@asynccontextmanager
async def listening(
    laboratory: Laboratory,
    timekeeper: Timekeeper,
    places: Callable[[], Callable[[], Place]] | None = None,
    log: CommandLog | None = None,
    before: Mapping[str, ServedInstrument] | None = None,
) -> AsyncIterator[ServedLaboratory]:
    """Listen for all instruments of a laboratory meanwhile; it is closed at the end.

    ``log``: where commands are kept, which watches the twins already. ``before``: instruments as
    they were served before; what was wrong with the ways to them stays so.
    """
    clock = timekeeper.clock
    serving = ServedLaboratory(laboratory, timekeeper, log=log)
    loop = asyncio.get_running_loop()
    laboratory.workers.after_work = lambda: loop.call_soon_threadsafe(serving.look)
    anywhere = partial(draw_place, random.Random(os.urandom(8)))
    try:
        for name, twin in laboratory.twins.items():
            faults, ways = _faults((before or {}).get(name))
            if isinstance(twin, TakesFewClients):
                faults.clients_max = twin.clients_max
            time = TimeOf(serving.timekeeper, name)
            answer = partial(_connection, twin, time, serving, faults)
            open_doors = doors(twin, answer) | datagram_doors(twin, time, serving, faults, ways)
            listening = await listen(open_doors, anywhere if places is None else places())
            model = str(laboratory.plan.instruments[name]["model"])
            udp = ways if isinstance(twin, TakesDatagrams) else None
            serving.served[name] = ServedInstrument(twin, model, listening, faults, udp)
        tasks = {asyncio.create_task(serving.tick())}
        # On a manual clock nothing may depend on how fast this machine is: who reads integrates.
        if laboratory.plants and clock.mode is not ClockMode.MANUAL:
            tasks.add(asyncio.create_task(serving.integrate()))
        try:
            yield serving
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
    finally:
        for served in serving.served.values():
            await served.close()
        laboratory.workers.after_work = lambda: None  # what is done now concerns nobody
        await asyncio.to_thread(laboratory.close)


def _faults(before: ServedInstrument | None) -> tuple[ConnectionFaults, DatagramFaults]:
    """Return the faults of the ways to an instrument, as they were before."""
    if before is None:
        return ConnectionFaults(), DatagramFaults()
    ways = DatagramFaults() if before.datagram_faults is None else replace(before.datagram_faults)
    return replace(before.faults, open=set()), ways


def _connection(
    twin: Twin, time: Time, serving: ServedLaboratory, faults: ConnectionFaults, port: str
) -> TwinConnection:
    def session() -> Session:
        opened = twin.open(port)
        if serving.log is not None:
            opened = serving.log.through(port, opened)
        return twin.pace.through(opened) if isinstance(twin, KeepsPace) else opened

    return TwinConnection(session, time, faults, _leapt(serving))


def _leapt(serving: ServedLaboratory) -> Callable[[], None]:
    loop = asyncio.get_running_loop()

    def leapt() -> None:
        loop.call_soon(serving.poll)

    return leapt


def doors(twin: Twin, answer: Callable[[str], TwinConnection]) -> dict[str, Door]:
    """Return the TCP doors: each such port of the twin, and a socket for each module of it.

    ``answer`` makes a connection to the port of that name. A port behind TLS is left out where
    nothing is installed that can sign a certificate.
    """
    found: dict[str, Door] = {}
    udp = twin.datagram_ports if isinstance(twin, TakesDatagrams) else frozenset[str]()
    tls = twin.tls_ports if isinstance(twin, HasTlsPorts) else frozenset[str]()
    for name, usual in twin.ports.items():
        if name in udp:
            continue
        if name == MODULE_BASE:
            for slot in getattr(twin, "modules", ()):
                found[f"slot{slot}"] = (usual + slot, partial(answer, f"slot{slot}"))
        elif name not in tls:
            found[name] = (usual, partial(answer, name))
        elif can_sign():
            found[name] = TlsDoor(usual, partial(answer, name), self_signed)
    return found


def datagram_doors(
    twin: Twin,
    time: Time,
    serving: ServedLaboratory,
    faults: ConnectionFaults,
    ways: DatagramFaults,
) -> dict[str, Door]:
    """Return the UDP doors of a twin; none where it takes no datagrams."""
    if not isinstance(twin, TakesDatagrams):
        return {}

    def door(name: str) -> DatagramDoor:
        def hearing() -> TwinDatagrams:
            hear = partial(twin.hear, name)
            return TwinDatagrams(hear, time, faults, ways, _leapt(serving))

        return DatagramDoor(twin.ports[name], hearing)

    return {name: door(name) for name in sorted(twin.datagram_ports)}
