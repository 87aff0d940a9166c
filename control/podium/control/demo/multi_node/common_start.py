"""Starts all nodes at one time: as wired, calibrated, and with skews taken out."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import xarray

from podium.control.calibration.bench import Bench
from podium.control.client.lab import Lab
from podium.control.demo.multi_node.decays import decays, fitted
from podium.control.demo.session import told_step
from podium.control.facility.facility import Facility
from podium.control.program.program import Program
from podium.control.records.datasets import save_dataset
from podium.control.report.multi_node.story import FS_PER_PS, MultiNodeStory
from podium.control.report.multi_node.tagged_starts import TaggedStart, spread_of, tagged_start
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Step, Story
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.timebase.skew_routine import Progress
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

Done = TypeVar("Done")

BEFORE, AFTER, AGAIN = 8, 16, 8
"""Starts tagged before the calibration, after it (to 2 ps), and once a lost node is back."""
CALIBRATION_STARTS = 25
"""What is left to chance averages to a few ps in so many; how well cables are known is more."""
IN_TURN = 8
"""A start that came late, as on a machine that is busy otherwise, is tried so often."""
CALIBRATIONS = 3
"""And a calibration, in which so many starts were lost that it was given up."""
SHOTS = 600
"""Of the program that all nodes play from one start."""


def marked(facility: Facility) -> tuple[str, ...]:
    """Return the nodes that the tagger sees, the reference first; fewer than two: none do."""
    markers = facility.timing.markers
    boxes = {markers[node].output.instrument for node in facility.nodes if node in markers}
    return tuple(n for n in facility.nodes if n in markers) if len(boxes) > 1 else ()


@dataclass(slots=True, eq=False)
class CommonStart:
    """Starts nodes together, told in ``together`` and ``story`` as it goes."""

    lab: Lab
    benches: Mapping[str, Bench]
    """By node; their qubits are calibrated."""
    datasets: Path
    story: Story
    together: MultiNodeStory
    display: Display
    drawings: Drawings
    thoroughness: float = 1.0

    async def calibrate(self) -> None:
        """Start all as they are wired, measure the skews, start with them taken out.

        Raises ``RunError``; what was seen until then is reported.
        """
        await self._tagged("as they are wired", self.together.before, BEFORE, False)
        self.display.doing("calibrating the skew")
        count = max(10, round(CALIBRATION_STARTS * min(1.0, self.thoroughness)))
        found = await self._again(
            lambda: self.lab.measure_skews(self.together.nodes, count, self._progress),
            CALIBRATIONS,
        )
        self.together.found = found
        known = {one.measured.pair.port: one for one in (await self.lab.skews()).skews}
        for node in self.together.others:
            box = self.lab.facility.timing.markers[node].output.instrument
            self.together.sigmas_fs[node] = known[box].now.sigma_fs
        self.display.done(
            "skew calibrated",
            tuple(
                f"{one.pair}: {one.value_fs / FS_PER_NS:.3f} ns"
                f" ± {known[one.pair.port].now.sigma_fs / FS_PER_PS:.0f} ps,"
                f" {found.starts} starts of {found.pulses} pulses,"
                f" {found.lab_s:.1f} s in the laboratory"
                for one in found.measured.skews
            ),
        )
        await self._tagged("with the skew taken out", self.together.after, AFTER, True)

    async def once_more(self) -> None:
        """Start all with what is known of skews, after a node was lost and has come back."""
        await self._tagged("together again", self.together.again, AGAIN, True)

    async def play(self) -> None:
        """Let all nodes play one program from one start, and tell what it brought back."""
        self.display.doing("all nodes play one program")
        shots = max(16, round(SHOTS * self.thoroughness))
        program = decays(self.benches, shots)
        wall, before = time.monotonic(), await self.lab.now()
        data = await self.started(program)
        save_dataset(data, self.datasets)
        outcome = await asyncio.to_thread(fitted, self.benches, data, shots)
        self.together.runs.append(str(data.attrs["run"]))
        lab_s = (await self.lab.now() - before) / FS_PER_S
        step = Step(outcome, time.monotonic() - wall, lab_s)
        self.story.steps.append(step)
        self.drawings.begin(step)
        self.display.done(outcome.title, told_step(step), failed=bool(outcome.failures))

    async def started(self, program: Program) -> xarray.Dataset:
        """Return the data of a run on several nodes, begun again where its start came late."""
        return await self._again(lambda: self.lab.run(program))

    async def _tagged(
        self, what: str, into: list[TaggedStart], count: int, corrected: bool
    ) -> None:
        count = max(4, round(count * min(1.0, self.thoroughness)))
        for number in range(count):
            self.display.doing(f"starts {what}", f"{number} of {count}")
            seen = await self._again(
                lambda: self.lab.loopback(self.together.nodes, corrected=corrected)
            )
            into.append(tagged_start(self.lab.facility, seen))
        told = [
            f"{node}: {spread.mean_fs / FS_PER_NS:+.3f} ns after {self.together.nodes[0]}, "
            f"{spread.rms_fs / FS_PER_PS:.0f} ps rms, as the time tagger saw it"
            for node in self.together.others
            if (spread := spread_of([one.skew_fs(node) for one in into])) is not None
        ]
        self.display.done(f"{count} starts {what}", tuple(told))

    async def _again(self, begin: Callable[[], Awaitable[Done]], tries: int = IN_TURN) -> Done:
        """Return what ``begin`` gives, begun again where a start failed; raises ``RunError``."""
        for _ in range(tries - 1):
            try:
                return await begin()
            except RunRefused:
                raise
            except RunFailed:
                self.together.repeated += 1
        return await begin()

    def _progress(self, far: Progress) -> None:
        self.display.doing(f"calibrating the skew: {far.what}", f"{far.done} of {far.of}")
