"""A server that puts the twin of a cluster on sockets, for its driver."""

import asyncio
import random
import socket
import threading
import time
from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np

from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}
WORLD_START_FS = 1_800_000_000 * 10**15


class World:
    """Answers every window with the same amplitude; what was played is kept."""

    amplitude = 1e-3 + 2e-3j

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.played: list[RunSignals] = []
        self.gate = threading.Event()
        self.gate.set()

    def submit(self, work):
        return Ticket(self.pool.submit(work, self.play))

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """It plays on: nobody here asks what left a connector."""

    def play(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        self.gate.wait(30)
        self.played.append(signals)
        return tuple(
            CaptureAnswer(
                np.full(len(capture.start_ns), self.amplitude),
                np.full(3000, self.amplitude) if capture.scope else None,
            )
            for capture in signals.captures
        )


class Ticket:
    def __init__(self, future: Future) -> None:
        self.future = future

    def done(self) -> bool:
        return self.future.done()

    def result(self):
        return self.future.result()


class ClusterServer:
    """Puts the twin on sockets in a thread of its own. World time leaps over what runs."""

    def __init__(self, modules=MODULES, lines=None) -> None:
        self.world = World()
        self.twin = ClusterTwin(modules, "1234", self.world, lines=lines)
        self.sent: list[tuple[str, bytes]] = []
        self.mute = False
        self.leaps = True
        self.tamper = lambda name, data, reply: reply
        self._leapt_fs = 0
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.host, sockets = bind_all(modules)
        self._call(self._serve(sockets))

    @property
    def ports(self) -> dict[str, int]:
        return dict(self.twin.ports)

    def now_fs(self) -> int:
        return WORLD_START_FS + time.monotonic_ns() * 1_000_000 + self._leapt_fs

    def commands(self) -> list[str]:
        """All that was sent so far, without blocks; then forget it."""
        sent, self.sent = self.sent, []
        lines = b"\n".join(data for _, data in sent).split(b"\n")
        return [line.split(b"#")[0].decode("ascii", "replace") for line in lines if line]

    def drop(self) -> None:
        """Break all connections."""
        self._call(self._drop())

    def as_new(self) -> None:
        """Take the hand off the wires and forget what was sent."""
        self.mute, self.leaps = False, True
        self.tamper = lambda name, data, reply: reply
        self.world.gate.set()
        self.sent = []

    def close(self) -> None:
        self._call(self._drop())
        self._call(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
        self.world.gate.set()
        self.world.pool.shutdown()

    async def _serve(self, sockets: dict[str, socket.socket]) -> None:
        self._servers = [
            await asyncio.start_server(self._connection(name), sock=sock)
            for name, sock in sockets.items()
        ]

    async def _drop(self) -> None:
        for writer in tuple(self._writers):
            writer.transport.abort()

    async def _stop(self) -> None:
        for server in self._servers:
            server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _connection(self, name: str):
        async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = self.twin.open(name)
            self._writers.add(writer)
            try:
                while data := await reader.read(1 << 16):
                    self.sent.append((name, data))
                    reply = session.feed(data, self.now_fs())
                    horizon = self.twin.horizon(self.now_fs())
                    busy = horizon.busy_until_fs
                    if self.leaps and busy is not None and not horizon.computing:
                        self._leapt_fs += max(0, busy - self.now_fs())
                        reply += session.feed(b"", self.now_fs())  # what had to wait
                    if not self.mute:
                        writer.write(self.tamper(name, data, reply))
                        await writer.drain()
            except ConnectionError:
                pass
            finally:
                self._writers.discard(writer)
                writer.close()

        return client

    def _call(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(30)


def bind_all(modules) -> tuple[str, dict[str, socket.socket]]:
    """Draw loopback addresses until all of the vendor's ports are free on one."""
    numbers = {"scpi": 5025, **{f"slot{slot}": 25000 + slot for slot in modules}}
    while True:
        host = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(2, 254)}"
        sockets: dict[str, socket.socket] = {}
        try:
            for name, number in numbers.items():
                sockets[name] = socket.socket()
                sockets[name].bind((host, number))
        except OSError:
            for sock in sockets.values():
                sock.close()
        else:
            return host, sockets
