"""The example's facility, and a world for it."""

from pathlib import Path

import pytest

from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import write_world

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


@pytest.fixture(scope="session")
def facility() -> Path:
    return EXAMPLE


@pytest.fixture(scope="session")
def twin_file(tmp_path_factory) -> Path:
    """The world of seed 1 of the example."""
    path = tmp_path_factory.mktemp("world") / "twin.yaml"
    write_world(sample(EXAMPLE, 1), path)
    return path
