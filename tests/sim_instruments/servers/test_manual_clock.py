"""The promise of a manual clock: the same seed and commands give the same data, to the bit."""

import asyncio
import random
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.servers.playing import Player, rabi

from podium.drivers.yokogawa_gs200 import YokogawaGS200
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.serving import open_serving

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


def visit(facility: Path, endpoints: Path) -> dict[str, Any]:
    """Do what a client does, one thing after the other; return all that it has heard."""
    player = Player(facility, endpoints)
    visa = player.facility.instruments["bias_q0"].address.resource  # type: ignore[union-attr]
    source = YokogawaGS200("bias_q0", visa)
    heard: dict[str, Any] = {"begin": player.driver.now()}
    try:
        source.ramp_v("", 0.1, 0.5)
        player.driver.ramp_v("slot6.out2", 0.03, 0.5)
        heard["ramped"] = player.driver.now()
        for run in range(2):
            played = player.play(rabi(qubits=("q0", "q1"), points=3, shots=50))
            heard |= {f"{name} {run}": points for name, points in played.items()}
        heard["end"] = player.driver.now()
    finally:
        player.driver.close()
        source.close()
    return heard


async def served_visit(facility: Path, twin_file: Path, folder: Path, mode: ClockMode) -> Any:
    async with open_serving(facility, twin_file, WorldClock(mode)) as serving:
        with published(folder / "endpoints.json", serving.endpoints()):
            return await asyncio.to_thread(visit, facility, folder / "endpoints.json")


async def test_two_runs_are_equal_to_the_bit_however_fast_the_machine_is(
    facility, twin_file, tmp_path, monkeypatch
) -> None:
    first = await served_visit(facility, twin_file, tmp_path, ClockMode.MANUAL)

    rng = random.Random(5)
    play = World.play

    def slowly(self, signals):
        time.sleep(rng.uniform(0, 0.1))  # an overloaded machine
        return play(self, signals)

    monkeypatch.setattr(World, "play", slowly)
    second = await served_visit(facility, twin_file, tmp_path, ClockMode.MANUAL)

    assert first.keys() == second.keys()
    for what, heard in first.items():
        np.testing.assert_array_equal(heard, second[what], err_msg=what)
    # the runs saw different noise, and laboratory time went on by what was done
    assert not np.array_equal(first["q0 0"], first["q0 1"])
    ramps_s = (first["ramped"].total_fs - first["begin"].total_fs) * 1e-15
    assert 0.1 / 0.5 + 0.03 / 0.5 <= ramps_s < 1.0
