"""Runs the page: ``python -m podium.control.web.process``; ``podium up`` starts it."""

import asyncio
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module
from pathlib import Path

from podium.control.bus.bus import Bus
from podium.control.bus.facility_growth import GrowTo, grown_key
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log, log_to_stderr
from podium.control.bus.log_publisher import publish_log
from podium.control.bus.process_bus import open_bus, run_process
from podium.control.bus.shutdown import until_terminated
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown
from podium.control.facility.load import load_facility
from podium.control.security.access import Member
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.picture import FacilityPicture
from podium.control.web.store_watch import watch_store

log = event_log("page")


def main(argv: Sequence[str] | None = None) -> int:
    """Serve the page until told to end; return the exit status."""
    parser = ArgumentParser(prog="podium page")
    parser.add_argument("facility", type=Path)
    parser.add_argument("--endpoints", type=Path)
    parser.add_argument("--store", default="", help="the parameter store")
    parser.add_argument("--key", type=Path, help="file with the key of the page; none: it is open")
    parser.add_argument("--meet", help="where this user's processes meet, if no file says where")
    parser.add_argument("--listen", help="own endpoint, on a bus without a lock")
    parser.add_argument("--coordinator", help="endpoint to connect to, likewise")
    parser.add_argument("--socket", type=int, required=True, help="listening socket, inherited")
    arguments = parser.parse_args(argv)
    log_to_stderr("page")
    return run_process(_be(arguments))


async def _be(arguments: Namespace) -> None:
    read = partial(load_facility, arguments.facility, arguments.endpoints)
    facility = read()
    key = None if arguments.key is None else arguments.key.read_text(encoding="ascii").strip()
    picture = FacilityPicture(facility, arguments.store)
    places = {
        "meet": arguments.meet,
        "listen": arguments.listen,
        "connect": arguments.coordinator,
    }
    async with (
        open_bus(facility, Member("page"), **places) as bus,
        publish_log(bus, facility.name, "page"),
        follow_bus(picture, bus),
        served(picture, bus, socket.socket(fileno=arguments.socket), key) as port,
        asyncio.TaskGroup() as tasks,
    ):
        log.info("page up", port=port)
        watching = [tasks.create_task(growing(picture, bus, read), name="growth")]
        if picture.store:
            watching.append(tasks.create_task(watch_store(picture), name="store"))
        await until_terminated(with_parent=True)
        for one in watching:
            one.cancel()


@asynccontextmanager
async def served(
    picture: FacilityPicture, bus: Bus, listening: socket.socket, key: str | None = None
) -> AsyncGenerator[int]:
    """Serve the page on a socket that is bound while the context is open; give its port.

    ``key``: what opens the page; None: it stands open.
    """
    async with asyncio.TaskGroup() as tasks:
        ended = asyncio.Event()
        serving = tasks.create_task(
            _serve_visitors(picture, bus, listening, key, ended), name="serve the page"
        )
        try:
            yield listening.getsockname()[1]
        finally:
            ended.set()
            await asyncio.shield(asyncio.wait({serving}))


async def _serve_visitors(
    picture: FacilityPicture,
    bus: Bus,
    listening: socket.socket,
    key: str | None,
    ended: asyncio.Event,
) -> None:
    """Serve the page from the first visitor on until ``ended`` is set.

    What serves it is imported then: half a second of a processor, which a facility that nobody
    looks at does not pay.
    """
    if not await _visited(listening, ended):
        listening.close()
        return
    server = await asyncio.to_thread(import_module, "podium.control.web.page_server")
    await server.serve(picture, bus, listening, key, ended)


async def _visited(listening: socket.socket, ended: asyncio.Event) -> bool:
    """Wait for the first visitor or the end; tell whether somebody came."""
    loop = asyncio.get_running_loop()
    came = asyncio.Event()
    loop.add_reader(listening, came.set)
    waits = [asyncio.create_task(came.wait()), asyncio.create_task(ended.wait())]
    try:
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    finally:
        loop.remove_reader(listening)
        for one in waits:
            one.cancel()
        await asyncio.wait(waits)
    return came.is_set() and not ended.is_set()


async def growing(picture: FacilityPicture, bus: Bus, read: Callable[[], Facility]) -> None:
    """Take over what ``read`` returns each time that the coordinator has, until cancelled.

    ``read`` raises OSError or FacilityError; then the page goes on with what it has.
    """

    async def take_over(_: str, wanted: GrowTo) -> None:
        present = picture.facility
        try:
            picture.facility = await asyncio.to_thread(grown, present, wanted.facility_hash, read)
        except NotGrown as error:
            log.warning("facility not taken over", reason=str(error))
            return
        picture.changed.set()

    async with bus.subscribe(grown_key(picture.facility.name)) as told:
        await listen(told, GrowTo, take_over, Discarded(log))


if __name__ == "__main__":
    sys.exit(main())
