"""The other half of chaos: real processes, real sockets, real time; faults from outside.

Agents and the coordinator are the processes that a facility runs; the hardware is the stand-in of
``live_plant``, which knows what played. Wrong is what was further than five sigma of the skew floor
from the time its trigger was set for, or, of a run that counts, from T0.
"""

import asyncio
import os
import random
import signal
import socket
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import Node, together
from tests.chaos.live_plant import LivePlant, Pulse
from tests.chaos.processes import Processes, free_ports
from tests.chaos.proxy import Proxy
from tests.chaos.world import Tally

from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.runs.agent_values import Margins
from podium.control.runs.errors import RunError
from podium.control.runs.verdict import TOLERANCE_FS

NODES = ("node_a", "node_b", "node_c")
KINDS = (
    "kill agent",
    "freeze agent",
    "cut agent from the bus",
    "kill coordinator",
    "freeze coordinator",
    "re-lock",
    "lose trigger edge",
    "late trigger edge",
    "cut instruments",
)
RUN_S = 60.0
"""A run that has not ended after this is lost."""


class Laboratory:
    """The processes, started anew when they have ended."""

    def __init__(self, folder: Path, seed: int, index: str = "") -> None:
        """``index``: URL of the records' index; empty: a file, where there are records at all."""
        self.draw = random.Random(seed)
        self.folder = folder
        self.file = facility_file(folder, len(NODES))
        self.plant = LivePlant(NODES, self.draw)
        self.processes = Processes(folder)
        ports = iter(free_ports(3 + len(NODES)))
        self._coordinator_port = next(ports)
        listening = (*NODES, "records", "page")
        self._listen = {name: f"tcp/127.0.0.1:{next(ports)}" for name in listening}
        self._index = index
        self.page = socket.create_server(("127.0.0.1", 0))
        """Where the page is served, whichever process serves it."""
        self.proxies = {name: Proxy(self._coordinator_port) for name in NODES}

    async def begin(self, *others: str) -> None:
        """Start agents and coordinator, and ``others``: ``records``, ``page``."""
        for proxy in self.proxies.values():
            await proxy.begin()
        for name in (*NODES, "coordinator", *others):
            self.start(name)

    @property
    def coordinator(self) -> str:
        return f"tcp/127.0.0.1:{self._coordinator_port}"

    def start(self, name: str) -> None:
        inherits: tuple[int, ...] = ()
        if name in ("records", "page"):
            words = ["podium.control." + ("web" if name == "page" else name) + ".process"]
            words += [str(self.file), "--listen", self._listen[name]]
            words += ["--coordinator", self.coordinator]
            if name == "page":
                inherits = (self.page.fileno(),)
                words += ["--socket", str(self.page.fileno())]
            else:
                words += ["--folder", str(self.folder / "records")]
                words += ["--records", self._index] if self._index else []
        elif name == "coordinator":
            words = ["podium.control.coordinator.process", str(self.file)]
            words += ["--listen", self.coordinator, "--accepted", str(self.folder / "accepted")]
            words += ["--reservations", str(self.folder / "reservations.json")]
        else:
            way = f"tcp/127.0.0.1:{self.proxies[name].port}"
            words = ["tests.chaos.stand_in_agent", str(self.file), name, str(self.plant.port)]
            words += [self._listen[name], way, str(self.folder / f"{name}.epochs")]
        self.processes.start(name, words, inherits)

    async def end(self) -> None:
        self.processes.close()
        self.page.close()
        for proxy in self.proxies.values():
            await proxy.end()
        await asyncio.to_thread(self.plant.close)

    # Faults

    async def fault(self, kind: str) -> None:
        """Do something wrong, and put right what a person or a service manager would."""
        node = self.draw.choice(NODES)
        match kind:
            case "kill agent" | "kill coordinator":
                name = node if kind == "kill agent" else "coordinator"
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
            case "re-lock":
                self.plant.nodes[node].relock()
            case "lose trigger edge":
                self.plant.nodes[node].lose_next_edge = True
            case "late trigger edge":
                self.plant.nodes[node].delay_next_edge_fs = self.draw.randint(1, 10**12)
            case "cut instruments":
                self.plant.cut(node)


class Live:
    """Somebody who wants runs while faults happen, and the judgement of what came of it."""

    def __init__(self, laboratory: Laboratory, faults: int) -> None:
        self._laboratory = laboratory
        self._wanted = faults
        self._draw = random.Random(laboratory.draw.random())
        self.tally = Tally()
        self._jobs: dict[str, tuple[str, ...]] = {}
        self._completed: dict[str, tuple[int, dict[str, int]]] = {}
        self._enough = False

    async def run(self) -> Tally:
        laboratory = self._laboratory
        await laboratory.begin()
        try:
            async with join_facility(
                laboratory.file, laboratory.coordinator, recorded=False
            ) as lab:
                await self._until_one_has_run(lab)
                async with asyncio.TaskGroup() as tasks:
                    wanting = [tasks.create_task(self._want(lab)) for _ in range(2)]
                    await self._faults()
                    self._enough = True
                    await asyncio.wait(wanting)
            await asyncio.sleep(0.2)
            self._judge()
        finally:
            await laboratory.end()
        return self.tally

    async def _until_one_has_run(self, lab: Lab) -> None:
        give_up = time.monotonic() + 60
        while self.tally.completed == 0:
            if time.monotonic() > give_up:
                raise AssertionError((self._laboratory.folder / "log").read_text()[-4000:])
            with suppress(RunError):
                await self._one(lab, NODES)
        self.tally.starts = self.tally.refused = 0

    async def _faults(self) -> None:
        for _ in range(self._wanted):
            kind = self._draw.choice(KINDS)
            await asyncio.sleep(self._draw.uniform(0.0, 0.4))
            await self._laboratory.fault(kind)
            self.tally.faults += 1
            self.tally.kinds += Counter([f"live: {kind}"])

    async def _want(self, lab: Lab) -> None:
        while not self._enough:
            await self._one(lab, tuple(self._draw.sample(NODES, self._draw.randint(2, 3))))
        # What was done wrong must not last.
        give_up = time.monotonic() + RUN_S
        before = self.tally.completed
        while self.tally.completed == before and time.monotonic() < give_up:
            await self._one(lab, NODES)
        if self.tally.completed == before:
            self.tally.lost_jobs += 1
            self.tally.problems.append("nothing could be run once the faults were over")

    async def _one(self, lab: Lab, names: tuple[str, ...]) -> None:
        job = f"job_{len(self._jobs)}"
        self._jobs[job] = names
        self.tally.starts += 1
        program = together([Node(name.removeprefix("node_")) for name in names], name=job)
        try:
            async with asyncio.timeout(RUN_S):
                data = await lab.run(program)
        except TimeoutError:
            self.tally.lost_jobs += 1
            self.tally.problems.append(f"{job} was accepted and has not ended in {RUN_S} s")
        except RunError as error:
            if "no work under ticket" in str(error):
                self.tally.lost_jobs += 1
                self.tally.problems.append(f"{job} was accepted and is no longer known")
            self.tally.refused += 1
            with (self._laboratory.folder / "refused").open("a") as file:
                file.write(f"{job}: {error}\n")
            await asyncio.sleep(0.05)
        else:
            self.tally.completed += 1
            seconds, _, rest = data.attrs["started_tai"].removesuffix(" TAI").partition(".")
            tags = {name: int(data[f"of_{name[-1]}_i"][0]) for name in names}
            self._completed[job] = (int(seconds) * 10**15 + int(rest), tags)

    def _judge(self) -> None:
        tally, guard_fs = self.tally, Margins().guard_fs
        pulses = [one for node in self._laboratory.plant.nodes.values() for one in node.pulses()]
        for job, (t0_fs, tags) in self._completed.items():
            for name in self._jobs[job]:
                of_run = [
                    one
                    for one in pulses
                    if (one.node, one.job, one.nominal_fs) == (name, job, t0_fs)
                ]
                wrong = _wrong(of_run, t0_fs, tags[name])
                if wrong:
                    tally.undetected_partial_starts += 1
                    tally.problems.append(f"{job} is complete, but on {name} {wrong}")
        for one in pulses:
            tally.pulses += 1
            off_fs = one.at_fs - one.nominal_fs
            if abs(off_fs) <= TOLERANCE_FS:
                continue
            relocked = one.relocked_fs is not None and one.relocked_fs > one.nominal_fs - guard_fs
            done = self._completed.get(one.job)
            if (relocked or one.edge_was_late) and (done is None or done[0] != one.nominal_fs):
                tally.discarded_after_the_fact += 1
                continue
            tally.wrong_time_pulses += 1
            tally.problems.append(f"{one.node} played {one.job} {off_fs} fs from its time")
        at = {(one.job, one.nominal_fs): set[str]() for one in pulses}
        for one in pulses:
            at[one.job, one.nominal_fs].add(one.node)
        tally.partial_starts = sum(
            names != set(self._jobs.get(job, names)) for (job, _), names in at.items()
        )


def _wrong(of_run: list[Pulse], t0_fs: int, tag: int) -> str:
    if len(of_run) != 1:
        return f"it played {len(of_run)} times"
    if abs(of_run[0].at_fs - t0_fs) > TOLERANCE_FS:
        return f"it played {of_run[0].at_fs - t0_fs} fs from T0"
    return "" if of_run[0].tag == tag else f"its data are of pulse {tag}, not {of_run[0].tag}"


async def live_chaos(folder: Path, seed: int, faults: int) -> Tally:
    """Return what came of ``faults`` faults in real processes; logs are in ``folder``."""
    return await Live(Laboratory(folder, seed), faults).run()
