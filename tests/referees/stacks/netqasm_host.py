"""The netqasm SDK, unmodified, writes what hosts send; prints JSON with bytes and text.

``python netqasm_host.py FOLDER``, in an environment of its own.
"""

import json

from netqasm.backend.messages import SubroutineMessage, deserialize_host_msg
from netqasm.lang.parsing import deserialize
from netqasm.sdk import EPRSocket, Qubit
from netqasm.sdk.connection import DebugConnection

DebugConnection.node_ids = {"alice": 0, "bob": 1}


def told(connection) -> list[dict[str, str]]:
    """Return the messages of a host, each as hexadecimal digits; subroutines with their text."""
    found = []
    for raw in connection.storage:
        message = deserialize_host_msg(raw)
        text = ""
        if isinstance(message, SubroutineMessage):
            lines = str(deserialize(bytes(message.subroutine))).splitlines()[1:-1]
            text = "\n".join(line.strip() for line in lines)
        found.append({"bytes": raw.hex(), "text": text})
    return found


def creates() -> list[dict[str, str]]:
    """Create two pairs, teleport with the first one and measure the second."""
    socket = EPRSocket("bob", min_fidelity=80)
    with DebugConnection("alice", epr_sockets=[socket]) as alice:
        first, second = socket.create_keep(number=2)
        own = Qubit(alice)
        own.H()
        own.cnot(first)
        own.H()
        own.measure()
        first.measure()
        second.measure()
    return told(alice)


def receives() -> list[dict[str, str]]:
    """Receive two pairs and measure both."""
    socket = EPRSocket("alice")
    with DebugConnection("bob", epr_sockets=[socket]) as bob:
        for qubit in socket.recv_keep(number=2):
            qubit.rot_Z(n=1, d=2)
            qubit.measure()
    return told(bob)


def measures_at_once() -> list[dict[str, str]]:
    """Ask for a pair that is measured at once."""
    socket = EPRSocket("bob", min_fidelity=80)
    with DebugConnection("alice", epr_sockets=[socket]) as alice:
        socket.create_measure(number=1)
    return told(alice)


print(json.dumps({"alice": creates(), "bob": receives(), "measure": measures_at_once()}))
