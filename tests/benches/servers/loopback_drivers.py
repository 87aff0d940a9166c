"""Both nodes' clusters and the tagger of the two-node example, by their drivers."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from podium.control.compilers.qblox.loopback import marker_program, tag_program
from podium.drivers.errors import NotStarted
from podium.drivers.qblox_cluster import QbloxCluster
from podium.drivers.roles import Tags
from podium.drivers.wrtd_node.node import WrtdNode
from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.tai import Tai

TWO_NODES = Path(__file__).parents[3] / "examples" / "two_nodes" / "facility.yaml"
NODE_MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}
OUTPUTS = {"cluster_a": ("wrtd_a", "LC-O1"), "cluster_b": ("wrtd_b", "LC-O1")}
TAGGER = ("wrtd_room", "LC-O1")
TAGS = {"node_a": "slot10.io0.loopback", "node_b": "slot10.io1.loopback"}
MARKER = "slot4.marker2"
LEAD_FS = 25 * FS_PER_MS
TRIGGER_S = 0.5
WAITS = 40
"""Of ``TRIGGER_S`` each, until a start that is not late is given up."""
HOLDOFF_NS = 1_000


class LoopbackDrivers:
    """All of them connected; every method blocks. Close it."""

    def __init__(self, endpoints: Mapping[str, Any], pulses: int = 8) -> None:
        self.pulses = pulses
        self._late = 0
        self.clusters: dict[str, QbloxCluster] = {}
        self.nodes: dict[str, WrtdNode] = {}
        try:
            for name, modules in (
                ("cluster_a", NODE_MODULES),
                ("cluster_b", NODE_MODULES),
                ("tagger", {10: "QTM"}),
            ):
                here = endpoints[name]
                self.clusters[name] = QbloxCluster(name, here["host"], here["ports"], modules)
            for name in ("wrtd_a", "wrtd_b", "wrtd_room"):
                self.nodes[name] = WrtdNode(name, endpoints[name]["host"], endpoints[name]["ports"])
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Let go of all."""
        for driver in (*self.clusters.values(), *self.nodes.values()):
            driver.close()

    def prepare(
        self,
        delays_ns: Mapping[str, int] | None = None,
        offsets_ns: Mapping[str, int] | None = None,
    ) -> None:
        """Load the programs, and let the trigger outputs rise on START, by cluster as told."""
        self.load(offsets_ns or {})
        self.clusters["tagger"].load(
            tag_program("tagger", {10: (0, 1)}, self.pulses, ExternalStart(1))
        )
        self.delay(delays_ns or {})

    def load(self, offsets_ns: Mapping[str, int]) -> None:
        """Load the nodes' programs, each to begin so long after its trigger."""
        for name in OUTPUTS:
            offset_ns = offsets_ns.get(name, 0)
            self.clusters[name].load(
                marker_program(
                    name, {4: ("QCM-RF", (2,))}, self.pulses, ExternalStart(1, offset_ns)
                )
            )

    def delay(self, delays_ns: Mapping[str, int]) -> None:
        """Let the trigger outputs rise so long after the event, by cluster."""
        for name, (node, output) in {**OUTPUTS, "tagger": TAGGER}.items():
            self.nodes[node].prepare_trigger(output, "START", HOLDOFF_NS, delays_ns.get(name, 0))

    def fire(self) -> Tai:
        """Arm all, and send the event to all trigger nodes; return its time."""
        self._late = self.late()
        for cluster in self.clusters.values():
            cluster.arm()
        ahead_fs = self.nodes["wrtd_a"].now().total_fs + LEAD_FS
        t0 = Tai.from_fs(ahead_fs // FS_PER_MS * FS_PER_MS)
        for node in self.nodes.values():
            node.send_event("START", t0)
        return t0

    def late(self) -> int:
        """Return how many events came too late to be raised since the outputs were prepared."""
        return sum(
            self.nodes[node].trigger_counts(output).late
            for node, output in (*OUTPUTS.values(), TAGGER)
        )

    def was_late(self) -> bool:
        """Tell whether an event has come too late to be raised since the latest :meth:`fire`."""
        return self.late() > self._late

    def disarm(self) -> None:
        """Stop whatever still waits for a trigger."""
        for cluster in self.clusters.values():
            cluster.disarm()

    def tags(self) -> dict[str, Tags]:
        """Return the tags of each node once all have stopped.

        A busy machine may need more than one wait until a start is seen; raises ``NotStarted``
        where an event came too late to be raised, or after many waits.
        """
        for cluster in self.clusters.values():
            self._wait(cluster)
        found = self.clusters["tagger"].tags()
        return {node: found[where] for node, where in TAGS.items()}

    def _wait(self, cluster: QbloxCluster) -> None:
        for left in reversed(range(WAITS)):
            try:
                cluster.wait(0.001, TRIGGER_S)
                return
            except NotStarted:
                if not left or self.was_late():
                    raise
