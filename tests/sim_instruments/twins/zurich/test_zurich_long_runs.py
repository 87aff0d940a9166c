"""Runs of many instructions: they are worked out piece by piece, and others are answered between.

What counts is how often somebody is answered meanwhile, not how long it takes: a piece has four
million instructions.
"""

import gc
import tracemalloc

import numpy as np
import pytest
from tests.benches.thoroughness import cases
from tests.benches.zurich.device_bench import MS, QA, READOUT, SG, Bench
from tests.benches.zurich.precomputed_runs import DRIVE, READ, Inline, set_up, trigger

from podium.firmware_interfaces.zurich.vector_headers import numbers_of

LONG = "repeat (6000000) { playZero(32); } setUserReg(0, 8);"
"""More than twelve million instructions, 96 ms."""
FOR_EVER = "while (true) { setUserReg(1, getUserReg(0)); }"
MANY = 50


@pytest.fixture
def bench():
    return Bench()


def answered_while(bench, goes_on) -> int:
    """Return how many gets of another instrument are answered until it is over."""
    count = 0
    while goes_on():
        assert bench.get("oscs/0/freq", "HDAWG8") == 1e7
        count += 1
        assert count < MANY
    return count


def test_others_are_answered_while_it_is_found_out_when_a_program_ends(bench):
    bench.upload(SG, LONG)
    bench.set(f"{SG}/enable", 1)
    told = []

    def looking():
        told.append(bench.execution.horizon(bench.now_fs))
        return told[-1].computing

    assert answered_while(bench, looking) >= 2
    assert all(one.armed and one.busy_until_fs is None for one in told[:-1])
    assert not told[-1].armed
    assert told[-1].busy_until_fs == pytest.approx(96 * MS, rel=0.01)


def test_others_are_answered_while_a_long_run_is_caught_up_with(bench):
    bench.upload(SG, LONG)
    bench.set(f"{SG}/enable", 1)
    bench.now_fs += 1000 * MS
    assert answered_while(bench, lambda: bench.get(f"{SG}/enable") == 1) >= 2
    assert bench.get(f"{SG}/userregs/0") == 8
    assert not bench.execution.horizon(bench.now_fs).computing


def test_nobody_waits_for_a_program_that_goes_round_for_ever(bench):
    bench.upload(SG, FOR_EVER)
    bench.set(f"{SG}/enable", 1)
    bench.now_fs += MS

    def busy():
        return bench.execution.horizon(bench.now_fs).computing

    answered_while(bench, busy)
    assert bench.get(f"{SG}/enable") == 1
    assert bench.execution.horizon(bench.now_fs).armed


def bytes_kept(shots: int) -> int:
    """Return how much is held after single shots that nobody has read."""
    bench = Bench(world=Inline())
    set_up(bench, *(text.replace("repeat (3)", f"repeat ({shots})") for text in (DRIVE, READ)))
    bench.set(f"{READOUT}/result/length", shots)
    gc.collect()
    tracemalloc.start()
    try:
        trigger(bench)
        bench.world.work()
        for _ in range(MANY):
            bench.wait(100 * MS)
        assert not bench.get(f"{QA}/enable")
        assert not bench.get(f"{READOUT}/result/enable")
        bench.world.signals = bench.world.told = bench.world.waiting = None  # the test's own
        gc.collect()
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    data = numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))
    assert len(data) == shots
    assert np.isfinite(data).all()
    return kept


def test_of_single_shots_their_results_alone_are_kept():
    few, many = 3_000, cases(9_000, 20_000)
    bytes_kept(8)  # what is imported and loaded
    less, more = bytes_kept(few), bytes_kept(many)
    # A complex number of the unit that was asked, and one of all those that were not.
    assert (more - less) / (many - few) < 2 * 16 + 1
