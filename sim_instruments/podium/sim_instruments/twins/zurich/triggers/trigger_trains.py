"""Trains of triggers that a node switches on: of an instrument's internal trigger, of a PQSC.

A PQSC may wait for an edge at one of its trigger inputs before its first (``execution/trigger``,
node documentation: the first executed trigger is aligned to the rising edge). ASSUMED: it sends it
as long after the edge as the other instruments take from theirs, and hears no edge while it is not
enabled, or a second one before its train has ended.
"""

from dataclasses import dataclass
from typing import Final

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.triggers.trigger_routing import MOST, train

OWN: Final = "system/internaltrigger/enable"
OVER_ZSYNC: Final = "execution/enable"
_ALIGNED: Final = "execution/trigger"
_SETTINGS: Final = ("/repetitions", "/holdoff", "/trigger")
_HOLDOFF_S: Final = 100e-6
"""Of trains after power-on; one repetition."""


@dataclass(frozen=True, slots=True)
class _Train:
    """Triggers at a distance."""

    device: str
    node: str
    """What switched it on."""
    end_fs: int


class TriggerTrains:
    """Of all instruments of a data server; times are those of their clock."""

    def __init__(self) -> None:
        self._going: list[_Train] = []
        self._settings: dict[tuple[str, str], float] = {}
        """By device and node: repetitions, hold-off and trigger input as they were set."""
        self._waiting: set[str] = set()
        """PQSCs that wait for an edge."""

    def written(self, device: str, path: str, value: Value) -> None:
        """Hear that a node was set."""
        if path.endswith(_SETTINGS) and isinstance(value, int | float):
            self._settings[device, path] = value

    def switched(self, device: str, node: str, on: bool, now_fs: int) -> range:
        """Return when the triggers come that :data:`OWN` or :data:`OVER_ZSYNC` was set for."""
        self._going = [one for one in self._going if (one.device, one.node) != (device, node)]
        self._waiting.discard(device)
        if not on:
            return range(0)
        if node == OVER_ZSYNC and self._settings.get((device, _ALIGNED), 0):
            self._waiting.add(device)
            return range(0)
        return self._begun(device, node, train(now_fs, *self._shape(device, node)))

    def edge(self, device: str, number: int, at_fs: int) -> range:
        """Return when the triggers come that an edge at a PQSC's trigger input brings about.

        ``number``: of the input, from 0.
        """
        chosen = int(self._settings.get((device, _ALIGNED), 0))
        if device not in self._waiting or chosen != number + 1:
            return range(0)
        self._waiting.discard(device)
        count, step_fs = self._shape(device, OVER_ZSYNC)
        times = range(at_fs, at_fs + min(count, MOST) * max(1, step_fs), max(1, step_fs))
        return self._begun(device, OVER_ZSYNC, times)

    def over(self, device: str, now_fs: int) -> dict[str, Value]:
        """Return what nodes show of trains of a device that have ended since this was asked."""
        found: dict[str, Value] = {}
        for one in [one for one in self._going if one.end_fs <= now_fs and one.device == device]:
            self._going.remove(one)
            found[one.node] = 0
            found[one.node.replace("enable", "progress")] = 1.0
        return found

    def _shape(self, device: str, node: str) -> tuple[int, int]:
        """Return how many triggers a train has, and their distance, fs."""
        start = node.removesuffix("enable")
        count = int(self._settings.get((device, f"{start}repetitions"), 1))
        seconds = self._settings.get((device, f"{start}holdoff"), _HOLDOFF_S)
        return count, round(seconds * FS_PER_S)

    def _begun(self, device: str, node: str, times: range) -> range:
        self._going.append(_Train(device, node, times.stop))
        return times
