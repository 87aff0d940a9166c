"""``podium demo`` takes two simulated nodes from nothing to one start, with a report."""

import asyncio
import signal
import sys
from argparse import Namespace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from podium.control.demo.arguments import add_arguments, world_options
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command
from podium_process import no_collection

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from podium.control.facility.facility import Facility
    from podium.control.processes.child_processes import Children

LIBRARIES = (
    "asyncio",
    "numpy",
    "pydantic",
    "ruamel.yaml",
    "scipy.optimize",
    "yaml",
    "podium.firmware_interfaces.models",
)
"""What the demo and its simulation both import, for half a second each. The simulation's processes
are copies of one that has imported this and nothing of control's rooms."""
NODES = "podium.control.demo.demonstration"
COLD = "podium.control.demo.cold_side.demonstration"
TERMINATED = 128 + signal.SIGTERM
"""Exit status after SIGTERM, as shells have it."""


def run(arguments: Namespace) -> int:
    """Do it; 0 when every qubit was found, every promise kept, and nothing failed."""
    from podium.control.processes.child_processes import Children

    children = Children()
    try:
        if not arguments.cold:
            _copy_for_simulation(children)
        return _run(arguments, children)
    finally:
        # After a second Ctrl-C nothing more is awaited; no process is left behind all the same.
        children.kill()


def _copy_for_simulation(children: "Children") -> None:
    """Import what is shared with the simulation, and make the copies that are to be it."""
    from podium.control.processes.child_processes import SAMPLE, TWIN

    with no_collection(stays=True):
        for library in LIBRARIES:
            import_module(library)
    _copy(children, SAMPLE, TWIN)


def _copy(children: "Children", *names: str) -> None:
    """Make a copy of this process for each of ``names``; none where it has threads already."""
    from podium.control.processes.copied_command import waiting_command

    for name in names:
        if (copy := waiting_command()) is not None:
            children.copies[name] = copy


def _run(arguments: Namespace, children: "Children") -> int:
    with no_collection(stays=True):
        from podium.control.demo.multi_node.common_start import marked
        from podium.control.facility.atomic_files import check_writable
        from podium.control.facility.example import (
            COLD_SIDE,
            LINKED,
            ONE_NODE,
            TWO_NODES,
            TWO_QUBIT,
            NoExample,
            example_facility,
        )
        from podium.control.facility.load import load_facility
        from podium.control.facility.problems import FacilityError

    if not arguments.thoroughness > 0:
        print("podium demo: --thoroughness is a factor above zero", file=sys.stderr)
        return WRONG_USE
    if arguments.benchmark and not arguments.two_qubit:
        print("podium demo: --benchmark is of gates: add --two-qubit", file=sys.stderr)
        return WRONG_USE
    try:
        example = ONE_NODE if arguments.node_only else TWO_NODES
        example = TWO_QUBIT if arguments.two_qubit else example
        example = LINKED if arguments.link else example
        example = COLD_SIDE if arguments.cold else example
        path = arguments.facility or example_facility(example)
        facility = load_facility(path)
        check_writable(arguments.report)
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (OSError, NoExample) as error:
        print(f"podium demo: {error}", file=sys.stderr)
        return WRONG_USE
    if arguments.cold:
        return _cold(arguments, path, facility, children)
    if not facility.qubits():
        print(f"podium demo: {path} describes no qubits to bring up", file=sys.stderr)
        return WRONG_USE
    if arguments.two_qubit and not facility.edges():
        print(f"podium demo: {path} has no edges, whose gates are brought up", file=sys.stderr)
        return WRONG_USE
    if arguments.link and not _has_link(facility):
        print(
            f"podium demo: {path} has no link that says what is at its two ends (links > NAME > "
            "transfer)",
            file=sys.stderr,
        )
        return WRONG_USE
    alone = arguments.node_only or arguments.two_qubit or arguments.link
    if not alone and not marked(facility):
        print(
            f"podium demo: {path} has no two nodes with markers on one time tagger (timing > "
            "markers), which could be seen to start together; --node-only brings nodes up alone",
            file=sys.stderr,
        )
        return WRONG_USE
    return _run_guarded(children, lambda: _nodes(arguments, path, children), NODES)


def _has_link(facility: "Facility") -> bool:
    """Tell whether the facility has a link to show; what shows it is large."""
    from podium.control.demo.link_pair import demonstrated_link

    return demonstrated_link(facility) is not None


def _cold(arguments: Namespace, path: Path, facility: "Facility", children: "Children") -> int:
    """Show the cold side; 0 when base was reached, the trip was reported, and it is cold again."""
    if not any(fridge.model for fridge in facility.fridges.values()):
        print(
            f"podium demo: {path} has no fridge that names its `model`, which could be simulated",
            file=sys.stderr,
        )
        return WRONG_USE
    if arguments.rate < 1:
        print("podium demo: --rate is a whole number from 1 up", file=sys.stderr)
        return WRONG_USE
    return _run_guarded(children, lambda: _cold_side(arguments, path, children), COLD)


def _run_guarded(children: "Children", story: "Callable[[], Awaitable[bool]]", module: str) -> int:
    """Tell a story with ``children``; ``module`` is where it is told."""
    from podium.control.processes.child_processes import UP

    with no_collection(stays=True):
        import_module(module)  # the copy that will be `podium up` shares what the story imports
    _copy(children, UP)
    try:
        return asyncio.run(_guarded(story()))
    except OSError as error:
        print(f"podium demo: {error}", file=sys.stderr)
        return FOUND_PROBLEM


async def _guarded(story: "Awaitable[bool]") -> int:
    """Work until done or told to end: SIGTERM and a lost terminal end it like Ctrl-C does."""
    work = asyncio.current_task()
    told_to_end = False

    def end() -> None:
        nonlocal told_to_end
        told_to_end = True
        if work is not None:
            work.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, end)
    try:
        good = await story
    except asyncio.CancelledError:
        if not told_to_end:
            raise
        print("podium demo: told to end; all its processes have ended", file=sys.stderr)
        return TERMINATED
    return DONE if good else FOUND_PROBLEM


async def _nodes(arguments: Namespace, facility: Path, children: "Children") -> bool:
    from podium.control.demo.demonstration import DemoRequest, demonstrate

    wanted = DemoRequest(
        facility,
        arguments.seed,
        arguments.report,
        arguments.thoroughness,
        together=not (arguments.node_only or arguments.two_qubit or arguments.link),
        gates=arguments.two_qubit,
        benchmark=arguments.benchmark,
        link=arguments.link,
        world=(*world_options(arguments), *_ideal_lines(arguments)),
        active_reset=arguments.reset == "active",
        clock=arguments.clock,
        split=arguments.split,
    )
    return (await demonstrate(wanted, children)).good


def _ideal_lines(arguments: Namespace) -> tuple[str, ...]:
    """Return the option of `podium twin sample` for lines that pass pulses as they are."""
    return ("--ideal-lines",) if arguments.ideal_lines else ()


async def _cold_side(arguments: Namespace, facility: Path, children: "Children") -> bool:
    from podium.control.demo.cold_side.demonstration import ColdRequest, demonstrate_cold

    wanted = ColdRequest(facility, arguments.seed, arguments.report, arguments.rate, arguments.page)
    return (await demonstrate_cold(wanted, children)).good


command = Command(
    name="demo",
    help="bring up two nodes from nothing on simulated instruments, and start them together",
    add_arguments=add_arguments,
    run=run,
)
