"""The vendor's client on edges that other sequencers depend on: triggers and messages of a QTM."""

import numpy as np
import pytest
from tests.benches.qblox_cluster.vendor_client import Echo, Ticket, close, running
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler

from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

CABLE_FS = 10_000_000
MARKERS = """
      wait_sync 4
      wait 500
      move {edges},R0
loop: set_mrk 1
      upd_param 100
      set_mrk 0
      upd_param 300
      loop R0,@loop
      wait 20000
      stop"""
WINDOW = """
      wait_sync 4
      upd_thres 0,2,4
      upd_thres 1,4,4
      fb_llp_ttls_id 20,4
      acquire_timetags 0,0,1,0,4000
      acquire_timetags 0,0,0,0,4
      wait 20000
      stop"""
HANGS = """
      wait_sync 4
      set_latch_en 1,4
      wait 6000
      set_cond 1,4,0,4
      upd_param 2000
      set_cond 0,0,0,4
      fb_pop_data 20,R1
      wait 10000
      stop"""


class Quiet(Echo):
    """A world without signals, that is told what is played piece by piece."""

    def submit(self, work):
        future = self.pool.submit(work, self)
        for server in self.servers:
            future.add_done_callback(lambda _, server=server: server.wake())
        return Ticket(future)

    def __call__(self, signals):
        return self.play(signals)

    def begin(self, run, start_tai_fs):
        return self

    def go_on(self, drives, captures, listeners):
        return tuple(CaptureAnswer(np.zeros(len(c.start_ns), complex), None) for c in captures)

    def trace(self, listener):
        return None

    def end(self, signals) -> None:
        self.played.append(signals)


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world, lines = Quiet(), DigitalLines()
    lines.connect(("a", "slot10.io2"), ("a", "slot6.marker0"), CABLE_FS)
    twin = ClusterTwin({6: "QCM", 10: "QTM"}, "00015_2141_010", world, lines=LinesEnd(lines, "a"))
    with running(twin, world) as (host, server):
        client = Cluster("tags", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        client.set_cmm_route(20, [client.module6.sequencer1])
        channel = client.module10.io_channel2
        channel.mode("input")
        channel.analog_threshold(0.8)
        channel.binned_acq_on_invalid_time_delta("record_0")
        client.module10.quad0.input_fan_out(False)
        yield client
        close(client)
    world.pool.shutdown()


def run(cluster, edges):
    """Let ``edges`` markers arrive; return bins, status and registers of who depends on them."""
    programs = {
        cluster.module6.sequencer0: MARKERS.format(edges=edges),
        cluster.module10.sequencer2: WINDOW,
        cluster.module6.sequencer1: HANGS,
    }
    if not isinstance(vendor_assembler(), Unavailable):
        assert all(judge(program).accepted for program in programs.values())
    cluster.module6.sequencer1.trigger3_count_threshold(1)
    for sequencer, program in programs.items():
        tags = sequencer is cluster.module10.sequencer2
        acquisitions = {"a": {"num_bins": 1, "index": 0}} if tags else {}
        sequencer.sync_en(True)
        sequencer.sequence(
            {"waveforms": {}, "weights": {}, "acquisitions": acquisitions, "program": program}
        )
    for sequencer in programs:
        sequencer.arm_sequencer()
    for sequencer in programs:
        sequencer.start_sequencer()
    for sequencer in programs:
        assert sequencer.get_sequencer_status(timeout=1).status.name == "OKAY"
    bins = cluster.module10.sequencer2.get_acquisitions()["a"]["acquisition"]["bins"]
    return bins["count"][0], cluster.module6.sequencer1.get_registers(["R1"])["R1"]


@pytest.mark.parametrize("edges", [1, 3, 5])
def test_a_count_reaches_another_sequencer_as_a_message(cluster, edges) -> None:
    assert run(cluster, edges) == (edges, edges)


@pytest.mark.parametrize(("edges", "outcome"), [(1, "low"), (3, "mid"), (5, "high")])
def test_the_outcome_of_a_threshold_is_a_trigger_that_the_cluster_counts(
    cluster, edges, outcome
) -> None:
    channel = cluster.module10.io_channel2
    channel.thresholded_acq_trigger_en(True)
    for address, name in enumerate(("low", "mid", "high", "invalid"), start=3):
        channel.parameters[f"thresholded_acq_trigger_address_{name}"](address)
    cluster.reset_trigger_monitor_count(3)
    run(cluster, edges)
    counts = {a: cluster.parameters[f"trigger{a}_monitor_count"]() for a in (3, 4, 5, 6)}
    assert counts == {a: int(a == 3 + ("low", "mid", "high").index(outcome)) for a in counts}
    for address in counts:
        cluster.reset_trigger_monitor_count(address)
    channel.thresholded_acq_trigger_en(False)


def test_a_truth_table_of_the_client_is_looked_up(cluster) -> None:
    channel = cluster.module10.io_channel2
    condition = {"channel": 2, "measurement": "count", "level": "mid"}
    channel.truth_table_data([{"conditions": [condition], "trigger": 9}])
    channel.truth_table_en(True)
    channel.thresholded_acq_trigger_en(True)
    for edges, sent in ((1, 0), (3, 1)):
        cluster.reset_trigger_monitor_count(9)
        run(cluster, edges)
        assert cluster.trigger9_monitor_count() == sent
    channel.truth_table_en(False)
    channel.thresholded_acq_trigger_en(False)
