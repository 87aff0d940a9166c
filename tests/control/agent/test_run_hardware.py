"""What a run is made of on instruments."""

import asyncio
import threading
from types import SimpleNamespace

import pytest
from tests.benches.nodes.triggered import Cluster, Node, Plane

from podium.control.agent import run_hardware
from podium.control.agent.clock_readings import ClockReadings
from podium.control.agent.compiled_programs import CompiledPart
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.hardware_run import HardwareRun
from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import COLLECT_S, TOLD_APART_S, Playback
from podium.control.agent.run_hardware import RunHardware
from podium.control.bus.messages import RunId
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.messages import AtATime, AtOnce
from podium.control.timebase.epochs import Epochs
from podium.drivers import worker
from podium.drivers.errors import InstrumentError, Refused, Unreachable
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.run_allowance import beyond_driver_s

WIRING = StartWiring("cluster_a", "wrtd_a", "LC-O1")


def triggered(node: Node, plane: Plane) -> tuple[list[Worker], RunHardware]:
    """Return workers of a cluster and of the plane that triggers it, and what plays on them."""
    makers = {"cluster_a": lambda: Cluster(node), "wrtd_a": lambda: plane}
    workers = {name: Worker(name, make) for name, make in makers.items()}
    instruments = Instruments(workers, {"cluster_a": known_models()["qblox_cluster"]})
    looks = ClockReadings({}, instruments, EpochFiles(None), 1)
    playing = Playback(SimpleNamespace(clocks={}), instruments, None)
    hardware = RunHardware("lab/node_a", instruments, playing, None, (WIRING,), looks)
    return list(workers.values()), hardware


async def test_after_a_run_at_once_all_is_made_safe_and_not_only_what_it_has_played_on() -> None:
    node = Node("a")
    workers, hardware = triggered(node, Plane(node))
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(one.keep()) for one in workers]
        hardware._hand = HardwareRun(RunId(1, 1), AtOnce())
        await hardware.make_safe(of_run=True)
        assert node.done == []
        hardware._hand = HardwareRun(RunId(1, 1), AtOnce())
        await hardware.make_safe()
        for task in keeping:
            task.cancel()
    assert {"release", "safe"} <= set(node.done)


class Compiled:
    """Compiles everything to one program whose results are told apart shot by shot."""

    compiler = None
    SHOTS = 5_000
    ARTIFACT = SimpleNamespace(
        name="told apart", duration_fs=600 * FS_PER_MS, told_apart_shots=SHOTS, tones={}
    )

    async def compile(self, program: str, *, timed: bool) -> CompiledPart:
        return CompiledPart("hash", "hash", {"cluster_a": self.ARTIFACT}, (WIRING,))


class Playing(Playback):
    async def prepare(self, artifacts) -> None: ...


class Looks:
    async def epochs_after(self, asked):
        return Epochs.of({"house": 1}), {name: ["capture"] for name in asked}

    async def check_time(self, controller: str, plane: str) -> None: ...


async def test_an_agent_says_how_long_it_waits_for_shots_that_are_told_apart() -> None:
    async def allowed(names) -> None: ...

    workers = {"cluster_a": Worker("cluster_a", lambda: Cluster(Node("a")))}
    instruments = Instruments(workers, {"cluster_a": known_models()["qblox_cluster"]})
    playing = Playing(SimpleNamespace(clocks={}), instruments, allowed)
    hardware = RunHardware("lab/node_a", instruments, playing, Compiled(), (WIRING,), Looks())
    loaded = await hardware.load(RunId(1, 1), "program", AtATime())
    assert loaded.duration_fs == Compiled.ARTIFACT.duration_fs
    drivers_s = 0.6 + TOLD_APART_S * Compiled.SHOTS + beyond_driver_s() + COLLECT_S
    assert abs(loaded.collect_fs / FS_PER_S - drivers_s) < 1e-3


class SilentPlane(Plane):
    """Answers nothing when a trigger is taken back, until somebody closes the connection."""

    def __init__(self, node: Node) -> None:
        super().__init__(node)
        self.closed = threading.Event()

    def release_trigger(self, output) -> None:
        self.closed.wait(30)
        raise Unreachable("wrtd_a: no answer")

    def close(self) -> None:
        self.closed.set()


async def test_a_plane_that_does_not_answer_keeps_no_controller_from_being_made_safe(
    monkeypatch,
) -> None:
    monkeypatch.setattr(run_hardware, "TAKE_BACK_S", 0.01)
    monkeypatch.setattr(worker, "GRACE_S", 0.01)
    node = Node("a")
    workers, hardware = triggered(node, SilentPlane(node))
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(one.keep()) for one in workers]
        hardware._hand = HardwareRun(RunId(1, 1), AtOnce())
        async with asyncio.timeout(15):  # less than the plane is silent for
            with pytest.raises(InstrumentError, match="take the trigger back"):
                await hardware.make_safe()
        for task in keeping:
            task.cancel()
    assert "safe" in node.done


async def test_what_has_begun_is_known_though_others_are_made_safe_later() -> None:
    """A controller that was disarmed is still by the next attempt, and had begun all the same."""
    node = Node("a")
    plane = Plane(node)
    workers, hardware = triggered(node, plane)
    begun, taken_back = [True], []

    def release(output: str) -> None:
        taken_back.append(output)
        if len(taken_back) == 1:
            raise Refused("wrtd_a: busy")

    plane.release_trigger = release
    node.disarm = lambda: bool(begun) and begun.pop()
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(one.keep()) for one in workers]
        await workers[0].call("load", lambda cluster: cluster.load("program"), 5.0)
        hardware._hand = HardwareRun(RunId(1, 1), AtATime(), CompiledPart(wirings=(WIRING,)))
        with pytest.raises(InstrumentError, match="busy"):
            await hardware.make_safe()
        assert await hardware.make_safe() is True
        for task in keeping:
            task.cancel()
    assert begun == []
