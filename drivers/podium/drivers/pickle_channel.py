"""Pickled values pass from process to process over a socket; arrays go beside, uncopied.

    bytes of the value | number of arrays | bytes of each | value, pickled | arrays

Both ends are ours and of one version: the one has started the other. Never for a wire that
somebody else can write to.
"""

import pickle
import socket
import struct
from typing import Any

import numpy as np

_HEAD = struct.Struct("<QQ")


def send(wire: socket.socket, value: object) -> None:
    """Write ``value``; arrays in it are read from where they are."""
    arrays: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(value, protocol=5, buffer_callback=arrays.append)
    parts = [one.raw() for one in arrays]
    sizes = struct.pack(f"<{len(parts)}Q", *(one.nbytes for one in parts))
    wire.sendall(b"".join((_HEAD.pack(len(pickled), len(parts)), sizes, pickled)))
    for one in parts:
        wire.sendall(one)


def receive(wire: socket.socket) -> Any:
    """Return the next value; raises ``EOFError`` where the other end is gone."""
    pickled_size, count = _HEAD.unpack(_read(wire, _HEAD.size))
    told = _read(wire, 8 * count + pickled_size)
    sizes = struct.unpack_from(f"<{count}Q", told)
    arrays = [_read(wire, size) for size in sizes]
    return pickle.loads(told[8 * count :], buffers=arrays)


def _read(wire: socket.socket, size: int) -> memoryview:
    into = np.empty(size, np.uint8).data
    filled = 0
    while filled < size:
        came = wire.recv_into(into[filled:])
        if not came:
            raise EOFError
        filled += came
    return into
