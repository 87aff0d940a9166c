"""A client of the data server on pycapnp, in a process of its own: as fast as it can.

``zurich_client.py HOST PORT SCHEMA WHAT COUNT`` prints one line of JSON: seconds by the wall's
clock, and of this process's own work.
"""

import asyncio
import json
import socket
import sys
import time
from pathlib import Path
from typing import Any

import capnp

DEVICE = "dev12000"
AT_ONCE = 200
"""Calls that are on their way together."""


def connected(host: str, port: int) -> socket.socket:
    """Return a socket that has turned into Cap'n Proto, with the kernel of the instrument."""
    wire = socket.create_connection((host, port))
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.recv(256, socket.MSG_WAITALL)
    wire.sendall(f"GET /api/v1/kernel/devid/{DEVICE} HTTP/1.1\r\nUpgrade: capnp\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += wire.recv(1)
    if b" 101 " not in head:
        raise RuntimeError(head.decode())
    return wire


async def gets(session: Any, count: int) -> None:
    """Read a node over and over, and check what comes."""
    path = f"/{DEVICE}/sgchannels/0/output/range"
    for _ in range(count // AT_ONCE):
        asked = [session.getValue(path, "directLookup", 0) for _ in range(AT_ONCE)]
        for answer in asked:
            (await answer).result[0]


async def one_by_one(session: Any, count: int) -> None:
    """Read a node, wait for it, read it again."""
    path = f"/{DEVICE}/sgchannels/0/output/range"
    for _ in range(count):
        (await session.getValue(path, "directLookup", 0)).result[0]


async def sets(session: Any, count: int) -> None:
    """Set that many nodes in one transaction: calls sent at once, then all answers."""
    asked = [
        session.setValue(
            f"/{DEVICE}/sgchannels/{number % 6}/oscs/{number // 6 % 8}/freq",
            {"double": float(number)},
            "directLookup",
            "deviceAck",
        )
        for number in range(count)
    ]
    for answer in asked:
        (await answer).result[0]


async def run(host: str, port: int, schema: Path, what: str, count: int) -> dict[str, float]:
    """Do it; return how long it took."""
    library = Path(capnp.__file__).parents[1]
    interface = capnp.load(str(schema), imports=[str(library)]).Session
    async with capnp.kj_loop():
        stream = await capnp.AsyncIoStream.create_connection(sock=connected(host, port))
        session = capnp.TwoPartyClient(stream).bootstrap().cast_as(interface)
        do = {"gets": gets, "one_by_one": one_by_one, "sets": sets}[what]
        await do(session, AT_ONCE)
        begin_s, worked_s = time.perf_counter(), time.process_time()
        await do(session, count)
        return {
            "seconds": time.perf_counter() - begin_s,
            "worked": time.process_time() - worked_s,
        }


if __name__ == "__main__":
    host, port, schema, what, count = sys.argv[1:]
    print(json.dumps(asyncio.run(run(host, int(port), Path(schema), what, int(count)))))
