"""The vendor's dummy cluster, whose sockets tell what would be sent."""

import itertools
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from qblox_instruments import Cluster, ClusterType

DUMMIES = {
    "QRM-RF": ClusterType.CLUSTER_QRM_RF,
    "QCM-RF": ClusterType.CLUSTER_QCM_RF,
    "QCM": ClusterType.CLUSTER_QCM,
    "QRM": ClusterType.CLUSTER_QRM,
    "QTM": ClusterType.CLUSTER_QTM,
}
_PROGRAM = re.compile(rb"SEQuencer\d+:PROGram ")
_ARM = re.compile(r"SEQuencer(\d+):ARM$")
_START = re.compile(r"SEQuencer(\d+):START$")
_STATE = re.compile(r"SEQuencer(\d+):STATE\?$")
_numbers = itertools.count(1)


def open_rehearsal(name: str, modules: Mapping[int, str], note: Callable[[str], None]) -> Any:
    """Return the vendor's client on no cluster at all; ``note`` gets what would set something."""
    cluster: Any = Cluster(
        f"{name}_rehearsal_{next(_numbers)}",
        dummy_cfg={slot: DUMMIES[kind] for slot, kind in modules.items()},
        use_configuration_cache=True,
    )
    _Tap(cluster._transport, "", note)
    for slot, connection in cluster._scpi._slot_connections.items():
        _Tap(connection._transport, f"SLOT{slot}:", note)
    return cluster


def close_rehearsal(cluster: Any) -> None:
    """Close what the dummy holds open."""
    slots = cluster._scpi._slot_connections.values()
    transports = [cluster._transport, *(connection._transport for connection in slots)]
    for loop in {id(one.loop): one.loop for one in transports}.values():
        if not loop.is_closed():
            loop.close()
    with suppress(Exception):  # only QCoDeS' own list of instruments is left to tidy
        type(cluster).remove_instance(cluster)


class _Tap:
    """Stands before one socket of the dummy.

    Programs are noted and go no further: the dummy would call the vendor's assembler, which is
    not there for every machine. Sequencers that would be armed say so.
    """

    def __init__(self, transport: Any, prefix: str, note: Callable[[str], None]) -> None:
        self._prefix = prefix
        self._note = note
        self._states: dict[int, str] = {}
        self._ahead: list[str] = []
        self._write, self._write_binary = transport.write, transport.write_binary
        self._readline = transport.readline
        transport.write, transport.write_binary = self.write, self.write_binary
        transport.readline = self.readline

    async def write(self, message: str) -> None:
        """Note and remember commands; answer for what would be armed."""
        if not message:
            return
        if (asked := _STATE.match(message)) and int(asked[1]) in self._states:
            self._ahead.append(f"OKAY;{self._states[int(asked[1])]};0;;;;")
            return
        if message.startswith("STATus:ASSEMbler:SUCCess?"):
            self._ahead.append("1")
            return
        if not message.rstrip().endswith("?") and "? " not in message:
            self._note(f"{self._prefix}{message}")
        if armed := _ARM.match(message):
            self._states[int(armed[1])] = "ARMED"
            return
        if started := _START.match(message):
            self._states[int(started[1])] = "STOPPED"  # it has ended at once
            return
        await self._write(message)

    async def write_binary(self, *data: bytes) -> None:
        """Note a message with a block of bytes, whose content is noted by its size."""
        message = b"".join(data)
        head, _, block = message.partition(b"#")
        self._note(f"{self._prefix}{head.decode('ascii', 'replace')}#<{len(block)} bytes>")
        if not _PROGRAM.match(message):
            await self._write_binary(*data)

    async def readline(self) -> str:
        """Return what was decided here, else what the dummy says."""
        return self._ahead.pop(0) if self._ahead else str(await self._readline())
