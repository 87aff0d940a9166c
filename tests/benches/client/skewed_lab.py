"""A laboratory whose nodes start with known skews."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from podium.control.bus.messages import FacilityStatus
from podium.control.client.skew_calibration import LoopbackResult
from podium.control.facility.facility import Facility
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.start_setting import SkewsMeasured
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.tai import Tai

SKEW_FS = 1_600_000
EPOCHS = {"plane_a": 1, "plane_b": 1, "plane_room": 1, "ticks_a": 1, "ticks_b": 1}


@dataclass
class MadeUpLab:
    facility: Facility
    hook: Callable[[int], None] = lambda number: None
    """Called before each start, with its number: may raise."""
    change: Callable[[int, LoopbackResult], LoopbackResult] = lambda number, seen: seen
    asked: int = 0
    missing: tuple[str, ...] = ()
    recorded: list[tuple[SkewsMeasured, bool]] = field(default_factory=list)
    settings: list[dict] = field(default_factory=list)

    async def now(self) -> Tai:
        return Tai(1_900_000_000 + self.asked, FS_PER_S // 2)

    async def status(self) -> FacilityStatus:
        return FacilityStatus("two_nodes", (), self.missing, 0, 0)

    async def loopback(self, nodes=None, *, starts=None) -> LoopbackResult:
        self.asked += 1
        self.settings.append(dict(starts))
        self.hook(self.asked)
        t0 = Tai(1_900_000_000 + self.asked, 0)
        at_fs = {"cluster_a": 0, "cluster_b": SKEW_FS}
        tags_fs = {
            node: np.full(16, 800_000_000 + at_fs[f"cluster_{node[-1]}"])
            + self.facility.timing.markers[node].delay.value_fs
            + np.arange(16)
            for node in nodes
        }
        started = {
            name: Tai.from_fs(
                t0.total_fs + 440 * FS_PER_NS + (4 * FS_PER_NS if one.delay_ns > 1 else 0)
            )
            for name, one in starts.items()
        }
        counts = {node: np.ones(16, np.int64) for node in nodes}
        run = f"7-{self.asked:05d}"
        seen = LoopbackResult(run, t0, started, counts, tags_fs, Epochs.of(EPOCHS), "")
        return self.change(self.asked, seen)

    async def record_skews(self, found: SkewsMeasured, *, anew: bool = False) -> None:
        self.recorded.append((found, anew))
