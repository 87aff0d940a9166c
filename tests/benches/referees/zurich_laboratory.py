"""A data server with five instruments in a process of its own, as `podium twin serve` starts it.

The vendor's client holds the interpreter's lock while it waits: in one process with the twin it
would wait for ever.
"""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.benches.command_line import draw_world
from tests.benches.processes.forked_podium import start_podium

FACILITY = """\
facility: zurich_bench
nodes: {}
instruments:
  zi:
    model: zurich
    address: 192.168.0.9
    devices: {12000: SHFQC, 12001: SHFSG8, 12002: SHFQA4, 8001: HDAWG8, 10001: PQSC}
"""
DEVICES = ("dev12000", "dev12001", "dev12002", "dev8001", "dev10001")
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Served:
    host: str
    port: int
    pid: int
    connect: str
    """What the endpoints file says people may paste."""


@contextlib.contextmanager
def served(
    folder: Path, text: str = FACILITY, name: str = "zi", seed: int | None = None
) -> Iterator[Served]:
    """Serve a facility meanwhile; ``name``: of its data server; ``seed``: of its world."""
    facility, twin, endpoints = (folder / f"{name}" for name in ("f.yaml", "t.yaml", "e.json"))
    facility.write_text(text)
    draw_world(facility, twin, *([] if seed is None else ["--seed", seed]))
    serving = ("twin", "serve", facility, "--twin", twin, "--endpoints", endpoints)
    log = folder / f"{name}.log"
    with log.open("w") as out:
        process = start_podium(*serving, "--with-parent", out=out)
    try:
        until_s = time.monotonic() + PATIENCE_S
        while not endpoints.exists():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until_s, "podium twin serve does not begin"
            time.sleep(0.02)
        entry = json.loads(endpoints.read_text())["instruments"][name]
        yield Served(entry["host"], entry["ports"]["data_server"], process.pid, entry["connect"])
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


@contextlib.contextmanager
def alone(version: str) -> Iterator[int]:
    """Serve an SHFQA4 with results in its nodes by a server of that version; yields its port."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    with subprocess.Popen(
        [sys.executable, Path(__file__).with_name("zurich_alone.py"), version], env=environment,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as process:  # fmt: skip
        assert process.stdin is not None
        assert process.stdout is not None
        yield int(process.stdout.readline())
        process.stdin.close()
