"""The vendor's client on messages between sequencers: routes, registers, and runs with both."""

import pytest
from tests.benches.qblox_cluster.vendor_client import Echo, close, running
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

SEND = "wait_sync 4\nfb_com_data 20,R5,1000\nwait 5000\nstop"
RECEIVE = "wait_sync 4\nwait 2000\nfb_pull_data R1,R2\nwait 5000\nstop"


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world = Echo()
    twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}, "00015_2141_009", world)
    with running(twin, world) as (host, server):
        client = Cluster("linq", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        yield client
        close(client)
    world.pool.shutdown()


def run(cluster, sender, receivers):
    """Send register 5 of one sequencer under id 20; return what each receiver got."""
    programs = {sender: SEND, **dict.fromkeys(receivers, RECEIVE)}
    if not isinstance(vendor_assembler(), Unavailable):
        assert all(judge(program).accepted for program in programs.values())
    for sequencer, program in programs.items():
        sequencer.sync_en(True)
        sequencer.sequence({"waveforms": {}, "weights": {}, "acquisitions": {}, "program": program})
        sequencer.set_registers({"R1": 0, "R2": 0, "R5": 4_000_000_000})
    for sequencer in programs:
        sequencer.arm_sequencer()
    for sequencer in programs:
        sequencer.start_sequencer()
    got = {}
    for sequencer in receivers:
        status = sequencer.get_sequencer_status(timeout=1)
        registers = sequencer.get_registers(["R1", "R2"])
        got[sequencer] = (status.status.name, registers["R1"], registers["R2"])
    for sequencer in programs:
        sequencer.sync_en(False)
    return list(got.values())


HEARD = ("OKAY", 20, 4_000_000_000)
DRY = ("ERROR", 0, 0)


def test_an_id_that_is_routed_within_a_module_is_heard_there_and_nowhere_else(cluster) -> None:
    cluster.clear_router()
    module = cluster.module4
    module.set_local_route(20, [module.sequencer1])
    assert module.get_router_config()
    receivers = [module.sequencer1, module.sequencer2, cluster.module6.sequencer0]
    assert run(cluster, module.sequencer0, receivers) == [HEARD, DRY, DRY]


def test_an_id_that_is_routed_over_the_cmm_is_heard_by_its_targets(cluster) -> None:
    cluster.clear_router()
    cluster.set_cmm_route(20, [cluster.module2, cluster.module6.sequencer1])
    receivers = [
        cluster.module2.sequencer3,
        cluster.module6.sequencer1,
        cluster.module6.sequencer0,
        cluster.module4.sequencer0,
    ]
    assert run(cluster, cluster.module4.sequencer5, receivers) == [HEARD, HEARD, DRY, DRY]


def test_a_broadcast_is_heard_by_everybody_until_the_router_is_cleared(cluster) -> None:
    cluster.clear_router()
    cluster.set_broadcast(20)
    receivers = [cluster.module2.sequencer0, cluster.module4.sequencer0]
    assert run(cluster, cluster.module6.sequencer0, receivers) == [HEARD, HEARD]
    cluster.clear_router()
    assert run(cluster, cluster.module6.sequencer0, receivers) == [DRY, DRY]


def test_ids_that_stay_at_home_are_refused_by_the_client_as_it_reads_them_from_us(cluster) -> None:
    with pytest.raises(ValueError, match="greater than the maximum selfcast ID"):
        cluster.set_broadcast(15)
    cluster._set_default_selfcast_max_id(31)
    with pytest.raises(ValueError, match="greater than the maximum selfcast ID"):
        cluster.set_broadcast(31)
    cluster._set_default_selfcast_max_id(15)
    cluster.set_broadcast(16)
