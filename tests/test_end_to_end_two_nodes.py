"""Two nodes from nothing to one start, and a death that harms nobody: the demo as a person has it.

It runs in processes of its own, on twins. All of it is slow: the two nodes of
``tests/many_nodes`` go the same way in ``make test``, without the report.
"""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from tests.benches.docs.accuracy_windows import NOT_YET, broken_windows
from tests.benches.docs.end_to_end import SEED, UNITS

from podium.control.campaign.null_values import NULLS
from podium.control.facility.load import load_facility

pytestmark = pytest.mark.slow

EXAMPLE = Path(__file__).parents[1] / "examples" / "two_nodes" / "facility.yaml"
PODIUM = [sys.executable, "-m", "podium.control.cli"]
QUICK = 0.3
"""Thoroughness of the demo that is looked at from all sides."""
WITHIN_S = 560.0
QUBITS = [f"{node}.q{k}" for node in ("node_a", "node_b") for k in range(3)]


@dataclass
class Demo:
    """A demo that has ended."""

    folder: Path
    status: int
    said: str

    def json(self, name: str) -> dict:
        return json.loads((self.folder / name).read_text())


def demonstrate(folder: Path, thoroughness: float) -> Demo:
    words = ["demo", "--seed", SEED, "--thoroughness", thoroughness, "--report", folder / "report"]
    ended = subprocess.run(
        [*PODIUM, *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        cwd=folder,
        timeout=WITHIN_S,
    )
    return Demo(folder / "report", ended.returncode, ended.stdout)


@pytest.fixture(scope="module")
def demo(tmp_path_factory) -> Demo:
    return demonstrate(tmp_path_factory.mktemp("two_nodes"), QUICK)


def check_promises(demo: Demo) -> None:
    """All qubits are found, the skew is below its floor, and the death has harmed nobody."""
    told = demo.json("summary.json")
    assert told["failures"] == [], demo.said
    assert demo.status == 0, demo.said
    assert told["qubits_found"] == dict.fromkeys(QUBITS, True)
    skew = told["skew"]["nodes"]["node_b"]
    assert skew["after"]["world"]["rms_s"] < 100e-12
    assert skew["after"]["world"]["starts"] == skew["after"]["tagger"]["starts"]
    assert skew["before"]["world"]["rms_s"] > skew["after"]["world"]["rms_s"]
    fault = told["fault"]
    assert (fault["killed"], fault["runs_complete"]) == ("node_b", True)
    assert fault["runs_meanwhile"] > 0
    assert fault["noticed_s"] < fault["back_s"] < 60
    assert fault["started_together_again"]


@pytest.mark.timeout(600)
def test_both_nodes_come_up_start_together_and_outlive_a_death(demo) -> None:
    check_promises(demo)


@pytest.mark.timeout(600)
def test_both_nodes_were_at_work_at_the_same_time(demo) -> None:
    nodes = demo.json("summary.json")["nodes"]
    assert [one["found"] for one in nodes.values()] == [3, 3]
    order = re.findall(r"(node_[ab]): (\w.*)", demo.said)
    first, last = order.index(("node_b", "Time of flight")), order.index(("node_a", "Echo"))
    assert first < last
    begun = order.index(("node_a", "Time of flight")), order.index(("node_b", "Echo"))
    assert begun[0] < begun[1]


@pytest.mark.timeout(600)
def test_the_skew_in_truth_is_as_far_off_as_its_sigma_says(demo) -> None:
    skew = demo.json("summary.json")["skew"]["nodes"]["node_b"]
    # 5 sigma, of one draw of the cables and what the starts themselves average to
    assert abs(skew["after"]["world"]["mean_s"]) < 5 * skew["sigma_s"]
    tagged = skew["after"]["tagger"]
    assert abs(tagged["mean_s"]) < 5 * 20e-12, "the tagger agrees with what it was calibrated by"


@pytest.mark.timeout(600)
def test_the_report_shows_both_nodes_the_skew_and_the_death(demo) -> None:
    page = (demo.folder / "index.html").read_text()
    for told in ("One start on all nodes", "A node dies, the others go on", "SIGKILL"):
        assert told in page
    assert page.count("<h3>node_a</h3>") == page.count("<h3>node_b</h3>") > 20
    runs = demo.json("summary.json")["skew"]["runs"]
    assert len(runs) == 2, "one program of both, before the death and after"
    for run in runs:
        assert (demo.folder / "datasets" / f"{run}.nc").exists()


@pytest.mark.timeout(600)
def test_nothing_runs_when_it_has_ended(demo) -> None:
    folder = str(demo.folder)
    left = [
        one
        for one in psutil.process_iter(["cmdline"])
        if any(folder in word for word in one.info["cmdline"] or ())
    ]
    assert left == []


@pytest.mark.timeout(600)
def test_the_whole_demo_keeps_its_promises_within_five_minutes(tmp_path) -> None:
    demo = demonstrate(tmp_path, 1.0)
    check_promises(demo)
    told = demo.json("summary.json")
    assert told["wall_s"] < 300
    facility = load_facility(EXAMPLE)
    assert broken_windows(demo.folder, facility).keys() <= NOT_YET
    for null in NULLS:
        assert broken_windows(demo.folder, facility, null).keys() >= UNITS.keys()
