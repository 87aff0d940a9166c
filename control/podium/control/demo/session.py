"""A bring-up at work: the fridge is looked at, biases are ramped, routines run, data are kept."""

import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import xarray

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import BRING_UP, bring_up
from podium.control.calibration.datasets import save_dataset
from podium.control.calibration.measured import Record
from podium.control.calibration.runner import Runner
from podium.control.demo.progress import Display
from podium.control.demo.story import Step
from podium.control.facility.facility import Facility, Qubit
from podium.firmware_interfaces.exact_time import FS_PER_S


class NotCold(Exception):
    """A fridge is too warm to measure in. Nothing was played and no bias was moved."""


@dataclass(slots=True, eq=False)
class Session:
    """Routines on some qubits of a node."""

    runner: Runner
    qubits: tuple[Qubit, ...]
    record: Record
    datasets: Path
    """Folder for the data of every run."""
    display: Display
    thoroughness: float = 1.0
    titles: dict[str, str] = field(default_factory=dict)
    """Titles of the routines, as their outcomes have told them."""

    async def check_fridges(self) -> dict[str, float]:
        """Return the readings of the fridges that these qubits are in, K; raises NotCold."""
        facility = self.runner.facility
        readings: dict[str, float] = {}
        for name in fridges_of(facility, self.qubits):
            fridge = facility.fridges[name]
            thermometer = fridge.thermometer
            kelvin = await self.runner.read(thermometer.instrument, thermometer.channel)
            if not kelvin < fridge.cold_below_k:
                raise NotCold(
                    f"{name} is at {kelvin * 1e3:.4g} mK by {thermometer}, and counts as cold "
                    f"below {fridge.cold_below_k * 1e3:.4g} mK; wait, or look at the fridge"
                )
            readings[name] = kelvin
        return readings

    async def ramp_biases(self) -> dict[str, float]:
        """Ramp every qubit's bias to where its sweet spot should be; return the levels, V."""
        levels: dict[str, float] = {}
        for qubit in self.qubits:
            limit = self.runner.facility.flux_wiring(qubit.flux_port).limit_v
            expected = qubit.design["flux_offset"].value if "flux_offset" in qubit.design else 0.0
            levels[qubit.flux_port] = max(-limit, min(limit, expected))
        await self.runner.bias(levels)
        return levels

    async def steps(self, routines: tuple[str, ...] = BRING_UP) -> AsyncIterator[Step]:
        """Run ``routines`` in order, yielding each as it is done; data are saved as they come.

        Raises ``RunError`` when the facility fails, ``StoreError``, ``NotStorable`` or OSError
        when something could not be kept.
        """
        bench = Bench(
            self.runner,
            self.qubits[0].node,
            self.qubits,
            self.record,
            keep=lambda data: self._keep(bench, data),
            progress=self._progress,
            thoroughness=self.thoroughness,
        )
        wall, lab_fs = time.monotonic(), (await self.runner.now()).total_fs
        async for outcome in bring_up(bench, routines):
            self.titles[outcome.routine] = outcome.title
            now, now_fs = time.monotonic(), (await self.runner.now()).total_fs
            yield Step(outcome, now - wall, (now_fs - lab_fs) / FS_PER_S)
            wall, lab_fs = now, now_fs

    def _keep(self, bench: Bench, data: xarray.Dataset) -> None:
        bench.epoch = int(data.attrs.get("epoch", bench.epoch))
        save_dataset(data, self.datasets)

    def _progress(self, routine: str, doing: str) -> None:
        self.display.doing(self.titles.get(routine, routine.replace("_", " ")), doing)


def fridges_of(facility: Facility, qubits: tuple[Qubit, ...]) -> tuple[str, ...]:
    """Return the names of the fridges that the qubits' nodes are in."""
    named = dict.fromkeys(facility.nodes[qubit.node].fridge for qubit in qubits)
    return tuple(name for name in named if name is not None)


def told_step(step: Step) -> tuple[str, ...]:
    """Return a line for each thing that a routine found or failed at."""
    lines = []
    for panel in step.outcome.panels:
        if panel.text:
            lines.append(f"{panel.element}: {'FAILED: ' if panel.failed else ''}{panel.text}")
    drawn = {(panel.element, panel.text) for panel in step.outcome.panels if panel.failed}
    for element, reason in step.outcome.failures.items():
        if not any(element.endswith(name) and text == reason for name, text in drawn):
            lines.append(f"{element}: FAILED: {reason}")
    return tuple(lines)
