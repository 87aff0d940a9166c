"""The delay of an HDAWG's output shows what it has become: whole samples, as many as there are."""

from typing import Final

from podium.firmware_interfaces.zurich.limits import OUTPUT_DELAY_MAX_S
from podium.firmware_interfaces.zurich.program import SAMPLE_CLOCK
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.nodes.node_settings import number
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore

OUTPUT: Final = "sigouts/#/delay"


class OutputDelayNodes:
    """Those of all outputs of one instrument."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store
        store.when_set(OUTPUT, self._round)

    def _setting(self, path: str) -> Value:
        return self._store.value(path, 0)

    def _round(self, path: str, value: Value, now_fs: int) -> None:
        rate_hz = number(self._setting, SAMPLE_CLOCK)
        most = int(OUTPUT_DELAY_MAX_S * rate_hz)
        samples = min(max(round(number(self._setting, path) * rate_hz), 0), most)
        self._store.put(path, samples / rate_hz, now_fs)
