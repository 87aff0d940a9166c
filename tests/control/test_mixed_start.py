"""One node on a Qblox cluster, one on an SHFQC of Zurich Instruments: one start of both."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import numpy as np
import pytest
from tests.control.triggered_bench import Node, together
from tests.control.two_nodes_up import MIXED, Twins, TwoNodes, refusal, two_nodes_up

from podium.control.calibration.runner import RunRefused
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.world_file import read_world

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

A, B = "cluster_a", "zi_b"
BOTH = together([Node("a"), Node("b")], shots=1)
DRIVE = {A: "slot4.out0", B: "dev12001.sg0"}
MARKER = {A: "slot4.marker2", B: "dev12001.sg0_marker"}
FLOOR_FS = 100_000
PULSES = 16
FILE_FS = 25 * FS_PER_NS
"""By how much the cable of the second marker is longer than that of the first, as the file says."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Twins]:
    with closing(Twins(tmp_path_factory.mktemp("mixed"), 8, MIXED)) as twins:
        yield twins


@pytest.fixture
async def up(twins, tmp_path) -> AsyncIterator[TwoNodes]:
    async with two_nodes_up(twins, tmp_path) as here:
        yield here


def apart_fs(twins: Twins, connectors: dict[str, str], since: int) -> np.ndarray:
    """Return by how much node b is later than node a in every start since an entry, fs.

    Edges that both have count: pulses of amplitude 0 are played by one family only.
    """
    played = twins.played(since)
    at_fs = {
        name: [one["at_fs"] for one in played[name] if one["connector"] == connector]
        for name, connector in connectors.items()
    }
    found = []
    for a in at_fs[A]:
        for b in at_fs[B]:
            close = [y - x for x in a for y in b if abs(y - x) < 500 * FS_PER_NS]
            found += [np.mean(np.array(close, float))] if close else []
    return np.array(found)


def rest_fs(setting: dict[str, int], sample_fs: int) -> int:
    """Return by how much later waveforms are sampled than the nanosecond in which they begin."""
    offset_fs = setting["offset_ns"] * FS_PER_NS + setting["late_fs"]
    nearest = (2 * offset_fs + sample_fs) // (2 * sample_fs) * sample_fs
    return offset_fs - nearest // FS_PER_NS * FS_PER_NS


async def test_markers_of_both_families_are_tagged_after_one_start(up, twins) -> None:
    seen = await up.loopback()
    assert set(seen.started) == {A, B, "tagger"}
    for counts in seen.counts.values():
        assert counts.tolist() == [1] * PULSES


async def test_the_skew_is_measured_taken_out_and_refused_after_a_relock(up, twins) -> None:
    with pytest.raises(RunRefused, match=r"was never measured .*: podium skew measure FACILITY"):
        await up.lab.run(BOTH)
    since = twins.entry()
    found = await up.lab.measure_skews(starts=12)
    (skew,) = found.measured.skews
    true_fs = apart_fs(twins, MARKER, since)[-12:].mean()
    assert abs(skew.value_fs - true_fs) < 4 * np.hypot(skew.random_fs, skew.systematic_fs)
    delays_s = read_world(twins.twin).timing.delays_s()
    cables_fs = (delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]) * 1e15 - FILE_FS
    assert abs(skew.value_fs - cables_fs - true_fs) < 5 * skew.random_fs, "cables, no more"
    assert abs(true_fs) > FLOOR_FS, "there is something to take out"

    left_fs = []
    for _ in range(6):
        twins.do("advance", seconds=1_800)
        since = twins.entry()
        data = await up.run(BOTH)
        settings = json.loads(data.attrs["start_settings"])
        rest = rest_fs(settings[B], FS_PER_NS // 2) - rest_fs(settings[A], FS_PER_NS)
        left_fs.append(float(apart_fs(twins, DRIVE, since)[-1]) + rest)
    rms_fs = float(np.sqrt(np.mean(np.square(left_fs))))
    print(f"skew {true_fs:.0f} fs, cables {cables_fs:.0f} fs; left in three hours {rms_fs:.0f} fs")
    assert rms_fs < FLOOR_FS

    twins.relock(B)
    (known,) = (await up.lab.skews()).skews
    assert known.problem == "ticks_b: epoch 1 then, 2 now"
    since = twins.entry()
    said = await refusal(up.lab, lambda: up.lab.run(BOTH))
    assert f"skew of {B} was measured under epoch 1 of ticks_b, now 2" in said
    assert twins.played(since) == {}
    await up.run(BOTH, corrected=False)
