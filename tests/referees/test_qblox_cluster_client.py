"""The unmodified vendor client, qblox_instruments.Cluster, against the twin over loopback TCP."""

import numpy as np
import pytest
from tests.benches.qblox_cluster.vendor_client import (
    MODULES,
    READOUT,
    Echo,
    close,
    running,
    set_up_drive,
    set_up_readout,
)

from podium.firmware_interfaces.qblox_cluster import limits
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin


@pytest.fixture(scope="module")
def world():
    echo = Echo()
    yield echo
    echo.pool.shutdown()


@pytest.fixture(scope="module")
def twin(world) -> ClusterTwin:
    return ClusterTwin(MODULES, "00015_2141_001", world)


@pytest.fixture(scope="module")
def cluster(twin, world):
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    with running(twin, world) as (host, server):
        client = Cluster("twin", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        yield client
        close(client)


pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


@pytest.fixture(autouse=True)
def fresh(cluster):
    cluster.reset()


def test_it_connects_and_finds_the_modules(cluster) -> None:
    assert cluster.instrument_type == "MM"
    assert set(cluster.get_connected_modules()) == set(MODULES)
    assert [cluster.modules[s - 1].is_rf_type for s in MODULES] == [True, True, False, False]
    assert [cluster.modules[s - 1].is_qrm_type for s in MODULES] == [True, False, False, True]
    assert cluster.get_system_status().status == "OKAY"
    assert cluster._get_cluster_state().health_level == "OKAY"
    assert cluster.get_idn()["model"].upper().replace("_", " ") == "CLUSTER MM"


def test_a_full_snapshot_is_taken_without_an_error(cluster) -> None:
    snapshot = cluster.snapshot(update=True)
    sequencer = snapshot["submodules"]["module2"]["submodules"]["sequencer0"]["parameters"]
    assert sequencer["integration_length_acq"]["value"] == 1024
    assert cluster.get_num_system_error() == 0


def test_connecting_and_looking_around_uses_only_commands_that_mean_something(twin, world) -> None:
    from qblox_instruments import Cluster

    before = twin.tallies()
    with running(twin, world) as (host, _):
        client = Cluster("another", host)
        client.get_connected_modules()
        client.get_system_status()
        close(client)
    after = twin.tallies()
    assert after["commands"] > before["commands"]
    assert after["unmeant"] == before["unmeant"]
    assert after["unknown"] == before["unknown"]


def test_every_settable_parameter_that_is_meant_reads_back_what_was_set(cluster) -> None:
    qrm, qcm, base = cluster.module2, cluster.module4, cluster.module6
    qrm.out0_in0_lo_freq(7_123_456_789)
    qrm.out0_att(30)
    qrm.in0_att(4)
    qcm.out1_lo_freq(4_900_000_000)
    qcm.out1_lo_en(False)
    base.out2_offset(-0.75)
    seq = qrm.sequencers[3]
    values = {
        "nco_freq": -123.25e6,
        "nco_phase_offs": 90.0,
        "mod_en_awg": True,
        "demod_en_acq": True,
        "integration_length_acq": 2000,
        "gain_awg_path0": 0.5,
        "offset_awg_path1": -0.25,
        "thresholded_acq_threshold": 12.5,
        "marker_ovr_en": True,
        "marker_ovr_value": 2,
        "sync_en": True,
    }
    for name, value in values.items():
        seq.parameters[name](value)
    seq.thresholded_acq_rotation(30.0)
    cluster._invalidate_qcodes_parameter_cache()
    assert {name: seq.parameters[name]() for name in values} == values
    assert seq.thresholded_acq_rotation() == pytest.approx(30.0)
    assert qrm.out0_in0_lo_freq() == 7_123_456_789
    assert (qrm.out0_att(), qrm.in0_att()) == (30, 4)
    assert (qcm.out1_lo_freq(), qcm.out1_lo_en(), qcm.out0_lo_en()) == (4_900_000_000, False, True)
    assert base.out2_offset() == -0.75


def test_a_static_offset_is_a_level_at_the_connector(cluster, twin) -> None:
    cluster.module6.out3_offset(1.1)
    assert twin.levels_v()["slot6.out3"] == pytest.approx(1.1, abs=5.0 / 2**17)
    assert "slot2.out0" not in twin.levels_v()


def test_waveforms_and_weights_read_back_as_they_were_sent(cluster) -> None:
    seq = cluster.module2.sequencers[1]
    data = np.linspace(-1, 1, 101).tolist()
    seq.sequence(
        READOUT
        | {
            "waveforms": {"ramp": {"data": data, "index": 5}},
            "weights": {"w": {"data": [1.0, -0.5], "index": 3}},
        }
    )
    assert seq.get_waveforms()["ramp"]["index"] == 5
    np.testing.assert_allclose(seq.get_waveforms()["ramp"]["data"], data, atol=0.6 / 32767)
    assert seq.get_weights()["w"]["data"] == pytest.approx([1.0, -0.5], abs=1e-4)


def test_a_run_of_two_modules_plays_measures_and_fills_the_bins(cluster, world) -> None:
    readout, _ = set_up_readout(cluster), set_up_drive(cluster)
    world.played.clear()
    cluster.arm_sequencer(2, 0)
    cluster.arm_sequencer(4, 0)
    assert str(readout.get_sequencer_status().state) == "ARMED"
    cluster.start_sequencer()
    status = cluster.get_sequencer_status(2, 0, timeout=1)
    assert str(status.state) == "STOPPED"
    assert [str(flag) for flag in status.info_flags] == [
        "ACQ_SCOPE_DONE_PATH_0",
        "ACQ_SCOPE_OVERWRITTEN_PATH_0",
        "ACQ_SCOPE_DONE_PATH_1",
        "ACQ_SCOPE_OVERWRITTEN_PATH_1",
        "ACQ_BINNING_DONE",
    ]
    assert cluster.get_acquisition_status(2, 0, timeout=1)
    (signals,) = world.played
    assert {train.line for train in signals.drives} == {"slot2.out0", "slot4.out0"}
    drive = next(train for train in signals.drives if train.line == "slot4.out0")
    assert len(drive.start_ns) == 5
    assert set(np.diff(drive.start_ns)) == {2200}
    (piece,) = drive.pieces
    assert piece.carrier_hz == 5.6e9
    half = limits.rf_output_full_scale(0) / 2
    np.testing.assert_allclose(piece.samples, [half * (0.5 + 0.25j)] * 40, atol=half * 1e-4)
    bins = readout.get_acquisitions()["shots"]["acquisition"]["bins"]
    assert bins["avg_cnt"] == [1] * 5
    got = np.array(bins["integration"]["path0"]) + 1j * np.array(bins["integration"]["path1"])
    # half of full scale, 20 dB attenuated, 40 dB weaker, in full scales of the input
    expected = 0.5 * limits.rf_output_full_scale(20) * 0.01 / limits.rf_input_full_scale(0)
    np.testing.assert_allclose(got / 800, expected, rtol=1e-4)


def test_an_averaging_loop_counts_and_averages_in_the_bin(cluster) -> None:
    seq = set_up_readout(cluster)
    loop = READOUT["program"].replace("add R0,1,R0", "add R1,1,R1").replace("jlt R0,5", "jlt R1,7")
    seq.sequence(READOUT | {"program": "move 0,R1\n" + loop})
    seq.arm_sequencer()
    seq.start_sequencer()
    assert seq.get_acquisition_status(timeout=1)
    bins = seq.get_acquisitions()["shots"]["acquisition"]["bins"]
    assert bins["avg_cnt"][0] == 7
    assert np.isnan(bins["integration"]["path0"][1])
    first = bins["integration"]["path0"][0]
    seq.delete_acquisition_data(all=True)
    assert seq.get_acquisitions()["shots"]["acquisition"]["bins"]["avg_cnt"][0] == 0
    seq.arm_sequencer()
    seq.start_sequencer()
    assert seq.get_acquisition_status(timeout=1)
    again = seq.get_acquisitions(as_numpy=True)["shots"]["acquisition"]["bins"]
    assert again["integration"]["path0"][0] == first


def test_the_compact_readout_agrees_with_the_plain_one(cluster) -> None:
    from qblox_instruments.types import AcquisitionEncodingConfig

    seq = set_up_readout(cluster)
    seq.arm_sequencer()
    seq.start_sequencer()
    assert seq.get_acquisition_status(timeout=1)
    plain = seq.get_acquisitions()["shots"]["acquisition"]["bins"]
    for encoding in (
        AcquisitionEncodingConfig.default_packing(),
        AcquisitionEncodingConfig.iq_and_avg_count(),
        AcquisitionEncodingConfig.iq_normalized_only(),
    ):
        compact = seq.get_acquisitions(acq_encoding=encoding)["shots"]["acquisition"]["bins"]
        np.testing.assert_allclose(
            compact["integration"]["path0"], plain["integration"]["path0"], rtol=1e-6
        )
    only = seq.get_acquisitions(acq_encoding=AcquisitionEncodingConfig.threshold_raw_only())
    assert only["shots"]["acquisition"]["bins"]["threshold"] == plain["threshold"]


def test_thresholded_values_are_counted(cluster) -> None:
    seq = set_up_readout(cluster)
    for threshold, counted in ((0.0, 1.0), (800.0, 0.0)):
        seq.thresholded_acq_threshold(threshold)
        seq.delete_acquisition_data(all=True)
        seq.arm_sequencer()
        seq.start_sequencer()
        assert seq.get_acquisition_status(timeout=1)
        bins = seq.get_acquisitions()["shots"]["acquisition"]["bins"]
        assert bins["threshold"] == [counted] * 5


def test_the_scope_shows_the_last_acquisition_once_it_is_stored(cluster) -> None:
    seq = set_up_readout(cluster)
    cluster.module2.scope_acq_sequencer_select(0)
    seq.arm_sequencer()
    seq.start_sequencer()
    assert seq.get_acquisition_status(timeout=1)
    scope = seq.get_acquisitions()["shots"]["acquisition"]["scope"]
    assert scope["path0"]["avg_cnt"] == 0
    seq.store_scope_acquisition("shots")
    scope = seq.get_acquisitions()["shots"]["acquisition"]["scope"]
    assert scope["path0"]["avg_cnt"] == 1
    assert len(scope["path0"]["data"]) == limits.SCOPE_SAMPLES
    trace = np.array(scope["path0"]["data"]) + 1j * np.array(scope["path1"]["data"])
    level = 0.5 * limits.rf_output_full_scale(20) * 0.01 / limits.rf_input_full_scale(0)
    np.testing.assert_allclose(np.abs(trace[:900]), level, atol=1.5 / limits.ADC_FULL_SCALE)
    assert not trace[900:].any()


def test_the_scope_averages_all_acquisitions_of_a_run(cluster) -> None:
    seq = set_up_readout(cluster)
    cluster.module2.scope_acq_sequencer_select(0)
    cluster.module2.scope_acq_avg_mode_en_path0(True)
    seq.arm_sequencer()
    seq.start_sequencer()
    assert seq.get_acquisition_status(timeout=1)
    seq.store_scope_acquisition("shots")
    acquisition = seq.get_acquisitions()["shots"]["acquisition"]
    assert acquisition["bins"]["avg_cnt"] == [1] * 5
    scope = acquisition["scope"]
    assert (scope["path0"]["avg_cnt"], scope["path1"]["avg_cnt"]) == (5, 1)
    level = 0.5 * limits.rf_output_full_scale(20) * 0.01 / limits.rf_input_full_scale(0)
    trace = np.array(scope["path0"]["data"])[:900]
    assert np.abs(trace).max() == pytest.approx(level, abs=1.5 / limits.ADC_FULL_SCALE)


def test_a_program_that_does_not_assemble_is_refused_with_its_line(cluster) -> None:
    seq = cluster.module2.sequencers[0]
    with pytest.raises(RuntimeError, match="Assembly failed"):
        seq.sequence(READOUT | {"program": "wait 4\nfly 3\nstop"})
    assert not cluster.module2.get_assembler_status()
    assert "fly" in cluster.module2.get_assembler_log()
    seq.sequence(READOUT)
    assert cluster.module2.get_assembler_status()


def test_a_program_of_twelve_thousand_instructions_is_taken(cluster) -> None:
    seq = cluster.module2.sequencers[0]
    seq.sequence(READOUT | {"program": "wait 100\n" * 12_000 + "stop"})
    assert cluster.module2.get_assembler_status()
    with pytest.raises(RuntimeError, match="12289 instructions"):
        seq.sequence(READOUT | {"program": "wait 100\n" * 12_288 + "stop"})


def test_a_bad_program_is_silent_at_the_clients_default_debug_level_until_all_are_armed(
    twin, world
) -> None:
    from qblox_instruments import Cluster

    with running(twin, world) as (host, _):
        client = Cluster("careless", host)
        client.module2.sequencers[0].sequence(READOUT | {"program": "fly"})
        with pytest.raises(RuntimeError, match="Assembly failed"):
            client.arm_sequencer()
        close(client)


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("SEQuencer9:ARM", "sequencer 9 does not exist"),
        ("STATus:QUEStionable:FREQuency:LO1 1000000000", "must lie between 2e"),
        ("AFE:ATT:OUT0 31", "steps of 2 dB"),
        ("AFE:ATT:OUT0 62", "must lie between 0 and 60"),
        ("AFE:OFFSet:DAC0 0.1", "has no output offset"),
        ("SEQuencer0:AWG:WLISt:WAVeform:INDex \"none\",0", "does not exist"),
        ("NO:SUCH:COMMAND", "Undefined header"),
    ],
)  # fmt: skip
def test_what_the_box_cannot_do_ends_in_the_error_queue(cluster, command, reason) -> None:
    async def send() -> None:
        async with cluster._scpi._slot_connection(2) as connection:
            await connection._write_async(command)

    cluster._run_in_loop(send())
    with pytest.raises(RuntimeError, match=reason):
        cluster._run_in_loop(cluster._scpi.check_slot_error_queue_async(2))


def test_an_unknown_query_is_answered_by_an_empty_line_and_the_connection_stays_in_step(
    cluster,
) -> None:
    async def ask() -> str:
        async with cluster._scpi._slot_connection(2) as connection:
            return await connection._read_async("NO:SUCH:QUERY?")

    assert cluster._run_in_loop(ask()) == ""
    cluster._run_in_loop(cluster._scpi.clear_slot_error_queue_async(2))
    assert cluster.module2.out0_att() == 0


def test_a_running_program_is_stopped_by_force_and_its_results_are_not_taken(cluster) -> None:
    seq = set_up_readout(cluster)
    endless = "set_mrk 2\nagain: acquire 0,0,1000\njmp @again"
    seq.sequence(READOUT | {"program": endless.replace("jmp @again", "wait 65535\nstop")})
    seq.arm_sequencer()
    seq.stop_sequencer()
    assert [str(f) for f in seq.get_sequencer_status().info_flags] == ["DISARMED"]
    seq.clear_sequencer_flags()
    assert seq.get_sequencer_status().info_flags == []


def test_the_clock_is_that_of_the_house(cluster) -> None:
    shown_ns = cluster.time.get_current(format="ns")
    assert shown_ns == pytest.approx(cluster.server.now_fs / 1e6, rel=1e-12)
    cluster.time.adjust("s", 10)
    assert cluster.time.get_current(format="s") > shown_ns * 1e-9 + 9.9


def test_a_reset_returns_every_module_to_power_on(cluster) -> None:
    cluster.module6.out0_offset(1.0)
    set_up_readout(cluster)
    cluster.reset()
    assert cluster.module6.out0_offset() == 0.0
    assert cluster.module2.sequencers[0].get_acquisitions() == {}
    assert str(cluster.module2.sequencers[0].get_sequencer_status().state) == "IDLE"


def test_two_clusters_work_side_by_side(cluster, world) -> None:
    from qblox_instruments import Cluster

    other = ClusterTwin({1: "QCM"}, "00015_2141_002", world)
    with running(other, world) as (host, _):
        second = Cluster("second", host)
        second.module1.out0_offset(0.5)
        cluster.module6.out0_offset(-0.5)
        assert (second.module1.out0_offset(), cluster.module6.out0_offset()) == (0.5, -0.5)
        assert list(second.get_connected_modules()) == [1]
        close(second)


def test_the_cached_configuration_of_the_client_is_understood(twin, world) -> None:
    from qblox_instruments import Cluster

    with running(twin, world) as (host, _):
        client = Cluster("cached", host, use_configuration_cache=True)
        seq = client.module2.sequencers[0]
        for value in (4e6, 5e6):
            seq.nco_freq(value)
        close(client)
    assert twin.modules[2].sequencers[0].configuration.nco_hz == 5e6
