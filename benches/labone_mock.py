"""The vendor's own mock of a data server (labone 1.1.0) behind the handshake that clients want.

Run by a Python that has labone. The mock speaks Cap'n Proto on a stream and has neither a socket
nor a handshake: both are added here, so that the unmodified client of the vendor can talk to it.
Prints the port it listens at on 127.0.0.1, and ends with its input.

``labone_mock.py VERSION``: of the client that will connect.
"""

import asyncio
import socket
import sys

import capnp
from labone.mock import AutomaticSessionFunctionality
from labone.mock.hpk_schema import get_schema
from labone.server.server import capnp_server_factory
from labone.server.session import SessionInterface

from podium.firmware_interfaces.zurich import handshake

DEVICE = "dev12000"
NODES = {
    **{f"/{DEVICE}/sgchannels/{n}/output/on": {"Type": "Integer (64 bit)"} for n in range(6)},
    **{
        f"/{DEVICE}/sgchannels/{n}/oscs/{k}/freq": {"Type": "Double"}
        for n in range(6)
        for k in range(8)
    },
}
SERVER = {
    "/zi/devices/visible": {"Type": "String"},
    "/zi/devices/connected": {"Type": "String"},
    "/zi/about/version": {"Type": "String"},
}
SERVERS: list[capnp.TwoPartyServer] = []
"""They end when nobody holds them."""


class Mock(AutomaticSessionFunctionality):
    """The mock, but for texts: it knows whole numbers alone, and starts with 0."""

    def __init__(self, nodes: dict[str, dict[str, str]]) -> None:
        super().__init__(nodes)
        for path, info in nodes.items():
            if info["Type"] == "String":
                self.memory[path].value = DEVICE if "devices" in path else ""
            elif info["Type"] == "Double":
                self.memory[path].value = 0.0


async def answer(wire: socket.socket, version: str) -> None:
    """Greet a client, give it the kernel it asks for, and serve it from then on."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(wire, handshake.hello(version))
    head = b""
    while (split := handshake.split_request(head)) is None:
        received = await loop.sock_recv(wire, 4096)
        if not received:
            wire.close()  # it only wanted to see who is there
            return
        head += received
    request = handshake.parse_request(split[0])
    assert isinstance(request, handshake.KernelRequest), request
    await loop.sock_sendall(wire, handshake.switching(request.kernel, "mock", version))
    stream = await capnp.AsyncIoStream.create_connection(sock=wire)
    mock = Mock(SERVER if request.kernel == "zi" else NODES)
    SERVERS.append(capnp_server_factory(stream, get_schema(), SessionInterface(mock)))


async def accept(listening: socket.socket, version: str) -> None:
    """Let clients in, one after the other."""
    loop = asyncio.get_running_loop()
    while True:
        wire, _ = await loop.sock_accept(listening)
        wire.setblocking(False)
        wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await answer(wire, version)


async def main(version: str) -> None:
    """Serve."""
    async with capnp.kj_loop():
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setblocking(False)
        print(listening.getsockname()[1], flush=True)
        accepting = asyncio.create_task(accept(listening, version))
        await asyncio.to_thread(sys.stdin.read)
        accepting.cancel()
        await asyncio.wait({accepting})


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
