"""One start of two Qblox clusters: the vendor's client, the twins' firmware, edges by hand."""

import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.benches.nodes.several_nodes import facility_file
from tests.benches.nodes.triggered import Node, Plane, agent_of, long_lead, ready, together
from tests.benches.qblox_cluster.server import MODULES, ClusterServer

from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.runs.errors import RunError
from podium.drivers.qblox_cluster import QbloxCluster
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS, TRIGGER_LATENCY_NS
from podium.firmware_interfaces.tai import Tai

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

FROM_EDGE_FS = (TRIGGER_LATENCY_NS + 4 + SYNC_NS) * FS_PER_NS


class PlaneOf(Plane):
    """Tells the twin's trigger input of its edges, in the world's time."""

    def __init__(self, node: Node, server: ClusterServer) -> None:
        super().__init__(node)
        self.server = server
        self.lost = False

    def now(self) -> Tai:
        self.node.do("time")
        return Tai.from_fs(self.server.now_fs())

    def send_event(self, event_id, at) -> None:
        self.node.do("send")
        late = event_id != self.event or at.total_fs <= self.server.now_fs()
        self.counts["late" if late else "raised"] += 1
        if not (late or self.node.lose_edges):
            self.server._loop.call_soon_threadsafe(self.server.twin.edge, at.total_fs)


@pytest.fixture(scope="module")
def facility(tmp_path_factory):
    return load_facility(facility_file(tmp_path_factory.mktemp("two"), 2))


@pytest.fixture
async def up(facility):
    bus, nodes = MemoryBus(), [Node("a"), Node("b")]
    async with AsyncExitStack() as stack:
        servers = []
        for node in nodes:
            server = ClusterServer()
            stack.push_async_callback(asyncio.to_thread, server.close)
            server.leaps = False
            servers.append(server)

            def cluster(node=node, server=server) -> QbloxCluster:
                name = f"cluster_{node.letter}"
                return QbloxCluster(name, server.host, server.ports, MODULES)

            def plane(node=node, server=server) -> PlaneOf:
                return PlaneOf(node, server)

            await stack.enter_async_context(
                agent_of(
                    facility,
                    bus,
                    node,
                    boxes=(cluster, plane),
                    start_after_fs=FROM_EDGE_FS,
                )
            )
        await stack.enter_async_context(Coordinator(facility, bus, lead=long_lead()).running())
        lab = Lab(facility, bus)
        await ready(lab, 2)
        yield lab, nodes, servers


async def test_both_play_at_one_time_and_say_so_themselves(up) -> None:
    lab, nodes, servers = up
    program = together(nodes)
    t0s, late = [], 0
    while len(t0s) < 5:
        try:
            data = await lab.run(program)
        except RunError as error:  # twins and agents in one process: it may be busy with itself
            late += 1
            if late > 3 or "FIRE came" not in str(error):
                raise
            continue
        t0s.append(data.attrs["started_tai"])
        assert float(data["of_a_i"][0]) == pytest.approx(float(data["of_b_i"][0]))
    played = [[one.start_tai_fs for one in server.world.played] for server in servers]
    assert len(played[0]) == len(set(t0s)) == 5
    assert played[0] == played[1]


async def test_a_cluster_that_sees_no_edge_makes_it_a_partial_start(up, monkeypatch) -> None:
    monkeypatch.setattr(QbloxCluster.wait, "__defaults__", (6.0,))  # 30 s otherwise
    lab, nodes, servers = up
    nodes[1].lose_edges = True
    with pytest.raises(RunError, match=r"partial start \(only on node_a\): node_b: the trigger"):
        await lab.run(together(nodes))
    assert [len(server.world.played) for server in servers] == [1, 0]
    nodes[1].lose_edges = False
    await lab.run(together(nodes))
    assert [len(server.world.played) for server in servers] == [2, 1]
