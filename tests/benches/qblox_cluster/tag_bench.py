"""A cluster with a time-tag module, and a marker that goes to one of its inputs."""

import json

import numpy as np
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.messages import BIN
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.time_tagging.io_channel import power_on_channel

CABLE_FS = 5_123_456
WINDOW = "wait 100\nacquire_timetags 0,0,1,0,4\nwait 996\nacquire_timetags 0,0,0,0,4\nwait 4\nstop"
JITTER_SUBS = 6 * 20e-3 * 2048
MARKER = "wait 100\nset_mrk 1\nupd_param 200\nset_mrk 0\nupd_param 4\nstop"


class TagBench(Bench):
    """A QTM and a QCM whose first marker goes to the QTM's input 2."""

    def __init__(self) -> None:
        super().__init__()
        self.lines = DigitalLines()
        self.lines.connect(("a", "slot10.io2"), ("a", "slot6.marker0"), CABLE_FS)
        modules = {2: "QRM-RF", 6: "QCM", 10: "QTM"}
        end = LinesEnd(self.lines, "a")
        self.twin = ClusterTwin(modules, "7", self.playback, lines=end)
        self.sessions = {
            name: self.twin.open(name) for name in ("scpi", "slot2", "slot6", "slot10")
        }
        self.send(10, "QUAD0:CONFig", block=quad(channel_combine="independent"))
        self.settings(2)

    def settings(self, channel: int, **more) -> None:
        values = power_on_channel() | {"out_mode": "disabled", "in_threshold_primary": 0.8} | more
        self.send(10, f"IO:CHANnel{channel}:CONFig", block=json.dumps(values).encode())
        assert self.errors(10) == 0

    def load_tags(self, program: str, channel: int = 2, bins: int = 2) -> None:
        self.load(10, channel, program, sync=False)
        self.send(10, f"SEQuencer{channel}:ACQ:ALISt:ACQuisition:NEW a,{bins}")

    def run(self, *where: tuple[int, int]) -> None:
        for slot, number in where:
            self.send(slot, f"SEQuencer{number}:ARM")
        for slot, number in where:
            self.send(slot, f"SEQuencer{number}:START")
        self.finish()

    def finish(self, now_fs: int = T0 + 100 * US) -> None:
        self.playback.release()
        self.twin.horizon(now_fs)

    def edge(self, at_ns: float, channel: int = 2) -> None:
        self.twin.input(f"slot10.io{channel}").edge(T0 + round(at_ns * FS_PER_NS))

    def table(self, channel: int = 2) -> np.ndarray:
        (data,) = self.twin.modules[10].sequencers[channel].acquisitions.data("a")[6:]
        return np.frombuffer(data, BIN)

    def flags(self, channel: int = 2) -> str:
        return self.state(10, channel, T0 + 100 * US)


def quad(**more) -> bytes:
    values = {"timetag_oversampling": "disabled", "tdc_latency": 0.0, "channel_combine": "fan-out"}
    return json.dumps(values | more).encode()
