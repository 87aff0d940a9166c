"""What a run is made of on instruments."""

import asyncio

from tests.benches.nodes.triggered import Cluster, Node, Plane

from podium.control.agent.clock_readings import ClockReadings
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.hardware_run import HardwareRun
from podium.control.agent.instruments import Instruments
from podium.control.agent.playback import Playback
from podium.control.agent.run_hardware import RunHardware
from podium.control.bus.messages import RunId
from podium.control.families.start_wiring import StartWiring
from podium.control.runs.messages import AtOnce
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import known_models

WIRING = StartWiring("cluster_a", "wrtd_a", "LC-O1")


async def test_after_a_run_at_once_all_is_made_safe_and_not_only_what_it_has_played_on() -> None:
    node = Node("a")
    makers = {"cluster_a": lambda: Cluster(node), "wrtd_a": lambda: Plane(node)}
    workers = {name: Worker(name, make) for name, make in makers.items()}
    instruments = Instruments(workers, {"cluster_a": known_models()["qblox_cluster"]})
    looks = ClockReadings({}, instruments, EpochFiles(None), 1)
    playing = Playback(None, instruments, None)
    hardware = RunHardware("lab/node_a", instruments, playing, None, (WIRING,), looks)
    async with asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(worker.keep()) for worker in workers.values()]
        hardware._hand = HardwareRun(RunId(1, 1), AtOnce())
        await hardware.make_safe(of_run=True)
        assert node.done == []
        hardware._hand = HardwareRun(RunId(1, 1), AtOnce())
        await hardware.make_safe()
        for task in keeping:
            task.cancel()
    assert {"release", "safe"} <= set(node.done)
