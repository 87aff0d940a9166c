"""Markers upside down, and markers that show what was measured."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US
from tests.benches.qblox_cluster.tag_bench import MARKER, TagBench

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.sequencer_config import default_configuration
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes

SINK = ("a", "slot10.io2")


def heard(bench: TagBench, until_us: float) -> list[tuple[float, bool]]:
    edges = bench.lines.heard(SINK, 0, T0 + round(until_us * US))
    assert edges is not None
    return [((at - T0) / FS_PER_NS, up) for at, up in edges]


def marked(source: str = "slot6.marker0") -> TagBench:
    bench = TagBench()
    bench.lines = DigitalLines()
    bench.lines.connect(SINK, ("a", source), 0)
    end = LinesEnd(bench.lines, "a")
    bench.twin = ClusterTwin(
        {2: "QRM", 4: "QRM-RF", 6: "QCM", 10: "QTM"}, "7", bench.playback, lines=end
    )
    names = ("scpi", "slot2", "slot4", "slot6", "slot10")
    bench.sessions = {name: bench.twin.open(name) for name in names}
    return bench


def test_an_inverted_marker_idles_high_and_falls_where_it_would_rise() -> None:
    bench = marked()
    bench.send(6, "MRK0:INVert:ENAble 1", T0 - US)
    assert bench.send(6, "MRK0:INVert:ENAble?") == "1"
    assert bench.send(6, "MRK1:INVert:ENAble?") == "0"
    bench.load(6, 0, MARKER, sync=False)
    bench.run((6, 0))
    assert heard(bench, 100) == [(-1000, True), (100, False), (300, True)]
    bench.send(6, "MRK0:INVert:ENAble 1", T0 + 50 * US)
    assert len(heard(bench, 100)) == 3, "nothing was changed"
    bench.send(6, "MRK0:INVert:ENAble 0", T0 + 60 * US)
    assert heard(bench, 100)[-1] == (60_000, False)


def test_a_reset_lets_it_idle_low_again() -> None:
    for slot, line in ((0, "*RST"), (6, "*RST")):
        bench = marked()
        bench.send(6, "MRK0:INVert:ENAble 1")
        bench.send(slot, line, T0 + US)
        assert heard(bench, 2) == [(0, True), (1000, False)]
        assert bench.send(6, "MRK0:INVert:ENAble?", T0 + US) == "0"


@pytest.mark.parametrize(("address", "invert"), [(1, False), (1, True), (2, False), (0, False)])
def test_a_marker_shows_the_last_result_from_168_ns_after_its_integration_on(
    address: int, invert: bool
) -> None:
    bench = marked("slot2.marker0")
    values = default_configuration()
    values["acq"][0]["th_acq"]["non_weighed_integration_len"] = 1000
    values["acq"][0]["th_acq_mrk_map"] = {"en": True, "addr": address, "inv": invert}
    bench.load(2, 0, "wait 100\nacquire 0,0,5000\nwait 15000\nstop", sync=False)
    bench.send(2, "SEQuencer0:CONFiguration", block=json_bytes(values))
    bench.run((2, 0))
    # the bench's world answers above the threshold
    shown = bool(address & 1) and not invert
    expected = [(100 + 1000 + 168, True), (20_100, False)]
    assert heard(bench, 100) == (expected if shown else [])


def test_a_switch_of_an_rf_output_shows_no_result() -> None:
    bench = marked("slot4.marker1")
    values = default_configuration()
    values["acq"][0]["th_acq_mrk_map"] = {"en": True, "addr": 3, "inv": False}
    bench.load(4, 0, "acquire 0,0,5000\nstop", sync=False)
    bench.send(4, "SEQuencer0:ACQ:ALISt:ACQuisition:NEW a,2")
    bench.send(4, "SEQuencer0:CONFiguration", block=json_bytes(values))
    bench.run((4, 0))
    assert bench.state(4, 0, T0 + 50 * US).startswith("OKAY;STOPPED")
    assert heard(bench, 100) == []
