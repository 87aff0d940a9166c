"""Brings all nodes of a facility up at the same time, each by a session of its own."""

import asyncio
from pathlib import Path

from podium.control.bus.gather import ungrouped
from podium.control.calibration.catalogue import BRING_UP
from podium.control.calibration.runner import Runner
from podium.control.demo.session import CANNOT_GO_ON, Session
from podium.control.parameters.store import ParameterStore
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Story
from podium.control.runs.errors import RunError


async def bring_up_nodes(
    runner: Runner,
    store: ParameterStore,
    datasets: Path,
    story: Story,
    display: Display,
    drawings: Drawings,
    thoroughness: float,
    facility_file: Path,
    active_reset: bool = False,
    steps: tuple[str, ...] = BRING_UP,
) -> dict[str, Exception]:
    """Bring up every node; what ends one of them does not end the others.

    ``steps``: the routines, those for edges among them.

    Returns what has ended a node before its time (``RunError``, :data:`.CANNOT_GO_ON`), by the
    node's name, which is left out (empty) where there is only one.
    """
    qubits = tuple(runner.facility.qubits().values())
    edges = tuple(runner.facility.edges().values())
    nodes = tuple(dict.fromkeys(qubit.node for qubit in qubits))
    ended: dict[str, Exception] = {}

    async def work(node: str) -> None:
        label = node if len(nodes) > 1 else ""
        try:
            await Session(
                runner,
                tuple(qubit for qubit in qubits if qubit.node == node),
                store,
                datasets,
                story,
                display,
                drawings,
                thoroughness,
                facility_file=facility_file,
                label=label,
                edges=tuple(edge for edge in edges if edge.node == node),
                active_reset=active_reset,
            ).work(steps)
        except (RunError, *CANNOT_GO_ON) as error:
            ended[label] = error

    async with ungrouped(), asyncio.TaskGroup() as tasks:
        for node in nodes:
            tasks.create_task(work(node))
    return ended
