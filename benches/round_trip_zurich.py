"""Upload, run, fetch on Zurich Instruments: our driver against the vendor's client alone.

What our driver asks of a data server is written down, and asked again of the same server by the
vendor's client in the process of the benchmark, with nothing around it: no process of its own, no
errors in our words. Both in turns, on one simulated server whose instrument is wired to nothing.
``python benches/round_trip_zurich.py`` prints what a request costs, a run that changes all, and a
run that changes nothing.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from round_trip import FRAMES, program
from silent_data_server import DEVICES

from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    ReadoutChannel,
    ZurichTarget,
)
from podium.drivers.zurich.client import Client
from podium.drivers.zurich.client_messages import (
    Connect,
    GetInteger,
    PollIntegers,
    Request,
    RequestDone,
    RequestFailed,
    RequestSequence,
    SetAll,
)
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.firmware_interfaces.zurich.program import ZurichProgram

APART = FRAMES[:6]
"""One frame on each line: full pulses of two at once are too loud for one channel."""
NODE = "/dev12000/sgchannels/0/awg/enable"
ASKED, TURN, WARM, PAIRS = 400, 5, 6, 60
"""Requests of a kind; how many runs in a row; before what is measured; runs on each side."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Wall time of the same thing, s."""

    what: str
    ours_s: NDArray[np.float64]
    bare_s: NDArray[np.float64]
    requests: int = 1

    @property
    def ratio(self) -> float:
        """Of the medians."""
        return float(np.median(self.ours_s) / np.median(self.bare_s))

    @property
    def added_us(self) -> float:
        """What one request takes longer, by the medians, us."""
        added_s = float(np.median(self.ours_s) - np.median(self.bare_s))
        return 1e6 * added_s / self.requests


def target() -> ZurichTarget:
    """The wiring of ``examples/first_light_zi``."""
    ports: dict[str, Channel] = {}
    for q, lo_hz in enumerate((6e9, 5.6e9, 5e9)):
        ports[f"node_a.q{q}.drive"] = DriveChannel(2 * q, lo_hz)
        ports[f"node_a.q{q}.readout"] = ReadoutChannel(0, 7e9)
    return ZurichTarget("zi.dev12000", "SHFQC", ports)


@contextmanager
def silent_server() -> Iterator[int]:
    """Have a server meanwhile; yields its port."""
    words = [sys.executable, str(Path(__file__).with_name("silent_data_server.py"))]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as twin:
        assert twin.stdin is not None
        assert twin.stdout is not None
        try:
            yield int(twin.stdout.readline())
        finally:
            twin.stdin.close()


class Bare:
    """The vendor's client in this process."""

    def __init__(self, port: int) -> None:
        self._client = Client()
        self.ask(Connect("127.0.0.1", port, tuple(DEVICES)))

    def ask(self, request: Request) -> Any:
        """Return the answer; raises ``RuntimeError`` where there is none."""
        match self._client.answer(request):
            case RequestDone(value):
                return value
            case RequestFailed(_, said):
                raise RuntimeError(said)

    def run(self, requests: Sequence[Request]) -> None:
        """Ask it all again; whether all is over is asked until it is, without a pause."""
        for request in requests:
            answer = self.ask(request)
            if isinstance(request, GetInteger) and request.path.endswith("/enable"):
                while answer:
                    answer = self.ask(request)


def alone(request: Request) -> Iterator[Request]:
    """Yield what the client is asked one by one where our driver asks it all together."""
    match request:
        case RequestSequence(steps):
            for step in steps:
                yield from alone(step)
        case PollIntegers(paths):
            yield from map(GetInteger, paths)
        case _:
            yield request


def play(driver: ZurichDataServer, artifact: ZurichProgram) -> None:
    """Upload, run, fetch."""
    driver.load(artifact)
    driver.arm()
    driver.start()
    driver.wait(artifact.duration_fs * 1e-15)
    driver.collect()


def recorded(driver: ZurichDataServer, artifact: ZurichProgram) -> list[Request]:
    """Return what the driver asks while it plays."""
    process = driver._server._process  # type: ignore[attr-defined]
    ask, asked = process.ask, list[Request]()

    def note(request: Request, within_s: float) -> Any:
        for one in alone(request):
            if not (isinstance(one, GetInteger) and one in asked):  # asked again: not over yet
                asked.append(one)
        return ask(request, within_s)

    process.ask = note
    try:
        play(driver, artifact)
    finally:
        process.ask = ask
    return asked


def in_turns(
    what: str, ours: Callable[[int], None], bare: Callable[[int], None], pairs: int, requests: int
) -> Sides:
    """Measure both sides, a few of the one after a few of the other."""
    for number in range(WARM):
        ours(number)
        bare(number)
    times: dict[str, list[float]] = {"ours": [], "bare": []}
    for first in range(0, pairs, TURN):
        sides = (("ours", ours), ("bare", bare))
        for name, run in sides if first // TURN % 2 else sides[::-1]:
            for number in range(first, min(first + TURN, pairs)):
                began = perf_counter()
                run(number)
                times[name].append(perf_counter() - began)
    return Sides(what, np.array(times["ours"]), np.array(times["bare"]), requests)


def measure(pairs: int = PAIRS, asked: int = ASKED) -> Iterator[Sides]:
    """Yield what was measured, one thing after the other."""
    artifacts = [compile_program(program(number, APART), target()) for number in (0, 1)]
    with silent_server() as port:
        driver = ZurichDataServer("ours", "127.0.0.1", {"data_server": port}, DEVICES)
        try:
            bare = Bare(port)
            ours = driver._server
            for what, request, ask in (
                ("get", GetInteger(NODE), lambda: ours.whole("", NODE)),
                ("set", SetAll(((NODE, 0),)), lambda: ours.set("", [(NODE, 0)])),
            ):
                yield in_turns(
                    what,
                    lambda _, ask=ask: ask(),  # type: ignore[misc]
                    lambda _, request=request: bare.ask(request),  # type: ignore[misc]
                    asked,
                    1,
                )
            for one in artifacts:
                play(driver, one)
            said = [recorded(driver, one) for one in artifacts]
            yield in_turns(
                "upload, run, fetch",
                lambda number: play(driver, artifacts[number % 2]),
                lambda number: bare.run(said[number % 2]),
                pairs,
                len(said[0]),
            )
            play(driver, artifacts[0])
            again = recorded(driver, artifacts[0])
            yield in_turns(
                "the same again",
                lambda _: play(driver, artifacts[0]),
                lambda _: bare.run(again),
                pairs,
                len(again),
            )
        finally:
            driver.close()


if __name__ == "__main__":
    for found in measure():
        ours_ms, bare_ms = (1e3 * float(np.median(s)) for s in (found.ours_s, found.bare_s))
        print(
            f"{found.what}: ours p50 {ours_ms:.3f} ms, the client alone {bare_ms:.3f} ms, "
            f"{found.ratio:.2f} times; {found.requests} requests, {found.added_us:.0f} us each"
        )
