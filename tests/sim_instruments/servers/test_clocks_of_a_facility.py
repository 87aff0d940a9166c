"""Clocks of a laboratory are of the makes that its facility's timing asks for."""

from pathlib import Path

import pytest

from podium.sim_instruments.physics.clock_makes import (
    CONTROLLER,
    WHITE_RABBIT,
    WHITE_RABBIT_LOW_JITTER,
)
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.wiring import read_plan

LINKED = Path(__file__).parents[3] / "examples" / "linked" / "facility.yaml"


@pytest.mark.parametrize(
    ("jitter", "make"), [("2.5 ps", WHITE_RABBIT_LOW_JITTER), ("13 ps", WHITE_RABBIT)]
)
def test_the_phase_reference_says_which_white_rabbit_there_is(
    jitter: str, make: object, tmp_path: Path
) -> None:
    file = tmp_path / "facility.yaml"
    file.write_text(LINKED.read_text().replace("jitter: 2.5 ps", f"jitter: {jitter}"))
    laboratory = Laboratory(read_plan(file), sample(file, 3), WorldClock(ClockMode.MANUAL))
    makes = {name: clock.make for name, clock in laboratory.clocks.items()}
    assert makes["wrtd_a"] is makes["switch"] is make
    assert makes["cluster_a"] is CONTROLLER
