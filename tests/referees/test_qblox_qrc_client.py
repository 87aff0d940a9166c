"""The vendor's client plays on a QRC and listens with both of its inputs."""

import pytest
from tests.benches.qblox_cluster.vendor_client import Echo, close, running

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.random_order(disabled=True),  # one box for all: they follow one another
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

PROGRAM = """
      wait_sync 4
      set_awg_offs 8000,0
      upd_param 100
      acquire 0,0,4000
      stop"""


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    world = Echo()
    twin = ClusterTwin({2: "QRC"}, "00015_2141_012", world)
    with running(twin, world) as (host, server):
        client = Cluster("qrc", host, debug=DebugLevel.ERROR_CHECK)
        client.server, client.world, client.twin = server, world, twin
        client.module2.disconnect_outputs()
        client.module2.disconnect_inputs()
        yield client
        close(client)
    world.pool.shutdown()


def run(sequencer, program=PROGRAM):
    sequencer.sync_en(True)
    acquisitions = {"a": {"num_bins": 1, "index": 0}}
    sequencer.sequence(
        {"waveforms": {}, "weights": {}, "acquisitions": acquisitions, "program": program}
    )
    sequencer.arm_sequencer()
    sequencer.start_sequencer()
    status = sequencer.get_sequencer_status(timeout=1)
    sequencer.sync_en(False)
    return status


@pytest.mark.parametrize("n", [0, 1])
def test_a_tone_goes_out_and_comes_back_at_the_input_of_its_oscillator(cluster, n) -> None:
    module, sequencer = cluster.module2, cluster.module2.sequencers[n]
    module.parameters[f"out{n}_in{n}_lo_freq"](6.1e9 + n * 1e9)
    module.parameters[f"out{n}_att"](20.0)
    sequencer.parameters[f"connect_out{n}"]("IQ")
    sequencer.connect_acq(f"in{n}")
    sequencer.nco_freq(50e6)
    sequencer.integration_length_acq(1000)
    module.scope_acq_sequencer_select([0, 1])
    assert run(sequencer).status.name == "OKAY"
    signals = cluster.world.played[-1]
    (drive,) = signals.drives
    assert drive.line == f"slot2.out{n}"
    assert [piece.carrier_hz for piece in drive.pieces] == [6.15e9 + n * 1e9]
    tone = 8000 / limits.DAC_MAX * limits.rf_output_full_scale(20.0)
    assert abs(drive.pieces[0].level) == pytest.approx(tone)
    (capture,) = signals.captures
    assert (capture.line, capture.windows[0].demod_hz) == (f"slot2.in{n}", 6.15e9 + n * 1e9)
    sequencer.store_scope_acquisition("a")
    read = sequencer.get_acquisitions()["a"]["acquisition"]
    assert [read["scope"][f"path{k}"]["avg_cnt"] for k in (2 * n, 2 * n + 1)] == [1, 1]
    sequencer.parameters[f"connect_out{n}"]("off")


def test_an_integral_reads_as_the_same_number_as_on_a_qrm(cluster) -> None:
    module, sequencer = cluster.module2, cluster.module2.sequencer0
    module.out0_in0_lo_freq(6.1e9)
    module.out0_att(20.0)
    sequencer.connect_out0("IQ")
    sequencer.connect_acq("in0")
    sequencer.nco_freq(50e6)
    sequencer.thresholded_acq_threshold(1.0)
    assert run(sequencer).status.name == "OKAY"
    bins = sequencer.get_acquisitions()["a"]["acquisition"]["bins"]
    integral = bins["integration"]["path0"][0] + 1j * bins["integration"]["path1"][0]
    tone = 0.01 * 8000 / limits.DAC_MAX * limits.rf_output_full_scale(20.0)
    expected = 1000 * tone / limits.rf_input_full_scale(0)
    assert abs(integral) == pytest.approx(expected, rel=1e-3)
    sequencer.connect_out0("off")


def test_a_sequencer_without_an_input_cannot_acquire(cluster) -> None:
    status = run(cluster.module2.sequencers[8], "wait_sync 4\nacquire 0,0,4000\nstop")
    assert "SEQUENCE_PROCESSOR_Q1_ILLEGAL_INSTRUCTION" in {flag.name for flag in status.err_flags}


def test_attenuations_and_frequencies_that_do_not_exist_are_refused(cluster) -> None:
    module = cluster.module2
    with pytest.raises(ValueError, match="exceeds"):
        module.out5_att(40.0)
    module.out5_lo_freq(9.9e9)
    assert module.out5_lo_freq() == 9.9e9
    assert module.out4_lo_freq() == 6e9
