"""Programs in the queue of a pipeliner, as LabOne Q fills it."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench

from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of

CHANNELS = {"qachannels/0": QA, "sgchannels/0": SG}
HEIGHTS = (0.125, 0.25, 0.5)


class Listener:
    def __init__(self):
        self.told = []

    def heard(self, value):
        self.told.append(value.value)


@pytest.fixture
def bench():
    return Bench()


def stage(bench):
    """Three jobs on two channels: a readout of another height each, a register that is counted."""
    bench.set("qachannels/0/mode", 1)
    bench.set(f"{READOUT}/integration/length", 256)
    bench.set(f"{READOUT}/integration/weights/0/wave", vector_of(np.ones(256) + 0j))
    for channel, at in CHANNELS.items():
        bench.set(f"{channel}/pipeliner/mode", 1)
        bench.set(f"{channel}/pipeliner/reset", 1)
        bench.set(f"{channel}/synchronization/enable", 1)
        bench.set(f"{at}/auxtriggers/0/channel", 8)
    for number, height in enumerate(HEIGHTS):
        wave = vector_of(np.full(256, height + 0j))
        bench.upload(QA, "waitDigTrigger(1); startQA(QA_GEN_0, QA_INT_0);")
        bench.set("qachannels/0/generator/waveforms/0/wave", wave)
        bench.set(f"{READOUT}/result/enable", 1)
        bench.upload(SG, f"waitDigTrigger(1); playZero(2048); setUserReg({number}, {number + 5});")
        for channel in CHANNELS:
            bench.set(f"{channel}/pipeliner/commit", 1)
            free = bench.get(f"{channel}/pipeliner/availableslots")
            assert free == bench.get(f"{channel}/pipeliner/maxslots") - number - 1


def status(bench):
    return [bench.get(f"{channel}/pipeliner/status") for channel in CHANNELS]


def test_jobs_run_one_after_the_other_and_their_results_are_told_apart(bench):
    stage(bench)
    store, results = bench.devices["SHFQC"].store, Listener()
    store.subscribe(results, f"{store.root}/{READOUT}/result/data/0/wave")
    for channel in CHANNELS:
        bench.set(f"{channel}/pipeliner/enable", 1)
    assert status(bench) == [1, 1]
    bench.wait(100 * US)
    assert not results.told  # the trigger has not come
    bench.set("system/internaltrigger/synchronization/enable", 1)
    bench.set("system/internaltrigger/enable", 1)
    looks = 0
    while any(status(bench)):
        looks += 1
        assert looks < 50
        bench.wait(20 * US)
    assert [numbers_of(one)[0] for one in results.told] == pytest.approx(256 * np.array(HEIGHTS))
    jobs = [np.frombuffer(one.content, "<u4")[2] for one in results.told]
    assert jobs == [0, 1, 2]
    assert [bench.get(f"{SG}/userregs/{k}") for k in range(3)][2] == 7
    assert bench.get("sgchannels/0/pipeliner/enable") == 0


def test_a_reset_empties_the_queue_and_ends_what_runs(bench):
    stage(bench)
    for channel in CHANNELS:
        bench.set(f"{channel}/pipeliner/enable", 1)
        bench.set(f"{channel}/pipeliner/reset", 1)
        assert bench.get(f"{channel}/pipeliner/availableslots") == 1024
    assert status(bench) == [0, 0]
    assert bench.get(f"{SG}/enable") == 0
    bench.set("sgchannels/0/pipeliner/enable", 1)
    assert status(bench) == [0, 0]  # nothing is in it


def test_without_a_mode_nothing_is_staged(bench):
    bench.upload(SG, "setUserReg(1, 1);")
    bench.set("sgchannels/0/pipeliner/commit", 1)
    assert bench.get("sgchannels/0/pipeliner/availableslots") == 1024
