"""Instruments with clocks that can be read and set by hand, and an agent that reads them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from podium.control.agent.clock_readings import ClockReadings
from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.instruments import Instruments
from podium.drivers.roles import Identity
from podium.drivers.worker import Worker
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.tai import Tai


@dataclass
class Box:
    """A box of which every connection shows the same."""

    boots: int = 1
    disturbed: bool = False
    now_s: float = 1_800_000_000.0
    forgetful: bool = True
    connections: int = 0
    asked: list[str] = field(default_factory=list)

    def identity(self) -> Identity:
        self.connections += 1
        return Identity("ACME", "Box", "1", "1.0")

    def close(self) -> None:
        self.asked.append("close")

    def now(self) -> Tai:
        return Tai.from_fs(round(self.now_s * FS_PER_S))


class Counting(Box):
    def clock_signs(self) -> dict[str, int]:
        self.asked.append("signs")
        return {"boots": self.boots}


@asynccontextmanager
async def looking(folder, life=1, **boxes: Box) -> AsyncIterator[tuple[ClockReadings, Instruments]]:
    workers = {name: Worker(name, lambda box=box: box) for name, box in boxes.items()}
    models = dict.fromkeys(boxes, known_models()["qblox_cluster"])
    instruments = Instruments(workers, models)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        keeping = [tasks.create_task(worker.keep()) for worker in workers.values()]
        try:
            yield (
                ClockReadings({"a": "ticks_a"}, instruments, EpochFiles(folder), life),
                instruments,
            )
        finally:
            for task in keeping:
                task.cancel()


async def numbers(looks: ClockReadings, *names: str) -> dict[str, int]:
    return dict((await looks.epochs(names)).numbers)


async def reconnected(instruments: Instruments, name: str) -> None:
    worker = instruments.any_worker(name)
    await worker.renew("the cable was off")
    await worker.connected()
