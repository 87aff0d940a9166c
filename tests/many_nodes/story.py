"""The story of a facility of N nodes, on twins, each agent a process of its own.

It comes up; readout is calibrated on all nodes; two disjoint pairs of nodes run synchronised
programs at once; one node is killed and comes back; one node more joins.
"""

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import psutil
import xarray
from tests.benches.nodes.ten_nodes import facility_text
from tests.benches.nodes.two_nodes_up import LATE, NOT_COME
from tests.many_nodes.costs import Costs

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import ROUTINES
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.store import ParameterStore
from podium.control.processes.child_processes import Children, call, podium
from podium.control.program.program import Capture, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.control.runs.errors import RunError
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.world_file import read_world
from podium.sim_instruments.servers.back_door_client import ask

Result = TypeVar("Result")
READOUT = (
    *("time_of_flight", "resonator_spectroscopy", "flux_arc", "resonator_spectroscopy"),
    *("punch_out", "qubit_spectroscopy", "rabi", "readout_optimisation", "single_shot"),
)
"""What calibrates the readout of a node, from nothing to a fidelity."""
RESONATORS = ("time_of_flight", "resonator_spectroscopy")
"""The shorter way: where the pulse comes back, and where the resonators are."""
SIDE_BY_SIDE = 3
"""So many nodes are calibrated at once."""
SKEW_STARTS = 12
SHOTS, SHOT_NS = 2_000, 200_000
"""Of a pair's program: 0.4 s, long enough for another pair to start meanwhile."""
IDLE_S = 3.0
"""So long nobody asks for anything, to see what that costs."""
PATIENCE_S = 120.0
"""A busy machine makes starts come too late for so long at most."""
SKEW_PS = 500
"""No pair is further apart, as the world knows it: five times the 100 ps that are promised."""
AS_WIRED_PS = 12_000
"""Nor further than this where skews were not measured: a sample of either input, clocks, cables."""


class Story:
    """One facility from its beginning to its end."""

    def __init__(self, count: int, folder: Path, *, thorough: bool) -> None:
        """``thorough``: readout up to its fidelity, starts with skews measured and taken out."""
        self.count, self.folder = count, folder
        self._thorough = thorough
        self._routines = READOUT if thorough else RESONATORS
        self.facility_file = folder / "facility.yaml"
        self.endpoints = folder / "endpoints.json"
        self.state = folder / "up.json"
        self._children = Children()
        self.costs = Costs(lambda: [os.getpid(), *(c.process.pid for c in self._children.running)])
        self.found: dict[str, object] = {"nodes": count, "thorough": thorough}
        self.biases_v: dict[str, float] = {}
        self.chip: Chip

    async def tell(self) -> dict[str, object]:
        """Live through all of it and return what it has cost; raises AssertionError."""
        begun = time.monotonic()
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._children.end)
            await self._come_up()
            store = stack.enter_context(ParameterStore(str(self.folder / "parameters.sqlite")))
            async with self._lab() as lab:
                nodes = list(lab.facility.nodes)
                with self.costs.phase("readout calibrated"):
                    await self._calibrate(lab, nodes, store)
                if self.count > 1:
                    await self._pairs(lab, nodes)
                    await self._one_dies(lab, nodes)
            if self.count > 1:
                await self._another_joins(store)
        self.found["phases"] = self.costs.phases
        self.found["wall_s"] = round(time.monotonic() - begun, 1)
        self.found["pss_mb"] = max(one["pss_mb"] for one in self.costs.phases.values())
        self.found["load"] = [round(load, 1) for load in os.getloadavg()]
        return self.found

    async def _come_up(self) -> None:
        logs, world = self.folder / "logs", self.folder / "twin.yaml"
        larger, all_endpoints = self.folder / "larger.yaml", self.folder / "all.json"
        more = self.count + (self.count > 1)
        self.facility_file.write_text(facility_text(self.count))
        larger.write_text(facility_text(more))
        with self.costs.phase("sample"):
            await call("sample", podium("twin", "sample", larger, "--seed", 1, "--out", world))
        with self.costs.phase("serve"):
            serve = ("twin", "serve", larger, "--twin", world, "--endpoints", all_endpoints)
            self._children.start("twins", podium(*serve, "--with-parent"), logs)
            await self._children.wait_for(all_endpoints)
        known = load_facility(self.facility_file).instruments
        listed = json.loads(all_endpoints.read_text())["instruments"]
        mine = {name: where for name, where in listed.items() if name in known}
        self.endpoints.write_text(json.dumps({"instruments": mine}))
        self.chip = read_world(world).chip()
        with self.costs.phase("up"):
            up = ("up", self.facility_file, "--endpoints", self.endpoints, "--state", self.state)
            up += ("--store", self.folder / "parameters.sqlite", "--with-parent")
            self._up = self._children.start("up", podium(*up), logs)
            await self._said(self._up.log, " is up: ")
        with self.costs.phase("idle"):
            await asyncio.sleep(IDLE_S)

    async def _said(self, log: Path, words: str) -> None:
        async with asyncio.timeout(120):
            while words not in await asyncio.to_thread(log.read_text):
                self._children.check()
                await asyncio.sleep(0.02)

    @asynccontextmanager
    async def _lab(self, endpoints: Path | None = None) -> AsyncIterator[Lab]:
        coordinator = json.loads(self.state.read_text())["coordinator"]
        over = endpoints or self.endpoints
        async with join_facility(self.facility_file, coordinator, over) as lab:
            yield lab

    # Readout

    async def _calibrate(self, lab: Lab, nodes: Sequence[str], store: ParameterStore) -> None:
        turns = asyncio.Semaphore(SIDE_BY_SIDE)

        async def one(node: str) -> None:
            async with turns:
                await self._calibrate_node(lab, node, store)

        async with asyncio.TaskGroup() as tasks:
            for node in nodes:
                tasks.create_task(one(node))
        self._judge(lab.facility, nodes, store)

    async def _calibrate_node(self, lab: Lab, node: str, store: ParameterStore) -> None:
        qubits = tuple(lab.facility.nodes[node].qubits.values())
        expected = {q.flux_port: q.design["flux_offset"].value for q in qubits}
        await lab.bias(expected)
        self.biases_v |= expected
        shots = 1.0 if self._thorough else 0.5
        bench = Bench(lab, node, qubits, store, keep=lambda data: None, thoroughness=shots)
        async for outcome in bring_up(bench, self._routines, ROUTINES):
            assert not outcome.failures, (outcome.routine, outcome.failures)
            if outcome.routine == "flux_arc":
                self.biases_v |= {
                    q.flux_port: bench.bias_on_grid(q, bench.known(q, "sweet_spot").value)
                    for q in qubits
                }

    def _judge(self, facility: Facility, nodes: Sequence[str], store: ParameterStore) -> None:
        """Compare what was found with the world's truth at the biases that are set."""
        points = {q.name: q for line in self.chip.at(self.biases_v) for q in line.qubits}
        fidelities = []
        for node in nodes:
            for qubit in facility.nodes[node].qubits.values():
                point, name = points[qubit.name], qubit.name
                found, kappa = (
                    store.get(f"{name}.{q}") for q in ("ground_readout_frequency", "kappa")
                )
                assert found is not None
                assert kappa is not None
                # first values: the line in thermal equilibrium, mostly that of level 0
                assert abs(found.value - point.resonator_hz[0]) < 0.2 * point.kappa_hz, name
                assert abs(kappa.value / point.kappa_hz - 1) < 0.25, name
                if self._thorough:
                    fidelity = store.get(f"{name}.assignment_fidelity")
                    assert fidelity is not None, name
                    fidelities.append(fidelity.value)
        if fidelities:
            self.found.setdefault(
                "fidelity", [round(min(fidelities), 4), round(max(fidelities), 4)]
            )
            assert min(fidelities) > 0.85

    # Starts

    async def _pairs(self, lab: Lab, nodes: Sequence[str]) -> None:
        pairs = [tuple(nodes[:2]), tuple(nodes[2:4])] if len(nodes) > 3 else [tuple(nodes[:2])]
        together = [node for pair in pairs for node in pair]
        await self._measure_skews(lab, together)
        with self.costs.phase("pairs"):
            overlap_s = 0.0
            while overlap_s <= 0:
                since = self._entry()
                runs = [self._run(lab, pair) for pair in pairs]
                done = await asyncio.gather(*runs)
                spans = [span(data) for data in done]
                overlap_s = min(end for _, end in spans) - max(begin for begin, _ in spans)
        self.found["pairs_overlap_s"] = round(overlap_s, 3)
        self.found["apart_ps"] = [
            self._apart_ps(lab, pair, since, data) for pair, data in zip(pairs, done, strict=True)
        ]

    async def _measure_skews(self, lab: Lab, nodes: Sequence[str]) -> None:
        if self._thorough:
            with self.costs.phase(f"skews of {', '.join(nodes)}"):
                await patiently(lab, lambda: lab.measure_skews(nodes, SKEW_STARTS))

    async def _run(self, lab: Lab, nodes: Sequence[str]) -> xarray.Dataset:
        program = both(lab, nodes)
        return await patiently(lab, lambda: lab.run(program, corrected=self._thorough))

    def _entry(self) -> int:
        played = ask(self.folder / "all.json", {"do": "played"})
        return max((one["number"] for one in played), default=0)

    def _apart_ps(self, lab: Lab, pair: Sequence[str], since: int, data: xarray.Dataset) -> float:
        """Return how much later the second node of a pair began than the first, by the world.

        Of whole ticks at the connectors, and of the rest by which waveforms are sampled later.
        """
        began = {}
        for one in ask(self.folder / "all.json", {"do": "played", "since": since}):
            began[one["instrument"], one["connector"]] = one["at_fs"][0]
        ends = [lab.facility.feedline_wiring(f"{node}.feedline").output for node in pair]
        settings = json.loads(data.attrs["start_settings"] or "{}")
        first, second = (
            began[end.instrument, end.channel] + settings.get(end.instrument, {}).get("late_fs", 0)
            for end in ends
        )
        apart_ps = round((second - first) / 1e3, 1)
        assert abs(apart_ps) < (SKEW_PS if self._thorough else AS_WIRED_PS), pair
        return apart_ps

    # Faults

    async def _one_dies(self, lab: Lab, nodes: Sequence[str]) -> None:
        victim, others = nodes[-1], nodes[:2] if len(nodes) > 2 else nodes[:1]
        before = self._pids()
        with self.costs.phase("one killed"):
            begun = time.monotonic()
            os.kill(before[victim], signal.SIGKILL)
            while not any(
                one.startswith(f"agent {victim}") for one in (await lab.status()).missing
            ):
                assert time.monotonic() - begun < 10
                await asyncio.sleep(0.02)
            self.found["noticed_s"] = round(time.monotonic() - begun, 3)
            await self._run(lab, others)
        with self.costs.phase("back"):
            async with asyncio.timeout(90):
                while True:
                    status = await lab.ready(60)
                    if not status.missing and victim in [one.agent for one in status.agents]:
                        break
        after = self._pids()
        assert after.pop(victim) != before.pop(victim)
        assert after == before

    def _pids(self) -> dict[str, int]:
        """Return the processes of agents by their names, and of the coordinator."""
        found = {}
        for root in (child.process.pid for child in self._children.running):
            for one in psutil.Process(root).children(recursive=True):
                words = one.cmdline()
                if "podium.control.agent.process" in words:
                    found[words[words.index("--name") + 1]] = one.pid
                elif "podium.control.coordinator.process" in words:
                    found["coordinator"] = one.pid
        return found

    # Growth

    async def _another_joins(self, store: ParameterStore) -> None:
        before, everywhere = self._pids(), self.folder / "all.json"
        with self.costs.phase("another joins"):
            (self.folder / "larger.yaml").replace(self.facility_file)
            words = ("join", self.facility_file, "--endpoints", everywhere, "--state", self.state)
            join = self._children.start(
                "join", podium(*words, "--with-parent"), self.folder / "logs"
            )
            await self._said(join.log, " joined ")
        async with self._lab(everywhere) as lab:
            new = list(lab.facility.nodes)[-1]
            with self.costs.phase("its readout calibrated"):
                await self._calibrate(lab, [new], store)
            pair = (next(iter(lab.facility.nodes)), new)
            await self._measure_skews(lab, pair)
            with self.costs.phase("its pair"):
                since = self._entry()
                data = await self._run(lab, pair)
            self.found["apart_of_new_ps"] = self._apart_ps(lab, pair, since, data)
        assert self._pids().items() >= before.items()


def both(lab: Lab, nodes: Sequence[str]) -> Program:
    """Return a program that plays and captures on all ``nodes``, from the first nanosecond on."""
    frames, body = [], []
    for node in nodes:
        qubit = lab.facility.nodes[node].qubits["q0"]
        frames.append(Frame(node, qubit.readout_port, qubit.design["readout_frequency"].value))
        body += [
            Capture(node, f"of_{node}", 800 * FS_PER_NS, 200 * FS_PER_NS),
            Play(node, Square(1000 * FS_PER_NS), 0.02),
            Delay((node,), (SHOT_NS - 1000) * FS_PER_NS),
        ]
    return Program(f"of {' and '.join(nodes)}", tuple(frames), tuple(body), shots=SHOTS)


def span(data: xarray.Dataset) -> tuple[float, float]:
    """Return when a run began and ended, TAI, s."""
    begun = float(data.attrs["started_tai_s"])
    return begun, begun + SHOTS * SHOT_NS * 1e-9


async def patiently(lab: Lab, start: Callable[[], Awaitable[Result]]) -> Result:
    """Start; again, for a while, where this machine was so busy that something came too late."""
    give_up = time.monotonic() + PATIENCE_S
    while True:
        try:
            return await start()
        except RunError as error:
            if not any(words in str(error) for words in (*LATE, NOT_COME)):
                raise
            if time.monotonic() > give_up:
                raise
        await lab.ready(60)


async def tell(count: int, folder: Path, *, thorough: bool) -> dict[str, object]:
    """Tell the story of ``count`` nodes; ``thorough``: with readout up to its fidelity."""
    found = await Story(count, folder, thorough=thorough).tell()
    print(json.dumps(found), file=sys.stderr)
    return found
