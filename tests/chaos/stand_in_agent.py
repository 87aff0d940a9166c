"""An agent's process whose drivers speak to the stand-in hardware; all else of it is real.

python -m tests.chaos.stand_in_agent FACILITY NODE PLANT_PORT LISTEN COORDINATOR EPOCHS
"""

import asyncio
import json
import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
from tests.benches.nodes.cold_room import cold_room

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.log import log_to_stderr
from podium.control.bus.shutdown import until_terminated
from podium.control.bus.zenoh_bus import ZenohBus
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.families.start_wiring import StartWiring
from podium.control.timebase.short_slices import ask_for_short_slices
from podium.drivers.errors import NotStarted, Refused, Unreachable
from podium.drivers.roles import Acquired, Identity, TriggerCounts
from podium.drivers.worker import Worker
from podium.firmware_interfaces.models import known_models
from podium.firmware_interfaces.tai import Tai

AFTER_FS = 212 * 10**6
TRIGGER_S = 0.5


class Remote:
    def __init__(self, node: str, port: int) -> None:
        self._node = node
        self._interrupted = threading.Event()
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), timeout=5)
            self._socket.sendall(f"{node}\n".encode())
            self._lines = self._socket.makefile("rb")
        except OSError as error:
            raise Unreachable(f"{node}: {error}") from error

    def ask(self, *what: Any) -> Any:
        try:
            self._socket.sendall(json.dumps(what).encode() + b"\n")
            line = self._lines.readline()
        except OSError as error:
            raise Unreachable(f"{self._node}: {what[0]}: {error}") from error
        if not line.endswith(b"\n"):
            raise Unreachable(f"{self._node}: {what[0]}: the connection was cut")
        done, told = json.loads(line)
        if not done:
            raise Refused(f"{self._node}: {told}")
        return told

    def identity(self) -> Identity:
        return Identity("ACME", self._node, "1", "0")

    def snapshot(self) -> dict[str, object]:
        return {}

    def close(self) -> None:
        self._lines.close()
        self._socket.close()

    def interrupt(self) -> None:
        self._interrupted.set()


class Cluster(Remote):
    program: Any = None

    def clock_signs(self) -> dict[str, int]:
        return {"re-locks": self.ask("signs")}

    def load(self, program: Any) -> None:
        self.ask("load", program.name)
        self.program = program

    def arm(self) -> None:
        self.ask("arm")

    def start(self) -> None:
        raise Refused("it begins on the trigger")

    def disarm(self) -> bool:
        return bool(self.ask("disarm"))

    def started_at(self) -> Tai | None:
        started_fs = self.ask("started")
        return None if started_fs is None else Tai.from_fs(started_fs + AFTER_FS)

    def start_source(self) -> str:
        return "capture"

    def wait(self, duration_s: float) -> None:
        self._interrupted.clear()
        give_up = time.monotonic() + TRIGGER_S
        while self.ask("started") is None:
            if time.monotonic() > give_up:
                raise NotStarted(f"{self._node}: no start")
            if self._interrupted.wait(0.002):
                raise Refused("given up")

    def collect(self) -> dict[str, Acquired]:
        tag = float(self.ask("collect"))
        found = {}
        for one in self.program.results:
            ones = np.ones(one.shape)
            found[one.capture] = Acquired(tag * ones, ones, ones.astype(np.int64))
        return found

    def safe(self) -> None:
        self.ask("safe")


class Plane(Remote):
    def clock_signs(self) -> dict[str, int]:
        return {}

    def now(self) -> Tai:
        return Tai.from_fs(self.ask("time"))

    def prepare_trigger(self, output: str, event_id: str, holdoff_ns: int, delay_ns: int) -> None:
        self.ask("prepare", event_id)

    def release_trigger(self, output: str) -> None:
        self.ask("release")

    def send_event(self, event_id: str, at: Tai) -> None:
        self.ask("send", event_id, at.total_fs)

    def trigger_counts(self, output: str) -> TriggerCounts:
        return TriggerCounts(0, 0, self.ask("late"), 0, 0, 0)

    def safe(self) -> None:
        self.ask("release")


async def main(words: list[str]) -> None:
    file, node, port, listen, coordinator, epochs = words
    log_to_stderr(node)
    ask_for_short_slices()
    facility = load_facility(Path(file))
    letter = node.removeprefix("node_")
    cluster, plane = f"cluster_{letter}", f"wrtd_{letter}"
    workers: dict[str, Worker[Any]] = {
        cluster: Worker(cluster, lambda: Cluster(node, int(port))),
        plane: Worker(plane, lambda: Plane(node, int(port))),
    }
    models = {cluster: known_models()["qblox_cluster"], plane: known_models()["wrtd_node"]}
    bus = await ZenohBus.open([listen], [coordinator])
    try:
        agent = Agent(
            node,
            facility,
            Instruments(workers, models),
            compiler_for(facility),
            bus,
            starts=(StartWiring(cluster, plane, "LC-O1", start_after_fs=AFTER_FS),),
            epochs=Path(epochs),
        )
        async with agent.running(), cold_room(facility, bus):
            await until_terminated(with_parent=True)
    finally:
        await asyncio.shield(bus.close())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
