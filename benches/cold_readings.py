"""Three hundred instruments that are polled for all: how old is what the supervisor knows of them?

An agent polls boxes in its own process (no sockets: those are others' benchmarks) and publishes
between processes; the supervisor of the cold side hears it in a process of its own. Ten boxes hang
in each answer, ten take no connection. ``agent`` and ``supervisor`` are the two sides.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.process_bus import open_bus
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.processes.process_layout import free_endpoints
from podium.control.security.access import Member
from podium.control.supervision.supervisor import Supervisor
from podium.control.timebase.host_clock import host_tai_s
from podium.drivers.channel_readings import ChannelReadings
from podium.drivers.errors import Unreachable
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.built_in_models.fridges import PFEIFFER_TPG366

INSTRUMENTS, CHANNELS = 300, 19
HANGING, DEAD = 10, 10
WARM_UP_S, MEASURED_S, LOOK_S = 8.0, 15.0, 0.1


@dataclass(frozen=True, slots=True)
class Measured:
    """What the supervisor saw."""

    readings_per_s: float
    p50_s: float
    p99_s: float
    """Age of good readings, looked at ten times a second, s."""
    stale_shown_good: int
    """How many good readings were older than three paces."""
    missing: int
    """Instruments that no good reading was ever heard of."""
    cores: float
    """Processor time of the supervisor, s in each s."""
    megabytes: float
    """Most memory that it had."""


class Box:
    """Nineteen channels, at once; or one that hangs until it is closed."""

    def __init__(self, hangs: bool) -> None:
        self._hangs = hangs
        self._closed = threading.Event()

    def identity(self) -> Identity:
        """Return who answers."""
        return Identity("bench", "box", "1", "0")

    def read_channels(self) -> ChannelReadings:
        """Return all channels, or never."""
        if self._hangs:
            self._closed.wait()
            raise Unreachable("closed")
        return ChannelReadings.of({f"p{n}": (n * 1.5, "Pa") for n in range(1, CHANNELS + 1)})

    def close(self) -> None:
        """End what hangs."""
        self._closed.set()


def _connect(number: int) -> Box:
    if number < DEAD:
        raise Unreachable(f"box_{number} takes no connection")
    return Box(number < DEAD + HANGING)


def measure() -> Measured:
    """Run both sides for some seconds and return what the supervisor saw."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "facility.yaml"
        boxes = (
            f"  box_{n}: {{model: {PFEIFFER_TPG366.name}, address: 10.0.{n // 250}.{n % 250}}}\n"
            for n in range(INSTRUMENTS)
        )
        file.write_text(f"facility: many\ninstruments:\n{''.join(boxes)}", encoding="utf-8")
        (endpoint,) = free_endpoints(1)
        words = [sys.executable, __file__]
        watching = subprocess.Popen(
            [*words, "supervisor", file, endpoint], stdout=subprocess.PIPE, text=True
        )
        telling = subprocess.Popen([*words, "agent", file, endpoint])
        try:
            told, _ = watching.communicate(timeout=4 * (WARM_UP_S + MEASURED_S))
        finally:
            for process in (telling, watching):
                process.terminate()
                process.wait()
    return Measured(**json.loads(told))


async def _agent(file: Path, endpoint: str) -> None:
    facility = load_facility(file)
    workers = {f"box_{n}": Worker(f"box_{n}", lambda n=n: _connect(n)) for n in range(INSTRUMENTS)}
    instruments = Instruments(workers, dict.fromkeys(workers, PFEIFFER_TPG366))
    async with open_bus(facility, Member("agent", "room"), connect=endpoint) as bus:
        agent = Agent("room", facility, instruments, compiler_for(facility), bus)
        async with agent.running():
            await asyncio.Event().wait()


async def _supervisor(file: Path, endpoint: str) -> None:
    facility = load_facility(file)
    async with open_bus(facility, Member("supervisor"), listen=endpoint) as bus:
        supervisor = Supervisor(facility, bus)
        async with supervisor.running():
            await asyncio.sleep(WARM_UP_S)
            told = await _watch(supervisor)
    print(json.dumps(told))


async def _watch(supervisor: Supervisor) -> dict[str, float]:
    latest = supervisor._latest
    ages: list[float] = []
    seen: set[tuple[str, tuple[int, int]]] = set()
    begin_s, used_s, begin_tai_s = time.monotonic(), time.process_time(), host_tai_s()
    while time.monotonic() - begin_s < MEASURED_S:
        now_s = host_tai_s()
        for one in latest.all(time.monotonic()):
            if one.good is not None and one.tai is not None:
                at_s = one.tai[0] + one.tai[1] * 1e-15
                ages.append(now_s - at_s)
                if at_s > begin_tai_s:
                    seen.add((one.name, one.tai))
        await asyncio.sleep(LOOK_S)
    took_s = time.monotonic() - begin_s
    p50, p99 = np.percentile(ages, [50, 99])
    heard = {name.partition(".")[0] for name, _ in seen}
    return {
        "readings_per_s": len(seen) / took_s,
        "p50_s": float(p50),
        "p99_s": float(p99),
        "stale_shown_good": int(np.sum(np.array(ages) > 3 * PFEIFFER_TPG366.read_every_s + LOOK_S)),
        "missing": INSTRUMENTS - HANGING - DEAD - len(heard),
        "cores": (time.process_time() - used_s) / took_s,
        "megabytes": _most_memory_kb() / 1024,
    }


def _most_memory_kb() -> int:
    """Return the most memory of this process; ``ru_maxrss`` would count who has started it."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (one for one in status.splitlines() if one.startswith("VmHWM:"))
    return int(line.split()[1])


def main(words: list[str]) -> None:
    """Be one of the two sides, or print what they measure."""
    match words:
        case ["agent", file, endpoint]:
            asyncio.run(_agent(Path(file), endpoint))
        case ["supervisor", file, endpoint]:
            asyncio.run(_supervisor(Path(file), endpoint))
        case _:
            print(measure())


if __name__ == "__main__":
    main(sys.argv[1:])
