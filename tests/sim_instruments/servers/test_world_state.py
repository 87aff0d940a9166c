"""The back door tells how a fridge stands, and operates it as at its panel."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"


@pytest.fixture
async def door(tmp_path) -> AsyncIterator[BackDoor]:
    twin = tmp_path / "twin.yaml"
    write_world(sample(COLD, 0), twin)
    async with open_serving(COLD, twin, WorldClock(ClockMode.MANUAL)) as serving:
        yield BackDoor(serving)


async def test_the_state_is_that_of_plant_clocks_and_instruments(door) -> None:
    state = await door.do({"do": "state"})
    assert state["fridge_a.temperature.mixing_chamber"] == pytest.approx(7.05e-3, rel=0.01)
    assert state["fridge_a.mixture.liquid"] == pytest.approx(3.56, abs=0.01)
    assert state["fridge_a.mixture.lost"] == 0.0
    assert state["fridge_a.mixture.relief"] == 2.3e5
    assert state["clock_a.locked"] == state["compressor_a.answers"] == 1.0
    await door.do({"do": "fault", "fault": "freeze", "on": "compressor_a"})
    await door.do({"do": "fault", "fault": "compressor_trip", "on": "fridge_a"})
    await door.do({"do": "fault", "fault": "lose", "on": "clock_a"})
    await door.do({"do": "advance", "seconds": 600})
    state = await door.do({"do": "state"})
    assert state["compressor_a.answers"] == state["clock_a.datagrams"] == 0.0
    assert state["fridge_a.compressor.running"] == 0.0
    assert state["fridge_a.temperature.second_stage"] > 10.0


async def test_looking_at_the_state_does_not_take_the_fridge_past_its_instruments(door) -> None:
    for _ in range(3):
        await door.do({"do": "advance", "seconds": 7})
        await door.do({"do": "state"})
        on = {"do": "operate", "on": "fridge_a", "input": "heater.still.power", "value": 0.01}
        assert await door.do(on) == "fridge_a.heater.still.power = 0.01"
    state = await door.do({"do": "state"})
    assert (state["fridge_a.heater.still.power"], state["interventions"]) == (0.01, 3.0)


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        ({"on": "fridge_b", "input": "water.on", "value": 0}, "there are: fridge_a"),
        ({"on": "fridge_a", "input": "water.off", "value": 0}, "no input 'water.off'"),
        ({"on": "fridge_a", "input": "water.on", "value": 0.5}, "0 and 1 can be"),
        ({"on": "fridge_a", "input": "water.on", "value": True}, "a number"),
        ({"on": "fridge_a", "input": "heater.still.power", "value": -1}, "at least 0"),
        ({"on": "fridge_a", "input": "heater.still.power", "value": float("nan")}, "no number"),
        ({}, "no fridge with a model"),
    ],
)
async def test_a_panel_takes_what_it_has_and_nothing_else(door, request_, words: str) -> None:
    before = await door.do({"do": "state"})
    with pytest.raises(BadRequest, match=words):
        await door.do({"do": "operate", **request_})
    assert await door.do({"do": "state"}) == before
