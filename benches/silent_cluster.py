"""A cluster's twin without a world, in a process of its own: executes programs, hears nothing.

One line of JSON goes out: its host and ports, as in an endpoints file. It serves until standard
input ends.
"""

import asyncio
import json
import random
import sys
from functools import partial

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.endpoints import endpoint
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.loopback import draw_place, listen
from podium.sim_instruments.servers.serving import doors
from podium.sim_instruments.servers.silent_playback import SilentPlayback
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}


async def _serve() -> None:
    twin = ClusterTwin(MODULES, "1", SilentPlayback())
    timekeeper = Timekeeper(WorldClock(ClockMode.LEAP), {"cluster_a": twin})
    time = TimeOf(timekeeper, "cluster_a")
    faults = ConnectionFaults()

    def leapt() -> None:
        for way in tuple(faults.open):
            way.due()

    def connection(door: str) -> TwinConnection:
        return TwinConnection(partial(twin.open, door), time, faults, leapt)

    opened = doors(twin, connection)
    listening = await listen(opened, partial(draw_place, random.Random()))
    ports = endpoint("cluster_a", "qblox_cluster", twin, listening)["ports"]
    print(json.dumps({"host": listening.host, "ports": ports}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    for server in listening.servers:
        server.close()


if __name__ == "__main__":
    asyncio.run(_serve())
