"""What a first run would load is loaded beside what is served, once it is compiled."""

import asyncio
import subprocess
import sys

import pytest
from tests.benches.servers.socket_client import WITHIN_S, client

from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.kernel_loading import loading
from podium.sim_instruments.servers.serving import open_serving

LOADED = """
from podium.sim_instruments.physics import grouped_walk, shot_kinds, walk, window_sums
from podium.sim_instruments.servers.kernel_loading import load_kernels
from podium.sim_instruments.twins.qblox_cluster.outputs.segment_kernel import segments
from podium.sim_instruments.twins.qblox_cluster.processor.q1_kernel import execute

kernels = [execute, segments, walk.walk, grouped_walk.walk_steps, grouped_walk.sum_windows,
           grouped_walk.fill_values, window_sums.take_windows, shot_kinds._fingerprint]
assert not any(one.overloads for one in kernels)
load_kernels(("chip", "qblox_cluster"))
print([len(one.overloads) for one in kernels])
import sys
print(any(name.startswith("podium.sim_instruments.twins.zurich") for name in sys.modules))
from podium.sim_instruments.twins.zurich.sequencer.kernel import execute as execute_words
assert not execute_words.overloads
load_kernels(("links", "zurich"))
print([len(execute_words.overloads)])
"""


@pytest.fixture
def opened(facility, twin_file):
    """Open the example's serving."""
    return lambda: open_serving(facility, twin_file, WorldClock(ClockMode.LEAP))


async def test_loading_waits_for_the_compiler_and_meanwhile_instruments_answer(opened) -> None:
    async with opened() as serving, client(serving, "bias_q0") as source:
        serving.laboratory.kernels.close()
        async with loading(serving.laboratory) as work:
            assert b"GS210" in await source.ask(b"*IDN?\n")
            assert not work.done()
            assert not serving.laboratory.workers.at_rest, "nobody copies it meanwhile"
            serving.laboratory.kernels.open()
            async with asyncio.timeout(WITHIN_S):
                await work


async def test_nobody_waits_for_what_is_loaded_where_all_ends_before(opened) -> None:
    async with opened() as serving:
        serving.laboratory.kernels.close()
        async with loading(serving.laboratory) as work:
            await asyncio.sleep(0)
        assert work.cancelled()


def test_what_runs_execute_is_loaded_by_it() -> None:
    found = subprocess.run(
        [sys.executable, "-c", LOADED], capture_output=True, text=True, check=True
    )
    its_own, of_other_families, theirs = found.stdout.split("\n")[:3]
    assert its_own == str([1] * 8)
    assert of_other_families == "False"
    assert theirs == "[1]"
