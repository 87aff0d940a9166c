"""Runs one demo from the drawing of its world to its report."""

import asyncio
import json
import shutil
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from podium.control.calibration.catalogue import BRING_UP, edge_bring_up
from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.client.facility_access import join_facility
from podium.control.client.lab import Lab
from podium.control.client.retry import RetryingRunner
from podium.control.demo.multi_node import demonstration as multi_node
from podium.control.demo.parallel_bring_up import bring_up_nodes
from podium.control.demo.session import CANNOT_GO_ON
from podium.control.facility.atomic_files import write_text
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.facility.state_file import read_state
from podium.control.facility.state_folder import (
    accepted_file,
    epochs_folder,
    findings_file,
    journal_file,
    reservations_file,
    skews_file,
    supervision_folder,
)
from podium.control.parameters.store import ParameterStore
from podium.control.processes import simulation
from podium.control.processes.child_processes import (
    UP,
    Children,
    ProcessFailed,
    processor_time_s,
)
from podium.control.report.comparison import Truth, compare
from podium.control.report.multi_node.story import Pictures
from podium.control.report.page import Drawings, page
from podium.control.report.progress import Display, display
from podium.control.report.story import (
    Failure,
    Story,
    fits,
    measured_spans,
    summary,
    trouble,
)
from podium.control.report.tables import headline, recovered_table
from podium.control.runs.errors import RunError
from podium.firmware_interfaces.exact_time import FS_PER_S

BENCHMARK, BUDGET = "interleaved_benchmarking", "error_budget"
"""The second one compares its sum with what the first has found."""
STEPS_AROUND = 4
"""World, instruments, processes, report: what the progress bar counts beside the routines."""
TWIN = "twin.yaml"
ENDPOINTS = "endpoints.json"
STORE = "parameters.sqlite"
STATE = "up.json"
LOGS = "logs"
OLD = (
    "summary.json",
    "fits.json",
    "index.html",
    "truth.json",
    *(f"{file(Path(STATE))}" for file in (accepted_file, findings_file, reservations_file)),
    *(
        f"{kept}{part}"
        for kept in (STORE, *(f"{file(Path(STATE))}" for file in (skews_file, journal_file)))
        for part in ("", "-wal", "-shm")
    ),
)
"""What an earlier demo may have left in the folder, and must not be taken for this one's."""


@dataclass(frozen=True, slots=True)
class DemoRequest:
    """Describes a demo before it begins."""

    facility: Path
    seed: int
    folder: Path
    thoroughness: float = 1.0
    together: bool = False
    """Then the nodes start together, one of them is killed, and comes back."""
    gates: bool = False
    """Then the gates of all edges are brought up behind the qubits."""
    benchmark: bool | None = None
    """Then the gates are benchmarked too, before their errors are taken apart. None: where all are
    CZ by flux pulses on one of two elements. Those on three, and of plasmons, take minutes."""
    link: bool = False
    """Then the nodes start together, their link is calibrated, and a pair is shared over it."""
    world: tuple[str, ...] = ()
    """Options of ``podium twin sample``: ``("--wrong", "3")``."""
    active_reset: bool = False
    """Qubits are measured and flipped before a shot instead of left to relax."""
    clock: str = "leap"
    """Of the simulated laboratory, as of ``podium twin serve``."""
    split: bool = False
    """Nodes that share no line are simulated in processes of their own."""


async def demonstrate(wanted: DemoRequest, children: Children) -> Story:
    """Bring nodes up on simulated instruments; write data, ``summary.json``, ``index.html``.

    What fails stands in the story and in the report, which is written all the same. All
    processes started have ended when this returns or raises.
    """
    begin = time.monotonic()
    console = Console()
    facility = load_facility(wanted.facility)
    story = Story(facility.name, wanted.seed, tuple(facility.qubits()), device=_device(facility))
    story.edges = tuple(facility.edges()) if wanted.gates else ()
    story.together = multi_node.multi_node_story(facility) if wanted.together else None
    routines = _routines(wanted, facility)
    steps = STEPS_AROUND + len(routines) * len(facility.nodes)
    if wanted.link:
        from podium.control.demo import link_pair  # heavy: few demos have a link

        story.link, story.left_out = link_pair.link_story(facility), link_pair.LEFT_OUT
        steps += 0 if story.link is None else link_pair.STEPS
    folder = wanted.folder
    folder.mkdir(parents=True, exist_ok=True)
    _clear(folder)
    try:
        steps += 0 if story.together is None else multi_node.STEPS
        with display(console, steps) as shown, Drawings() as drawn:
            shown.note(f"{facility.name}, seed {wanted.seed}: report into {folder}")
            twin: Path | None = None
            try:
                twin = await _draw_world(wanted, children, shown)
                async with children.watched():
                    names = tuple(facility.instruments)
                    await _measure(wanted, names, children, story, shown, drawn)
            except (ProcessFailed, RunError, *CANNOT_GO_ON) as error:
                await _ended(story, shown, children, {"": error})
            story.lab_causes = await simulation.lab_causes(folder / ENDPOINTS)
            if story.together is not None:
                await multi_node.ask_the_world(facility, story.together, folder / ENDPOINTS)
            shown.doing("writing the report")
            truth, pictures, svgs = await asyncio.gather(
                _truth(twin, folder / ENDPOINTS, story, shown, drifts="--drift" in wanted.world),
                asyncio.to_thread(drawn.together, story),
                asyncio.to_thread(drawn.finish),
            )
            await children.end()
            _judge(story, truth)
            story.wall_s, story.cpu_s = time.monotonic() - begin, processor_time_s()
            _write_report(folder, story, truth, svgs, pictures)
            shown.done("report written")
    finally:
        await children.end()
    console.print(recovered_table((*story.comparisons, *story.gates())))
    console.print(headline(story), soft_wrap=True, highlight=False)
    for failure in story.failures():
        console.print(
            f"failed: {failure}", style="red", markup=False, highlight=False, soft_wrap=True
        )
    console.print(f"{folder / 'index.html'}", markup=False, highlight=False, soft_wrap=True)
    if story.trouble:
        print(trouble("podium demo", story), file=sys.stderr)
    return story


def _routines(wanted: DemoRequest, facility: Facility) -> tuple[str, ...]:
    """Return the routines of each node, in their order."""
    if wanted.link:
        return END_ROUTINES
    if not wanted.gates:
        return BRING_UP
    edges = facility.edges().values()
    every = edge_bring_up(edges)
    soon = all(one.played == "cz" and one.coupler is None for one in edges)
    if not (soon if wanted.benchmark is None else wanted.benchmark):
        return (*BRING_UP, *every)
    gates = tuple(name for name in every if name != BUDGET)
    return (*BRING_UP, *gates, BENCHMARK, *([BUDGET] if BUDGET in every else []))


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
    for old in (folder / "datasets").glob("*.*"):
        old.unlink()
    shutil.rmtree(epochs_folder(folder / STATE), ignore_errors=True)
    shutil.rmtree(supervision_folder(folder / STATE), ignore_errors=True)


DYING_S = 2.0
"""Where instruments are lost, a process of ours that has died is reported within this time."""


def _trouble(story: Story, shown: Display, what: str, error: Exception, node: str = "") -> None:
    story.trouble.append(Failure(what, node, str(error)))
    shown.done(what, tuple(str(error).splitlines()), failed=True, who=node)


async def _ended(
    story: Story, shown: Display, children: Children, errors: Mapping[str, Exception]
) -> None:
    """Tell what has ended a node's work, by node, and which processes are dead."""
    for node, error in errors.items():
        _trouble(story, shown, type(error).__name__, error, node)
    if any(isinstance(error, RunError) for error in errors.values()):
        for dead in await children.dead_within(DYING_S):
            _trouble(story, shown, type(dead).__name__, dead)


async def _draw_world(wanted: DemoRequest, children: Children, shown: Display) -> Path:
    shown.doing("drawing a hidden world")
    twin = wanted.folder / TWIN
    await simulation.draw_world(children, wanted.facility, wanted.seed, twin, wanted.world)
    told: tuple[str, ...] = (f"podium twin sample: {twin}",)
    if "--ideal-lines" in wanted.world:
        told += ("its flux lines are ideal",)
    shown.done("hidden world drawn", told)
    return twin


async def _truth(
    twin: Path | None, endpoints: Path, story: Story, shown: Display, *, drifts: bool
) -> dict[str, Truth]:
    """Return the hidden truth, asked for after the last measurement; empty without a world.

    Of a world that drifts it is the mean over the routine that measured each parameter, and so is
    what it allows of a link.
    """
    if twin is None or any(one.routine == ProcessFailed.__name__ for one in story.trouble):
        return {}  # it takes seconds, and who waits wants to know why nothing was measured
    spans = measured_spans(story) if drifts else {}
    if story.link is not None:
        spans |= story.link.of_allowed(spans)
    try:
        return await simulation.told_truth(
            None,
            {name: f"{one.from_tai_s!r}..{one.to_tai_s!r}" for name, one in spans.items()},
            endpoints,
        )
    except ProcessFailed as error:
        _trouble(story, shown, "podium twin truth", error)
        return {}


async def _measure(
    wanted: DemoRequest,
    names: tuple[str, ...],
    children: Children,
    story: Story,
    shown: Display,
    drawn: Drawings,
) -> None:
    folder = wanted.folder
    twin, endpoints = folder / TWIN, folder / ENDPOINTS
    shown.doing("starting the simulated instruments")
    await simulation.serve(
        children, wanted.facility, twin, endpoints, wanted.clock, names, split=wanted.split
    )
    instruments = json.loads(endpoints.read_text(encoding="utf-8"))["instruments"]
    shown.done(
        "simulated instruments listen",
        tuple(f"{name}: {one['model']} at {one['host']}" for name, one in instruments.items()),
    )
    several = len({qubit.partition(".")[0] for qubit in story.qubits}) > 1
    agents = "agents" if several else "agent"
    shown.doing(f"starting the {agents} and the coordinator")
    async with _lab(wanted, children, endpoints) as lab:
        shown.done(f"{agents} and coordinator are up, all instruments connected")
        with ParameterStore(folder / STORE) as store:
            begun = await lab.now()
            runner = lab if story.together is None else RetryingRunner(lab, story.together.lost)
            ended = await bring_up_nodes(
                runner,
                store,
                folder / "datasets",
                story,
                shown,
                drawn,
                wanted.thoroughness,
                wanted.facility,
                wanted.active_reset,
                _routines(wanted, lab.facility),
            )
            await _ended(story, shown, children, ended)
            if story.together is not None and not ended:
                await multi_node.MultiNodeDemo(
                    lab,
                    store,
                    folder,
                    folder / LOGS / "up.log",
                    story,
                    story.together,
                    shown,
                    drawn,
                    wanted.thoroughness,
                ).work()
                story.lab_s = (await lab.now() - begun) / FS_PER_S
            if story.link is not None and not ended:
                from podium.control.demo import link_pair

                await link_pair.LinkDemo(
                    lab, store, folder, story, story.link, shown, drawn, wanted.thoroughness
                ).work()
                story.lab_s = (await lab.now() - begun) / FS_PER_S


@asynccontextmanager
async def _lab(wanted: DemoRequest, children: Children, endpoints: Path) -> AsyncIterator[Lab]:
    state = wanted.folder / STATE
    state.unlink(missing_ok=True)
    words = ["up", wanted.facility, "--endpoints", endpoints, "--state", state]
    words += ["--store", wanted.folder / STORE, "--with-parent"]
    children.start_podium(UP, words, wanted.folder / LOGS)
    await children.wait_for(state)
    coordinator = read_state(state).coordinator
    async with join_facility(wanted.facility, coordinator, endpoints) as lab:
        await lab.all_connected()
        yield lab


def _judge(story: Story, truth: Mapping[str, Truth]) -> None:
    found = {row.name: row.found for row in story.comparisons if row.found is not None}
    story.comparisons = compare(story.qubits, found, truth, story.absent, story.left_out)
    story.world = truth
    if story.link is not None:
        story.link.world = truth


def _write_report(
    folder: Path,
    story: Story,
    truth: Mapping[str, Truth],
    svgs: Sequence[Sequence[str]],
    pictures: Pictures,
) -> None:
    known = {name: {"value": one.value, "unit": one.unit} for name, one in truth.items()}
    write_text(folder / "truth.json", json.dumps(known, indent=2) + "\n")
    write_text(folder / "index.html", page(story, svgs, pictures))
    write_text(folder / "fits.json", json.dumps(fits(story), indent=2) + "\n")
    write_text(folder / "summary.json", json.dumps(summary(story), indent=2) + "\n")
