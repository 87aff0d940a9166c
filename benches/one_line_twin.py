"""What twins for tests cost: from the command to the first answer, memory, a fresh world."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from podium.sim_instruments.testing import TwinPool

SERVE = ("podium_start", "twin", "serve", "--model")
CLUSTER = ("qblox_cluster", "--chip", "krinner2022", "--name", "box")
BENCH = ("yokogawa_gs200", "--name", "box")
"""A box on a bench: no chip."""
SEEDS = 12
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """From the command to the answer to ``*IDN?``."""

    wall_s: float
    cpu_s: float
    """Of the process, until then."""
    memory_mb: float
    """The most that it had in memory."""


def first_answer(model: tuple[str, ...] = CLUSTER) -> FirstAnswer:
    """Start a twin, by default a virtual cluster of three qubits, and ask who it is."""
    began = time.perf_counter()
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [sys.executable, "-m", *SERVE, *model, "--state", folder],
            stdout=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        if process.stdout is None:
            raise RuntimeError("it has no output")
        line = next(line for line in process.stdout if "plain socket" in line)
        names: dict[str, socket.socket] = {}
        exec(line.strip().partition(": ")[2], names)
        with names["box"] as box:
            box.sendall(b"*IDN?\n")
            box.recv(1000)
        wall_s = time.perf_counter() - began
        cpu_s, memory_mb = _used(process.pid)
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    return FirstAnswer(wall_s, cpu_s, memory_mb)


def _used(pid: int) -> tuple[float, float]:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[11]) + int(fields[12])
    peak = next(
        line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if "VmHWM" in line
    )
    return ticks / os.sysconf("SC_CLK_TCK"), int(peak.split()[1]) / 1024


def fresh_worlds_s() -> list[float]:
    """Return how long each of some instruments takes to be had and given back, worlds drawn anew.

    The first, which starts the process, is left out.
    """
    found: list[float] = []
    with tempfile.TemporaryDirectory() as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        with TwinPool() as pool:
            for seed in range(SEEDS):
                began = time.perf_counter()
                with pool.instrument("qblox_cluster", chip="krinner2022", seed=seed):
                    pass
                found.append(time.perf_counter() - began)
    return sorted(found[1:])


def at_once() -> tuple[float, float]:
    """Return how long twenty clusters take to listen, s, and their memory together, MB."""
    began = time.perf_counter()
    with TwinPool() as pool:
        opened = [
            pool.instrument("qblox_cluster", chip="krinner2022", seed=seed)
            for seed in range(AT_ONCE)
        ]
        twins = [one.__enter__() for one in opened]
        took_s = time.perf_counter() - began
        truths = {twin.truth["node_a.q0.f01"] for twin in twins}
        if len(truths) != AT_ONCE:
            raise RuntimeError(f"{AT_ONCE} worlds are {len(truths)}")
        memory_mb = sum(_used(twin.facility.pid)[1] for twin in twins)
        for one in opened:
            one.__exit__(None, None, None)
    return took_s, memory_mb


if __name__ == "__main__":
    first_answer()  # draws the world, which is cached then
    best = min((first_answer() for _ in range(3)), key=lambda one: one.wall_s)
    print(f"*IDN? after {best.wall_s:.2f} s, {best.cpu_s:.2f} s of CPU, {best.memory_mb:.0f} MB")
    best = min((first_answer(BENCH) for _ in range(3)), key=lambda one: one.wall_s)
    print(f"box on a bench: {best.wall_s:.2f} s, {best.cpu_s:.2f} of CPU, {best.memory_mb:.0f} MB")
    worlds = fresh_worlds_s()
    print(f"a fresh world: {1e3 * worlds[len(worlds) // 2]:.0f} ms, at most {1e3 * worlds[-1]:.0f}")
    took_s, memory_mb = at_once()
    print(f"{AT_ONCE} at once: {took_s:.1f} s, {memory_mb:.0f} MB together")
    print(f"load {os.getloadavg()[0]:.1f}")
