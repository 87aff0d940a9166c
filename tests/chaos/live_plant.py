"""The hardware of nodes in real time, behind sockets: it outlives every process that uses it.

What played, and when, stands here and nowhere else. Nothing waits for an edge: whoever looks
works out what has happened since. Time is the host's monotonic time, called TAI.
"""

import json
import random
import socketserver
import threading
import time
from dataclasses import dataclass, field
from typing import Any

TICK_FS = 4 * 10**6
JITTER_FS = 40_000.0
SHIFT_TICKS = 69
EPOCH_FS = 1_900_000_000 * 10**15


def now_fs() -> int:
    return EPOCH_FS + time.monotonic_ns() * 10**6


@dataclass(frozen=True, slots=True)
class Pulse:
    """What left the connectors of a node."""

    node: str
    job: str
    tag: int
    nominal_fs: int
    """The time that the trigger was set for."""
    at_fs: int
    edge_was_late: bool
    relocked_fs: int | None
    """When the controller was first locked anew after the program was loaded."""


@dataclass
class LiveNode:
    name: str
    draw: random.Random
    played: list[Pulse] = field(default_factory=list)
    signs: int = 1
    lose_next_edge: bool = False
    delay_next_edge_fs: int = 0
    _lock: threading.RLock = field(default_factory=threading.RLock)
    _job: str = ""
    _shift_fs: int = 0
    _corrected_fs: int = 0
    _relocked_fs: int | None = None
    _armed_fs: int | None = None
    _started_fs: int | None = None
    _event: str = ""
    _edges: list[int] = field(default_factory=list)
    _late: int = 0

    def relock(self) -> None:
        with self._lock:
            self._settle()
            self.signs += 1
            before_fs = self._shift_fs
            while self._shift_fs == before_fs:
                self._shift_fs = self.draw.randint(-SHIFT_TICKS, SHIFT_TICKS) * TICK_FS
            if self._relocked_fs is None:
                self._relocked_fs = now_fs()

    def do(self, what: str, *arguments: Any) -> Any:
        """Do what a driver asks for; raises ``ValueError`` for what it refuses."""
        with self._lock:
            self._settle()
            return getattr(self, f"_do_{what}")(*arguments)

    def pulses(self) -> list[Pulse]:
        with self._lock:
            self._settle()
            return list(self.played)

    # Drivers' commands

    def _do_time(self) -> int:
        return now_fs()

    def _do_signs(self) -> int:
        return self.signs

    def _do_load(self, job: str) -> None:
        self._armed_fs, self._job = None, job
        self._corrected_fs, self._relocked_fs = self._shift_fs, None

    def _do_arm(self) -> None:
        if not self._job:
            raise ValueError("nothing is loaded")
        self._armed_fs, self._started_fs = now_fs(), None

    def _do_disarm(self) -> bool:
        if not self._job:
            raise ValueError("nothing is loaded")
        self._armed_fs = None
        return self._started_fs is not None

    def _do_safe(self) -> None:
        self._armed_fs, self._job = None, ""

    def _do_prepare(self, event: str) -> None:
        self._event, self._late = event, 0

    def _do_release(self) -> None:
        self._event = ""

    def _do_send(self, event: str, at_fs: int) -> None:
        if event != self._event:
            return
        if at_fs <= now_fs():
            self._late += 1
        else:
            self._edges.append(at_fs)

    def _do_started(self) -> int | None:
        return self._started_fs

    def _do_late(self) -> int:
        return self._late

    def _do_collect(self) -> int:
        return self.played[-1].tag

    def _settle(self) -> None:
        """Work out whether an edge has started it since it was looked at last."""
        for nominal_fs in sorted(self._edges):
            late_fs = self.delay_next_edge_fs
            if nominal_fs + late_fs > now_fs():
                return
            self._edges.remove(nominal_fs)
            self.delay_next_edge_fs = 0
            if self.lose_next_edge:
                self.lose_next_edge = False
                continue
            edge_fs = nominal_fs + late_fs
            if self._armed_fs is None or edge_fs < self._armed_fs:
                continue
            self._armed_fs, self._started_fs = None, edge_fs
            off_fs = self._shift_fs - self._corrected_fs + int(self.draw.gauss(0, JITTER_FS))
            tag = len(self.played)
            at_fs, late = edge_fs + off_fs, late_fs > 0
            self.played.append(
                Pulse(self.name, self._job, tag, nominal_fs, at_fs, late, self._relocked_fs)
            )


class LivePlant:
    """All nodes, each with its instruments' sockets. Close it."""

    def __init__(self, names: tuple[str, ...], draw: random.Random) -> None:
        self.nodes = {name: LiveNode(name, random.Random(draw.random())) for name in names}
        self._connections: dict[str, set[Any]] = {name: set() for name in names}
        plant = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                name = self.rfile.readline().decode().strip()
                plant._connections[name].add(self.connection)
                try:
                    for line in self.rfile:
                        self.wfile.write(plant._answer(name, line))
                except OSError:
                    pass
                finally:
                    plant._connections[name].discard(self.connection)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            block_on_close = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    def _answer(self, name: str, line: bytes) -> bytes:
        what, *arguments = json.loads(line)
        try:
            told = [True, self.nodes[name].do(what, *arguments)]
        except ValueError as error:
            told = [False, str(error)]
        return json.dumps(told).encode() + b"\n"

    def cut(self, name: str) -> None:
        """Break all connections to a node's instruments."""
        for connection in tuple(self._connections[name]):
            try:
                connection.shutdown(2)
            except OSError:
                continue

    def close(self) -> None:
        self._server.shutdown()
        for name in self.nodes:
            self.cut(name)
        self._server.server_close()
        self._thread.join()
