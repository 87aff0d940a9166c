"""The look at the clock and at the epochs before a trigger is set."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest
from tests.benches.nodes.triggered import NS, Cluster, Node, Plane, now

from podium.control.agent.clock_readings import ClockReadings
from podium.control.agent.compiled_programs import CompiledPart
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.hardware_run import HardwareRun
from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import CLOCK_S
from podium.control.agent.run_hardware import RunHardware
from podium.control.bus.messages import RunId
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.messages import AtATime
from podium.drivers.errors import InstrumentError, Refused, Unreachable
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_MS

RUN = RunId(1, 1)
WIRING = StartWiring("cluster_a", "wrtd_a", "LC-O1")


class Looked(Cluster):
    """A controller that knows when it was looked at."""

    def clock_signs(self) -> dict[str, int]:
        self.node.do("look")
        return super().clock_signs()


class Timing(Plane):
    def clock_signs(self) -> dict[str, int]:
        self.node.do("look at the plane")
        return {"re-locks": 1}


@asynccontextmanager
async def loaded(node: Node, **others):
    """Yield hardware that has loaded a run on one controller."""
    makers = {"cluster_a": lambda: Looked(node), "wrtd_a": lambda: Timing(node), **others}
    workers = {name: Worker(name, make) for name, make in makers.items()}
    instruments = Instruments(workers, {})
    looks = ClockReadings({}, instruments, EpochFiles(None), 1)
    hardware = RunHardware("lab/node_a", instruments, None, None, (WIRING,), looks)
    part = CompiledPart("hash", "hash", {"cluster_a": None}, (WIRING,), {}, {})
    hardware._hand = HardwareRun(RUN, AtATime(), part)
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(worker.keep()) for worker in workers.values()]
        yield hardware
        for task in keeping:
            task.cancel()


def note_times(node: Node, *what: str) -> dict[str, list]:
    at: dict[str, list] = {name: [] for name in what}
    for name in what:
        node.hooks[name] = lambda name=name: at[name].append(now())
    return at


async def test_the_time_that_is_told_is_never_after_an_epoch_that_comes_with_it() -> None:
    node, looked = Node("a"), threading.Event()
    at = note_times(node, "look")
    noted = node.hooks["look"]
    node.hooks["look"] = lambda: (noted(), looked.set())
    async with loaded(node) as hardware:
        # The plane is slow: a controller that did not wait for it would be looked at before.
        node.hooks["time"] = lambda: looked.wait(0.05)
        read = await hardware.read_clock(RUN, 0)
    assert read.now <= at["look"][0]
    assert at["look"][0] - read.now < 1_000 * FS_PER_MS
    assert read.asked_s + 0.05 <= read.read_s


async def test_a_clock_that_cannot_be_read_holds_nobody_up() -> None:
    node = Node("a")

    def broken() -> None:
        raise InstrumentError("the line is cut")

    node.hooks["time"] = broken
    async with loaded(node) as hardware, asyncio.timeout(CLOCK_S / 2):
        with pytest.raises(InstrumentError, match="the line is cut"):
            await hardware.read_clock(RUN, 0)


async def test_a_plane_that_is_not_there_costs_nobody_else_the_connection() -> None:
    node = Node("a")

    def nothing_there() -> Timing:
        raise Unreachable("no route")

    async with loaded(node, wrtd_a=nothing_there) as hardware:
        with pytest.raises(Unreachable, match="no route"):
            await hardware.read_clock(RUN, 0)
        controller = hardware._instruments.any_worker("cluster_a")
        assert (controller.health.state, controller.health.connections) == ("connected", 1)


async def test_epochs_are_looked_at_after_the_time_that_was_waited_for() -> None:
    node = Node("a")
    at = note_times(node, "time", "look", "look at the plane")
    async with loaded(node) as hardware:
        await hardware.read_clock(RUN, 0)
        begun = now()
        read = await hardware.read_clock(RUN, 30 * FS_PER_MS)
    assert at["time"][1] - begun >= 29 * FS_PER_MS
    for what in ("look", "look at the plane"):
        assert at[what][1] >= read.now
        assert at[what][1] - begun >= 29 * FS_PER_MS


async def test_a_relock_after_the_first_look_is_seen_by_the_second() -> None:
    node = Node("a")
    async with loaded(node) as hardware:
        before = (await hardware.read_clock(RUN, 0)).epochs
        node.signs += 1
        after = (await hardware.read_clock(RUN, 2_000 * NS)).epochs
    assert [moved.domain for moved in before.moved(after)] == ["cluster_a"]


async def test_both_waits_end_when_the_run_is_given_up() -> None:
    node = Node("a")
    async with loaded(node) as hardware:
        await hardware.read_clock(RUN, 0)
        waiting, loop, wait = asyncio.Semaphore(0), asyncio.get_running_loop(), hardware._wait

        def noted(*arguments) -> None:
            loop.call_soon_threadsafe(waiting.release)
            wait(*arguments)

        hardware._wait = noted
        reading = asyncio.create_task(hardware.read_clock(RUN, 60_000 * FS_PER_MS))
        async with asyncio.timeout(10):
            await waiting.acquire()
            await waiting.acquire()
        hardware.give_up()
        with pytest.raises(Refused, match="given up"):
            async with asyncio.timeout(10):
                await reading
