"""Skews over the bus, on twins: measured, kept, taken out, refused; and what the world knows.

In ``make test`` ``test_mixed_start.py`` says so of a pair of both families, and
``client/test_skew_calibration.py`` that a clock which is reset meanwhile leaves nothing.
"""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import closing

import numpy as np
import pytest
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import Twins, TwoNodes, in_time, refusal, two_nodes_up
from tests.benches.thoroughness import cases

from podium.control.client.skew_calibration import SkewsFound
from podium.control.runs.errors import RunError, RunRefused
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS
from podium.sim_instruments.physics.world_file import read_world

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

BOTH = together([Node("a"), Node("b")], shots=1)
DRIVE, MARKER = "slot4.out0", "slot4.marker2"
FLOOR_FS = 100_000
FILE_FS = 25 * FS_PER_NS
"""By how much the cable of the second marker is longer than that of the first, as the file says."""
RUNS = cases(3, 6)
"""In the hours for which a skew holds."""
NOT_LOOKED_AT = (211, 212, 213, 214, 215)
"""Seeds of worlds that nobody looked at while this was built."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Twins]:
    with closing(Twins(tmp_path_factory.mktemp("skews"), seed=8)) as twins:
        yield twins


@pytest.fixture
async def up(twins, tmp_path) -> AsyncIterator[TwoNodes]:
    async with two_nodes_up(twins, tmp_path) as here:
        yield here


def truth_fs(twins: Twins, connector: str, since: int) -> np.ndarray:
    """Return the true skew of every start of both since an entry, fs, mean over its edges.

    Each edge has its own jitter, and a tagger sees all of them.
    """
    played = twins.played(since)
    at_fs = [
        [one["at_fs"] for one in played[f"cluster_{name}"] if one["connector"] == connector]
        for name in "ab"
    ]
    both = [(a, b) for a in at_fs[0] for b in at_fs[1] if abs(b[0] - a[0]) < FS_PER_MS]
    return np.array([np.mean([y - x for x, y in zip(a, b, strict=True)]) for a, b in both], float)


async def measure(up: TwoNodes, twins: Twins, starts: int) -> tuple[SkewsFound, float]:
    """Measure; return what was found, and the true skew in the starts that counted."""
    since = twins.entry()
    found = await up.lab.measure_skews(starts=starts)
    true_fs = truth_fs(twins, MARKER, since)
    assert len(true_fs) >= found.starts
    return found, float(true_fs[-starts:].mean())


def cables_fs(twins: Twins) -> int:
    """Return by how much the markers' cables make the second node later than the file says."""
    delays_s = read_world(twins.twin).timing.delays_s()
    return round((delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]) * 1e15) - FILE_FS


def pull(found: SkewsFound, true_fs: float) -> float:
    (skew,) = found.measured.skews
    return (skew.value_fs - true_fs) / float(np.hypot(skew.random_fs, skew.systematic_fs))


async def left_over_fs(up: TwoNodes, twins: Twins) -> float:
    """Run a program on both nodes, corrected; return what the world still sees of the skew, fs.

    Of whole ticks at the connectors, and of the rest by which waveforms are sampled later.
    """
    since = twins.entry()
    data = await up.run(BOTH)
    settings = json.loads(data.attrs["start_settings"])
    rest_fs = settings["cluster_b"]["late_fs"] - settings["cluster_a"]["late_fs"]
    return float(truth_fs(twins, DRIVE, since)[-1]) + rest_fs


async def at_the_tagger_fs(up: TwoNodes) -> float:
    """Start both markers once, corrected; return what the tagger and the rest leave of it, fs."""
    seen = await in_time(up.lab, lambda: up.lab.loopback(corrected=True))
    settings = json.loads(seen.start_settings)
    tagged_fs = float((seen.tags_fs["node_b"] - seen.tags_fs["node_a"]).mean())
    rest_fs = settings["cluster_b"]["late_fs"] - settings["cluster_a"]["late_fs"]
    return tagged_fs - FILE_FS + rest_fs


async def test_a_skew_is_measured_taken_out_for_hours_and_refused_after_a_relock(up, twins) -> None:
    with pytest.raises(RunRefused, match=r"was never measured .*: podium skew measure FACILITY"):
        await up.lab.run(BOTH)
    found, true_fs = await measure(up, twins, starts=12)
    (skew,) = found.measured.skews
    assert abs(pull(found, true_fs)) < 4
    assert abs(skew.value_fs - cables_fs(twins) - true_fs) < 5 * skew.random_fs, "cables, no more"
    assert found.starts == 16 + 12
    assert 1 < found.lab_s < 300
    assert abs(true_fs) > FLOOR_FS, "there is something to take out"

    (known,) = (await up.lab.skews()).skews
    assert known.problem == ""
    assert known.now.value_fs == found.measured.skews[0].value_fs
    assert 28_000 < known.now.sigma_fs < 40_000

    assert abs(await at_the_tagger_fs(up)) < 5 * 20_000, "the jitter of one start"
    left_fs = []
    for _ in range(RUNS):
        twins.do("advance", seconds=10_800 // RUNS)
        left_fs.append(await left_over_fs(up, twins))
    (known,) = (await up.lab.skews()).skews
    rms_fs = float(np.sqrt(np.mean(np.square(left_fs))))
    print(f"skew {true_fs:.0f} fs; left over three hours {rms_fs:.0f} fs rms, {known.now.sigma_fs}")
    assert rms_fs < FLOOR_FS
    assert rms_fs < 4 * known.now.sigma_fs
    assert known.age_fs > 3 * 3_600 * 10**15

    twins.relock("cluster_b")
    (known,) = (await up.lab.skews()).skews
    assert known.problem == "ticks_b: epoch 1 then, 2 now"
    since = twins.entry()
    said = await refusal(up.lab, lambda: up.lab.run(BOTH))
    assert "skew of cluster_b was measured under epoch 1 of ticks_b, now 2" in said
    assert twins.played(since) == {}
    await up.run(BOTH, corrected=False)

    again, true_fs = await measure(up, twins, starts=3)
    assert abs(pull(again, true_fs)) < 4
    assert abs(await left_over_fs(up, twins)) < 4 * 30_000 + 5 * 20_000, (
        "cables, and the jitter of one"
    )


async def test_a_clock_that_locks_anew_while_skews_are_measured_leaves_nothing(up, twins) -> None:
    begun = twins.entry()
    seen = []

    def at_the_twelfth(far) -> None:
        seen.append(far)
        if len(seen) == 12:
            twins.relock("wrtd_b")

    with pytest.raises(RunError, match="nothing was recorded"):
        await up.lab.measure_skews(starts=5, progress=at_the_twelfth)
    assert twins.entry() > begun
    known = await up.lab.skews()
    assert (known.skews, dict(known.starts)) == ((), {})


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", NOT_LOOKED_AT)
async def test_in_worlds_that_nobody_looked_at_a_skew_is_what_the_world_says(
    seed: int, tmp_path
) -> None:
    with closing(Twins(tmp_path, seed)) as twins:
        cables = cables_fs(twins)
        async with two_nodes_up(twins, tmp_path) as up:
            found, true_fs = await measure(up, twins, starts=40)
            left_fs = []
            for _ in range(8):
                twins.do("advance", seconds=1_350)
                left_fs.append(await left_over_fs(up, twins))
    rms_fs = float(np.sqrt(np.mean(np.square(left_fs))))
    off, (skew,) = pull(found, true_fs), found.measured.skews
    print(f"seed {seed}: {true_fs:.0f} fs, pull {off:.2f}, left {rms_fs:.0f} fs rms in 3 h")
    assert abs(off) < 4
    assert rms_fs < FLOOR_FS
    assert abs(skew.value_fs - cables - true_fs) < 5 * skew.random_fs
