"""Made-up starts of two nodes and a made-up death, as a demo sees them."""

import numpy as np

from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.client.skew_calibration import SkewsFound
from podium.control.report.multi_node.story import FaultRecord, MultiNodeStory, RunSpan
from podium.control.report.multi_node.tagged_starts import TaggedStart
from podium.control.report.story import Step, Story
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.skew import Pair, SkewMeasured
from podium.control.timebase.start_setting import SkewsMeasured
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

T0 = Tai(1_795_184_504, 25 * 10**12)
PULSES = 16
SKEW_FS, LEFT_FS, REST_FS = 2_310_000.0, 28_000.0, 310_000
"""As wired; what calibration leaves; of the correction what is below a tick."""


def start(number: int, skew_fs: float, rest_fs: int = 0, noise: int = 0) -> TaggedStart:
    """Return a start whose waveforms are ``skew_fs`` apart; node_b is the late one."""
    rng = np.random.default_rng([number, noise])
    a = rng.normal(0, 20_000, PULSES)
    b = rng.normal(skew_fs - rest_fs, 20_000, PULSES)
    at = Tai.from_fs(T0.total_fs + number * FS_PER_S)
    edges = {"node_a": a - a.mean(), "node_b": b - a.mean()}
    return TaggedStart(f"17-{number:05d}", at, edges, {"node_a": 0, "node_b": rest_fs})


def made_up_together(left_fs: float = LEFT_FS) -> MultiNodeStory:
    """Return a calibration after which ``left_fs`` are left, and a death that harmed nobody."""
    rng = np.random.default_rng(3)
    told = MultiNodeStory(("node_a", "node_b"))
    told.before = [start(n, SKEW_FS + 4e6 * (n % 7 == 3), noise=1) for n in range(1, 21)]
    told.after = [
        start(n, left_fs + float(rng.normal(0, 19_000)), REST_FS) for n in range(200, 240)
    ]
    told.again = [
        start(n, left_fs + float(rng.normal(0, 19_000)), REST_FS) for n in range(300, 310)
    ]
    for one in (*told.before, *told.after, *told.again):
        truth_fs = one.skew_fs("node_b") + float(rng.normal(0, 8_000))
        told.world_fs[one.run] = {"node_a": 0.0, "node_b": truth_fs}
    pair = Pair("cluster_b", "cluster_a")
    skew = SkewMeasured(pair, round(SKEW_FS), 2e3, 28_300.0, T0, 295.0, Epochs.of({"ticks_a": 1}))
    told.found = SkewsFound(SkewsMeasured("cluster_a", {}, (skew,)), 116, PULSES, 2, 41.5)
    told.sigmas_fs = {"node_b": 28_400.0}
    told.repeated = 1
    told.runs = ["17-00250", "17-00320"]
    told.fault = made_up_fault()
    return told


def made_up_fault() -> FaultRecord:
    """Return a death of node_b: noticed after 0.41 s, back after 5.2 s; node_a did not stop."""
    edges = np.arange(-0.7, 6.4, 0.55)
    runs = tuple(
        RunSpan("node_a", f"17-{260 + n:05d}", float(begin), float(begin) + 0.55, True)
        for n, begin in enumerate(edges)
    )
    reason = "agent node_b is gone: its process or the way to it has ended"
    return FaultRecord("node_b", "node_b", 4711, reason, 0.41, 5.2, runs)


def made_up_story_of_two() -> Story:
    """Return a demo of two nodes in which all is well."""
    told = Story("two_nodes", 7, ("node_a.q0", "node_b.q0"))
    x = np.linspace(0, 80, 25)
    for title in ("Rabi", "T1"):
        for node in ("node_b", "node_a"):
            series = (Series("data", x, np.exp(-x / 30)),)
            panel = Panel("q0", "delay (µs)", "excited fraction", series, text=f"{title} of {node}")
            outcome = Outcome(title.lower(), title, [f"17-{len(told.steps):05d}"], panels=[panel])
            told.steps.append(Step(outcome, 1.0, 8.0, node))
    shared = Outcome("decays", "T1 of all nodes from one start", ["17-00250"])
    shared.panels = [
        Panel(f"{node}.q0", "delay (µs)", "excited fraction", series)
        for node in ("node_a", "node_b")
    ]
    told.steps.append(Step(shared, 1.0, 8.0))
    told.together = made_up_together()
    told.wall_s, told.lab_s = 181.5, 702.0
    return told
