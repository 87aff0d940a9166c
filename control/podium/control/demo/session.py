"""Brings qubits up: checks the fridge, ramps biases, runs routines, keeps data."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import xarray

from podium.control.calibration.bench import BeginStep, Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import BRING_UP, ROUTINES, VALIDITY
from podium.control.calibration.corrected_lines import correct_lines_for
from podium.control.calibration.declaration import Routine
from podium.control.calibration.facility_copy import keep_facility
from podium.control.calibration.readiness import (
    NotCold,
    check_fridges,
    fridges_of,
    ramp_biases,
)
from podium.control.calibration.recorded_outcome import outcome_recorder
from podium.control.calibration.runner import Runner
from podium.control.client.lab import Lab
from podium.control.client.procedure import Procedure
from podium.control.facility.edges import Edge
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import BadEntry, Measured, NotMeasured
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.parameters.validity import Validities
from podium.control.records.datasets import save_dataset
from podium.control.records.netcdf_content import NotStorable
from podium.control.report.comparison import compare
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Step, Story
from podium.firmware_interfaces.exact_time import FS_PER_S

CANNOT_GO_ON = (NotCold, NotMeasured, NotStorable, BadEntry, StoreError, OSError)
"""What ends a session, beside a ``RunError`` of the facility; what was found before is kept."""


@dataclass(slots=True, eq=False)
class Session:
    """Routines on qubits, told in ``story`` as they go."""

    runner: Runner
    qubits: tuple[Qubit, ...]
    store: ParameterStore
    datasets: Path
    """Folder for the data of every run."""
    story: Story
    display: Display
    drawings: Drawings
    thoroughness: float = 1.0
    validities: Validities = field(default_factory=lambda: Validities(VALIDITY))
    facility_file: Path | None = None
    """Kept beside the data, so that they can be refitted when it has changed."""
    routines: Mapping[str, Routine] = field(default_factory=lambda: ROUTINES)
    """All that there are, by name."""
    titles: dict[str, str] = field(default_factory=dict)
    """Titles of the routines, as their outcomes have told them."""
    edges: tuple[Edge, ...] = ()
    """What routines for edges work on; their ends are among ``qubits``."""
    active_reset: bool = False
    """Bring qubits to 0 by measuring and flipping them, as soon as results can be told."""
    label: str = ""
    """What tells its steps from those of others who work beside it: the node; empty: nobody."""
    _now_fs: int = 0
    """Laboratory time at the end of the latest step."""

    async def work(self, steps: tuple[str, ...] = BRING_UP) -> None:
        """Look at the fridges, ramp the biases, and run ``steps`` on each node in turn.

        However it ends, ``story`` holds what was found until then. Raises ``RunError`` when the
        facility fails, and :data:`CANNOT_GO_ON`.
        """
        nodes = tuple(dict.fromkeys(qubit.node for qubit in self.qubits))
        if not isinstance(self.runner, Lab):
            return await self._work(nodes, steps, None)
        title = f"calibration of {', '.join(nodes)}"
        whole = self.runner
        try:
            async with whole.procedure(title, nodes, len(nodes) * len(steps)) as (one, lab):
                self.runner = lab
                await self._work(nodes, steps, one)
        finally:
            self.runner = whole

    async def _work(
        self, nodes: tuple[str, ...], steps: tuple[str, ...], procedure: Procedure | None
    ) -> None:
        begin_fs = self._now_fs = (await self.runner.now()).total_fs
        tunable = self.runner.facility.with_flux_line(self.qubits)
        for q in self.qubits:
            lacks = {"sweet_spot"} if q not in tunable else set()
            lacks |= {"anharmonicity"} if q.kind == "fluxonium" else set()
            self.story.absent[q.name] = frozenset(lacks)
        if self.facility_file is not None:
            keep_facility(self.facility_file, self.runner.facility.digest, self.datasets)
        try:
            self.display.doing("looking at the fridge", who=self.label)
            self.story.fridge_k |= await check_fridges(self.runner, self.qubits)
            self.display.doing("ramping the biases", who=self.label)
            _, notes = await ramp_biases(self.runner, self.qubits, self.store, self.validities)
            self.story.notes += notes
            own = fridges_of(self.runner.facility, self.qubits)
            cold = [f"{name} is cold: {self.story.fridge_k[name] * 1e3:.1f} mK" for name in own]
            biases = "biases are ramped" if not self.label else f"biases of {self.label} are ramped"
            self.display.note("; ".join([*cold, biases]))
            for note in self.story.notes:
                self.display.note(f"too old: {note}")
            for number, node in enumerate(nodes):
                begin = None if procedure is None else _counted(procedure, number * len(steps))
                async for step in self._steps(node, steps, begin):
                    self.story.steps.append(step)
                    self.drawings.begin(step)
                    lab_s = (self._now_fs - begin_fs) / FS_PER_S
                    self.story.lab_s = max(self.story.lab_s, lab_s)
                    failed = bool(step.outcome.failures)
                    told = told_step(step)
                    self.display.done(step.outcome.title, told, failed=failed, who=self.label)
        finally:
            found = {
                name: Measured(entry.value, entry.sigma, entry.unit)
                for name, entry in self.store.all().items()
            }
            self.story.comparisons = compare(
                self.story.qubits,
                found,
                {},
                self.story.absent,
                self.story.left_out,
            )

    async def _steps(
        self, node: str, steps: tuple[str, ...], begin_step: BeginStep | None
    ) -> AsyncIterator[Step]:
        bench = Bench(
            self.runner,
            node,
            tuple(qubit for qubit in self.qubits if qubit.node == node),
            self.store,
            keep=self._keep,
            progress=self._progress,
            thoroughness=self.thoroughness,
            validities=self.validities,
            active_reset=self.active_reset,
            edges=tuple(edge for edge in self.edges if edge.node == node),
            keep_outcome=outcome_recorder(self.runner),
        )

        async def begin(number: int, routine: str) -> None:
            correct_lines_for(self.runner, routine, self.store)
            if begin_step is not None:
                await begin_step(number, routine)

        bench.begin_step = begin
        wall, before_fs = time.monotonic(), (await self.runner.now()).total_fs
        async for outcome in bring_up(bench, steps, self.routines):
            self.titles[outcome.routine] = outcome.title
            now, self._now_fs = time.monotonic(), (await self.runner.now()).total_fs
            lab_s = (self._now_fs - before_fs) / FS_PER_S
            yield Step(outcome, now - wall, lab_s, self.label, before_fs / FS_PER_S)
            wall, before_fs = now, self._now_fs

    def _keep(self, data: xarray.Dataset) -> None:
        save_dataset(data, self.datasets)

    def _progress(self, routine: str, doing: str) -> None:
        title = self.titles.get(routine, routine.replace("_", " "))
        self.display.doing(title, doing, who=self.label)


def _counted(procedure: Procedure, before: int) -> BeginStep:
    """Return what tells of a step by its number among all of them."""

    async def begin_step(number: int, routine: str) -> None:
        await procedure.begin_step(before + number, routine)

    return begin_step


def told_step(step: Step) -> tuple[str, ...]:
    """Return a line for each thing that a routine found or failed at."""
    lines = []
    for panel in step.outcome.panels:
        if panel.text:
            lines.append(f"{panel.element}: {'FAILED: ' if panel.failed else ''}{panel.text}")
    drawn = [(panel.element, panel.text) for panel in step.outcome.panels if panel.failed]
    for element, reason in step.outcome.failures.items():
        if not {(element, reason), (element.rpartition(".")[2], reason)} & set(drawn):
            lines.append(f"{element}: FAILED: {reason}")
    lines += [f"note: {note}" for note in (*step.outcome.notes, *step.outcome.assumed)]
    return tuple(lines)
