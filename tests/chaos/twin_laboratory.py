"""The two-node example as it is brought up, and what is done wrong to it.

Twins, agents and coordinator are the processes of `podium twin serve` and `podium up`; faults go
to the processes, to the ways between them, and through the twins' back door.
"""

import asyncio
import os
import random
import signal
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.processes import Processes, free_ports
from tests.chaos.proxy import Proxy
from tests.chaos.twin_judge import CLUSTERS, MIXED

from podium.control.agent.owners import owners_of
from podium.control.facility.load import load_facility
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.back_door_client import ask

EXAMPLES = Path(__file__).parents[2] / "examples"
TWO_NODES = "two_nodes"
OF_CLUSTERS = (TWO_NODES, "linked")
NODES = ("node_a", "node_b")
RELOCK = "re-lock"
KINDS = (
    "lose trigger",
    "freeze agent",
    "late event",
    "kill coordinator",
    "cut instruments",
    RELOCK,
    "kill agent",
    "lose event",
    "lose marker",
    "freeze coordinator",
    "cut agent from the bus",
    "freeze instrument",
    "event twice",
)
LOCKED_AGAIN_S = 11
UP_S = 90.0


class TwinLaboratory:
    """The processes, and the door behind the twins."""

    def __init__(
        self, folder: Path, seed: int, example: str = TWO_NODES, facility: str = "facility.yaml"
    ) -> None:
        """``example``: two nodes; but for ``OF_CLUSTERS`` node b is on Zurich Instruments.

        ``facility``: its file; faults of :meth:`fault` know two nodes.
        """
        self.example = EXAMPLES / example / facility
        self.clusters = CLUSTERS if example in OF_CLUSTERS else MIXED
        self.draw = random.Random(seed)
        self.folder = folder
        self.endpoints = folder / "endpoints.json"
        self.processes = Processes(folder)
        self.relocks: list[tuple[str, int]] = []
        """Instrument, and when it was locked anew at the latest, TAI in fs."""
        self._seed = seed
        self._words: dict[str, Sequence[object]] = {}
        self.proxies: dict[str, Proxy] = {}
        self.coordinator = ""

    async def begin(self) -> None:
        """Return once the twins listen, and everything else has been started."""
        twin = self.folder / "twin.yaml"
        await asyncio.to_thread(lambda: write_world(sample(self.example, self._seed), twin))
        words = ["podium.control.cli", "twin", "serve", self.example, "--twin", twin]
        self.processes.start("twins", [*words, "--endpoints", self.endpoints, "--with-parent"])
        give_up = time.monotonic() + UP_S
        while not self.endpoints.exists():
            if time.monotonic() > give_up or self.processes.ended("twins"):
                raise AssertionError(self.told())
            await asyncio.sleep(0.05)
        await self._plan_processes()
        for name in self._words:
            self.start(name)

    async def _plan_processes(self) -> None:
        owners = owners_of(await asyncio.to_thread(load_facility, self.example, self.endpoints))
        port, *ports = free_ports(1 + len(owners))
        self.coordinator = f"tcp/127.0.0.1:{port}"
        self._words["coordinator"] = [
            *("podium.control.coordinator.process", self.example, "--endpoints", self.endpoints),
            *("--listen", self.coordinator, "--accepted", self.folder / "accepted"),
            *("--skews", self.folder / "skews"),
        ]
        for (name, instruments), mine in zip(owners.items(), ports, strict=True):
            self.proxies[name] = Proxy(port)
            await self.proxies[name].begin()
            self._words[name] = [
                *("tests.chaos.patient_agent", self.example, "--endpoints", self.endpoints),
                *("--name", name, "--instruments", ",".join(instruments)),
                *("--listen", f"tcp/127.0.0.1:{mine}"),
                *("--coordinator", f"tcp/127.0.0.1:{self.proxies[name].port}"),
                *("--journal", self.folder / f"{name}.journal"),
                *("--epochs", self.folder / "epochs"),
            ]

    def start(self, name: str) -> None:
        self.processes.start(name, self._words[name])

    async def end(self) -> None:
        self.processes.close()
        for proxy in self.proxies.values():
            await proxy.end()

    def told(self) -> str:
        """Return the end of what the processes said."""
        return (self.folder / "log").read_text(errors="replace")[-6000:]

    # The back door

    async def ask(self, do: str, **more: object) -> Any:
        return await asyncio.to_thread(ask, self.endpoints, {"do": do, **more})

    async def now_fs(self) -> int:
        """Return world time, to a microsecond."""
        return int((await self.ask("time"))["tai_s"] * 1e6) * (FS_PER_S // 10**6)

    async def lock_again(self) -> None:
        """Let so much time pass that whatever was locked anew has locked."""
        await self.ask("advance", seconds=LOCKED_AGAIN_S)

    async def _fault(self, fault: str, on: str) -> None:
        await self.ask("fault", fault=fault, on=on)

    async def _for_a_while(self, wrong: str, right: str, on: str, longest_s: float) -> None:
        await self._fault(wrong, on)
        await asyncio.sleep(self.draw.uniform(0.05, longest_s))
        await self._fault(right, on)

    # Faults

    async def fault(self, kind: str) -> None:
        """Do something wrong, and put right what a person or a service manager would."""
        node = self.draw.choice(NODES)
        cluster, plane = list(self.clusters.items())[NODES.index(node)]
        match kind:
            case "kill agent" | "kill coordinator":
                name = self.draw.choice((*NODES, "room")) if kind == "kill agent" else "coordinator"
                await asyncio.to_thread(self.processes.kill, name)
                await asyncio.sleep(self.draw.uniform(0.05, 0.5))
                self.start(name)
            case "freeze agent" | "freeze coordinator":
                pid = self.processes.pid(node if kind == "freeze agent" else "coordinator")
                os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(self.draw.choice((0.01, 0.03, 0.1, 0.5, 1.5)))
                os.kill(pid, signal.SIGCONT)
            case "cut agent from the bus":
                await self.proxies[node].cut(self.draw.choice((0.0, 0.2, 1.0)))
            case "cut instruments":
                for one in (cluster, plane):
                    await self._fault("drop", one)
            case "freeze instrument":
                await self._for_a_while("freeze", "thaw", self.draw.choice((cluster, plane)), 1.0)
            case "lose trigger":
                await self._for_a_while("unplug", "plug", f"{cluster}.trigger", 1.0)
            case "lose marker":
                await self._for_a_while("unplug", "plug", f"{node}.marker", 1.0)
            case "late event":
                await self._for_a_while("delay", "hasten", plane, 1.0)
            case "lose event":
                await self._for_a_while("lose", "deliver", plane, 1.0)
            case "event twice":
                await self._for_a_while("duplicate", "single", plane, 1.0)
            case "re-lock":
                one = self.draw.choice((cluster, plane))
                await self._fault("relock", one)
                self.relocks.append((one, await self.now_fs()))
