import pytest
from tests.benches.report.synthetic_story import made_up_story, panels_of_every_kind

from podium.control.calibration.outcome import Panel
from podium.control.report.story import Story


@pytest.fixture
def panels() -> list[Panel]:
    return panels_of_every_kind()


@pytest.fixture
def story() -> Story:
    return made_up_story()
