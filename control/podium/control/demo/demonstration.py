"""One demo from the drawing of its world to its report."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from podium.control.calibration.bring_up import BRING_UP
from podium.control.calibration.datasets import NotStorable
from podium.control.calibration.measured import BadEntry, Measured, NotMeasured
from podium.control.calibration.runner import RunError
from podium.control.calibration.store import ParameterStore, StoreError
from podium.control.demo import simulation
from podium.control.demo.children import Children, ProcessFailed, podium
from podium.control.demo.comparison import compare
from podium.control.demo.progress import Display, display
from podium.control.demo.report import Drawings, page
from podium.control.demo.session import NotCold, Session, told_step
from podium.control.demo.story import Failure, Story, summary
from podium.control.demo.tables import headline, recovered_table
from podium.control.demo.up_state import read_state
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.lab import Lab, join_facility
from podium.firmware_interfaces.exact_time import FS_PER_S

READY_S = 60.0
"""All instruments of a facility on this machine are connected by then."""
STEPS_AROUND = 4
"""World, instruments, processes, report: what the progress bar counts beside the routines."""
STORE = "parameters.sqlite"
OLD = ("summary.json", "index.html", "truth.json", STORE, f"{STORE}-wal", f"{STORE}-shm")
"""What an earlier demo may have left in the folder, and must not be taken for this one's."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a demo."""

    facility: Path
    seed: int
    folder: Path
    thoroughness: float = 1.0


async def demonstrate(wanted: Wanted, children: Children) -> Story:
    """Bring a node up on simulated instruments; write data, ``summary.json``, ``index.html``.

    What fails is told in the story and in the report, which is written all the same. All
    processes started have ended when this returns or raises.
    """
    begin = time.monotonic()
    console = Console()
    facility = load_facility(wanted.facility)
    story = Story(facility.name, wanted.seed, tuple(facility.qubits()), device=_device(facility))
    folder = wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    try:
        with display(console, len(BRING_UP) + STEPS_AROUND) as shown, Drawings() as drawn:
            shown.note(f"{facility.name}, seed {wanted.seed}: report into {folder}")
            try:
                await _measure(wanted, children, story, shown, drawn)
            except (ProcessFailed, NotCold, RunError) as error:
                _trouble(story, shown, type(error).__name__, error)
            except (StoreError, BadEntry, NotMeasured, NotStorable, OSError) as error:
                _trouble(story, shown, type(error).__name__, error)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(children.end())
                tasks.create_task(_report(wanted, story, shown, drawn, begin))
    finally:
        await children.end()
    console.print(recovered_table(story.comparisons))
    console.print(headline(story), soft_wrap=True, highlight=False)
    for failure in story.failures():
        console.print(
            f"failed: {failure}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    console.print(f"{folder / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    return story


def _device(facility: Facility) -> str:
    told = []
    for node in facility.nodes.values():
        if node.chip is not None:
            source = f" ({node.chip.source})" if node.chip.source else ""
            told.append(f"{node.name}: {node.chip.device}{source}")
    return "; ".join(told)


def _clear(folder: Path) -> None:
    for name in OLD:
        (folder / name).unlink(missing_ok=True)
    for old in (folder / "datasets").glob("*.nc"):
        old.unlink()


def _trouble(story: Story, shown: Display, what: str, error: Exception) -> None:
    story.trouble.append(Failure(what, "", str(error)))
    shown.done(what, tuple(str(error).splitlines()), failed=True)


async def _measure(
    wanted: Wanted, children: Children, story: Story, shown: Display, drawn: Drawings
) -> None:
    folder = wanted.folder
    twin, endpoints = folder / "twin.yaml", folder / "endpoints.json"
    shown.doing("drawing a hidden world")
    await simulation.draw_world(wanted.facility, wanted.seed, twin)
    shown.done("hidden world drawn", (f"podium twin sample: {twin}",))
    shown.doing("starting the simulated instruments")
    await simulation.serve(children, wanted.facility, twin, endpoints)
    instruments = json.loads(endpoints.read_text(encoding="utf-8"))["instruments"]
    shown.done(
        "simulated instruments listen",
        tuple(f"{name}: {one['model']} at {one['host']}" for name, one in instruments.items()),
    )
    shown.doing("starting the agent and the coordinator")
    async with _lab(wanted, children, endpoints) as lab:
        shown.done("agent and coordinator are up, all instruments connected")
        begin_fs = (await lab.now()).total_fs
        try:
            await _bring_up(wanted, story, shown, drawn, lab)
        finally:
            story.lab_s = ((await lab.now()).total_fs - begin_fs) / FS_PER_S
            story.lab_causes = await simulation.lab_causes(endpoints)


@asynccontextmanager
async def _lab(wanted: Wanted, children: Children, endpoints: Path) -> AsyncIterator[Lab]:
    state = wanted.folder / "up.json"
    state.unlink(missing_ok=True)
    words = podium("up", wanted.facility, "--endpoints", endpoints, "--state", state)
    children.start("up", words, wanted.folder / "logs")
    await children.wait_for(state)
    coordinator = read_state(state).coordinator
    async with join_facility(wanted.facility, coordinator, endpoints) as lab:
        status = await lab.ready(READY_S)
        lost = [
            f"{one.name}: {one.state}: {one.last_error}"
            for agent in status.agents
            for one in agent.instruments
            if one.state != "connected"
        ]
        if lost or status.missing:
            raise ProcessFailed("; ".join([*status.missing, *lost]))
        yield lab


async def _bring_up(
    wanted: Wanted, story: Story, shown: Display, drawn: Drawings, lab: Lab
) -> None:
    facility = lab.facility
    with ParameterStore(wanted.folder / STORE) as store:
        try:
            for node in facility.nodes.values():
                if not node.qubits:
                    continue
                qubits = tuple(node.qubits.values())
                session = Session(
                    lab, qubits, store, wanted.folder / "datasets", shown, wanted.thoroughness
                )
                shown.doing("looking at the fridge")
                story.fridge_k |= await session.check_fridges()
                shown.doing("ramping the biases")
                await session.ramp_biases()
                for name, kelvin in story.fridge_k.items():
                    shown.note(f"{name} is cold: {kelvin * 1e3:.1f} mK; biases are ramped")
                async for step in session.steps():
                    story.steps.append(step)
                    drawn.begin(step)
                    failed = bool(step.outcome.failures)
                    shown.done(step.outcome.title, told_step(step), failed=failed)
        finally:
            found = {
                name: Measured(entry.value, entry.sigma, entry.unit)
                for name, entry in store.all().items()
            }
            story.comparisons = compare(story.qubits, found, {})


async def _report(
    wanted: Wanted, story: Story, shown: Display, drawn: Drawings, begin: float
) -> None:
    """Ask for the truth, draw what is not drawn yet, and write the files of the report."""
    shown.doing("writing the report")
    folder = wanted.folder
    found = {row.name: row.found for row in story.comparisons if row.found is not None}
    try:
        truth = await simulation.told_truth(folder / "twin.yaml")
    except ProcessFailed as error:
        truth = {}
        _trouble(story, shown, "podium twin truth", error)
    known = {name: {"value": one.value, "unit": one.unit} for name, one in truth.items()}
    svgs = await asyncio.to_thread(drawn.finish)
    story.comparisons = compare(story.qubits, found, truth)
    story.wall_s = time.monotonic() - begin
    _write(folder / "truth.json", json.dumps(known, indent=2) + "\n")
    _write(folder / "index.html", page(story, svgs))
    _write(folder / "summary.json", json.dumps(summary(story), indent=2) + "\n")
    shown.done("report written")


def _write(path: Path, text: str) -> None:
    """Write ``text`` so that nobody ever reads half of it."""
    draft = path.with_name(f".{path.name}.part")
    draft.write_text(text, encoding="utf-8")
    draft.replace(path)
