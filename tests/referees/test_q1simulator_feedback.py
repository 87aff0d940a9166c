"""Conditions on results that are given: q1simulator's mock of measurements against ours.

Its triggers arrive 250 ns after an integration, ours 364 ns: programs here look later than that.
"""

import random

import pytest
from tests.referees.q1simulator_oracle import simulate
from tests.sim_instruments.twins.qblox_cluster.cluster_bench import T0, US
from tests.sim_instruments.twins.qblox_cluster.test_feedback import DictatedBench

BLOCKS = 40
ADDRESS = 3


def program(rng: random.Random) -> str:
    lines = ["wait_sync 4", "set_latch_en 1,4"]
    for _ in range(BLOCKS):
        lines.append("acquire 0,0,2000")
        mask = rng.choice([4, 4, 5, 6, 7, 1])
        lines.append(f"set_cond 1,{mask},{rng.randrange(6)},{rng.choice([4, 40, 1000])}")
        lines.append(rng.choice(["acquire 0,1,2000", "wait 100\nacquire 0,1,2400"]))
        lines.append("set_cond 0,0,0,4")
        lines.append(rng.choice(["wait 2000", "latch_rst 2000", "set_latch_en 1,2000"]))
        if rng.random() < 0.2:
            lines += ["set_latch_en 0,4", "acquire 0,0,2000", "set_latch_en 1,4"]
    return "\n".join([*lines, "stop"])


@pytest.mark.parametrize("seed", range(25))
def test_conditions_on_given_results_play_what_q1simulator_plays(seed: int) -> None:
    rng = random.Random(seed)
    text = program(rng)
    results = [rng.randrange(2) for _ in range(3 * BLOCKS)]
    theirs = simulate(text, acquisitions={0: 2}, measured=(ADDRESS, results))
    assert not theirs.errors
    bench = DictatedBench(*results)
    bench.put(2, 0, text, {"addr": ADDRESS})
    bench.run((2, 0))
    bench.bins(2, 0, T0 + 10_000 * US)
    ours = [start for _, start in bench.world.asked]
    rows = [row.time_ns for row in theirs.rows]
    assert [at - ours[0] for at in ours] == [at - rows[0] for at in rows]
    assert len(ours) > BLOCKS
