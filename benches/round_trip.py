"""Upload, run, fetch: our driver against the bare protocol, side by side on the same twin.

The bare protocol is what our driver sends, recorded by a relay between it and the cluster, and sent
again by a client of a few lines that knows nothing but where an answer ends. Both upload another
program to eight sequencers each time, arm, start, wait until they have stopped, and fetch the data.
"""

import json
import secrets
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from silent_cluster import MODULES

from podium.control.facility.example import example_facility
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import Drag, Square
from podium.drivers.qblox_cluster.cluster import QbloxCluster
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram

POINTS, SHOTS = 51, 4
FRAMES = (
    *(Frame(f"q{q}.readout", f"node_a.q{q}.readout", 7.1e9 + 0.03e9 * q) for q in range(3)),
    *(Frame(f"q{q}.drive", f"node_a.q{q}.drive", hz) for q, hz in enumerate((6.0e9, 5.7e9, 5.0e9))),
    *(Frame(f"q{q}.ef", f"node_a.q{q}.drive", hz) for q, hz in enumerate((5.83e9, 5.52e9))),
)
SEQUENCERS = len(FRAMES)
PAIRS, WARM, TURN = 100, 6, 5
"""Measured on each side; before that; how many in a row before it is the other's turn."""
ANSWER_S = 30.0
STOPPED, END = b";STOPPED;", b"\r\n"


def program(number: int, frames: tuple[Frame, ...] = FRAMES) -> Program:
    """Return a Rabi scan of all frames; another number, another program for each sequencer."""
    names = tuple(frame.name for frame in frames)
    reads = names[:3]
    wave = Drag((40 + 4 * number) * FS_PER_NS, 8 * FS_PER_NS, 0.3e-9)
    body: list[Statement] = [Delay(names, (3000 + 20 * number) * FS_PER_NS)]
    body += [Play(name, wave, Affine("amplitude")) for name in names[3:]]
    body.append(Barrier(names))
    for name in reads:
        body += [
            Capture(name, name.removesuffix(".readout"), 400 * FS_PER_NS, 200 * FS_PER_NS),
            Play(name, Square(600 * FS_PER_NS), 0.1 + 0.01 * number),
        ]
    body += [Barrier(names), Delay(names, 2000 * FS_PER_NS)]
    amplitude = Variable("amplitude", "1", Linear.steps(0.0, 0.4 / POINTS, POINTS))
    axis = Axis("amplitude", (amplitude,))
    return Program(f"round trip {number}", frames, tuple(body), (axis,), shots=SHOTS)


@dataclass(slots=True)
class Sent:
    """Bytes that the driver sent through one connection."""

    port: int
    content: bytes


@dataclass(slots=True)
class Heard:
    """An answer that it waited for before it went on."""

    port: int
    content: bytes


Step = Sent | Heard


class Relay:
    """Stands between a client and a cluster, one listener for each port, and writes down."""

    def __init__(self, host: str, ports: Sequence[int]) -> None:
        self._ending = ExitStack()
        self._threads: list[threading.Thread] = []
        self._lock = threading.Lock()
        self._steps: list[Step] = []
        self.host = f"127.{88 + secrets.randbelow(40)}.{secrets.randbelow(256)}.7"
        for port in ports:
            listener = socket.create_server((self.host, port))
            self._ending.callback(listener.close)
            self._run(self._serve, listener, host, port)

    def _run(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _serve(self, listener: socket.socket, host: str, port: int) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = listener.accept()
                cluster = socket.create_connection((host, port), ANSWER_S)
                for one in (client, cluster):
                    one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    one.settimeout(None)
                self._run(self._pump, client, cluster, Sent, port)
                self._run(self._pump, cluster, client, Heard, port)

    def _pump(
        self, source: socket.socket, sink: socket.socket, kind: type[Step], port: int
    ) -> None:
        with suppress(OSError), source:
            while chunk := source.recv(1 << 20):
                with self._lock:
                    last = self._steps[-1] if self._steps else None
                    if isinstance(last, kind) and last.port == port:
                        last.content += chunk
                    else:
                        self._steps.append(kind(port, chunk))
                    sink.sendall(chunk)
            sink.shutdown(socket.SHUT_WR)

    def take(self) -> list[Step]:
        """Return what was said since this was last asked."""
        with self._lock:
            steps, self._steps = self._steps, []
        return steps

    def close(self) -> None:
        """Listen no more."""
        self._ending.close()


def whole_answers(steps: Sequence[Step]) -> list[Step]:
    """Return steps in which an answer that came in pieces stands once, where it was complete."""
    kept: list[Step] = []
    for number, step in enumerate(steps):
        if isinstance(step, Heard):
            later = (s for s in steps[number + 1 :] if s.port == step.port)
            following = next(later, None)
            if isinstance(following, Heard):
                following.content = step.content + following.content
                continue
        kept.append(step)
    return kept


class Bare:
    """A client of a few lines: sends what it is given, and waits where an answer was."""

    def __init__(self, host: str, ports: Sequence[int]) -> None:
        self._sockets = {port: socket.create_connection((host, port), ANSWER_S) for port in ports}
        for one in self._sockets.values():
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def run(self, steps: Sequence[Step]) -> None:
        """Say it all again; what was asked until sequencers had stopped is asked as long as that.

        Raises ``ConnectionError`` where the cluster goes away.
        """
        asked: dict[int, bytes] = {}
        for step in steps:
            here = self._sockets[step.port]
            if isinstance(step, Sent):
                here.sendall(step.content)
                asked[step.port] = step.content
                continue
            stopped = step.content.count(STOPPED)
            while self._answer(step).count(STOPPED) < stopped:
                here.sendall(asked[step.port])

    def _answer(self, step: Heard) -> bytes:
        """Return an answer as long as that which was heard: a block to the byte, else in lines."""
        here, binary = self._sockets[step.port], step.content.startswith(b"#")
        lines, answer = step.content.count(END), b""
        while len(answer) < len(step.content) if binary else answer.count(END) < lines:
            chunk = here.recv(1 << 20)
            if not chunk:
                raise ConnectionError("the cluster has closed the connection")
            answer += chunk
        return answer

    def close(self) -> None:
        """Close all connections."""
        for one in self._sockets.values():
            one.close()


@dataclass(frozen=True, slots=True)
class RoundTrips:
    """Wall time of each, s; the two of a pair stood at the same place of neighbouring turns."""

    ours_s: NDArray[np.float64]
    bare_s: NDArray[np.float64]
    messages: int
    """That are sent in one."""
    sent_bytes: int
    fetched_bytes: int

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return float(np.median(self.ours_s) / np.median(self.bare_s))


def play(driver: QbloxCluster, artifact: ClusterProgram) -> None:
    """Upload, run, fetch."""
    driver.load(artifact)
    driver.arm()
    driver.start()
    driver.wait(artifact.duration_fs * 1e-15)
    for name, one in driver.collect().items():
        if one.i.shape != (POINTS,):
            raise RuntimeError(f"{name}: {one.i.shape} means came back, not {POINTS}")


def measure(pairs: int = PAIRS) -> RoundTrips:
    """Start the twin and play, in turns."""
    compiling = compiler_for(load_facility(example_facility()))
    artifacts = tuple(compiling(program(number))["cluster_a"] for number in (0, 1))
    words = [sys.executable, str(Path(__file__).with_name("silent_cluster.py"))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as twin:
        assert twin.stdin is not None
        assert twin.stdout is not None
        try:
            place = json.loads(twin.stdout.readline())
            return _measure(place["host"], place["ports"], MODULES, artifacts, pairs)
        finally:
            twin.stdin.close()


def _measure(
    host: str,
    ports: dict[str, int],
    modules: dict[int, str],
    artifacts: Sequence[ClusterProgram],
    pairs: int,
) -> RoundTrips:
    numbers = (ports["scpi"], *(ports["module_scpi_base"] + slot for slot in modules))
    said = recorded(host, ports, modules, artifacts)
    with ExitStack() as stack:
        driver = QbloxCluster("ours", host, ports, modules)
        stack.callback(driver.close)
        bare = Bare(host, numbers)
        stack.callback(bare.close)

        def ours(number: int) -> None:
            play(driver, artifacts[number % 2])

        def theirs(number: int) -> None:
            bare.run(said[number % 2])

        for number in range(WARM):
            ours(number)
            theirs(number)
        times: dict[str, list[float]] = {"ours": [], "bare": []}
        for first in range(0, pairs, TURN):
            sides = (("ours", ours), ("bare", theirs))
            for name, run in sides if first // TURN % 2 else sides[::-1]:
                for number in range(first, min(first + TURN, pairs)):
                    began = perf_counter()
                    run(number)
                    times[name].append(perf_counter() - began)
    sent = [one.content for one in said[0] if isinstance(one, Sent)]
    return RoundTrips(
        np.array(times["ours"]),
        np.array(times["bare"]),
        len(sent),
        sum(map(len, sent)),
        sum(len(one.content) for one in said[0] if isinstance(one, Heard)),
    )


def recorded(
    host: str, ports: dict[str, int], modules: dict[int, str], artifacts: Sequence[ClusterProgram]
) -> tuple[list[Step], ...]:
    """Return what the driver says to play each of ``artifacts`` after another, in the long run."""
    numbers = (ports["scpi"], *(ports["module_scpi_base"] + slot for slot in modules))
    relay = Relay(host, numbers)
    try:
        driver = QbloxCluster("recorded", relay.host, ports, modules)
        try:
            said: list[list[Step]] = []
            for number in range(WARM):
                relay.take()
                play(driver, artifacts[number % len(artifacts)])
                said.append(whole_answers(relay.take()))
        finally:
            driver.close()
    finally:
        relay.close()
    return tuple(said[-len(artifacts) :])


if __name__ == "__main__":
    found = measure()
    print(
        f"ours p50 {1e3 * np.median(found.ours_s):.1f} ms, bare {1e3 * np.median(found.bare_s):.1f}"
        f" ms, {found.ratio:.2f} times; {found.messages} messages, {found.sent_bytes} bytes sent, "
        f"{found.fetched_bytes} fetched"
    )
