"""A data server whose SHFQC is wired to nothing, in a process of its own: no physics in the way.

Prints the port it listens at on 127.0.0.1, and ends with its input.
"""

import asyncio
import sys
from functools import partial

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.connection import ConnectionFaults, TwinConnection
from podium.sim_instruments.servers.leaps import Timekeeper, TimeOf
from podium.sim_instruments.servers.zurich_texts import vendor_text
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server

DEVICES = {12000: "SHFQC"}


async def main() -> None:
    """Serve."""
    server = running_data_server("1", DEVICES, vendor_text)
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
    asyncio.run(main())
