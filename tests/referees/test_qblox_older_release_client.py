"""The vendor's client on a cluster with firmware 0.13.0, the oldest that it takes.

It then speaks by the command layer that it calls legacy, which is that of qblox-instruments 1.0.3
and takes nothing but the very builds of that release.
"""

import pytest
from tests.benches.qblox_cluster.vendor_client import (
    MODULES,
    Echo,
    close,
    running,
    set_up_drive,
    set_up_readout,
)

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


@pytest.fixture(scope="module")
def twin_and_cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world = Echo()
    twin = ClusterTwin(MODULES, "00015_2141_001", world, firmware="0.13.0")
    with running(twin, world) as (host, _):
        client = Cluster("old", host, debug=DebugLevel.VERSION_AND_ERROR_CHECK)
        yield twin, client
        close(client)
    world.pool.shutdown()


def test_the_client_chooses_its_legacy_layer(twin_and_cluster) -> None:
    _, cluster = twin_and_cluster
    assert cluster._scpi_version == (0, 1)
    assert set(cluster.get_connected_modules()) == set(MODULES)


def test_a_run_of_two_modules_fills_the_bins_as_with_new_firmware(twin_and_cluster) -> None:
    twin, cluster = twin_and_cluster
    cluster.reset()
    readout, _ = set_up_readout(cluster), set_up_drive(cluster)
    cluster.arm_sequencer(2, 0)
    cluster.arm_sequencer(4, 0)
    cluster.start_sequencer()
    assert cluster.get_acquisition_status(2, 0, timeout=1)
    status = cluster.get_sequencer_status(2, 0)
    assert (str(status.status), str(status.state), status.exit_code) == ("OKAY", "STOPPED", 0)
    bins = readout.get_acquisitions()["shots"]["acquisition"]["bins"]
    assert bins["avg_cnt"] == [1] * 5
    assert twin.tallies()["unknown"] == 0
