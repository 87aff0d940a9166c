"""The nodes of multi-state discrimination that the firmware keeps: who has which integrators."""

import re
from typing import Final

import numpy as np

from podium.firmware_interfaces.zurich.values import Value, vector_of
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore, Written
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import allotted

_QUDIT: Final = "qachannels/#/readout/multistate/qudits/#"
_READOUT: Final = re.compile(r"(qachannels/\d+/readout)/multistate/")


class Qudits:
    """Those of all channels of an instrument."""

    def __init__(self, store: NodeStore, told: Written) -> None:
        """``told`` is called after each setting."""
        self._store = store
        self._told = told
        self._units = 0
        """Integrators of a channel, and qudits."""
        while store.has(f"qachannels/0/readout/multistate/qudits/{self._units}/enable"):
            self._units += 1
        for node in ("enable", "numstates"):
            store.when_set(f"{_QUDIT}/{node}", self._laid_out)
        store.when_set("qachannels/#/readout/multistate/clear", self._clear)

    def _laid_out(self, path: str, value: Value, now_fs: int) -> None:
        self._lay_out(_readout(path), now_fs)
        self._told(path, value, now_fs)

    def _clear(self, path: str, value: Value, now_fs: int) -> None:
        """Switch all off. ASSUMED: weights and thresholds stay."""
        if value:
            readout = _readout(path)
            for index in range(self._units):
                self._store.put(f"{readout}/multistate/qudits/{index}/enable", 0, now_fs)
            self._store.put(path, 0, now_fs)
            self._lay_out(readout, now_fs)
        self._told(path, value, now_fs)

    def _lay_out(self, readout: str, now_fs: int) -> None:
        """Tell which integrators every qudit has, in the order of their numbers."""
        start, units, indices = f"{readout}/multistate", self._units, range(self._units)
        states = {k: int(str(self._get(f"{start}/qudits/{k}/numstates", now_fs))) for k in indices}
        on = {k: states[k] for k in indices if self._get(f"{start}/qudits/{k}/enable", now_fs)}
        integrators = allotted(on)
        used = sum(map(len, integrators.values()))
        for k in indices:
            mine = integrators.get(k, range(0))
            at = f"{start}/qudits/{k}"
            self._store.put(f"{at}/integrator/startindex", mine.start, now_fs)
            vector = vector_of(np.array(mine, np.uint32))
            self._store.put(f"{at}/integrator/indexvec", vector, now_fs)
            free = units - used + len(mine)
            self._store.put(f"{at}/available", int(states[k] - 1 <= free), now_fs)
        self._store.put(f"{start}/integratorcount", used, now_fs)
        self._store.put(f"{start}/integratorusage", 100.0 * used / units, now_fs)
        self._store.put(f"{start}/valid", int(used <= units), now_fs)

    def _get(self, path: str, now_fs: int) -> Value:
        return self._store.value(path, now_fs)


def _readout(path: str) -> str:
    found = _READOUT.match(path)
    if found is None:
        raise ValueError(f"{path} is no node of multi-state discrimination")
    return found[1]
