"""Demonstrates several nodes after their bring-up, and asks the world afterwards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import xarray

from podium.control.calibration.bench import Bench
from podium.control.client.lab import Lab
from podium.control.demo.multi_node.agent_loss import AgentLoss
from podium.control.demo.multi_node.common_start import CommonStart, marked
from podium.control.demo.multi_node.decays import decays
from podium.control.demo.session import CANNOT_GO_ON
from podium.control.facility.facility import Facility
from podium.control.parameters.store import ParameterStore
from podium.control.processes import simulation
from podium.control.processes.supervisor import NotStarted
from podium.control.records.datasets import save_dataset
from podium.control.report.multi_node.story import MultiNodeStory
from podium.control.report.multi_node.tagged_starts import true_skews_fs
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Failure, Story
from podium.control.runs.errors import RunError

STEPS = 8
"""What the progress bar counts: starts (3), calibration, two programs, the kill, the return."""
MEANWHILE_SHOTS = 300
"""Of each of the runs that go on while a node is away: they are short, and there are many."""


def multi_node_story(facility: Facility) -> MultiNodeStory | None:
    """Return what is to be filled; None: the facility has no two nodes that start together."""
    nodes = marked(facility)
    return MultiNodeStory(nodes) if nodes else None


@dataclass(slots=True, eq=False)
class MultiNodeDemo:
    """Nodes that are calibrated start together, one of them dies, and comes back."""

    lab: Lab
    store: ParameterStore
    folder: Path
    said: Path
    """What ``podium up`` writes."""
    story: Story
    together: MultiNodeStory
    display: Display
    drawings: Drawings
    thoroughness: float = 1.0

    async def work(self) -> None:
        """Do all of it; what fails stands in the story, and what does not need it goes on."""
        datasets = self.folder / "datasets"
        benches = self._benches(datasets)
        starting = CommonStart(
            self.lab,
            benches,
            datasets,
            self.story,
            self.together,
            self.display,
            self.drawings,
            self.thoroughness,
        )
        lost = [node for node in self.together.nodes if not benches[node].qubits]
        for node in lost:
            self._failed("together", node, "no qubit of it was found: it has nothing to play")
        calibrated = await self._part("skew", starting.calibrate)
        if calibrated and not lost:
            await self._part("one start", starting.play)
        if lost:
            return
        back = await self._part("fault", lambda: self._fault(benches))
        if back and calibrated and await self._part("one start again", starting.once_more):
            await self._part("one start again", starting.play)

    async def _part(self, what: str, part: Callable[[], Awaitable[None]]) -> bool:
        try:
            await part()
        except (RunError, NotStarted, *CANNOT_GO_ON) as error:
            self._failed(what, "", str(error))
            return False
        return True

    def _failed(self, what: str, node: str, reason: str) -> None:
        self.story.trouble.append(Failure(what, node, reason))
        self.display.done(what, tuple(reason.splitlines()), failed=True)

    async def _fault(self, benches: dict[str, Bench]) -> None:
        """Kill the agent of the last node while all measure."""
        victim = self.together.nodes[-1]
        shots = max(16, round(MEANWHILE_SHOTS * self.thoroughness))
        programs = {node: decays({node: bench}, shots) for node, bench in benches.items()}
        fault = await AgentLoss(
            self.lab, victim, programs, self.said, self.folder / "datasets", self.display
        ).watch()
        self.together.fault = fault
        self.display.done(
            f"{victim} was killed, and is back",
            (
                f"noticed after {fault.noticed_s:.2f} s: {fault.reason or 'by its silence'}",
                f"{len(fault.meanwhile)} runs of other nodes meanwhile, "
                f"{sum(one.complete for one in fault.meanwhile)} of them complete",
                f"{victim} is back after {fault.back_s:.1f} s, its instruments connected",
            ),
            failed=bool(list(fault.problems())),
        )

    def _benches(self, datasets: Path) -> dict[str, Bench]:
        """Return each node with the qubits that were found."""
        found = self.story.found()

        def keep(data: xarray.Dataset) -> None:
            save_dataset(data, datasets)

        return {
            node: Bench(
                self.lab,
                node,
                tuple(
                    qubit
                    for name, qubit in self.lab.facility.qubits().items()
                    if qubit.node == node and found.get(name, False)
                ),
                self.store,
                keep=keep,
                thoroughness=self.thoroughness,
            )
            for node in self.together.nodes
        }


async def ask_the_world(facility: Facility, together: MultiNodeStory, endpoints: Path) -> None:
    """Ask when markers really rose, and note what the skew of each start was in truth."""
    starts = [*together.before, *together.after, *together.again]
    markers = sorted({one.output.channel for one in facility.timing.markers.values()})
    world = await simulation.told_edges(endpoints, markers) if starts else []
    for start in starts:
        true = true_skews_fs(facility, start, world)
        if true is not None:
            together.world_fs[start.run] = true
