"""The vendor's client calibrates a mixer as one does without a spectrum analyser: by scans.

The output of a QRM-RF goes through the chip's feedline back to its input. Its carrier is heard at
0 Hz, the image of a tone on the other side of the carrier; offsets, gain ratio and phase are set
where they are weakest. What is found is what the world has.
"""

import numpy as np
import pytest
from tests.benches.physics.small_chip import feedline_point, qubit_point
from tests.benches.qblox_cluster.chip_world import ChipWorld
from tests.benches.qblox_cluster.vendor_client import close, running

from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer

pytestmark = [
    pytest.mark.random_order(disabled=True),  # one box for all: they follow one another
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

MIXER = Mixer(1.03, -1.7, (3.4, -5.2))
TONE_HZ = 80e6
PLAY = """
      set_mrk 3
      wait_sync 4
      set_awg_offs {level},0
      upd_param 20000
      stop"""
LISTEN = """
      wait_sync 4
      wait 2000
      acquire 0,0,15000
      stop"""


@pytest.fixture(scope="module")
def cluster():
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    qubit = qubit_point(n_crit=1e9)
    lines = {"slot2.out0": "node_a.feedline", "slot2.in0": "node_a.feedline"}
    world = ChipWorld(feedline_point(qubit, kelvin=4.0), lines)
    twin = ClusterTwin({2: "QRM-RF"}, "00015_2141_011", world, mixers={"slot2.out0": MIXER})
    with running(twin, world) as (host, server):
        client = Cluster("mixers", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        module = client.module2
        module.out0_in0_lo_freq(7.1e9)
        module.out0_att(20)
        module.disconnect_outputs()
        module.disconnect_inputs()
        module.sequencer0.connect_out0("IQ")
        module.sequencer0.nco_freq(TONE_HZ)
        module.sequencer0.mod_en_awg(True)
        module.sequencer1.connect_acq("in0")
        module.sequencer1.demod_en_acq(True)
        module.sequencer1.integration_length_acq(10_000)
        yield client
        close(client)
    world.pool.shutdown()


def power(cluster, level: int, listen_hz: float) -> float:
    """Return the power of what comes back at a frequency from the carrier, in full scales."""
    player, listener = cluster.module2.sequencer0, cluster.module2.sequencer1
    listener.nco_freq(listen_hz)
    for sequencer, program in ((player, PLAY.format(level=level)), (listener, LISTEN)):
        acquisitions = {"a": {"num_bins": 1, "index": 0}} if sequencer is listener else {}
        sequencer.sync_en(True)
        sequencer.sequence(
            {"waveforms": {}, "weights": {}, "acquisitions": acquisitions, "program": program}
        )
    for sequencer in (player, listener):
        sequencer.arm_sequencer()
    for sequencer in (player, listener):
        sequencer.start_sequencer()
    for sequencer in (player, listener):
        assert sequencer.get_sequencer_status(timeout=1).status.name == "OKAY"
    found = listener.get_acquisitions()["a"]["acquisition"]["bins"]["integration"]
    return found["path0"][0] ** 2 + found["path1"][0] ** 2


def weakest(parameter, values, measure) -> float:
    """Set a parameter to where what is measured is weakest; it is a parabola."""
    seen = []
    for value in values:
        parameter(float(value))
        seen.append(measure())
    curvature, slope, _ = np.polyfit(values, seen, 2)
    assert curvature > 0
    best = float(-slope / (2 * curvature))
    parameter(best)
    return best


def test_offsets_at_which_no_carrier_is_heard_are_those_of_the_mixer(cluster) -> None:
    module = cluster.module2
    before = power(cluster, 0, 0.0)
    for _ in range(2):  # the mixer's phase ties one to the other
        for parameter in (module.out0_offset_path0, module.out0_offset_path1):
            weakest(parameter, np.linspace(-20, 20, 5), lambda: power(cluster, 0, 0.0))
    found = module.out0_offset_path0(), module.out0_offset_path1()
    assert found == pytest.approx(MIXER.best_offset_mv(), abs=0.15)
    assert power(cluster, 0, 0.0) < 1e-3 * before
    module.out0_offset_path0(0.0)
    module.out0_offset_path1(0.0)


def test_gain_ratio_and_phase_without_an_image_are_those_of_the_mixer(cluster) -> None:
    sequencer, level = cluster.module2.sequencer0, 8000
    cluster.module2.out0_in0_lo_cal()
    before, wanted = (power(cluster, level, hz) for hz in (-TONE_HZ, TONE_HZ))
    assert 1e-4 < before / wanted < 1e-2, "an image of some -30 dBc"
    for _ in range(2):
        weakest(
            sequencer.mixer_corr_gain_ratio,
            np.linspace(0.9, 1.1, 5),
            lambda: power(cluster, level, -TONE_HZ),
        )
        weakest(
            sequencer.mixer_corr_phase_offset_degree,
            np.linspace(-6, 6, 5),
            lambda: power(cluster, level, -TONE_HZ),
        )
    ratio, phase = MIXER.best_correction()
    assert sequencer.mixer_corr_gain_ratio() == pytest.approx(ratio, abs=0.002)
    assert sequencer.mixer_corr_phase_offset_degree() == pytest.approx(phase, abs=0.1)
    assert power(cluster, level, -TONE_HZ) < 1e-2 * before
