"""Programs that begin on the external trigger, through the vendor's client and the driver."""

import threading
import time
from dataclasses import replace

import pytest
from tests.benches.qblox_cluster.driver_bench import MODULES, PROGRAM, connect

from podium.drivers.errors import NotStarted, Refused
from podium.drivers.qblox_cluster import QbloxCluster
from podium.drivers.qblox_cluster.completion import statuses
from podium.firmware_interfaces.qblox_cluster.limits import SYNC_NS, TRIGGER_LATENCY_NS
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

ADDRESS = 5
WAITING = replace(
    PROGRAM,
    start=ExternalStart(ADDRESS),
    sequencers=tuple(
        replace(one, text=one.text.replace("wait_sync", f"wait_trigger {ADDRESS},4\nwait_sync"))
        for one in PROGRAM.sequencers
    ),
)
FROM_EDGE_FS = (TRIGGER_LATENCY_NS + 4 + SYNC_NS) * 1_000_000
SAMPLED_FS = 4_000_000
FINE_FS = 1_000_000 // 2048 + 1


@pytest.fixture
def server(shared_cluster_server):
    shared_cluster_server.as_new()
    yield shared_cluster_server
    shared_cluster_server.as_new()


@pytest.fixture
def cluster(server):
    driver = connect(server)
    yield driver
    driver.safe()
    driver.close()


def pulse(server, in_s: float = 0.0) -> int:
    """Let an edge come; return when."""
    at_fs = server.now_fs() + int(in_s * 1e15)
    server._loop.call_soon_threadsafe(server.twin.edge, at_fs)
    return at_fs


def armed(cluster: QbloxCluster) -> None:
    cluster.load(WAITING)
    cluster.arm()


def test_an_armed_cluster_waits_and_begins_at_the_edge(cluster, server) -> None:
    armed(cluster)
    played = len(server.world.played)
    assert cluster.started_at() is None
    edge_fs = pulse(server, 0.05)
    cluster.wait(1.0)
    started = cluster.started_at()
    late_fs = started.total_fs - edge_fs - FROM_EDGE_FS
    assert -FINE_FS <= late_fs < SAMPLED_FS
    assert "party line" in cluster.start_source()
    assert cluster.collect()["q0"].counts.tolist() == [4] * 5
    (signals,) = server.world.played[played:]
    assert abs(signals.start_tai_fs - edge_fs) < FROM_EDGE_FS + SAMPLED_FS


def test_each_start_is_told_anew(cluster, server) -> None:
    armed(cluster)
    pulse(server)
    cluster.wait(1.0)
    first = cluster.started_at()
    cluster.arm()
    assert cluster.started_at() is None
    pulse(server)
    cluster.wait(1.0)
    assert cluster.started_at() > first


def test_a_missed_trigger_is_told_and_nothing_plays(cluster, server) -> None:
    armed(cluster)
    played = len(server.world.played)
    with pytest.raises(NotStarted, match=r"no start within 0.05 s.*0 pulses at address 5"):
        cluster.wait(1.0, trigger_s=0.05)
    assert cluster.disarm() is False
    pulse(server)
    time.sleep(0.01)
    assert cluster.started_at() is None
    assert len(server.world.played) == played


def test_an_edge_before_arming_starts_nothing(cluster, server) -> None:
    cluster.load(WAITING)
    pulse(server)
    cluster.arm()
    with pytest.raises(NotStarted):
        cluster.wait(1.0, trigger_s=0.02)


def test_disarming_says_whether_it_came_too_late(cluster, server) -> None:
    armed(cluster)
    pulse(server)
    cluster.wait(1.0)
    assert cluster.disarm() is True


def test_a_wait_for_the_trigger_can_be_given_up(cluster) -> None:
    armed(cluster)
    threading.Timer(0.05, cluster.interrupt).start()
    with pytest.raises(Refused, match="given up while it waited to start"):
        cluster.wait(1.0)


def test_nobody_starts_by_hand_what_waits_for_a_trigger(cluster) -> None:
    armed(cluster)
    with pytest.raises(Refused, match="begins on the external trigger at address 5"):
        cluster.start()


def test_a_program_that_does_not_wait_is_refused_and_stopped(cluster, monkeypatch) -> None:
    texts = [one.text for one in PROGRAM.sequencers]
    running = replace(
        WAITING,
        sequencers=tuple(
            replace(one, text=text) for one, text in zip(WAITING.sequencers, texts, strict=True)
        ),
    )
    cluster.load(running)
    start = cluster._start

    def start_and_let_it_end(where) -> None:
        start(where)
        give_up = time.monotonic() + 30
        while any(one.state.name == "RUNNING" for one in statuses("q", cluster._cluster, where)):
            assert time.monotonic() < give_up

    monkeypatch.setattr(cluster, "_start", start_and_let_it_end)
    with pytest.raises(Refused, match="instead of waiting for the trigger"):
        cluster.arm()


def test_the_input_is_closed_but_when_it_is_armed(cluster, server) -> None:
    assert server.twin.management.network.enabled is False
    armed(cluster)
    assert server.twin.management.network.enabled is True
    cluster.safe()
    assert server.twin.management.network.enabled is False


def test_a_rehearsal_tells_what_would_be_sent() -> None:
    told: list[str] = []
    rehearsed = QbloxCluster.rehearse("cluster_a", told.append, MODULES)
    try:
        rehearsed.load(WAITING)
        rehearsed.arm()
        rehearsed.wait(1.0)
    finally:
        rehearsed.close()
    assert "TRG:IN:MAP:ADDRess 5" in told
    assert told.index("TIMEkeeping:CAPTure:ARM 0,1,0") < told.index("TRG:IN:MAP:ENAble 1")
