"""Chaos on twins: the real agents, drivers and wires, and a world that knows what played when."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import numpy as np
from tests.benches.nodes.triggered import Node, together
from tests.chaos.twin_judge import (
    Calibration,
    Completed,
    Setting,
    Start,
    judge,
    starts_of,
)
from tests.chaos.twin_laboratory import KINDS, NODES, RELOCK, TWO_NODES, TwinLaboratory
from tests.chaos.world import Tally

from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.runs.errors import RunError
from podium.control.runs.verdict import TOLERANCE_FS
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai

Result = TypeVar("Result")
HALF_NS_FS = FS_PER_NS // 2
RUN_S = 60.0
"""A run that has not ended after this is lost."""
STARTS = 4
"""Of a measurement of skews: sigma is the cables', 28 ps."""
CLEAN = 2
"""Starts of each kind after a calibration that say what the latency is."""
AT_MOST_S = 3.0
"""So long a fault waits for a run to have ended since the one before."""
PATIENCE_S = 120.0
"""What is to work again once faults are over has so long."""


class OnTwins:
    """Somebody who wants runs while faults happen, and the judgement of what came of it."""

    def __init__(
        self, laboratory: TwinLaboratory, faults: int, kinds: Sequence[str] = KINDS
    ) -> None:
        """Each of ``kinds`` has its turn before any comes again."""
        self._laboratory = laboratory
        self._wanted = faults
        self._kinds = kinds
        self._draw = random.Random(laboratory.draw.random())
        self.tally = Tally()
        self.calibrations: list[Calibration] = []
        self._completed: list[Completed] = []
        self._jobs = 0
        self._may_run = asyncio.Event()
        self._quiet = asyncio.Event()
        self._ended = asyncio.Event()
        self._enough = False

    async def run(self) -> Tally:
        laboratory = self._laboratory
        try:
            await laboratory.begin()
            async with join_facility(
                laboratory.example, laboratory.coordinator, laboratory.endpoints
            ) as lab:
                await self._again("become ready", lambda: lab.ready(20))
                await self._calibrate(lab)
                async with asyncio.TaskGroup() as tasks:
                    wanting = tasks.create_task(self._want(lab))
                    await self._faults(lab)
                    self._enough = True
                    await wanting
            clusters = laboratory.clusters
            starts = starts_of(await laboratory.ask("played"), clusters)
            relocks = laboratory.relocks
            judge(starts, self.calibrations, relocks, self._completed, self.tally, clusters)
        finally:
            await laboratory.end()
        return self.tally

    # Faults

    async def _faults(self, lab: Lab) -> None:
        kinds: list[str] = []
        for _ in range(self._wanted):
            if not kinds:
                kinds = list(self._kinds)
                self._draw.shuffle(kinds)
            kind = kinds.pop()
            await self._a_run_has_ended()
            await asyncio.sleep(self._draw.uniform(0.1, 0.7))
            await self._laboratory.fault(kind)
            self.tally.faults += 1
            self.tally.kinds += Counter([f"twins: {kind}"])
            if kind == RELOCK:
                await asyncio.sleep(self._draw.uniform(0.5, 1.0))
                await self._locked_again(lab)

    async def _a_run_has_ended(self) -> None:
        """Let somebody meet the fault before, if it does not take too long."""
        self._ended.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(AT_MOST_S):
                await self._ended.wait()

    async def _locked_again(self, lab: Lab) -> None:
        """Have the skew measured anew, as a person would; nobody else runs anything meanwhile."""
        self._may_run.clear()
        await self._quiet.wait()
        await self._laboratory.lock_again()
        await self._calibrate(lab)

    # Calibration

    async def _calibrate(self, lab: Lab) -> None:
        calibration = Calibration(await self._laboratory.now_fs())
        self.calibrations.append(calibration)
        await self._again("measure skews", lambda: lab.measure_skews(starts=STARTS, anew=True))
        clean: list[tuple[int, dict[str, Setting]]] = []
        for _ in range(CLEAN):
            for start in (self._program, self._loopback):
                clean.append(await self._again("start", lambda start=start: start(lab, "clean")))
        calibration.settings = clean[-1][1]
        await self._keep_latencies(calibration, [t0_fs for t0_fs, _ in clean])
        calibration.ended_fs = await self._laboratory.now_fs()
        self._may_run.set()

    async def _keep_latencies(self, calibration: Calibration, t0s_fs: list[int]) -> None:
        """Note when nodes play after T0; clean starts that do not agree are a problem."""
        found: dict[tuple[str, str], list[int]] = {}
        played: list[Start] = starts_of(
            await self._laboratory.ask("played"), self._laboratory.clusters
        )
        for start in played:
            t0_fs = start.t0_fs(calibration.settings[start.cluster].delay_ns)
            if t0_fs in t0s_fs:
                after_fs = start.at_fs - t0_fs
                found.setdefault((start.cluster, start.connector), []).append(after_fs)
        for place, latencies_fs in found.items():
            calibration.latency_fs[place] = round(np.mean(latencies_fs))
            if np.ptp(latencies_fs) > TOLERANCE_FS or len(latencies_fs) != CLEAN:
                self.tally.problems.append(f"clean starts of {place}: {latencies_fs} fs after T0")
                self.tally.wrong_time_pulses += 1

    # Runs

    async def _want(self, lab: Lab) -> None:
        while not self._enough:
            if not self._may_run.is_set():
                self._quiet.set()
                await self._may_run.wait()
                self._quiet.clear()
            await self._one(lab)
            self._ended.set()
        # What was done wrong must not last.
        give_up = time.monotonic() + PATIENCE_S
        before = self.tally.completed
        while self.tally.completed == before and time.monotonic() < give_up:
            await self._one(lab)
        if self.tally.completed == before:
            self.tally.lost_jobs += 1
            self.tally.problems.append("nothing could be run once the faults were over")

    async def _one(self, lab: Lab) -> None:
        job = f"job_{self._jobs}"
        self._jobs += 1
        self.tally.starts += 1
        start = self._loopback if self._draw.random() < 0.25 else self._program
        try:
            async with asyncio.timeout(RUN_S):
                t0_fs, _ = await start(lab, job)
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
            self._completed.append(Completed(job, t0_fs))

    async def _program(self, lab: Lab, job: str) -> tuple[int, dict[str, Setting]]:
        nodes = [Node(name.removeprefix("node_")) for name in NODES]
        data = await lab.run(together(nodes, name=job))
        return _tai(data.attrs["started_tai"]).total_fs, _settings(data.attrs["start_settings"])

    async def _loopback(self, lab: Lab, job: str) -> tuple[int, dict[str, Setting]]:
        seen = await lab.loopback(corrected=True)
        if any(set(counts.tolist()) != {1} for counts in seen.counts.values()):
            raise RunError(f"{job}: {seen.counts}")
        return seen.t0.total_fs, _settings(seen.start_settings)

    async def _again(self, what: str, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do it, again where a host that is too busy has spoilt it."""
        give_up = time.monotonic() + PATIENCE_S
        while True:
            try:
                return await work()
            except (RunError, TimeoutError) as error:
                if time.monotonic() > give_up:
                    said = f"nobody could {what}: {error}\n{self._laboratory.told()}"
                    raise AssertionError(said) from error
                await asyncio.sleep(0.1)


def _tai(text: str) -> Tai:
    seconds, _, rest = text.removesuffix(" TAI").partition(".")
    return Tai(int(seconds), int(rest))


def _settings(text: str) -> dict[str, Setting]:
    return {name: _setting(name, one) for name, one in json.loads(text).items()}


def _setting(name: str, told: Mapping[str, int]) -> Setting:
    """Return a setting; Zurich Instruments begin on samples of half a nanosecond, and the world's
    record has of pulses the nanosecond that theirs lies in."""
    if not name.startswith("zi_"):
        return Setting(told["delay_ns"], told["late_fs"])
    offset_fs = told["offset_ns"] * FS_PER_NS + told["late_fs"]
    sample_fs = (2 * offset_fs + HALF_NS_FS) // FS_PER_NS * HALF_NS_FS
    floor_fs = sample_fs // FS_PER_NS * FS_PER_NS
    return Setting(told["delay_ns"], offset_fs - floor_fs, offset_fs - sample_fs)


async def twin_chaos(
    folder: Path,
    seed: int,
    faults: int,
    kinds: Sequence[str] = KINDS,
    example: str = TWO_NODES,
) -> Tally:
    """Return what came of ``faults`` faults on twins; logs are in ``folder``.

    ``example``: of those that ``TwinLaboratory`` takes.
    """
    return await OnTwins(TwinLaboratory(folder, seed, example), faults, kinds).run()
