"""A data server of Zurich Instruments, opened on a socket."""

import pytest
from tests.benches.referees.zurich_laboratory import FACILITY

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.serving import open_serving


@pytest.fixture
def opened(tmp_path):
    """Open the serving of a data server with a clock of that mode."""
    facility, twin = tmp_path / "facility.yaml", tmp_path / "twin.yaml"
    facility.write_text(FACILITY)
    write_world(sample(facility, 1), twin)
    return lambda mode=ClockMode.LEAP: open_serving(facility, twin, WorldClock(mode))
