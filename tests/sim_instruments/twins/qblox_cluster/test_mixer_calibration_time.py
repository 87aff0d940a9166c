"""The box's own calibrations take world time; the module answers when they are done."""

import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, Bench

from podium.firmware_interfaces.exact_time import FS_PER_MS
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import (
    LO_CALIBRATION_FS,
    Mixer,
)

DONE_FS = T0 + LO_CALIBRATION_FS


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.twin.modules[4].mixers = (Mixer(0.97, -1.5, (3.0, 1.25)), Mixer())
    return bench


def test_what_comes_to_the_module_meanwhile_waits_and_time_may_leap_there(bench) -> None:
    assert bench.send(4, "MIXer:LO:CALIB 0") == ""
    assert bench.twin.horizon(T0).busy_until_fs is None, "nobody waits: another may begin its own"
    assert bench.send(4, "AFE:OFFSet:OUTAMP0?", T0 + FS_PER_MS) == ""
    assert bench.twin.horizon(T0 + FS_PER_MS).busy_until_fs == DONE_FS
    assert bench.sessions["slot4"].feed(b"", DONE_FS - 1) == b""
    assert bench.sessions["slot4"].feed(b"", DONE_FS).strip() == b"-3.0"
    assert bench.twin.horizon(DONE_FS).busy_until_fs is None


def test_by_the_cluster_manager_it_is_waited_for_as_well_and_other_modules_go_on(bench) -> None:
    bench.send(0, "SLOT4:MIXer:LO:CALIB 0")
    assert bench.send(2, "AFE:OFFSet:OUTAMP0?", T0 + 1) == "0.0"
    assert bench.send(0, "SLOT4:AFE:OFFSet:OUTAMP0?", T0 + 1) == ""
    assert bench.sessions["scpi"].feed(b"", DONE_FS).strip() == b"-3.0"
