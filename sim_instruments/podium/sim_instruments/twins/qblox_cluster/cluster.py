"""The twin of a Qblox cluster: its CMM, its modules, its clock."""

from collections.abc import Mapping

from podium.sim_instruments.twins.qblox_cluster.playback import Playback


class ClusterTwin:
    """A Qblox cluster as seen from its sockets: one for the CMM, one for each module."""

    ports: Mapping[str, int] = {"scpi": 5025, "module_scpi_base": 25000}

    def __init__(self, modules: Mapping[int, str], serial: str, playback: Playback) -> None:
        self.modules = dict(modules)
        self.serial = serial
        self.playback = playback
