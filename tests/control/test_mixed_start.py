"""One node on a Qblox cluster, one on an SHFQC of Zurich Instruments: one start of both."""

import json
from collections.abc import Iterator
from contextlib import closing
from functools import partial

import numpy as np
import pytest
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import (
    MIXED,
    MIXED_RACK,
    Twins,
    TwoNodes,
    refusal,
    two_nodes_up,
)

from podium.control.runs.errors import RunRefused
from podium.control.timebase import skew_routine
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.world_file import read_world

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

A, B = "cluster_a", "zi_b"
BOTH = together([Node("a"), Node("b")], shots=1)
DRIVE = {A: "slot4.out0", B: "dev12001.sg0"}
READOUT = {A: "slot2.out0", B: "dev12001.qa0_out"}
MARKER = {A: "slot4.marker2", B: "dev12001.sg0_marker"}
FLOOR_FS = 100_000
NOT_LOOKED_AT = (311, 312, 313)
"""Seeds of worlds, of their cables and clocks, that nobody looked at while this was built."""
JITTER_FS = 20_000
"""Of one start, with that of the tagger: what three starts say of it themselves is worth little."""
BEGINS_FS = 20 * FS_PER_NS
"""By so much less an instrument's first pulse is from when it says that its first shot began."""
PULSES = 16
FILE_FS = 25 * FS_PER_NS
"""By how much the cable of the second marker is longer than that of the first, as the file says."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Twins]:
    with closing(Twins(tmp_path_factory.mktemp("mixed"), 8, MIXED)) as twins:
        yield twins


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


async def measured(up: TwoNodes, twins: Twins, starts: int) -> float:
    """Measure the skew, compare it with the truth and the cables', and return that truth, fs."""
    since = twins.entry()
    found = await up.lab.measure_skews(starts=starts)
    (skew,) = found.measured.skews
    true_fs = float(apart_fs(twins, MARKER, since)[-starts:].mean())
    assert abs(skew.value_fs - true_fs) < 4 * np.hypot(skew.random_fs, skew.systematic_fs)
    delays_s = read_world(twins.twin).timing.delays_s()
    cables_fs = (delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]) * 1e15 - FILE_FS
    apart = abs(skew.value_fs - cables_fs - true_fs)
    assert apart < 5 * max(skew.random_fs, JITTER_FS / starts**0.5), "cables, no more"
    assert abs(true_fs) > FLOOR_FS, "there is something to take out"
    return true_fs


async def left_fs(up: TwoNodes, twins: Twins, runs: int) -> np.ndarray:
    """Run a program so many times, half an hour apart, and return what is left of the skew, fs."""
    found = []
    for _ in range(runs):
        twins.do("advance", seconds=1_800)
        since = twins.entry()
        data = await up.run(BOTH)
        settings = json.loads(data.attrs["start_settings"])
        shots = json.loads(data.attrs["first_shots"])
        for name, connector in READOUT.items():  # it begins with the shot
            assert abs(twins.began(name, connector, since) - Tai.parse(shots[name])) < BEGINS_FS
        rest = rest_fs(settings[B], FS_PER_NS // 2) - rest_fs(settings[A], FS_PER_NS)
        found.append(float(apart_fs(twins, DRIVE, since)[-1]) + rest)
    return np.array(found)


def rms_fs(values: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(np.square(values))))


async def refused_after_a_relock(up: TwoNodes, twins: Twins) -> None:
    """Lock the clock of node b anew; nothing plays with its skew any longer."""
    twins.relock(B)
    (known,) = (await up.lab.skews()).skews
    assert known.problem == "ticks_b: epoch 1 then, 2 now"
    since = twins.entry()
    said = await refusal(up.lab, lambda: up.lab.run(BOTH))
    assert f"skew of {B} was measured under epoch 1 of ticks_b, now 2" in said
    assert twins.played(since) == {}
    await up.run(BOTH, corrected=False)


async def test_one_start_of_both_families_measured_taken_out_and_refused(
    twins, tmp_path, monkeypatch
) -> None:
    """With as few starts as tell a skew: what many tell is for the slow tests below."""
    once = partial(skew_routine.choose_delays_ns, starts=1)
    monkeypatch.setattr(skew_routine, "choose_delays_ns", once)
    async with two_nodes_up(twins, tmp_path) as up:
        with pytest.raises(RunRefused, match=r"was never measured .*: podium skew measure FACILI"):
            await up.lab.run(BOTH)
        seen = await up.loopback()
        assert set(seen.started) == {A, B, "tagger"}
        for counts in seen.counts.values():
            assert counts.tolist() == [1] * PULSES
        await measured(up, twins, starts=3)
        assert rms_fs(await left_fs(up, twins, runs=2)) < FLOOR_FS
        await refused_after_a_relock(up, twins)


@pytest.mark.slow
@pytest.mark.parametrize("seed", NOT_LOOKED_AT)
@pytest.mark.parametrize("file", [MIXED, MIXED_RACK], ids=["SHFQC", "rack"])
async def test_what_is_left_of_a_skew_stays_below_the_floor_for_hours(
    tmp_path, tmp_path_factory, seed, file
) -> None:
    with closing(Twins(tmp_path_factory.mktemp("mixed"), seed, file)) as twins:
        async with two_nodes_up(twins, tmp_path) as up:
            true_fs = await measured(up, twins, starts=12)
            left = await left_fs(up, twins, runs=6)
            print(f"skew {true_fs:.0f} fs; in three hours {rms_fs(left):.0f} fs rms are left")
            assert rms_fs(left) < FLOOR_FS
            assert abs(left).max() < 1.5 * FLOOR_FS
            await refused_after_a_relock(up, twins)
