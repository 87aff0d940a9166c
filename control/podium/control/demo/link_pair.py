"""Calibrates a quantum link between two nodes that have been brought up, and shares a pair."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import xarray

from podium.control.calibration.catalogue import DECLARATIONS
from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_routines import BELL, CALIBRATION, calibrate_link
from podium.control.calibration.links.link_session import link_validities
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.recorded_outcome import outcome_recorder
from podium.control.client.lab import Lab
from podium.control.client.skew_calibration import SkewsFound
from podium.control.demo.session import CANNOT_GO_ON, told_step
from podium.control.facility.facility import Facility, Link
from podium.control.parameters.quantities import QUANTITIES
from podium.control.parameters.store import ParameterStore
from podium.control.records.datasets import save_dataset
from podium.control.report.link_story import LinkStory
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Failure, Step, Story
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.control.timebase.skew_routine import Progress
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

STARTS = 20
"""By which the nodes' skew is measured: what is left, some 10 ps, is far below a photon's ns."""
CALIBRATIONS = 3
"""A calibration of the skew in which too many starts were lost is begun again so often."""
STEPS = 1 + len(CALIBRATION) + len(BELL)
"""What the progress bar counts: skew, routines of the link."""
LEFT_OUT = frozenset(one.name for one in QUANTITIES) - {
    quantity for routine in END_ROUTINES for quantity in DECLARATIONS[routine].gives
}
"""Parameters of qubits that this demo does not measure."""


def demonstrated_link(facility: Facility) -> Link | None:
    """Return the first link whose ends the facility file describes; None: there is none.

    Links with a herald station are left out: nothing is sent from end to end.
    """
    links = [one for one in facility.links.values() if one.station is None]
    return next((one for one in links if len(one.transfer) == len(one.ends) == 2), None)


def link_story(facility: Facility) -> LinkStory | None:
    """Return what is to be filled; None: the facility has no link with ends."""
    link = demonstrated_link(facility)
    if link is None:
        return None
    first, second = (end.qubit for end in link.transfer)
    return LinkStory(link.name, (first, second))


@dataclass(slots=True, eq=False)
class LinkDemo:
    """Two nodes start together, their link is calibrated, and a pair is shared over it."""

    lab: Lab
    store: ParameterStore
    folder: Path
    story: Story
    told: LinkStory
    display: Display
    drawings: Drawings
    thoroughness: float = 1.0

    async def work(self) -> None:
        """Do all of it; what fails stands in the story and ends it."""
        lost = [qubit for qubit in self.told.ends if not self.story.found().get(qubit, False)]
        for qubit in lost:
            self._failed("link", qubit, "it was not found: there is nothing to send from")
        if lost:
            return
        try:
            await self._skew()
            await self._link()
        except (RunError, *CANNOT_GO_ON) as error:
            self._failed("link", self.told.link, str(error))

    def _failed(self, what: str, element: str, reason: str) -> None:
        self.story.trouble.append(Failure(what, element, reason))
        self.display.done(what, tuple(reason.splitlines()), failed=True)

    async def _skew(self) -> None:
        """Measure by how much the nodes start apart, so that they start together from there on."""
        link = self.lab.facility.links[self.told.link]
        facility = self.lab.facility
        starters = {facility.drive_wiring(e.sideband_port).output.instrument for e in link.transfer}
        if len(starters) == 1:
            self.told.skew = f"{starters.pop()} starts both ends: there is no skew between them."
            self.display.done("skew", (self.told.skew,))
            return
        self.display.doing("calibrating the skew")

        def progress(far: Progress) -> None:
            self.display.doing(f"calibrating the skew: {far.what}", f"{far.done} of {far.of}")

        found = await self._skews(link, progress)
        self.told.starts = found.starts
        lines = tuple(
            f"{one.pair}: {one.value_fs / FS_PER_NS:.3f} ns, {found.starts} starts"
            for one in found.measured.skews
        )
        self.told.skew = f"Both start at one time; skew taken out: {'; '.join(lines)}."
        self.display.done("skew calibrated", lines)

    async def _skews(self, link: Link, progress: Callable[[Progress], None]) -> SkewsFound:
        for _ in range(CALIBRATIONS - 1):
            try:
                return await self.lab.measure_skews(link.ends, STARTS, progress)
            except RunRefused:
                raise
            except RunFailed:
                continue
        return await self.lab.measure_skews(link.ends, STARTS, progress)

    async def _link(self) -> None:
        """Run the link's routines, each told as a step of the story."""
        link = self.lab.facility.links[self.told.link]
        steps = (*CALIBRATION, *BELL)
        title = f"calibration of {link.name}"
        wall, before = time.monotonic(), await self.lab.now()
        async with self.lab.procedure(title, link.ends, len(steps)) as (procedure, runner):
            keep_outcome = outcome_recorder(runner)

            async def began(number: int, name: str) -> None:
                self.display.doing(name.replace("_", " "))
                await procedure.begin_step(number, name)

            async def ended(outcome: Outcome) -> None:
                nonlocal wall, before
                await keep_outcome(outcome)
                now, at = time.monotonic(), await self.lab.now()
                lab_s = (at - before) / FS_PER_S
                step = Step(outcome, now - wall, lab_s, "", before.total_fs / FS_PER_S)
                wall, before = now, at
                self._tell(link, step)

            bench = LinkBench.of(
                runner,
                link,
                self.store,
                self._keep,
                link_validities(self.lab.facility),
                progress=lambda routine, doing: self.display.doing(
                    routine.replace("_", " "), doing
                ),
                thoroughness=self.thoroughness,
            )
            await calibrate_link(bench, steps, began, ended)

    def _tell(self, link: Link, step: Step) -> None:
        outcome = step.outcome
        self.told.found |= outcome.measured
        self.told.state = outcome.states.get(link.name, self.told.state)
        if link.name in outcome.states:
            self.told.corrected = "; ".join(outcome.notes)
        self.story.steps.append(step)
        self.drawings.begin(step)
        self.display.done(outcome.title, told_step(step), failed=bool(outcome.failures))

    def _keep(self, data: xarray.Dataset) -> None:
        save_dataset(data, self.folder / "datasets")
