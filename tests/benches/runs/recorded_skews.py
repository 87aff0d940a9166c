"""Recorded skews of three nodes."""

from podium.control.timebase.drift_filter import NOMINAL_ROOM_K
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, SkewMeasured
from podium.control.timebase.start_setting import (
    SkewsMeasured,
    StartFound,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai

B, C = Pair("cluster_b", "cluster_a"), Pair("cluster_c", "cluster_a")
NAMES = ("cluster_a", "cluster_b", "cluster_c")
PS = 1_000
DELAYS_NS = {"cluster_a": 2, "cluster_b": 3, "cluster_c": 0}


def at(after_s: int) -> Tai:
    return Tai(1_900_000_000 + after_s, 17)


def epochs_of(*names: str, epoch: int = 4) -> Epochs:
    domains = [f"{kind}_{name[-1]}" for kind in ("plane", "ticks") for name in names]
    return Epochs.of(dict.fromkeys(domains, epoch))


def found(
    b_fs: int = 600_000,
    c_fs: int = -2_345_678,
    after_s: int = 0,
    epoch: int = 4,
    delays_ns: dict[str, int] | None = None,
) -> SkewsMeasured:
    delays_ns = delays_ns or DELAYS_NS
    starts = {
        name: StartFound(delays_ns[name], 440_000_000, FS_PER_NS, epochs_of(name, epoch=epoch))
        for name in NAMES
    }
    skews = tuple(
        SkewMeasured(
            pair,
            value_fs,
            2.0 * PS,
            28.0 * PS,
            at(after_s),
            NOMINAL_ROOM_K,
            epochs_of(pair.port, pair.reference, epoch=epoch),
            delays_ns=(delays_ns[pair.port], delays_ns[pair.reference]),
        )
        for pair, value_fs in ((B, b_fs), (C, c_fs))
    )
    return SkewsMeasured("cluster_a", starts, skews)
