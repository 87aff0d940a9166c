"""The loop that serves the twins is never blocked: sockets do not wait for physics."""

import asyncio
import sys
import time
from asyncio.events import Handle
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serve import quiet_collector
from podium.sim_instruments.servers.serving import open_serving

ROOT = Path(__file__).parents[3]
BLOCKED_S = 0.050
SHOTS = 50_000
TRIES = 5
"""Other programs on this machine may hold the loop up, but hardly five times in a row."""


@dataclass
class Watch:
    """What the loop of this thread has been busy with."""

    longest_s: float = 0.0
    """Processor time of the longest single callback."""
    what: str = ""
    gaps_s: list[float] = field(default_factory=list)
    """How late each beat of a heart in the loop came."""

    async def beat(self) -> None:
        while True:
            due = time.monotonic() + 0.001
            await asyncio.sleep(0.001)
            self.gaps_s.append(time.monotonic() - due)


@contextmanager
def watched(monkeypatch) -> Iterator[Watch]:
    """Time every callback of the loop meanwhile, and let a heart beat in it."""
    watch = Watch()
    run = Handle._run

    def timed(self: Handle) -> None:
        begin = time.thread_time()
        run(self)
        spent = time.thread_time() - begin
        if spent > watch.longest_s:
            watch.longest_s, watch.what = spent, repr(self)

    heart = asyncio.get_running_loop().create_task(watch.beat())
    with monkeypatch.context() as patch:
        patch.setattr(Handle, "_run", timed)
        try:
            yield watch
        finally:
            heart.cancel()


async def play(facility: Path, endpoints: Path) -> str:
    """Play a long program through the vendor's client, in a process of its own."""
    client = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.benches.servers.playing"),
        *(str(facility), str(endpoints), str(SHOTS)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
    )
    said, _ = await client.communicate()
    assert client.returncode == 0
    return said.decode()


async def test_a_long_run_is_computed_and_read_without_blocking_the_loop(
    facility, twin_file, tmp_path, monkeypatch
) -> None:
    endpoints = tmp_path / "endpoints.json"
    late_s = []
    async with open_serving(facility, twin_file, WorldClock(ClockMode.LEAP)) as serving:
        with published(endpoints, serving.endpoints()):
            for _ in range(TRIES):
                with quiet_collector(), watched(monkeypatch) as watch:
                    said = await play(facility, endpoints)
                assert f"'q2': ({SHOTS}, 1)" in said
                assert watch.longest_s < BLOCKED_S, watch.what
                assert len(watch.gaps_s) > 100
                late_s.append(max(watch.gaps_s))
                if late_s[-1] < BLOCKED_S:
                    return
    pytest.fail(f"the loop stood still for {min(late_s):.3f} s at best, of {late_s}")


async def test_a_loop_that_is_blocked_is_seen(monkeypatch) -> None:
    def block() -> None:
        end = time.thread_time() + BLOCKED_S
        while time.thread_time() < end:
            pass

    with watched(monkeypatch) as watch:
        await asyncio.sleep(0.01)
        asyncio.get_running_loop().call_soon(block)
        await asyncio.sleep(0.01)
    assert watch.longest_s >= BLOCKED_S
    assert "block" in watch.what
    assert max(watch.gaps_s) >= BLOCKED_S - 0.002
