"""A facility of two nodes that answers at once: no bus, no instruments.

Starts come out as it is told. An agent is as alive as the process that stands for it.
"""

import asyncio
import json
import subprocess
from collections.abc import Mapping, Sequence

import numpy as np
import xarray
from tests.benches.facility.loaded_examples import loaded
from tests.benches.report.synthetic_story_of_two import PULSES, T0

from podium.control.bus.messages import AgentStatus, FacilityStatus, InstrumentStatus, LoggedRequest
from podium.control.bus.mixers import MixerFound
from podium.control.client.lab import Lab
from podium.control.client.skew_calibration import LoopbackResult, SkewsFound
from podium.control.facility.example import TWO_NODES, example_facility
from podium.control.facility.facility import Facility
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program, variables
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, Skew, SkewMeasured
from podium.control.timebase.skew_messages import SkewKnown, SkewsKnown
from podium.control.timebase.skew_routine import Progress
from podium.control.timebase.start_setting import SkewsMeasured
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

OWNED = {"node_a": "cluster_a", "node_b": "cluster_b", "room": "tagger"}
PAIR = Pair("cluster_b", "cluster_a")
SKEW_FS = 2_310_000
REST_FS = 310_000
TURNS = 2_000
"""A run that waits for a death gives up after so many turns of the loop."""


class FakeLab:
    """Implements what the demo asks of a lab; laboratory time goes on by 1 s with each run."""

    all_connected = Lab.all_connected

    def __init__(self) -> None:
        self.facility: Facility = loaded(example_facility(TWO_NODES))
        self.runs = 0
        self.late = 0
        """So many of the next starts come late."""
        self.refuses = ""
        """Why skews cannot be measured."""
        self.calibrated = False
        self.process: subprocess.Popen[bytes] | None = None
        """Stands for node_b's agent."""
        self.back_after = 3
        """Looks at the status for which a dead agent is missing."""
        self.never_back = False
        self.on: dict[str, str] = {}
        self.looked = 0
        self.lacks = False
        """Runs of node_a lack a point."""

    # What a lab can

    async def now(self) -> Tai:
        return Tai.from_fs(T0.total_fs + self.runs * FS_PER_S)

    async def read(self, instrument: str, channel: str) -> float:
        return 0.012

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        return {}

    async def bias(self, volts: Mapping[str, float]) -> None:
        return

    async def run(self, program: Program, *, corrected: bool = True) -> xarray.Dataset:
        nodes = {frame.port.partition(".")[0] for frame in program.frames}
        if len(nodes) > 1:
            self._start(corrected)
        self.runs += 1
        run = f"17-{self.runs:05d}"
        self.on[run] = program.name
        try:
            await asyncio.sleep(0)
            if nodes == {"node_b"}:
                await self._until_dead()
        finally:
            del self.on[run]
        return self._data(program, run, lacks=self.lacks and nodes == {"node_a"})

    async def loopback(
        self, nodes: Sequence[str], *, corrected: bool = False, **_: object
    ) -> LoopbackResult:
        assert tuple(nodes) == ("node_a", "node_b")
        self._start(corrected)
        self.runs += 1
        markers = self.facility.timing.markers
        rest_fs = REST_FS if corrected else 0
        left_fs = 20_000 - rest_fs if corrected else SKEW_FS
        tags = {node: 8 * 10**8 + markers[node].delay.value_fs for node in nodes}
        settings = {"cluster_a": {"late_fs": 0}, "cluster_b": {"late_fs": rest_fs}}
        return LoopbackResult(
            f"17-{self.runs:05d}",
            await self.now(),
            {},
            {node: np.ones(PULSES, np.int64) for node in nodes},
            {
                node: np.full(PULSES, at + (left_fs if node == "node_b" else 0), np.int64)
                for node, at in tags.items()
            },
            Epochs.of({}),
            json.dumps(settings) if corrected else "",
        )

    async def measure_skews(
        self, nodes: Sequence[str], starts: int, progress: object
    ) -> SkewsFound:
        if self.refuses:
            raise RunRefused(self.refuses)
        assert callable(progress)
        progress(Progress("measuring the skew", 1, starts))
        self.calibrated = True
        self.runs += starts
        measured = SkewsMeasured("cluster_a", {}, (self._measured(),))
        return SkewsFound(measured, starts + 16, Loopback(()).pulses, 0, float(starts))

    async def skews(self) -> SkewsKnown:
        one = self._measured()
        now = Skew(PAIR, one.value_fs, 28_000.0, one.at, one.temperature_k, one.epochs)
        return SkewsKnown((SkewKnown(now, one, ""),), {})

    async def ready(self, within_s: float) -> FacilityStatus:
        return await self.status()

    async def status(self) -> FacilityStatus:
        await asyncio.sleep(0)
        gone = self._dead()
        agents = tuple(
            AgentStatus(name, "idle", (InstrumentStatus(box, "m", "connected", "", 1, 0, ""),))
            for name, box in OWNED.items()
            if not (gone and name == "node_b")
        )
        asked = tuple(
            LoggedRequest(k, f"run {run} {what}", "a test", 0.0, 0.0, "on", "")
            for k, (run, what) in enumerate(self.on.items())
        )
        missing = ("agent node_b: gone: its process has ended",) if gone else ()
        return FacilityStatus("two_nodes", agents, missing, 0, 0, asked)

    # Inside

    def _start(self, corrected: bool) -> None:
        if corrected and not self.calibrated:
            raise RunRefused("the skew of cluster_b against cluster_a was never measured")
        if self.late:
            self.late -= 1
            raise RunFailed("node_b: FIRE came -1 fs before T0")

    def _dead(self) -> bool:
        if self.process is None or self.process.poll() is None:
            return False
        self.looked += 1
        return self.never_back or self.looked <= self.back_after

    async def _until_dead(self) -> None:
        for _ in range(TURNS if self.process is not None else 0):
            if self.process is not None and self.process.poll() is not None:
                raise RunFailed("agent node_b is gone: its process or the way to it has ended")
            await asyncio.sleep(0)

    def _measured(self) -> SkewMeasured:
        return SkewMeasured(PAIR, SKEW_FS, 2e3, 28_000.0, T0, 295.0, Epochs.of({}))

    def _data(self, program: Program, run: str, *, lacks: bool) -> xarray.Dataset:
        swept = variables(program.axes)
        coordinates = {
            name: (
                axis.name,
                np.array([v.value(k) for k in range(v.values.count)], float) * 1e-15,
                {"units": "s"},
            )
            for axis in program.axes
            for v in axis.variables
            for name in (v.name,)
        }
        assert swept.keys() == coordinates.keys()
        data: dict[str, object] = {}
        for one in program.body:
            name = getattr(one, "name", "")
            if not name:
                continue
            delay_s = coordinates["delay"][1]
            signal = np.exp(-delay_s / 30e-6) + 0.002 * np.cos(1e6 * delay_s)
            if lacks:
                signal[3] = np.nan
            said = {"units": "V", "out_of_range": 0}
            data[f"{name}_i"] = ("delay", signal, said)
            data[f"{name}_q"] = ("delay", 0 * signal, said)
        attributes = {"run": run, "epoch": 1, "program": program.name}
        return xarray.Dataset(data, coordinates, attributes)
