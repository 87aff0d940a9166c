"""An SHFQC, or a rack, before a chip with two qubits, in a process of its own.

``zurich_on_a_chip.py [rack]`` prints the port it listens at on 127.0.0.1, and ends with its input.
"""

import asyncio
import sys
from functools import partial

from tests.benches.physics.small_chip import feedline_point, qubit_point
from tests.benches.qblox_cluster.chip_world import ChipWorld
from tests.benches.referees.reset_monte_carlo import T1_NS, THERMAL

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.zurich_texts import vendor_text
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server

READOUT_HZ = 7.26e9, 7.04e9
DRIVE_HZ = 6.02e9, 5.71e9
QUBITS = (
    qubit_point(thermal=THERMAL, t1=T1_NS * 1e-9, n_crit=1e9),
    qubit_point(
        "node_a.q1", DRIVE_HZ[1], resonator=READOUT_HZ[1], thermal=THERMAL, t1=T1_NS * 1e-9,
        n_crit=1e9,
    ),
)  # fmt: skip
LINES = {
    "dev12000.qa0_out": "node_a.feedline",
    "dev12000.qa0_in": "node_a.feedline",
    "dev12000.sg0": "node_a.q0.drive",
    "dev12000.sg1": "node_a.q1.drive",
}
RACK = {
    "dev12001.qa0_out": "node_a.feedline",
    "dev12001.qa0_in": "node_a.feedline",
    "dev12002.sg0": "node_a.q0.drive",
    "dev12003.sg0": "node_a.q1.drive",
}
IN_A_RACK = {10001: "PQSC", 12001: "SHFQA2", 12002: "SHFSG4", 12003: "SHFSG4"}
"""q0 and q1 are driven by instruments of their own; the PQSC has them at ports 0, 1 and 2."""


async def main() -> None:
    rack = sys.argv[1:] == ["rack"]
    world = ChipWorld(feedline_point(*QUBITS, kelvin=4.0), RACK if rack else LINES)
    devices = IN_A_RACK if rack else {12000: "SHFQC"}
    server = running_data_server("1", devices, vendor_text, world)
    time = TimeOf(Timekeeper(WorldClock(ClockMode.LEAP), {"zi": server}), "zi")
    connection = partial(
        TwinConnection, partial(server.open, "data_server"), time, ConnectionFaults(), lambda: None
    )
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(connection, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    listening.close()
    world.pool.shutdown(wait=False, cancel_futures=True)


if __name__ == "__main__":
    asyncio.run(main())
