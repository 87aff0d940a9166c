"""The cluster management module: who is there, what time it is, what went wrong."""

from collections.abc import Mapping

from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.sim_instruments.twins.qblox_cluster.refusal import ErrorQueue
from podium.sim_instruments.twins.qblox_cluster.settings import KeptSettings


class Management:
    """The firmware of the CMM."""

    def __init__(self, serial: str, models: Mapping[int, ModuleModel]) -> None:
        self.serial = serial
        self.models = models
        self.errors = ErrorQueue()
        self.kept = KeptSettings()
        self._adjusted_fs = 0

    def reset(self) -> None:
        """Return to the state after power-on; the clock goes on."""
        self.kept = KeptSettings()

    def clock_fs(self, now_fs: int) -> int:
        """Return what the cluster's clock shows: the house's TAI, plus what it was adjusted by."""
        return now_fs + self._adjusted_fs

    def adjust_clock(self, by_fs: int) -> None:
        """Set the clock forward (or back)."""
        self._adjusted_fs += by_fs
