"""Triggers that an instrument gives at a distance, so many times."""

from dataclasses import dataclass
from typing import Final

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.zurich.values import Value
from podium.sim_instruments.twins.zurich.triggering import train

_HOLDOFF_S: Final = 100e-6
"""Of trains of triggers after power-on; one repetition."""


@dataclass(frozen=True, slots=True)
class _Train:
    """Triggers at a distance."""

    device: str
    node: str
    """What switched it on."""
    end_fs: int


class TriggerTrains:
    """The trains of all instruments behind one data server: their settings, and which go on."""

    def __init__(self) -> None:
        self._going: list[_Train] = []
        self._settings: dict[tuple[str, str], float] = {}
        """By device and node: repetitions and hold-off as they were set."""

    def set(self, device: str, path: str, value: float) -> None:
        """Keep how many triggers there are, or how far apart, s."""
        self._settings[device, path] = value

    def switched(self, device: str, path: str, on: bool, now_fs: int) -> range:
        """Return when a train that is switched on gives triggers; none where it is ended."""
        self._going = [one for one in self._going if (one.device, one.node) != (device, path)]
        if not on:
            return range(0)
        start = path.removesuffix("enable")
        count = int(self._settings.get((device, f"{start}repetitions"), 1))
        seconds = self._settings.get((device, f"{start}holdoff"), _HOLDOFF_S)
        at_fs = train(now_fs, count, round(seconds * FS_PER_S))
        self._going.append(_Train(device, path, at_fs.stop))
        return at_fs

    def over(self, device: str, now_fs: int) -> dict[str, Value]:
        """Return what nodes come to hold because trains of a device have ended, each once."""
        found: dict[str, Value] = {}
        for one in [one for one in self._going if one.end_fs <= now_fs and one.device == device]:
            self._going.remove(one)
            found[one.node] = 0
            found[one.node.replace("enable", "progress")] = 1.0
        return found
