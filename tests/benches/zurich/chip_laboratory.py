"""A laboratory of Zurich Instruments with a chip in it, and the truth about the chip."""

from pathlib import Path

import pytest
from tests.benches.command_line import values_of
from tests.benches.referees.zurich_laboratory import served

FACILITY = Path(__file__).parents[3] / "examples" / "first_light_zi" / "facility.yaml"
NS, US = 10**6, 10**9
Q = "node_a.q0"


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first_light_zi")
    with served(folder, FACILITY.read_text(), "zi_a"):
        yield folder


@pytest.fixture(scope="module")
def truth(laboratory):
    return values_of(laboratory / "t.yaml")
