"""A data server's twin on a socket of this process, in a thread of its own, with levers.

The vendor's client is in another process: it cannot hold us up, however long it waits.
"""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import replace

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.zurich_texts import vendor_text
from podium.sim_instruments.twins.twin import Session
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText

DEVICES = {12000: "SHFQC", 8001: "HDAWG8"}


def texts(version: str) -> VendorText:
    """Return the vendor's texts, as of a data server of that version; empty: the client's."""
    found = vendor_text()
    return replace(found, installed=version) if version else found


class Heard:
    """A session that notes that something came, and waits before it answers."""

    def __init__(self, session: Session, server: "ZurichServer") -> None:
        self._session = session
        self._server = server

    def feed(self, data: bytes, now_fs: int) -> bytes:
        if data or not self._server.greets:
            self._server.heard.set()
            self._server.gate.wait(30)
        return self._session.feed(data, now_fs)

    @property
    def ended(self) -> bool:
        return bool(self._session.ended)  # type: ignore[attr-defined]

    def hung_up(self) -> None:
        self._session.hung_up()  # type: ignore[attr-defined]


class ZurichServer:
    """A data server that can be gone, come back, fall silent, and be asked what it has heard."""

    def __init__(self, version: str = "", devices: dict[int, str] = DEVICES) -> None:
        self.twin = running_data_server("1", devices, lambda: texts(version))
        self.faults = ConnectionFaults()
        self.heard = threading.Event()
        """Set whenever somebody connects or asks."""
        self.gate = threading.Event()
        """Open: it answers."""
        self.gate.set()
        self.greets = False
        """Whether it still greets who connects while it is silent."""
        self.host, self.port = "127.0.0.1", 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.up()

    @property
    def ports(self) -> dict[str, int]:
        return {"data_server": self.port}

    def up(self) -> None:
        """Listen, at the port of before."""
        self._call(self._listen())

    def down(self) -> None:
        """Be gone: connections break, and nobody listens."""
        self._call(self._stop())

    def new(self, devices: dict[int, str]) -> None:
        """Be another server, that knows nothing of what was: as one started anew."""
        self.twin = running_data_server("1", devices, lambda: texts(""))

    @contextlib.contextmanager
    def silent(self, greets: bool = False) -> Iterator[None]:
        """Answer nothing meanwhile: what is asked waits, and so do all others."""
        self.greets = greets
        self.heard.clear()
        self.gate.clear()
        try:
            yield
        finally:
            self.gate.set()

    def poll(self) -> None:
        """Tell clients what they listen to and have not been told, as a served one does."""
        self._call(self._due())

    def close(self) -> None:
        self.down()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        time = TimeOf(Timekeeper(WorldClock(ClockMode.LEAP), {"zi": self.twin}), "zi")

        def connection() -> TwinConnection:
            return TwinConnection(
                lambda: Heard(self.twin.open("data_server"), self),
                time,
                self.faults,
                lambda: None,
            )

        self._server = await self._loop.create_server(connection, self.host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        self.faults.drop()
        await asyncio.sleep(0)

    async def _due(self) -> None:
        for way in tuple(self.faults.open):
            way.due()

    def _call(self, coroutine) -> None:
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


@contextlib.contextmanager
def zurich_server(**how) -> Iterator[ZurichServer]:
    server = ZurichServer(**how)
    try:
        yield server
    finally:
        server.close()
