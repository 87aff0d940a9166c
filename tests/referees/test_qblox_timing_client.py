"""The vendor's client on what keeps time: trigger input, time keeping, and the time-tag module."""

import itertools

import numpy as np
import pytest
from qcodes.validators import Bool, Enum, Ints
from tests.benches.qblox_cluster.vendor_client import Echo, close, running
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler

from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

NS = 1_000_000
CABLE_NS = 12.5
PULSE = "wait 500\nset_mrk 4\nupd_param 100\nset_mrk 0\nupd_param 4\nstop"
TAGS = """
      move 0,R0
      move 0,R1
      upd_thres 0,1,4
      set_time_ref
      upd_param 4
      acquire_timetags 0,R0,1,R1,4
      wait 2000
      acquire_timetags 0,R0,0,R1,4
      acquire_digital 1,0,4
      stop"""
DIGITAL = "set_digital 1,1,0\nupd_param 100\nset_digital 0,1,100\nupd_param 4\nstop"


@pytest.fixture(scope="module")
def world():
    echo = Echo()
    yield echo
    echo.pool.shutdown()


@pytest.fixture(scope="module")
def cluster(world):
    from qblox_instruments import Cluster
    from qblox_instruments.types import DebugLevel

    lines = DigitalLines()
    lines.connect(("a", "slot10.io1"), ("a", "slot4.marker2"), round(CABLE_NS * NS))
    modules = {2: "QRM-RF", 4: "QCM-RF", 10: "QTM"}
    twin = ClusterTwin(modules, "00015_2141_003", world, lines=LinesEnd(lines, "a"))
    with running(twin, world) as (host, server):
        client = Cluster("timing", host, debug=DebugLevel.ERROR_CHECK)
        client.server = server
        yield client
        close(client)


@pytest.fixture(autouse=True)
def fresh(cluster):
    cluster.reset()


def test_a_cluster_with_a_time_tag_module_connects_and_takes_a_snapshot(cluster) -> None:
    module = cluster.module10
    assert (module.module_type.name, module.is_qtm_type) == ("QTM", True)
    assert (len(module.sequencers), len(module.io_channels), len(module.quads)) == (8, 8, 2)
    snapshot = cluster.snapshot(update=True)
    channel = snapshot["submodules"]["module10"]["submodules"]["io_channel3"]["parameters"]
    assert channel["mode"]["value"] == "force_off"
    assert channel["binned_acq_time_ref"]["value"] == "start"


def choices(parameter) -> list:
    """Return what a parameter takes, as its validator has it."""
    validator = parameter.vals
    if isinstance(validator, Enum):
        return sorted(validator.values)
    if isinstance(validator, Bool):
        return [True, False]
    if isinstance(validator, Ints):
        return [validator.min_value, validator.max_value]
    return [0.0, 0.25, 1.5]


@pytest.mark.parametrize("part", ["io_channel0", "io_channel7", "quad0", "quad1"])
def test_every_setting_of_channels_and_quads_takes_every_value_and_gives_it_back(
    cluster, part
) -> None:
    component = cluster.module10.submodules[part]
    settable = {name: one for name, one in component.parameters.items() if one.settable}
    assert len(settable) >= (2 if part.startswith("quad") else 20)
    for name, parameter in settable.items():
        for value in choices(parameter):
            parameter.set(value)
            parameter.cache.invalidate()
            assert parameter.get() == value, name


def test_a_marker_is_tagged_by_the_vendors_client(cluster) -> None:
    module = cluster.module10
    module.quad0.input_fan_out(False)
    channel = module.io_channel1
    channel.mode("input")
    channel.analog_threshold(0.5)
    channel.binned_acq_time_ref("sequencer")
    channel.scope_mode("timetags-windowed")
    acquisitions = {"tags": {"num_bins": 1, "index": 0}, "level": {"num_bins": 1, "index": 1}}
    tags = module.sequencers[1]
    tags.sequence({"program": f"set_scope_en 1\n{TAGS}", "acquisitions": acquisitions})
    marker = cluster.module4.sequencers[0]
    empty = {"waveforms": {}, "weights": {}, "acquisitions": {}}
    marker.sequence({"program": f"wait_sync 4\n{PULSE}"} | empty)
    tags.sequence({"program": f"wait_sync 4\nset_scope_en 1\n{TAGS}", "acquisitions": acquisitions})
    for one in (tags, marker):
        one.sync_en(True)
        one.arm_sequencer()
    cluster.start_sequencer()
    cluster.get_acquisition_status(10, 1, timeout=1)
    read = cluster.get_acquisitions(10, 1)
    bins = read["tags"]["acquisition"]["bins"]
    assert (bins["count"], bins["threshold"], bins["avg_cnt"]) == ([1], [1], [1])
    # 500 ns after wait_sync the marker rises; the reference is latched 4 ns after it.
    assert abs(bins["timedelta"][0] / 2048 - (500 - 4 + CABLE_NS)) < 0.2
    assert read["level"]["acquisition"]["bins"]["count"] == [0]
    words = [word for word, _ in channel.get_scope_data()]
    assert words == ["OPEN", "RISE", "CLOSE"]
    assert channel.is_above_threshold() is False


def test_the_settings_of_the_trigger_input_come_back(cluster) -> None:
    for delay_ps, address, on in ((0, 1, True), (31 * 39, 15, False), (39, 7, True)):
        cluster.ext_trigger_input_delay(delay_ps)
        cluster.ext_trigger_input_trigger_address(address)
        cluster.ext_trigger_input_trigger_en(on)
        assert cluster.ext_trigger_input_delay() == delay_ps
        assert cluster.ext_trigger_input_trigger_address() == address
        assert cluster.ext_trigger_input_trigger_en() is on


def test_a_program_that_waits_begins_at_the_edge_and_time_keeping_tells(cluster, world) -> None:
    from qblox_instruments.qcodes_drivers.time import Polarity, SyncRef

    cluster.ext_trigger_input_trigger_address(9)
    cluster.ext_trigger_input_trigger_en(True)
    sequencer = cluster.module4.sequencers[0]
    sequencer.sync_en(True)
    program = "wait_trigger 9,4\nwait_sync 4\nwait 1000\nstop"
    sequencer.sequence({"program": program, "waveforms": {}, "weights": {}, "acquisitions": {}})
    for slot in (0, 4):
        cluster.time.arm(slot, 0, Polarity.RISING_EDGE, SyncRef.OFF)
    sequencer.arm_sequencer()
    sequencer.start_sequencer()
    assert sequencer.get_sequencer_status().state.name == "RUNNING"
    with pytest.raises(KeyError):
        cluster.time.get_capture(0)
    shift_ns = cluster.time.get_current(format="ns") - cluster.server.now_fs / NS
    edge_fs = cluster.server.now_fs + 50_000 * NS + 1
    cluster.server.twin.edge(edge_fs)
    cluster.server.now_fs += 100_000 * NS
    for _ in itertools.repeat(None, 20_000):  # the first run of a process loads kernels
        if sequencer.get_sequencer_status().state.name == "STOPPED":
            break
    captured = {cluster.time.get_capture(slot, format="raw") / 2048 for slot in (0, 4)}
    assert len(captured) == 1
    late_ns = captured.pop() - shift_ns - edge_fs / NS - 212 - 4 - 200
    assert -1 < late_ns <= 5
    assert cluster.trigger9_monitor_count() == 1
    assert cluster.trigger_monitor_latest() == 9


def test_time_is_synchronised_to_an_external_trigger(cluster) -> None:
    edge_fs = cluster.server.now_fs + 20_000 * NS
    cluster.server.twin.edge(edge_fs)
    cluster.time.sync_ext_trigger(0, 1, trigger_timestamp=1000.0, timeout=5)
    shown = cluster.time.get_current(format="ns")
    assert 0 <= shown - 1000e9 <= (cluster.server.now_fs - edge_fs) / NS + 10


def test_time_that_was_set_is_shown_as_synchronised(cluster) -> None:
    cluster.time.set_epoch("now")
    assert cluster.time.get_current() < 60
    assert "synced" in cluster.time.status()
    with pytest.raises(Exception, match="does not answer"):
        cluster.time.set_epoch("unix", authority="192.0.2.1")


@pytest.mark.q1asm
@pytest.mark.parametrize("text", [TAGS, DIGITAL, PULSE, "wait_trigger 15,4\nwait_sync 4\nstop"])
def test_the_vendors_assembler_accepts_the_programs(text: str) -> None:
    found = vendor_assembler()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)
    verdict = judge(text)
    assert verdict.accepted, verdict.log
    assert np.all(verdict.length > 0)
