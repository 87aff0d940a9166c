"""Time tags and digital outputs through the vendor's client and the driver."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.benches.qblox_cluster.driver_bench import PROGRAM, sequencer
from tests.benches.qblox_cluster.server import ClusterServer

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.qblox_cluster import QbloxCluster
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ExternalStart,
    ModuleSettings,
)
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

MODULES = {6: "QCM", 10: "QTM"}
DELAY_FS = 7_250_000
SHOTS = 50
TEXT = f"""wait_sync 4
move {SHOTS},R0
move 0,R1
again: acquire_timetags 0,0,1,0,4
wait 992
acquire_timetags 0,0,0,0,4
loop R0,@again
stop"""
MARKER = f"""wait_sync 4
move {SHOTS},R0
again: wait 200
set_mrk 1
upd_param 400
set_mrk 0
upd_param 400
loop R0,@again
stop"""
CHANNELS = {
    "quad0": {"input_fan_out": False},
    "io_channel2": {"mode": "input", "analog_threshold": 0.8, "binned_acq_time_ref": "start"},
}


def tagging() -> ClusterProgram:
    tags = sequencer(
        10, 2, TEXT, "", waveforms=(), acquisitions=(Acquisition("start", 0, 3),), nco_hz=0.0
    )
    marker = sequencer(6, 0, MARKER, "out0_1")
    modules = (ModuleSettings(6, "QCM"), ModuleSettings(10, "QTM", channels=CHANNELS))
    return replace(PROGRAM, sequencers=(tags, marker), modules=modules, results=())


@pytest.fixture(scope="module")
def server() -> Iterator[ClusterServer]:
    lines = DigitalLines()
    lines.connect(("a", "slot10.io2"), ("a", "slot6.marker0"), DELAY_FS)
    server = ClusterServer(MODULES, LinesEnd(lines, "a"))
    yield server
    server.close()


@pytest.fixture(scope="module")
def cluster(server) -> Iterator[QbloxCluster]:
    driver = QbloxCluster("tagger", server.host, server.ports, MODULES)
    yield driver
    driver.close()


def test_a_markers_edges_come_back_as_tags(cluster) -> None:
    for _ in range(2):
        cluster.load(tagging())
        cluster.arm()
        cluster.start()
        cluster.wait(1.0)
        (where, tags), *rest = cluster.tags().items()
        assert (where, rest) == ("slot10.io2.start", [])
        assert tags.windows.tolist() == [SHOTS, 0, 0], "bins were emptied before"
        assert tags.counts.tolist() == [SHOTS, 0, 0]
        assert abs(tags.delta_fs[0] - 200_000_000 - DELAY_FS) < 5 * 20_000 / SHOTS**0.5 + 8_000
        assert tags.delta_fs[1:].tolist() == [0, 0]


def test_a_tagged_program_can_wait_for_the_trigger(cluster, server) -> None:
    waiting = tagging()
    entries = tuple(
        replace(one, text="wait_trigger 2,4\n" + one.text) for one in waiting.sequencers
    )
    cluster.load(replace(waiting, sequencers=entries, start=ExternalStart(2)))
    cluster.arm()
    server._loop.call_soon_threadsafe(server.twin.edge, server.now_fs())
    cluster.wait(1.0)
    assert cluster.started_at() is not None
    assert cluster.tags()["slot10.io2.start"].counts.tolist() == [SHOTS, 0, 0]


def test_only_what_differs_is_sent(cluster, server) -> None:
    cluster.load(tagging())
    server.commands()
    cluster.load(tagging())
    sent = [line for line in server.commands() if not line.rstrip().endswith("?")]
    assert not [line for line in sent if "CONFig" in line or "PROGram" in line], sent


def test_a_channel_can_be_driven_by_hand_and_be_a_programs_again(cluster) -> None:
    for high in (True, False, True):
        cluster.set_level("slot10.io2", high)
        assert cluster.is_high("slot10.io2") is high
    cluster.load(tagging())
    assert cluster.is_high("slot10.io2") is False


@pytest.mark.parametrize("channel", ["slot10.io8", "slot6.io0", "slot10", "io1", ""])
def test_what_is_no_channel_is_refused(cluster, channel: str) -> None:
    with pytest.raises(Refused, match=r"slot10\.io0 \.\.\. io7"):
        cluster.set_level(channel, True)


def test_a_setting_that_does_not_exist_is_refused_with_its_name(cluster) -> None:
    bad = {"io_channel2": {"mode": "loud"}}
    program = replace(tagging(), modules=(ModuleSettings(10, "QTM", channels=bad),))
    with pytest.raises(Refused, match=r"slot10.io_channel2.mode = loud"):
        cluster.load(program)


def test_an_acquisition_that_is_not_there_breaks_protocol(cluster) -> None:
    cluster.load(tagging())
    cluster.arm()
    cluster.start()
    cluster.wait(1.0)
    program = cluster._program
    entry = replace(program.sequencers[0], acquisitions=(Acquisition("other", 0, 3),))
    cluster._program = replace(program, sequencers=(entry,))
    with pytest.raises(ProtocolError, match=r"asked for acquisition 'other', got \['start'\]"):
        cluster.tags()


def test_the_snapshot_holds_channels_and_quads(cluster) -> None:
    snapshot = cluster.snapshot()
    assert snapshot["slot10.io.channel7.config.out_mode"] == "low"
    assert snapshot["slot10.quad1.config.timetag_oversampling"] == "disabled"
    assert "slot10.seq7.seq_proc.sync_en" in snapshot
