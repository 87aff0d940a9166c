"""The cluster management module: who is there, what time it is, what went wrong."""

from collections.abc import Mapping

from podium.firmware_interfaces.qblox_cluster.identity import NEWEST, ModuleModel, Release
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import ClusterClock
from podium.sim_instruments.twins.qblox_cluster.processor.linq import Linq
from podium.sim_instruments.twins.qblox_cluster.reference import Reference
from podium.sim_instruments.twins.qblox_cluster.refusal import ErrorQueue
from podium.sim_instruments.twins.qblox_cluster.settings import KeptSettings
from podium.sim_instruments.twins.qblox_cluster.timekeeping import Timekeeping
from podium.sim_instruments.twins.qblox_cluster.trigger_network import TriggerNetwork


class Management:
    """The firmware of the CMM."""

    def __init__(
        self,
        serial: str,
        models: Mapping[int, ModuleModel],
        clock: ClusterClock,
        release: Release = NEWEST,
    ) -> None:
        self.serial = serial
        self.release = release
        self.models = models
        self.errors = ErrorQueue()
        self.kept = KeptSettings()
        self.time = Timekeeping(clock)
        self.network = TriggerNetwork(clock)
        self.reference = Reference(clock)
        self.linq = Linq()

    def reset(self) -> None:
        """Return to the settings after power-on; time and reference go on."""
        self.kept = KeptSettings()
        self.time.reset()
        self.network.reset()
        self.linq = Linq()

    def power_on(self, now_fs: int) -> None:
        """Begin as after power-on, after :meth:`reset`: the time, too."""
        self.errors.clear()
        self.time.power_on(now_fs)
        self.reference.power_on(now_fs)
