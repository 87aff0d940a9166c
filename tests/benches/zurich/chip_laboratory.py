"""A laboratory of Zurich Instruments with a chip in it, and the truth about the chip."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.referees.zurich_laboratory import START, served

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
    said = subprocess.run(
        [sys.executable, "-c", START, "twin", "truth", laboratory / "t.yaml", "--json"],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        check=True, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    return {name: one["value"] for name, one in json.loads(said.stdout).items()}
