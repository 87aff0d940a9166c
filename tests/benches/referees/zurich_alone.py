"""A data server alone, in a process of its own: of another version, or with results in its nodes.

``zurich_alone.py VERSION`` prints the port it listens at on 127.0.0.1, and ends with its input.
"""

import asyncio
import sys
from functools import partial

import numpy as np

from podium.firmware_interfaces.zurich.vector_headers import (
    ResultHeader,
    ScopeHeader,
    result_vector,
    scope_vector,
)
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText

RESULT = ResultHeader(
    timestamp=1234,
    job=7,
    repetition=2,
    center_hz=5e9,
    source=1,
    samples=10,
    averages=4,
    acquired=10,
    errors_logger=1,
    errors_readout=2,
    errors_spectroscopy=3,
)
RESULTS = np.arange(10) * (1 - 2j)
SCOPE = ScopeHeader(1234, 2, 5e9, 77, 3, 4, missed_triggers=6)
SAMPLES = (np.arange(16) - 8) * (0.25 + 0.5j)


async def main(version: str) -> None:
    server = DataServer("1", {12002: "SHFQA4"}, partial(VendorText, version))
    put = server.devices[0].store.put
    put("qachannels/0/readout/result/data/0/wave", result_vector(RESULTS, RESULT), 0)
    put("qachannels/0/readout/result/data/1/wave", result_vector(RESULTS.real.copy(), RESULT), 0)
    put("scopes/0/channels/0/wave", scope_vector(SCOPE, SAMPLES, 0.25), 0)
    time = TimeOf(Timekeeper(WorldClock(ClockMode.LEAP), {"zi": server}), "zi")
    connection = partial(
        TwinConnection, partial(server.open, "data_server"), time, ConnectionFaults(), lambda: None
    )
    loop = asyncio.get_running_loop()
    listening = await loop.create_server(connection, "127.0.0.1", 0)
    print(listening.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    listening.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
