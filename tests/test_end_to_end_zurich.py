"""The whole of first light on an SHFQC: the same routines, another facility file.

What a demo on a Qblox cluster is looked at for (``test_end_to_end.py``) and depends on the
controller is looked at here.
"""

import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.benches.docs.accuracy_windows import NOT_YET, broken_windows
from tests.benches.docs.end_to_end import PODIUM, QUBITS, SEED, UNITS, WITHIN_S

from podium.control.campaign.null_values import NULLS
from podium.control.facility.load import load_facility

pytestmark = [pytest.mark.slow, pytest.mark.timeout(2 * WITHIN_S)]

EXAMPLE = Path(__file__).parents[1] / "examples" / "first_light_zi" / "facility.yaml"


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> tuple[Path, subprocess.CompletedProcess[str]]:
    """A demo's folder, and how it ended."""
    folder = tmp_path_factory.mktemp("demo_zurich")
    words = ["demo", "--node-only", "--facility", EXAMPLE, "--report", folder]
    words += ["--seed", SEED]
    done = subprocess.run(
        [*PODIUM, *map(str, words)], capture_output=True, text=True, timeout=2 * WITHIN_S
    )
    return folder, done


def test_every_qubit_is_found_on_an_shfqc(demo) -> None:
    folder, done = demo
    assert done.returncode == 0, done.stdout[-4000:]
    assert "3 of 3 qubits found" in done.stdout
    assert json.loads((folder / "summary.json").read_text())["failures"] == []


def test_all_values_and_sigmas_keep_the_windows_of_one_world(demo) -> None:
    folder, _ = demo
    found = json.loads((folder / "summary.json").read_text())["parameters"]
    assert found.keys() == {f"{q}.{name}" for q in QUBITS for name in UNITS}
    assert broken_windows(folder, load_facility(EXAMPLE)).keys() <= NOT_YET


@pytest.mark.parametrize("null", NULLS)
def test_a_guess_breaks_every_window(demo, null) -> None:
    folder, _ = demo
    assert broken_windows(folder, load_facility(EXAMPLE), null).keys() >= UNITS.keys()


def test_the_data_server_knew_all_that_the_vendors_client_asked(demo) -> None:
    folder, _ = demo
    told = re.findall(
        r"^(\w+): (\d+) commands, (\d+) of them unknown",
        (folder / "logs" / "twin.log").read_text(),
        re.MULTILINE,
    )
    assert [int(unknown) for name, _, unknown in told if name == "zi_a"] == [0]
